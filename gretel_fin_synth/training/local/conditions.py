"""What a user may ask of the customers that are drawn: another window, other shares, a starting amount.

A condition changes a copy of the model: its calendar, its log odds, its plans. Shares are reached as in
:mod:`.matching`: customers are drawn, their shares compared with the wanted ones, and log odds moved.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from gretel_fin_synth.training._conditions import Asked, report_shares, step_towards, wanted_shares
from gretel_fin_synth.training.local.calendar import Calendar
from gretel_fin_synth.training.local.network import TransactionLSTM

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.model import Model

FloatArray = npt.NDArray[np.float64]

ROUNDS = 4
TRIAL_ROWS = 8_000
LARGEST_STEP = 2.0
GAINS = (0.3, 4.0)


class Conditions(Asked):
    """Checked options of sampling, and what they make of a model."""

    @classmethod
    def of(cls, options: dict[str, Any], model: Model) -> Conditions:
        """Check options against what the model knows.

        Raises
        ------
        ParameterError
            A name, column or value is not known, or a number cannot work.
        """
        dates = model.world.calendar.dates
        window = dates[0], dates[-1]
        return cls.check(options, kinds=model.kinds, minor_units=model.minor_units, window=window)

    def apply(self, model: Model) -> Model:
        """Return the model under these conditions; the given one stays as it is."""
        fitted = model
        if self.start is not None or self.end is not None:
            model = _moved(model, self.start, self.end)
        if self.starting is not None:
            model = replace(model, starting=self.starting)
        if model is not fitted and model.calibration is not None:
            model = replace(model, calibration=replace(model.calibration, averages=None))
        if self.shares:
            model = _shifted(model, self.shares)
        return model


def _moved(model: Model, start: np.datetime64 | None, end: np.datetime64 | None) -> Model:
    """Return the model on another window."""
    old = model.world.calendar
    first = old.dates[0] if start is None else start
    last = old.dates[-1] if end is None else end
    calendar = Calendar(first, int((last - first).astype(int)) + 1)
    world = replace(model.world, calendar=calendar)
    network = TransactionLSTM(model.network.sizes, world, model.options)
    network.load_state_dict(model.network.state_dict())
    longer = max(calendar.n_days / old.n_days, 1.0)
    guard = model.guard
    if guard is not None:
        guard = replace(guard, first_day=int((first - old.dates[0]).astype(int)))
    most = int(model.max_rows * longer) + 1
    return replace(model, world=world, network=network, guard=guard, max_rows=most)


def _shifted(model: Model, shares: dict[str, dict[str, float]]) -> Model:
    """Return the model with log odds moved until freely drawn customers show these shares."""
    wanted_of = wanted_shares(model.kinds, shares)
    network = TransactionLSTM(model.network.sizes, model.world, model.options)
    network.load_state_dict(model.network.state_dict())
    model = replace(model, network=network, calibration=None)
    with torch.no_grad():
        for covers, share in (part for wanted in wanted_of for part in wanted):
            if share == 0:
                network.kind_offset[torch.as_tensor(covers)] = -torch.inf
    n = int(np.clip(TRIAL_ROWS / max(model.mean_rows, 1), 60, 800))
    gain, step, before = 1.0, np.zeros(len(model.kinds)), None
    for number in range(ROUNDS):
        needed = step_towards(_kind_shares(model, n, number), wanted_of)
        if before is not None:  # how far the last step went, to go as far as needed
            gain = float(np.clip(((before - needed) @ step) / max(float(step @ step), 1e-9), *GAINS))
        before, step = needed, np.clip(needed / gain, -LARGEST_STEP, LARGEST_STEP)
        with torch.no_grad():
            network.kind_offset += torch.as_tensor(step).float()
            if number == 0:  # more of a kind is first of all more customers who have it
                network.first_offset += torch.as_tensor(np.maximum(step, 0)).float()
    report_shares(_kind_shares(model, n, ROUNDS), shares, wanted_of)
    return model


def _kind_shares(model: Model, n: int, number: int) -> FloatArray:
    """Return shares of rows of the kinds among freshly drawn customers, none of them 0."""
    drawn = model.candidates(n, np.random.default_rng([0, number]))[1]
    counts = np.bincount(drawn.kind, minlength=len(model.kinds)) + 0.5
    return np.asarray(counts / counts.sum())
