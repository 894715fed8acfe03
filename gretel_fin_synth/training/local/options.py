"""What a user may set of the embedded model; defaults adapt to the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from gretel_fin_synth.errors import ParameterError

MECHANISMS = ("copy", "due", "balance", "plan_codes", "matching", "calibration")


@dataclass(frozen=True)
class LSTMOptions:
    """Options of the embedded ``tabular-lstm``.

    Parameters
    ----------
    epochs : int
        Most passes over the training customers; training usually stops earlier by itself.
    hidden_size : int or None
        Units of the LSTM; None chooses by the number of rows.
    dropout : float
        Share of units left out while training, in [0, 1).
    learning_rate : float
        First learning rate of AdamW; it falls when the held-out loss does not.
    weight_decay : float
        Weight decay of AdamW.
    validation_fraction : float
        Share of customers held out inside ``fit`` to decide when to stop.
    min_customers : int or None
        k: no category, exact amount or extreme value that fewer customers have is ever generated. None
        means 5 where the table is large enough (250 customers), less below that, never below 2.
    plan_neighbours : int or None
        How many training customers, on average, are compatible with the coarse plan a synthetic customer is
        drawn from (the effective number of neighbours). Larger is more private. None chooses by table size.
    max_seconds : float or None
        Time after which training stops with the best state so far; None for no limit.
    without : tuple of str
        Mechanisms switched off, for ablation: any of ``copy``, ``due``, ``balance``, ``plan_codes``,
        ``matching``, ``calibration``.
    """

    epochs: int = 60
    hidden_size: int | None = None
    dropout: float = 0.3
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    validation_fraction: float = 0.12
    min_customers: int | None = None
    plan_neighbours: int | None = None
    max_seconds: float | None = None
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("epochs", self.epochs, self.epochs >= 1, "a whole number of at least 1")
        _require(
            "hidden_size",
            self.hidden_size,
            self.hidden_size is None or self.hidden_size >= 4,
            "None or a whole number of at least 4",
        )
        _require("dropout", self.dropout, 0 <= self.dropout < 1, "a number in [0, 1)")
        _require("learning_rate", self.learning_rate, self.learning_rate > 0, "a positive number")
        _require("weight_decay", self.weight_decay, self.weight_decay >= 0, "a number of at least 0")
        _require(
            "validation_fraction",
            self.validation_fraction,
            0 < self.validation_fraction < 0.9,
            "a number in (0, 0.9)",
        )
        _require(
            "min_customers",
            self.min_customers,
            self.min_customers is None or self.min_customers >= 1,
            "None or a whole number of at least 1",
        )
        _require(
            "plan_neighbours",
            self.plan_neighbours,
            self.plan_neighbours is None or self.plan_neighbours >= 1,
            "None or a whole number of at least 1",
        )
        _require(
            "max_seconds",
            self.max_seconds,
            self.max_seconds is None or self.max_seconds > 0,
            "None or a positive number of seconds",
        )
        unknown = sorted(set(self.without) - set(MECHANISMS))
        _require("without", self.without, not unknown, f"a tuple out of {MECHANISMS}")
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
        return cls(**{**values, "without": tuple(values.get("without", ()))})


def _require(name: str, value: object, holds: bool, allowed: str) -> None:
    if not holds:
        msg = f"Option {name}={value!r} cannot be used: it must be {allowed}."
        raise ParameterError(msg)
