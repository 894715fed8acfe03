"""The embedded backend: puts the parts together and follows the life cycle of a backend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from gretel_fin_synth._money import from_minor
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training._words import kinds_in_words
from gretel_fin_synth.training.local.balancing import Averages
from gretel_fin_synth.training.local.building import Blueprint, draw_up, least_customers
from gretel_fin_synth.training.local.calibration import Calibration
from gretel_fin_synth.training.local.checkpoint import Checkpoint, fingerprint_of
from gretel_fin_synth.training.local.clock import in_order
from gretel_fin_synth.training.local.conditions import Conditions
from gretel_fin_synth.training.local.extras import Rows
from gretel_fin_synth.training.local.fitting import Trainer
from gretel_fin_synth.training.local.guard import RowGuard
from gretel_fin_synth.training.local.inherit import inherit
from gretel_fin_synth.training.local.matching import match
from gretel_fin_synth.training.local.model import Model
from gretel_fin_synth.training.local.network import TransactionLSTM
from gretel_fin_synth.training.local.options import LSTMOptions
from gretel_fin_synth.training.local.profiles import swings
from gretel_fin_synth.training.local.progress import ProgressBar
from gretel_fin_synth.training.local.threads import one_thread

if TYPE_CHECKING:
    from gretel_fin_synth.training.backend import SampleRequest, TrainingTable
    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.plans import Plans

__all__ = ["LocalBackend"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

GUARDED, CALIBRATED = 16, 17  # numbers of the draws that follow those of matching


class LocalBackend:
    """Embedded ``tabular-lstm``; see :class:`gretel_fin_synth.training.backend.Backend` for the life cycle.

    Parameters
    ----------
    **options
        See :class:`~gretel_fin_synth.training.local.options.LSTMOptions`.

    Attributes
    ----------
    loss : float or None
        Least negative log likelihood per transaction of the customers held out inside ``fit``, in nats.
    """

    def __init__(self, **options: Any) -> None:
        self.options = LSTMOptions.from_dict(options)
        self.warnings: list[str] = []
        self.loss: float | None = None
        self._model: Model | None = None
        self._earlier: Model | None = None
        self._conditioned: tuple[str, Model] | None = None
        self._minor_units = 2

    @property
    def is_usable(self) -> bool:
        """Whether there is a state to sample from."""
        return self._model is not None

    @property
    def learned(self) -> dict[str, str]:
        """What was learned, in words, for those who look at the synthesizer."""
        model = self._fitted()
        days = model.world.calendar.dates
        numbers = sum(value.numel() for value in model.network.state_dict().values())
        loss = {} if self.loss is None else {"Surprise": f"{self.loss:.2f} nats a transaction, held out"}
        return {
            "Days": f"{days[0]} to {days[-1]}",
            **kinds_in_words(model.kinds),
            "Network": f"tabular-lstm, {numbers:,} parameters",
            **loss,
        }

    @one_thread
    def fit(self, table: TrainingTable, *, seed: int, progress: bool | None) -> None:
        """Learn; on KeyboardInterrupt the best state so far is kept and the interrupt passed on."""
        self._model, self._conditioned, self._minor_units = None, None, table.minor_units
        plan = draw_up(table, self._options_for_fit(), seed)
        self.warnings = plan.warnings
        torch.manual_seed(seed)
        network = TransactionLSTM(plan.sizes, plan.world, self.options)
        network.start_from(plan.data.kind)
        if self._earlier is not None:
            inherit(network, plan.kinds, self._earlier)
        trainer = Trainer(
            network,
            plan.with_ends,
            plan.examples,
            plan.codes,
            plan.plans.code_noise,
            self.options,
            seed,
            _device(self.options.device),
            _checkpoint(plan, network, self.options, seed),
        )
        try:
            with ProgressBar(self.options.epochs, progress) as bar:
                trainer.fit(plan.train, plan.held_out, bar.show)
            self.loss = trainer.best.loss
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

    def start_from(self, earlier: LocalBackend) -> None:
        """Let the next ``fit`` begin with what an earlier fitted backend learned."""
        self._earlier = earlier._fitted()

    def _options_for_fit(self) -> LSTMOptions:
        """Return the options, with the width of the earlier network if there is one."""
        if self._earlier is None:
            return self.options
        return replace(self.options, hidden_size=self._earlier.network.sizes.hidden)

    def _adjust(self, model: Model, plan: Blueprint, seed: int) -> None:
        """Let the model run freely and bring what it does closer to the data."""
        settling, sign = self.options.uses("settling"), model.world.sign

        def draw(number: int) -> tuple[Sequences, FloatArray | None]:
            plans, drawn = _candidates(model, plan, seed, number)
            return drawn, swings(drawn, plans.start, plans.end, sign) if settling else None

        frequencies, drawn = self.options.uses("matching"), None
        if frequencies or settling:
            swing = plan.swing if settling else None
            drawn = match(model.network, plan.data, draw, swing=swing, frequencies=frequencies)
        if self.options.uses("guard"):
            drawn = _candidates(model, plan, seed, GUARDED)[1] if drawn is None else drawn
            model.guard = RowGuard.fit(plan.data, drawn, least_customers(len(plan.start), self.options))
        if self.options.uses("calibration"):
            model.calibration = _calibrate(model, plan, seed)

    @one_thread
    def sample(self, request: SampleRequest) -> pd.DataFrame:
        """Draw new customers in blocks; for the options see :class:`.conditions.Conditions`."""
        conditions = Conditions.of(request.options, self._fitted())
        model = self._under(conditions)
        first, last = request.first_customer, request.first_customer + request.n_customers

        def draw(number: int) -> pd.DataFrame:
            begin, end = model.block_bounds(number)
            inside = max(first, begin) - begin, min(last, end) - begin
            return self._block(model, number, request.seed, conditions.temperature, *inside)

        return pd.concat(map(draw, model.blocks_of(first, last)), ignore_index=True)

    def block_bounds(self, number: int) -> tuple[int, int]:
        """Return the first customer of a block that is drawn together, and the one after its last."""
        return self._fitted().block_bounds(number)

    def save(self, directory: Path) -> None:
        """Write JSON and weights."""
        self._fitted().save(directory)

    def load(self, directory: Path) -> None:
        """Read what ``save`` wrote."""
        self._model, self._conditioned = Model.load(directory), None
        self._minor_units = self._model.minor_units

    def _fitted(self) -> Model:
        if self._model is None:
            msg = "The backend has not been fitted."
            raise ParameterError(msg)
        return self._model

    def _under(self, conditions: Conditions) -> Model:
        """Return the model under conditions; the last one is kept, for customers drawn in parts."""
        if self._conditioned is None or self._conditioned[0] != conditions.key:
            self._conditioned = conditions.key, conditions.apply(self._fitted())
        return self._conditioned[1]

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


def _device(name: str | None) -> torch.device:
    """Return the device to train on; a GPU when there is one, unless another is named."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        msg = f"device={name!r} cannot be used here: {error}".splitlines()[0]
        raise ParameterError(f"{msg}\n\nHint: device='cpu', or None to let the library choose") from error
    return device


