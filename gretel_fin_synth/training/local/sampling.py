"""Sampling: the history runs on what the network draws, for a block of customers at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from gretel_fin_synth.training.local.examples import CHUNK, Sequences, cell_middles
from gretel_fin_synth.training.local.guard import ATTEMPTS
from gretel_fin_synth.training.local.history import DUE, GAP_EDGES, History

if TYPE_CHECKING:
    from gretel_fin_synth.training.local.guard import RowGuard
    from gretel_fin_synth.training.local.network import TransactionLSTM
    from gretel_fin_synth.training.local.plans import Plans
    from gretel_fin_synth.training.local.world import World

IntArray = npt.NDArray[np.int64]

MOST_STRAIN = 6.0
MOST_LEAN = 1.0
UNCOVERED = 2.5
FAR_BELOW = 6.0


def draw_sequences(
    network: TransactionLSTM,
    world: World,
    plans: Plans,
    rng: np.random.Generator,
    *,
    max_rows: int,
    temperature: float = 1.0,
    guard: RowGuard | None = None,
) -> Sequences:
    """Draw the transactions of customers with these plans, at most ``max_rows`` a customer."""
    network.eval()
    history = History(world, plans)
    who = np.arange(len(plans))
    drawn: list[tuple[IntArray, ...]] = []
    middles = cell_middles(world)
    state = None
    alive = np.ones(len(who), bool)
    with torch.no_grad():
        while alive.any() and history.step < max_rows:
            if alive.mean() < 0.8:
                index = np.flatnonzero(alive)
                history.keep(index)
                who, alive = who[index], alive[index]
                state = None if state is None else (state[0][:, index], state[1][:, index])
            a = len(who)
            state = None if history.step % CHUNK == 0 else state
            trunk, state = network.read(
                torch.as_tensor(history.kind),
                torch.as_tensor(history.gap_class(a)),
                torch.as_tensor(history.context(a)),
                torch.as_tensor(history.plans.code),
                None,
                state,
            )
            day, ended = _draw_day(network, history, trunk, a, rng, temperature)
            alive &= ~ended
            gap_class = np.searchsorted(GAP_EDGES, day - history.day[:a], side="right")
            closing = torch.as_tensor(history.closing(day))
            dated = network.dated(trunk, torch.as_tensor(day), torch.as_tensor(gap_class), closing)
            classes = history.kind_classes(a, day)
            lift = torch.as_tensor(history.lift(a))
            previous = torch.as_tensor(history.kind)
            logits = network.kind_logits(dated, torch.as_tensor(classes.astype(np.int64)), lift, previous)
            logits = logits + network.kept() * torch.as_tensor(history.memory.latest_today(day))
            after = history.expected_balance(a)
            if float(network.pull) > 0:
                strain = torch.as_tensor(history.strain(day, after)) * network.pull
                awaited = network.scheduled & torch.as_tensor(history.count[:a] > 0)
                logits = leaned(logits, strain, awaited)
            if network.options.uses("floor"):
                logits = logits - UNCOVERED * torch.as_tensor(history.below(a, after))
            kind = _choose(logits / temperature, rng)
            chosen = network.chosen(
                dated, torch.as_tensor(kind), torch.as_tensor(history.kind_context(a, kind))
            )
            cents = _draw_amount(network, history, chosen, kind, day, middles, rng, temperature, guard)
            due = classes[np.arange(a), kind, DUE]
            drawn.append((who[alive], kind[alive], day[alive], cents[alive], due[alive]))
            history.advance(a, kind, day, cents)
    customer, kind, day, cents, due = (np.concatenate(column) for column in zip(*drawn, strict=True))
    order = np.argsort(customer, kind="stable")
    offset = np.r_[0, np.cumsum(np.bincount(customer, minlength=len(plans)))]
    return Sequences(kind[order], day[order], cents[order], offset, due[order])


def _draw_day(
    network: TransactionLSTM,
    history: History,
    trunk: torch.Tensor,
    a: int,
    rng: np.random.Generator,
    temperature: float,
) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Draw the day of the next transaction, and who has none any more: after the plan's last day it ends."""
    now, left = history.day, history.plans.last_day - history.day
    if history.step == 0:
        return now.copy(), np.zeros(a, bool)
    kinds, times, gaps, latest = history.streams(a, network.sizes.n_gaps)
    logits = network.date_logits(
        trunk,
        torch.as_tensor(now),
        torch.as_tensor(kinds),
        torch.as_tensor(times),
        torch.as_tensor(gaps.astype(np.int64)),
        torch.as_tensor(latest.astype(np.int64)),
    )
    survival = np.cumprod(torch.sigmoid(-logits / temperature).numpy().astype(np.float64), axis=1)
    gap = (survival >= rng.random(a)[:, None]).sum(axis=1)
    return now + np.minimum(gap, left), (left == 0) & (gap > 0)


