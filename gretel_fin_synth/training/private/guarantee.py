"""The promise to customers: what is asked for, and what was spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from math import floor, isfinite, log10
from numbers import Integral, Real
from typing import Any

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.private.accounting import Charge, epsilon_of, rho_of

__all__ = ["DifferentialPrivacy", "PrivacyStatement"]

LEAST_CUSTOMERS = 50
LARGEST_EPSILON = 50.0
LARGEST_DELTA = 1e-3
USUAL_DELTA = 1e-5
SELECTION = 0.1  # part of delta that goes to showing categories
LEAST_SIGNAL = 8.0  # customers times the square root of rho below which there is nothing but noise
PUBLIC = ("categories", "window", "amounts", "values")


@dataclass(frozen=True)
class DifferentialPrivacy:
    """Ask for a model that hardly depends on any one customer, whatever anybody knows.

    The unit is a customer with all transactions: whether one customer's whole history is in the table or is
    blank changes the probability of any outcome by at most a factor of e to the `epsilon`, but for a
    probability of `delta`. The number of customers is public. The page "What the guarantee says" explains it.

    Parameters
    ----------
    epsilon : float
        Above 0, at most 50. Up to 1 is strong, up to 10 is usual, above that little is promised.
    delta : float, optional
        In (0, 0.001], and below 1 / customers. By default 1e-5, or less where a tenth of 1 / customers is.
    max_transactions : int, default 2000
        Transactions of a customer that are looked at, the earliest; later ones are ignored. It does not
        depend on the table and so costs nothing.
    public : mapping, optional
        What everybody may know without the table, and so costs nothing: ``"categories"``, pairs of type and
        category; ``"window"``, first and last date; ``"amounts"``, triples of type, category and an amount
        that many pay to the cent, such as a fee (an empty list: none are looked for); ``"values"``, for
        extra columns the list of their values.
        Give here only what you know from elsewhere, never what you read off the table.

    Raises
    ------
    ParameterError
        If a value cannot work or promises nothing.

    Examples
    --------
    >>> from gretel_fin_synth import DifferentialPrivacy
    >>> DifferentialPrivacy(epsilon=3.0, public={"window": ("2024-01-01", "2024-12-31")}).epsilon
    3.0
    """

    epsilon: float
    delta: float | None = None
    max_transactions: int = 2000
    public: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _number("epsilon", self.epsilon, LARGEST_EPSILON, "DifferentialPrivacy(epsilon=3.0)")
        if self.delta is not None:
            _number("delta", self.delta, LARGEST_DELTA, "DifferentialPrivacy(epsilon=3.0, delta=1e-5)")
        whole = isinstance(self.max_transactions, Integral) and not isinstance(self.max_transactions, bool)
        if not whole or self.max_transactions < 1:
            msg = f"max_transactions={self.max_transactions!r} cannot be used: a whole number from 1 on is."
            raise ParameterError(f"{msg}\n\nHint: max_transactions=2000")
        object.__setattr__(self, "public", _public(self.public))

    def delta_for(self, n_customers: int) -> float:
        """Return delta for a table of so many customers; refuse what would be no promise, or no model.

        Raises
        ------
        ParameterError
            If there are too few customers, delta reaches 1 / customers, or noise would drown everything.
        """
        if n_customers < LEAST_CUSTOMERS:
            msg = (
                f"{n_customers} customers are too few for differential privacy: it needs {LEAST_CUSTOMERS}, "
                "and some hundreds to be of use."
            )
            raise ParameterError(f"{msg}\n\nHint: fit a larger table, or make_transactions(1000)")
        usual = min(USUAL_DELTA, 10.0 ** floor(log10(0.1 / n_customers)))
        delta = usual if self.delta is None else self.delta
        if delta >= 1 / n_customers:
            msg = (
                f"delta={delta!r} is no promise to {n_customers:,} customers: with it, the whole history of "
                f"one of them might be shown. It must be below 1 / customers = {1 / n_customers:.2g}."
            )
            raise ParameterError(
                f"{msg}\n\nHint: DifferentialPrivacy(epsilon={self.epsilon}, delta={usual:g})"
            )
        rho = rho_of(self.epsilon, delta)
        if n_customers * rho**0.5 < LEAST_SIGNAL:
            msg = (
                f"epsilon={self.epsilon!r} for {n_customers} customers asks for more noise than there is to "
                "learn; the result would be random."
            )
            raise ParameterError(f"{msg}\n\nHint: more customers, or a larger epsilon")
        return delta

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        public = {name: _plain(value) for name, value in self.public.items()}
        return {
            "epsilon": float(self.epsilon),
            "delta": self.delta,
            "max_transactions": int(self.max_transactions),
            "public": public,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DifferentialPrivacy:
        """Inverse of :meth:`to_dict`."""
        return cls(**values)


@dataclass(frozen=True)
class PrivacyStatement:
    """What was spent, and on what; printed, it says so in words.

    Parameters
    ----------
    epsilon, delta : float
        The guarantee, for one customer with all transactions.
    parts : tuple of Charge
        The releases; their ``rho`` add up.
    n_customers : int
        Customers of the table, a number that is taken to be public.
    max_transactions : int
        Transactions of a customer that were looked at.
    public : tuple of str
        What was given as public knowledge.
    secure_noise : bool
        Whether the noise came from the system's secure source; without it there is no guarantee.
    """

    epsilon: float
    delta: float
    parts: tuple[Charge, ...]
    n_customers: int
    max_transactions: int
    public: tuple[str, ...] = ()
    secure_noise: bool = True

    @property
    def rho(self) -> float:
        """What was spent in zero-concentrated differential privacy."""
        return sum(part.rho for part in self.parts)

    def __str__(self) -> str:
        if not self.secure_noise:
            return "NOT PRIVATE: the noise of this model can be reproduced; it is for tests only."
        given = f" Taken as public: {', '.join(self.public)}." if self.public else ""
        return (
            f"Differentially private per customer: epsilon {self.epsilon:.3g}, delta {self.delta:.2g}. "
            f"Whether a customer's whole history (up to {self.max_transactions:,} transactions) was in the "
            f"table or blank changes the probability of anything this model shows by a factor of at most "
            f"{_factor(self.epsilon)}, except with probability {self.delta:.2g}. {len(self.parts)} noisy "
            f"measurements add up to this (rho {self.rho:.4g}); sampling costs nothing more, another fit on "
            f"the same customers adds its own epsilon.{given} The number of customers, "
            f"{self.n_customers:,}, is public."
        )

    def table(self) -> list[dict[str, Any]]:
        """Return one row per release: its share of the budget, its noise, its size; for a data frame."""
        return [
            {
                "part": part.name,
                "share": part.rho / self.rho,
                "rho": part.rho,
                "epsilon_alone": epsilon_of(part.rho, self.delta) if part.rho else 0.0,
                "delta": part.delta,
                "noise": part.sigma,
                "bound_per_customer": part.clip,
                "numbers": part.size,
            }
            for part in self.parts
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        values = {name: value for name, value in vars(self).items() if name not in ("parts", "public")}
        return {**values, "public": list(self.public), "parts": [asdict(part) for part in self.parts]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PrivacyStatement:
        """Inverse of :meth:`to_dict`."""
        parts = tuple(Charge(**part) for part in values["parts"])
        return cls(**{**values, "parts": parts, "public": tuple(values["public"])})


def _factor(epsilon: float) -> str:
    factor = 2.718281828459045**epsilon
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"


def _number(name: str, value: Any, most: float, hint: str) -> None:
    sound = (
        isinstance(value, Real)
        and not isinstance(value, bool)
        and isfinite(value)
        and 0 < float(value) <= most
    )
    if not sound:
        msg = f"{name}={value!r} cannot be used: it must be a number above 0, at most {most:g}."
        raise ParameterError(f"{msg}\n\nHint: {hint}")


def _public(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or any(name not in PUBLIC for name in given):
        msg = f"public={given!r} cannot be used: it must be a mapping with keys out of {PUBLIC}."
        raise ParameterError(f'{msg}\n\nHint: public={{"window": ("2024-01-01", "2024-12-31")}}')
    checks = {"categories": _categories, "window": _window, "amounts": _amounts, "values": _values}
    return {name: checks[name](value) for name, value in given.items()}


def _categories(value: Any) -> list[tuple[str, str]]:
    try:
        pairs = sorted({(str(kind), str(category)) for kind, category in value})
    except (TypeError, ValueError):
        pairs = []
    if not pairs or any(kind not in ("credit", "debit") for kind, _ in pairs):
        msg = f"public categories {value!r} cannot be used: pairs of 'credit' or 'debit' and a name can."
        raise ParameterError(
            f'{msg}\n\nHint: public={{"categories": [("debit", "rent"), ("credit", "salary")]}}'
        )
    return pairs


def _amounts(value: Any) -> list[tuple[str, str, float]]:
    try:
        triples = sorted({(str(kind), str(category), float(amount)) for kind, category, amount in value})
        sound = all(kind in ("credit", "debit") and 0 < paid < 1e12 for kind, _, paid in triples)
    except (TypeError, ValueError):
        sound = False
    if not sound:
        msg = f"public amounts {value!r} cannot be used: triples of type, category and an amount above 0 can."
        raise ParameterError(f'{msg}\n\nHint: public={{"amounts": [("debit", "statement fee", 1.50)]}}')
    return triples


def _window(value: Any) -> tuple[str, str]:
    try:
        first, last = (date.fromisoformat(str(day)[:10]) for day in value)
        sound = date(1900, 1, 1) <= first <= last < date(2200, 1, 1)
    except (TypeError, ValueError):
        sound = False
    if not sound:
        msg = f"public window {value!r} cannot be used: it must be a first and a last date, in this order."
        raise ParameterError(f'{msg}\n\nHint: public={{"window": ("2024-01-01", "2024-12-31")}}')
    return str(first), str(last)


def _values(value: Any) -> dict[str, list[Any]]:
    if not isinstance(value, Mapping) or any(isinstance(own, str) for own in value.values()):
        msg = f"public values {value!r} cannot be used: they must be a mapping of extra columns to lists."
        raise ParameterError(f'{msg}\n\nHint: public={{"values": {{"channel": ["card", "online"]}}}}')
    return {str(name): list(own) for name, own in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(own) for name, own in value.items()}
    return [_plain(own) for own in value] if isinstance(value, (list, tuple)) else value