def _checkpoint(
    plan: Blueprint, network: TransactionLSTM, options: LSTMOptions, seed: int
) -> Checkpoint | None:
    """Return the file that training is written to, if one is wanted."""
    if options.checkpoint is None:
        return None
    known = {name: value for name, value in options.to_dict().items() if name not in ("checkpoint", "device")}
    weights = [value.numpy() for value in network.state_dict().values()]
    arrays = [plan.data.kind, plan.data.day, plan.data.cents, plan.data.offset, plan.start, *weights]
    return Checkpoint(Path(options.checkpoint), fingerprint_of(arrays, known, seed))


def _calibrate(model: Model, plan: Blueprint, seed: int) -> Calibration:
    """Learn how to choose among candidates, on candidates of its own."""
    plans, drawn = _candidates(model, plan, seed, CALIBRATED)
    real = model.profiler.traits(plan.data, plan.start, model.world)
    found = Calibration.fit(real, model.profiler.traits(drawn, plans.start, model.world))
    if not plan.options.uses("balancing"):
        return found
    k = least_customers(len(plan.start), plan.options)
    return replace(found, averages=Averages.fit(plan.data, found.standardised(real), model.world, k))


def _candidates(model: Model, plan: Blueprint, seed: int, number: int) -> tuple[Plans, Sequences]:
    n = int(np.clip(20_000 / plan.data.length.mean(), 120, 800))
    return model.candidates(n, np.random.default_rng([seed, 1, number]))
