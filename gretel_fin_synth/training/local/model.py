"""The fitted model: everything that is needed to draw customers, and how it is written to disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from gretel_fin_synth.training.local.balancing import exchange
from gretel_fin_synth.training.local.calibration import Calibration
from gretel_fin_synth.training.local.clock import Clock
from gretel_fin_synth.training.local.closing import Closing
from gretel_fin_synth.training.local.encoding import world_from_dict, world_to_dict
from gretel_fin_synth.training.local.extras import ExtraModels
from gretel_fin_synth.training.local.guard import RowGuard
from gretel_fin_synth.training.local.network import Sizes, TransactionLSTM
from gretel_fin_synth.training.local.options import LSTMOptions
from gretel_fin_synth.training.local.plans import PlanModel, Plans
from gretel_fin_synth.training.local.profiles import Profiler
from gretel_fin_synth.training.local.sampling import draw_sequences

if TYPE_CHECKING:
    from pathlib import Path

    from gretel_fin_synth.training.local.examples import Sequences
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]

CANDIDATES = 2
MOST_CANDIDATES = 10
MANY_CANDIDATES = 3_000
CANDIDATE_ROWS = 30_000
SPARE = 16


@dataclass
class Model:
    """A fitted embedded model.

    ``kinds`` holds the pairs of type and category in the order of their codes; ``blocks`` how many
    customers are drawn together, at first and at most; ``max_rows`` the most rows a customer may get and
    ``mean_rows`` their mean in training; ``starting`` (limits of starting amounts, minor units) comes from
    conditions.
    """

    kinds: list[tuple[str, str]]
    world: World
    plans: PlanModel
    profiler: Profiler
    network: TransactionLSTM
    calibration: Calibration | None
    guard: RowGuard | None
    closing: Closing | None
    clock: Clock | None
    extras: ExtraModels | None
    options: LSTMOptions
    blocks: tuple[int, int]
    minor_units: int
    max_rows: int
    mean_rows: float
    starting: tuple[int, int] | None = None

    def candidates(
        self, n: int, rng: np.random.Generator, temperature: float = 1.0
    ) -> tuple[Plans, Sequences]:
        """Draw customers as the network makes them, without calibration."""
        plans = self._plans(n, rng)
        if not self.options.uses("plan_codes"):
            plans.code[:] = 0
        drawn = draw_sequences(
            self.network,
            self.world,
            plans,
            rng,
            max_rows=self.max_rows,
            temperature=temperature,
            guard=self.guard,
        )
        if self.closing is not None:
            drawn = self.closing.applied(drawn, plans.start, self.world, rng)
        return plans, drawn

    def _plans(self, n: int, rng: np.random.Generator) -> Plans:
        """Draw plans and fit them to the conditions."""
        plans = self.plans.draw(n if self.starting is None else SPARE * n, rng)
        if self.starting is not None:
            plans = plans.starting_within(*self.starting, n)
        if self.world.calendar.n_days != self.plans.n_days:
            plans = plans.stretched(self.plans.n_days, self.world.calendar.n_days)
        return plans

    def block_bounds(self, number: int) -> tuple[int, int]:
        """Return the first customer of a block and the one after its last.

        Blocks 0 and 1 are half as large as the table; later ones double, up to the largest size: a small
        request wastes little, and a large one is fast.
        """
        first, largest = self.blocks
        size, begin = first, 0
        for earlier in range(number):
            begin += size
            size = size if earlier == 0 else min(2 * size, largest)
        return begin, begin + size

    def blocks_of(self, first: int, last: int) -> range:
        """Return the blocks that hold the customers from ``first`` to before ``last``."""
        number = 0
        while self.block_bounds(number)[1] <= first:
            number += 1
        begin = number
        while self.block_bounds(number)[1] < last:
            number += 1
        return range(begin, number + 1)

    def draw_block(self, number: int, seed: int, temperature: float = 1.0) -> tuple[IntArray, Sequences]:
        """Draw a block of customers, the same for (seed, number): starting amounts and sequences."""
        rng = np.random.default_rng([seed, number])
        begin, end = self.block_bounds(number)
        size = end - begin
        if self.calibration is None:
            plans, drawn = self.candidates(size, rng, temperature)
            return plans.start, drawn
        plans, drawn = self.candidates(self._n_candidates(size), rng, temperature)
        weight = np.ones(len(plans)) if self.guard is None else self.guard.weight(drawn)
        traits = self.profiler.traits(drawn, plans.start, self.world)
        chosen = self.calibration.choose(traits, size, rng, weight)
        if self.calibration.averages is not None:
            standardised = self.calibration.standardised(traits)
            away = self.calibration.averages.away(drawn, standardised, self.world)
            chosen = exchange(away, chosen, weight, rng)
        chosen = rng.permutation(chosen)
        return plans.start[chosen], drawn.take(chosen)

    def _n_candidates(self, size: int) -> int:
        """Return how many candidates to draw for so many customers; where they cost little, more."""
        more = min(int(CANDIDATE_ROWS / max(self.mean_rows, 1)), MOST_CANDIDATES * size, MANY_CANDIDATES)
        return max(more, CANDIDATES * size)

    def save(self, directory: Path) -> None:
        """Write JSON and weights."""
        state = {
            "kinds": self.kinds,
            "world": world_to_dict(self.world),
            "plans": self.plans.to_dict(),
            "profiler": self.profiler.to_dict(),
            "sizes": asdict(self.network.sizes),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "guard": None if self.guard is None else self.guard.to_dict(),
            "closing": None if self.closing is None else self.closing.to_dict(),
            "clock": None if self.clock is None else self.clock.to_dict(),
            "extras": None if self.extras is None else self.extras.to_dict(),
            "options": self.options.to_dict(),
            "blocks": list(self.blocks),
            "minor_units": self.minor_units,
            "max_rows": self.max_rows,
            "mean_rows": self.mean_rows,
        }
        (directory / "model.json").write_text(json.dumps(state), encoding="utf-8")
        torch.save(self.network.state_dict(), directory / "weights.pt")

    @classmethod
    def load(cls, directory: Path) -> Model:
        """Inverse of :meth:`save`."""
        state: dict[str, Any] = json.loads((directory / "model.json").read_text(encoding="utf-8"))
        world = world_from_dict(state["world"])
        options = LSTMOptions.from_dict(state["options"])
        network = TransactionLSTM(Sizes(**state["sizes"]), world, options)
        network.load_state_dict(torch.load(directory / "weights.pt", weights_only=True))
        calibration, clock, extras = state["calibration"], state["clock"], state.get("extras")
        closing = state["closing"]
        return cls(
            kinds=[(a, b) for a, b in state["kinds"]],
            world=world,
            plans=PlanModel.from_dict(state["plans"]),
            profiler=Profiler.from_dict(state["profiler"]),
            network=network,
            calibration=None if calibration is None else Calibration.from_dict(calibration),
            guard=None if state["guard"] is None else RowGuard.from_dict(state["guard"]),
            closing=None if closing is None else Closing.from_dict(closing),
            clock=None if clock is None else Clock.from_dict(clock),
            extras=None if extras is None else ExtraModels.from_dict(extras),
            options=options,
            blocks=(state["blocks"][0], state["blocks"][1]),
            minor_units=state["minor_units"],
            max_rows=state["max_rows"],
            mean_rows=state["mean_rows"],
        )
