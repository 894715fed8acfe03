"""The embedded backend: puts the parts together and follows the life cycle of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from gretel_fin_synth._money import from_minor
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.local.building import Blueprint, draw_up
from gretel_fin_synth.training.local.calibration import Calibration
from gretel_fin_synth.training.local.clock import in_order
from gretel_fin_synth.training.local.extras import Rows
from gretel_fin_synth.training.local.fitting import Trainer
from gretel_fin_synth.training.local.matching import ROUNDS, match, settle
from gretel_fin_synth.training.local.model import Model
from gretel_fin_synth.training.local.network import TransactionLSTM
from gretel_fin_synth.training.local.options import LSTMOptions
from gretel_fin_synth.training.local.profiles import running_balances, swings
from gretel_fin_synth.training.local.progress import ProgressBar
from gretel_fin_synth.training.local.threads import one_thread

if TYPE_CHECKING:
    from pathlib import Path

    from gretel_fin_synth.training.backend import SampleRequest, TrainingTable
    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.plans import Plans

__all__ = ["LocalBackend"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class LocalBackend:
    """Embedded ``tabular-lstm``; see :class:`gretel_fin_synth.training.backend.Backend` for the life cycle.

    Parameters
    ----------
    **options
        See :class:`~gretel_fin_synth.training.local.options.LSTMOptions`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = LSTMOptions.from_dict(options)
        self.warnings: list[str] = []
        self._model: Model | None = None
        self._minor_units = 2

    @property
    def is_usable(self) -> bool:
        """Whether there is a state to sample from."""
        return self._model is not None

    @one_thread
    def fit(self, table: TrainingTable, *, seed: int, progress: bool | None) -> None:
        """Learn; on KeyboardInterrupt the best state so far is kept and the interrupt passed on."""
        self._model, self._minor_units = None, table.minor_units
        plan = draw_up(table, self.options, seed)
        self.warnings = plan.warnings
        torch.manual_seed(seed)
        network = TransactionLSTM(plan.sizes, plan.world, self.options)
        network.start_from(plan.data.kind)
        trainer = Trainer(
            network, plan.with_ends, plan.examples, plan.codes, plan.plans.noise, self.options, seed
        )
        try:
            with ProgressBar(self.options.epochs, progress) as bar:
                trainer.fit(plan.train, plan.held_out, bar.show)
            self._model = plan.model(network)
            self._adjust(self._model, plan, seed)
        except KeyboardInterrupt:
            if trainer.best.epoch:
                self._model = self._model or plan.model(network)
                self.warnings.append(
                    f"interrupted: the best state of {trainer.best.epoch} epochs is used, not fully adjusted"
                )
            raise
        if trainer.best.epoch == self.options.epochs:
            self.warnings.append(
                f"training reached its {self.options.epochs} epochs while still getting better; "
                "TransactionSynthesizer(epochs=...) allows more"
            )

    def _adjust(self, model: Model, plan: Blueprint, seed: int) -> None:
        """Let the model run freely and bring what it does closer to the data."""
        if self.options.uses("matching"):
            match(model.network, plan.data, lambda number: _candidates(model, plan, seed, number)[1])
        if self.options.uses("settling"):
            sign = model.world.sign

            def strays(number: int) -> FloatArray:
                plans, drawn = _candidates(model, plan, seed, ROUNDS + 1 + number)
                return swings(drawn, plans.start, plans.end, sign)

            end = running_balances(plan.data, plan.start, sign)[plan.data.offset[1:] - 1]
            settle(model.network, swings(plan.data, plan.start, end, sign), strays)
        if self.options.uses("calibration"):
            model.calibration = _calibrate(model, plan, seed)

    @one_thread
    def sample(self, request: SampleRequest) -> pd.DataFrame:
        """Draw new customers in blocks; options: ``temperature`` (default 1, smaller is more typical)."""
        model = self._fitted()
        temperature = _temperature(request.options)
        first, last = request.first_customer, request.first_customer + request.n_customers
        parts = []
        for number in model.blocks_of(first, last):
            begin, end = model.block_bounds(number)
            parts.append(
                self._block(
                    model,
                    number,
                    request.seed,
                    temperature,
                    max(first, begin) - begin,
                    min(last, end) - begin,
                )
            )
        return pd.concat(parts, ignore_index=True)

    def save(self, directory: Path) -> None:
        """Write JSON and weights."""
        self._fitted().save(directory)

    def load(self, directory: Path) -> None:
        """Read what ``save`` wrote."""
        self._model = Model.load(directory)
        self._minor_units = self._model.minor_units

    def _fitted(self) -> Model:
        if self._model is None:
            msg = "The backend has not been fitted."
            raise ParameterError(msg)
        return self._model

    def _block(
        self, model: Model, number: int, seed: int, temperature: float, begin: int, end: int
    ) -> pd.DataFrame:
        """Return customers ``begin`` to ``end`` of one block as a table."""
        start, drawn = model.draw_block(number, seed, temperature)
        customer = np.repeat(np.arange(len(start)), drawn.length)
        dates = model.world.calendar.dates[drawn.day].astype("datetime64[s]")
        if model.clock is not None:
            seconds = model.clock.draw(drawn.kind, np.random.default_rng([seed, number, 1]))
            dates = dates + in_order(customer, drawn.day, seconds)
        extras = {}
        if model.extras is not None:
            seconds = (dates - dates.astype("datetime64[D]")).astype(np.int64)
            rows = Rows.of(drawn, seconds, model.world.calendar.first, len(model.kinds))
            extras = model.extras.draw(rows, np.random.default_rng([seed, number, 2]))
        types, categories = (np.array(names, dtype=object) for names in zip(*model.kinds, strict=True))
        table = pd.DataFrame(
            {
                "customer_id": (customer + model.block_bounds(number)[0]).astype(str),
                "transaction_date": dates,
                "transaction_amount": from_minor(drawn.cents, model.minor_units),
                "transaction_type": pd.array(types[drawn.kind], dtype="str"),
                "transaction_category": pd.array(categories[drawn.kind], dtype="str"),
                "starting_amount": from_minor(start[customer], model.minor_units),
                **extras,
            }
        )
        return table.iloc[drawn.offset[begin] : drawn.offset[end]]


def _calibrate(model: Model, plan: Blueprint, seed: int) -> Calibration:
    """Learn how to choose among candidates, on candidates of its own."""
    plans, drawn = _candidates(model, plan, seed, ROUNDS)
    return Calibration.fit(
        model.profiler.traits(plan.data, plan.start, model.world),
        model.profiler.traits(drawn, plans.start, model.world),
    )


def _candidates(model: Model, plan: Blueprint, seed: int, number: int) -> tuple[Plans, Sequences]:
    n = int(np.clip(20_000 / plan.data.length.mean(), 120, 800))
    return model.candidates(n, np.random.default_rng([seed, 1, number]))


def _temperature(options: dict[str, Any]) -> float:
    unknown = sorted(set(options) - {"temperature"})
    if unknown:
        msg = f"Unknown sampling option {unknown[0]!r} for backend 'local'.\n\nHint: it knows temperature=1.0"
        raise ParameterError(msg)
    temperature = options.get("temperature", 1.0)
    if not isinstance(temperature, (int, float)) or isinstance(temperature, bool) or not temperature > 0:
        msg = f"temperature={temperature!r} cannot be used: it must be a positive number; 1 is as learned."
        raise ParameterError(msg)
    return float(temperature)
