"""The network: an LSTM over a customer's transactions and three heads: kind, then date, then amount.

Source of the parts: LSTM (Hochreiter and Schmidhuber 1997); copying from the own past as one term of a
mixture is the pointer of pointer-generator networks (See et al. 2017, arXiv 1704.04368), here for amounts
and for due dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from gretel_fin_synth.training.local.calendar import N_RULES
from gretel_fin_synth.training.local.history import (
    COPY_FEATURES,
    COVER,
    DUE,
    GAP_EDGES,
    N_AGES,
    N_COVER,
    N_GAP,
    N_PLAN,
    N_RELATIVE,
    N_SINCE,
    N_THIS_MONTH,
    N_USED,
    ORDER,
    USED,
)
from gretel_fin_synth.training.local.memory import N_TIMES
from gretel_fin_synth.training.local.order import N_ORDER
from gretel_fin_synth.training.local.schedules import N_DUE

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.examples import IntArray
    from gretel_fin_synth.training.local.options import LSTMOptions
    from gretel_fin_synth.training.local.world import World

State = tuple[Tensor, Tensor]
TABLE_RATE = 20
MOST_KEPT = 4.0
KIND_SIZE = 24
N_BUMPS = 14
DAY_SIZE = 31 + 5 + 7 + 12
CLASS_SIZES = (N_SINCE, N_DUE, N_USED, N_THIS_MONTH, N_ORDER, N_COVER)
MECHANISM_OF = {DUE: "due", ORDER: "order", COVER: "balance"}


@dataclass(frozen=True)
class Sizes:
    """Widths that the network is built with; saved with the model."""

    n_kinds: int
    n_context: int
    n_kind_context: int
    n_code: int
    n_gaps: int
    hidden: int
    dropout: float


class TransactionLSTM(nn.Module):
    """p(kind | past), p(date | kind, past), p(amount | kind, date, past) for each transaction.

    Parameters
    ----------
    sizes : Sizes
        Widths.
    world : World
        Calendar, cells of amounts and scales of the table; its arrays become constants of the network.
    options : LSTMOptions
        Which mechanisms are on.
    """

    day_basis: Tensor
    day_places: Tensor
    gap_class_of: Tensor
    gaps: Tensor
    cell_below: Tensor
    cell_share: Tensor
    share_below: Tensor
    share_share: Tensor
    share_log_mass: Tensor
    cell_log_mass: Tensor
    cell_group: Tensor
    cell_atom: Tensor
    kind_offset: Tensor
    first_offset: Tensor
    copy_offset: Tensor
    level_offset: Tensor
    cell_tilt: Tensor
    due_offset: Tensor
    same_offset: Tensor
    lift_offset: Tensor
    keep_offset: Tensor
    pace_offset: Tensor
    pull: Tensor
    scheduled: Tensor

    def __init__(self, sizes: Sizes, world: World, options: LSTMOptions) -> None:
        super().__init__()
        self.sizes, self.options = sizes, options
        hidden = sizes.hidden
        self.kind_embedding = nn.Embedding(sizes.n_kinds + 1, KIND_SIZE)
        self.gap_embedding = nn.Embedding(N_GAP, 8)
        width = KIND_SIZE + 8 + sizes.n_context + sizes.n_code
        self.enter = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(sizes.dropout))
        self.lstm = nn.LSTM(hidden, hidden)
        self.drop = nn.Dropout(sizes.dropout)
        trunk = 2 * hidden
        self.kind_query = nn.Sequential(
            nn.Linear(trunk + DAY_SIZE + 8 + 2, hidden), nn.ReLU(), self.drop, nn.Linear(hidden, KIND_SIZE)
        )
        self.kind_bias = nn.Parameter(torch.zeros(sizes.n_kinds))
        self.class_shared = nn.ParameterList(nn.Parameter(torch.zeros(size)) for size in CLASS_SIZES)
        self.class_by_kind = nn.ModuleList(nn.Linear(KIND_SIZE, size, bias=False) for size in CLASS_SIZES)
        self.lift_shared = nn.Parameter(torch.tensor(0.5))
        self.lift_by_kind = nn.Linear(KIND_SIZE, 1, bias=False)
        self.date_body = _body(trunk, hidden, sizes.dropout)
        self.date_day = nn.Linear(hidden, DAY_SIZE)
        self.date_gap = nn.Linear(hidden, N_GAP)
        self.date_due = nn.Linear(hidden, N_RULES)
        self.due_by_kind = nn.Embedding(sizes.n_kinds + 1, N_RULES)
        self.due_by_times = nn.Embedding(N_TIMES + 1, N_RULES)
        chosen = trunk + KIND_SIZE + sizes.n_kind_context + DAY_SIZE + 8 + 2
        self.amount_body = _body(chosen, hidden, sizes.dropout)
        self.amount_position = nn.Linear(hidden, N_BUMPS)
        self.amount_group = nn.Linear(hidden, world.amounts.n_groups + 1)
        self.amount_after = nn.Linear(hidden, world.scales.n_after)
        self.amount_relative = nn.Linear(hidden, N_RELATIVE)
        self.amount_plan = nn.Linear(hidden, N_PLAN)
        self.amount_slot = nn.Linear(hidden, COPY_FEATURES)
        self.amount_share = nn.Linear(hidden, N_BUMPS + 1)
        self.share_by_kind = nn.Embedding(sizes.n_kinds, 1)
        nn.init.zeros_(self.share_by_kind.weight)
        nn.init.zeros_(self.due_by_kind.weight)
        nn.init.zeros_(self.due_by_times.weight)
        for layer in (
            self.date_day,
            self.date_gap,
            self.date_due,
            self.amount_position,
            self.amount_group,
            self.amount_after,
            self.amount_relative,
            self.amount_plan,
            self.amount_slot,
            self.amount_share,
        ):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.date_gap.bias, -2.0)
        for name, size in (
            ("kind_offset", sizes.n_kinds),
            ("first_offset", sizes.n_kinds),
            ("copy_offset", sizes.n_kinds),
            ("level_offset", sizes.n_kinds),
            ("pull", 1),
            ("pace_offset", 1),
            ("same_offset", sizes.n_kinds),
            ("lift_offset", 1),
            ("keep_offset", sizes.n_kinds),
        ):
            self.register_buffer(name, torch.zeros(size))
        self.register_buffer("scheduled", torch.zeros(sizes.n_kinds, dtype=torch.bool))
        self.register_buffer("due_offset", torch.zeros(sizes.n_kinds, N_DUE))
        self._add_constants(world)

    def _add_constants(self, world: World) -> None:
        table, n_gaps = world.amounts, self.sizes.n_gaps
        below, share = _between_bumps(table.position)
        share_below, share_share = _between_bumps(world.shares.position)
        mass = torch.as_tensor(table.mass, dtype=torch.float32)
        share_mass = torch.as_tensor(world.shares.mass, dtype=torch.float32)
        places = np.pad(world.calendar.basis_places, ((0, n_gaps), (0, 0)), constant_values=DAY_SIZE)
        constants = {
            "day_basis": torch.as_tensor(world.calendar.basis),
            "day_places": torch.as_tensor(places),
            "gap_class_of": torch.as_tensor(np.searchsorted(GAP_EDGES, np.arange(n_gaps), side="right")),
            "gaps": torch.arange(n_gaps),
            "cell_below": below,
            "cell_share": share,
            "share_below": share_below,
            "share_share": share_share,
            "share_log_mass": torch.log(share_mass),
            "cell_log_mass": torch.log(mass),
            "cell_tilt": torch.as_tensor(table.position - 0.5, dtype=torch.float32),
            "cell_group": torch.as_tensor(table.group),
            "cell_atom": torch.as_tensor(table.atom, dtype=torch.float32),
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    def start_from(self, kinds: IntArray) -> None:
        """Start with the frequencies of the kinds."""
        counts = torch.bincount(torch.as_tensor(kinds), minlength=self.sizes.n_kinds) + 0.5
        with torch.no_grad():
            self.kind_bias.copy_(torch.log(counts / counts.sum()))

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return groups for the optimiser: tables of log odds learn faster and do not decay."""
        tables = [
            self.kind_bias,
            self.due_by_kind.weight,
            self.due_by_times.weight,
            self.lift_shared,
            self.lift_by_kind.weight,
            *self.class_shared,
            *(layer.weight for layer in self.class_by_kind),
            self.date_gap.bias,
            self.date_day.bias,
            self.date_due.bias,
            self.amount_slot.bias,
            self.amount_share.bias,
            self.share_by_kind.weight,
            self.amount_after.bias,
            self.amount_group.bias,
            self.amount_relative.bias,
            self.amount_plan.bias,
        ]
        known = {id(parameter) for parameter in tables}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in known]
        return [
            {"params": rest, "lr": learning_rate},
            {"params": tables, "lr": TABLE_RATE * learning_rate, "weight_decay": 0.0},
        ]

    def read(
        self,
        previous: Tensor,
        gap_class: Tensor,
        context: Tensor,
        code: Tensor,
        sizes: Tensor | None,
        state: State | None,
    ) -> tuple[Tensor, State]:
        """Run the LSTM over all steps (``sizes`` customers a step) or one step; return (rows, trunk)."""
        x = torch.cat([self.kind_embedding(previous), self.gap_embedding(gap_class), context, code], dim=1)
        x = self.enter(x)
        if sizes is None:
            out, state = self.lstm(x[None], state)
            out = out[0]
        else:
            out = self._read_all(x, sizes)
        return torch.cat([self.drop(out), x], dim=1), cast("State", state)

    def _read_all(self, x: Tensor, sizes: Tensor) -> Tensor:
        """Run the LSTM over rows ordered by step, (rows, H), fewer customers with every step.

        Padded, since torch runs packed sequences step by step on a CPU, ten times as slowly in training.
        """
        there = torch.arange(int(sizes[0]), device=x.device) < sizes.to(x.device)[:, None]
        padded = x.new_zeros(*there.shape, x.shape[1])
        padded[there] = x
        return cast("Tensor", self.lstm(padded)[0][there])

    def date_logits(
        self,
        trunk: Tensor,
        day: Tensor,
        stream_kind: Tensor,
        stream_times: Tensor,
        stream_gaps: Tensor,
        stream_latest: Tensor | None = None,
    ) -> Tensor:
        """Return the log odds that the next transaction comes 0, 1, ... days later, given not before.

        A discrete-time hazard, (rows, n_gaps): a day on which something is due and does not come is survived,
        which is as unlikely as it is in the data.
        """
        body = self.date_body(trunk)
        by_part = torch.cat([self.date_day(body), body.new_zeros(len(body), 1)], dim=1)
        window = torch.clamp(day[:, None] + self.gaps, max=len(self.day_places) - 1)
        places = self.day_places[window].flatten(1)
        by_day = by_part.gather(1, places).view(*window.shape, -1).sum(dim=2)
        logits = by_day + self.date_gap(body)[:, self.gap_class_of] + self.pace_offset
        if not self.options.uses("due"):
            return logits
        weight = (
            self.due_by_kind(stream_kind) + self.due_by_times(stream_times) + self.date_due(body)[:, None]
        )
        padded = torch.cat([logits, logits.new_zeros(len(logits), 1)], dim=1)
        if stream_latest is not None:
            kept = torch.cat([self.kept(), logits.new_zeros(1)])
            padded = padded.scatter_add(1, stream_latest, kept[stream_kind])
        return padded.scatter_add(1, stream_gaps.flatten(1), weight.flatten(1))[:, :-1]

    def kept(self) -> Tensor:
        """Return what is added to the log odds of each kind on the last day of its rhythm, (K,)."""
        return self.keep_offset.clamp(0, MOST_KEPT) * self.options.uses("due")

    def dated(self, trunk: Tensor, day: Tensor, gap_class: Tensor, closing: Tensor) -> Tensor:
        """Join what is known once the date is chosen."""
        return torch.cat([trunk, self.day_basis[day], self.gap_embedding(gap_class), closing], dim=1)

    def kind_logits(self, dated: Tensor, classes: Tensor, lift: Tensor, previous: Tensor) -> Tensor:
        """Return log weights of the kinds, (rows, K)."""
        kinds = self.kind_embedding.weight[:-1]
        logits = self.kind_bias + self.kind_offset + self.kind_query(dated) @ kinds.T
        logits = logits + self.first_offset * (classes[:, :, USED] < N_AGES)
        if self.options.uses("habits"):
            logits = logits + lift * (self.lift_shared + self.lift_by_kind(kinds)[:, 0] + self.lift_offset)
        index = torch.arange(len(kinds), device=dated.device)
        logits = logits + self.same_offset * (index == previous[:, None])
        for part, (shared, by_kind) in enumerate(zip(self.class_shared, self.class_by_kind, strict=True)):
            if part in MECHANISM_OF and not self.options.uses(MECHANISM_OF[part]):
                continue
            table = shared + by_kind(kinds)
            table = table + self.due_offset if part == DUE else table
            logits = logits + table[index, classes[:, :, part]]
        return logits

    def chosen(self, dated: Tensor, kind: Tensor, kind_context: Tensor) -> Tensor:
        """Join what is known once the kind is chosen too."""
        return torch.cat([dated, self.kind_embedding(kind), kind_context], dim=1)

    def amount_logits(
        self,
        chosen: Tensor,
        kind: Tensor,
        slot_features: Tensor,
        after: Tensor,
        share_usable: Tensor,
    ) -> Tensor:
        """Return log weights of the amounts that can be copied, of cells and of shares, (rows, all of them).

        ``after`` (rows, all of them, 3) holds the classes of the balance that each would leave.
        """
        body = self.amount_body(chosen)
        groups = self.amount_group(body)
        position = self.amount_position(body)
        below, share = self.cell_below[kind], self.cell_share[kind]
        cells = self.cell_log_mass[kind] + torch.lerp(
            position.gather(1, below), position.gather(1, below + 1), share
        )
        cells = cells + groups.gather(1, self.cell_group[kind]) + groups[:, -1:] * self.cell_atom[kind]
        cells = cells + self.level_offset[kind][:, None] * self.cell_tilt[kind]
        slots = torch.einsum("bsf,bf->bs", slot_features, self.amount_slot(body))
        own = 1 - slot_features[:, :, -1]  # the whole balance is no amount that the customer had before
        slots = slots + self.copy_offset[kind][:, None] * own
        slots = slots.masked_fill(slot_features[:, :, N_RULES] == 0, -torch.inf)
        if not self.options.uses("copy"):
            slots = torch.full_like(slots, -torch.inf)
        shares = self._share_logits(body, kind).masked_fill(~share_usable, -torch.inf)
        logits = torch.cat([slots, cells, shares], dim=1)
        if self.options.uses("balance"):
            logits = logits + self.amount_after(body).gather(1, after[..., 0])
            logits = logits + self.amount_relative(body).gather(1, after[..., 1])
            logits = logits + self.amount_plan(body).gather(1, after[..., 2])
        return logits

    def _share_logits(self, body: Tensor, kind: Tensor) -> Tensor:
        """Return log weights of the cells of shares, (rows, cells)."""
        position = self.amount_share(body)
        below, share = self.share_below[kind], self.share_share[kind]
        logits = self.share_log_mass[kind] + self.share_by_kind(kind) + position[:, -1:]
        return logits + torch.lerp(position.gather(1, below), position.gather(1, below + 1), share)


def _between_bumps(position: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[Tensor, Tensor]:
    """Return the bump below each position in 0..1 and how far it is towards the next."""
    place = torch.as_tensor(position, dtype=torch.float32) * (N_BUMPS - 1)
    below = place.floor().clamp(max=N_BUMPS - 2)
    return below.long(), place - below


def _body(width: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU()
    )
