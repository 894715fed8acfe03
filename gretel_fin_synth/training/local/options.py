"""What a user may set of the embedded model; defaults adapt to the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

MECHANISMS = (
    "copy",
    "due",
    "balance",
    "shares",
    "order",
    "habits",
    "plan_codes",
    "matching",
    "settling",
    "floor",
    "closing",
    "guard",
    "calibration",
    "balancing",
)


@dataclass(frozen=True)
class LSTMOptions:
    """Options of the embedded ``tabular-lstm``.

    Parameters
    ----------
    epochs : int
        Most passes over the training customers; training usually stops earlier by itself.
    hidden_size : int or None
        Units of the LSTM; None chooses by the number of rows.
    dropout : float or None
        Share of units left out while training, in [0, 1); None chooses by the number of customers.
    learning_rate : float
        First learning rate of AdamW; it falls when the held-out loss does not.
    weight_decay : float
        Weight decay of AdamW.
    validation_fraction : float
        Share of customers held out inside ``fit`` to decide when to stop.
    min_customers : int or None
        k: no category, exact amount or extreme value that fewer customers have is ever generated. None
        means 5 where the table is large enough (250 customers), less below that, never below 3.
    plan_neighbours : int or None
        How many training customers, on average, are compatible with the coarse plan a synthetic customer is
        drawn from (the effective number of neighbours). Larger is more private. None chooses by table size.
    max_seconds : float or None
        Time after which training stops with the best state so far; None for no limit.
    device : str or None
        Where the network is trained, in torch's words: ``"cpu"``, ``"cuda"``. None takes a GPU when there is
        one; then the same seed need not give the same rows. Sampling runs on the CPU.
    checkpoint : str or None
        A file that is kept while training, so that a training that was interrupted goes on when ``fit`` is
        called again with the same table, options and seed, and ends as it would have. Removed at the end. As
        confidential as the table.
    without : tuple of str
        Mechanisms switched off, for ablation: any of ``copy``, ``due``, ``balance``, ``shares``,
        ``order``, ``habits``, ``plan_codes``, ``matching``, ``settling``, ``floor``, ``closing``, ``guard``,
        ``calibration``, ``balancing`` (without calibration there is no balancing either).
    """

    epochs: int = 60
    hidden_size: int | None = None
    dropout: float | None = None
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    validation_fraction: float = 0.12
    min_customers: int | None = None
    plan_neighbours: int | None = None
    max_seconds: float | None = None
    device: str | None = None
    checkpoint: str | None = None
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_whole("epochs", self.epochs, least=1)
        _check_whole("hidden_size", self.hidden_size, least=4, optional=True)
        _check_whole("min_customers", self.min_customers, least=1, optional=True)
        _check_whole("plan_neighbours", self.plan_neighbours, least=1, optional=True)
        if self.dropout is not None:
            _check_number("dropout", self.dropout, lambda x: 0 <= x < 1, "None or a number in [0, 1)")
        _check_number("learning_rate", self.learning_rate, lambda x: x > 0, "a positive number")
        _check_number("weight_decay", self.weight_decay, lambda x: x >= 0, "a number of at least 0")
        _check_number("validation_fraction", self.validation_fraction, lambda x: 0 < x < 0.9, "in (0, 0.9)")
        if self.max_seconds is not None:
            _check_number("max_seconds", self.max_seconds, lambda x: x > 0, "None or a positive number")
        for name in ("device", "checkpoint"):
            value = getattr(self, name)
            _require(name, value, value is None or (isinstance(value, str) and value != ""), "None or text")
        known = isinstance(self.without, (tuple, list)) and set(self.without) <= set(MECHANISMS)
        _require("without", self.without, known, f"a tuple out of {MECHANISMS}")
        object.__setattr__(self, "without", tuple(self.without))

    def uses(self, mechanism: str) -> bool:
        """Whether a mechanism is on."""
        return mechanism not in self.without

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "without": list(self.without)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LSTMOptions:
        """Build from plain values; an unknown name is an error that lists the known ones."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            names = ", ".join(known)
            msg = f"Unknown option {unknown[0]!r} for backend 'local'.\n\nHint: the options are {names}."
            raise ParameterError(msg)
        return cls(**values)


def _check_whole(name: str, value: Any, *, least: int, optional: bool = False) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool) and value >= least  # type: ignore[operator]
    allowed = f"a whole number of at least {least}"
    _require(
        name, value, whole or (optional and value is None), f"None or {allowed}" if optional else allowed
    )


def _check_number(name: str, value: object, holds: Callable[[float], bool], allowed: str) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    _require(name, value, number and holds(float(value)), allowed)  # type: ignore[arg-type]


def _require(name: str, value: object, holds: bool, allowed: str) -> None:
    if not holds:
        msg = f"Option {name}={value!r} cannot be used: it must be {allowed}."
        raise ParameterError(msg)