def _draw_amount(
    network: TransactionLSTM,
    history: History,
    chosen: torch.Tensor,
    kind: IntArray,
    day: IntArray,
    middles: IntArray,
    rng: np.random.Generator,
    temperature: float,
    guard: RowGuard | None,
) -> IntArray:
    world, a = history.world, len(kind)
    amounts, features = history.copies(a, kind, day)
    base = history.base(a, kind, day)
    possible = np.concatenate([amounts, middles[kind], world.shares.middles(kind, base)], axis=1)
    after = history.after(a, kind, possible)
    logits = network.amount_logits(
        chosen,
        torch.as_tensor(kind),
        torch.as_tensor(features),
        torch.as_tensor(history.after_classes(day, after)).long(),
        torch.as_tensor(world.shares.usable(kind, base)),
    )
    n_copies = world.n_copies
    if float(network.pull) > 0:
        strain = torch.as_tensor(history.strain(day, after[:, n_copies:]))
        logits = pulled(logits, strain * network.pull, n_copies)
    if network.options.uses("floor"):
        logits = above(logits, history.below(a, after[:, n_copies:]), n_copies)
    logits = logits / temperature
    choice, luck = _choose(logits, rng), rng.random(a)
    first_share = n_copies + world.amounts.n_cells
    cell = np.clip(choice - n_copies, 0, world.amounts.n_cells - 1)
    part = np.maximum(choice - first_share, 0)
    own = amounts[np.arange(a), np.minimum(choice, n_copies - 1)]
    drawn = world.amounts.draw(kind, cell, luck)
    shared = world.shares.draw(kind, part, base, luck)
    cents = np.select([choice < n_copies, choice < first_share], [own, drawn], shared)
    if guard is not None:
        refused = guard.refuses(kind, day, cents, rng.random(a))
        _draw_anew(cents, refused, logits[:, n_copies:first_share], kind, day, world, guard, rng)
    return cents


def _draw_anew(
    cents: IntArray,
    refused: npt.NDArray[np.bool_],
    cells: torch.Tensor,
    kind: IntArray,
    day: IntArray,
    world: World,
    guard: RowGuard,
    rng: np.random.Generator,
) -> None:
    """Draw refused amounts, in place, until they are no longer those of a rare row, a few times over."""
    rows = np.flatnonzero(refused)
    for _ in range(ATTEMPTS):
        if not len(rows):
            return
        cell = _choose(cells[torch.as_tensor(rows)], rng)
        cents[rows] = world.amounts.draw(kind[rows], cell, rng.random(len(rows)))
        rows = rows[guard.meets(kind[rows], day[rows], cents[rows])]


def leaned(logits: torch.Tensor, strain: torch.Tensor, awaited: torch.Tensor) -> torch.Tensor:
    """Make kinds that usually strain the plan's balance a little less likely than others that do not.

    Kinds that a customer awaits, since they come when they are due again, still do, no more often: pay does
    not come early because it is needed. But who needs it and never had any finds some.
    """
    free = logits.masked_fill(awaited, -torch.inf)
    return torch.where(awaited, logits, _tilted(free, _beyond_least(strain, MOST_LEAN)))


def pulled(logits: torch.Tensor, strain: torch.Tensor, n_copies: int) -> torch.Tensor:
    """Make new amounts that strain the plan's balance less likely; the chance of copies stays."""
    new = _tilted(logits[:, n_copies:], _beyond_least(strain, MOST_STRAIN))
    return torch.cat([logits[:, :n_copies], new], dim=1)


def above(logits: torch.Tensor, below: npt.NDArray[np.bool_], n_copies: int) -> torch.Tensor:
    """Make new amounts that lead below the plan's floor very unlikely; the chance of copies stays."""
    rows = torch.as_tensor(np.flatnonzero(below.any(axis=1)))
    if len(rows):
        new = _tilted(logits[rows, n_copies:], FAR_BELOW * torch.as_tensor(below)[rows])
        logits = logits.index_copy(0, rows, torch.cat([logits[rows, :n_copies], new], dim=1))
    return logits


def _beyond_least(strain: torch.Tensor, most: float) -> torch.Tensor:
    """Return how much more each choice strains than the one that strains least, and no more than so much."""
    return (strain - strain.min(dim=1, keepdim=True).values).clamp(max=most)


def _tilted(logits: torch.Tensor, burden: torch.Tensor) -> torch.Tensor:
    """Take a burden off logits, and leave the chance that it is any of them as it was."""
    tilted = logits - burden
    kept = logits.logsumexp(dim=1, keepdim=True) - tilted.logsumexp(dim=1, keepdim=True)
    return tilted + torch.nan_to_num(kept, 0.0)


def _choose(logits: torch.Tensor, rng: np.random.Generator) -> IntArray:
    """Draw one index a row with probability proportional to the exponential of the logits."""
    cumulative = np.cumsum(torch.softmax(logits, dim=1).numpy().astype(np.float64), axis=1)
    threshold = rng.random(len(cumulative)) * cumulative[:, -1]
    return np.minimum((cumulative <= threshold[:, None]).sum(axis=1), logits.shape[1] - 1)
