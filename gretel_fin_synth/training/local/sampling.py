"""Sampling: the history runs on what the network draws, for a block of customers at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from gretel_fin_synth.training.local.examples import Sequences, after_classes, cell_middles
from gretel_fin_synth.training.local.history import GAP_EDGES, N_SLOTS, History, World
from gretel_fin_synth.training.local.network import TransactionLSTM
from gretel_fin_synth.training.local.plans import Plans

IntArray = npt.NDArray[np.int64]


def draw_sequences(network: TransactionLSTM, world: World, plans: Plans, rng: np.random.Generator, *,
                   temperature: float = 1.0) -> Sequences:
    """Draw the transactions of customers with these plans, which must be ordered longest first."""
    network.eval()
    history = History(world, plans)
    offset = np.r_[0, np.cumsum(plans.n_rows)]
    out = {name: np.zeros(offset[-1], np.int64) for name in ("kind", "day", "cents")}
    code = torch.as_tensor(plans.code)
    middles = cell_middles(world)
    state = None
    with torch.no_grad():
        while (a := history.n_active()) > 0:
            if state is not None:
                state = (state[0][:, :a].contiguous(), state[1][:, :a].contiguous())
            trunk, state = network.read(
                torch.as_tensor(history.kind[:a]), torch.as_tensor(history.gap_class(a)),
                torch.as_tensor(history.context(a)), code[:a], None, state)
            classes = torch.as_tensor(history.kind_classes(a).astype(np.int64))
            kind = _choose(network.kind_logits(trunk, classes) / temperature, rng)
            chosen = network.chosen(trunk, torch.as_tensor(kind),
                                    torch.as_tensor(history.kind_context(a, kind)))
            day = _draw_day(network, history, chosen, kind, a, rng, temperature)
            cents = _draw_amount(network, history, chosen, kind, day, middles, rng, temperature)
            rows = offset[:-1][:a] + history.step
            out["kind"][rows], out["day"][rows], out["cents"][rows] = kind, day, cents
            history.advance(a, kind, day, cents)
    return Sequences(out["kind"], out["day"], out["cents"], offset)


def _draw_day(network: TransactionLSTM, history: History, chosen: torch.Tensor, kind: IntArray, a: int,
              rng: np.random.Generator, temperature: float) -> IntArray:
    """Draw the day; the last transaction of a plan falls on the plan's last day."""
    now, end = history.day[:a], history.plans.last_day[:a]
    due = history.due_gaps(a, kind, network.sizes.n_gaps).astype(np.int64)
    logits = network.date_logits(chosen, torch.as_tensor(now), torch.as_tensor(end - now), torch.as_tensor(due))
    gap = _choose(logits / temperature, rng)
    if history.step == 0:
        gap = np.where(history.plans.n_rows[:a] == 1, gap, 0)
    final = history.plans.n_rows[:a] - history.step == 1
    return np.where(final, end, now + gap)


def _draw_amount(network: TransactionLSTM, history: History, chosen: torch.Tensor, kind: IntArray, day: IntArray,
                 middles: IntArray, rng: np.random.Generator, temperature: float) -> IntArray:
    world, a = history.world, len(kind)
    amounts, features = history.slots(a, kind, day)
    balance = history.balance[:a]
    gap_class = np.searchsorted(GAP_EDGES, day - history.day[:a], side="right")
    logits = network.amount_logits(
        chosen, torch.as_tensor(kind), torch.as_tensor(day), torch.as_tensor(gap_class),
        torch.as_tensor(features),
        torch.as_tensor(after_classes(world, balance, kind, amounts).astype(np.int64)),
        torch.as_tensor(after_classes(world, balance, kind, middles[kind]).astype(np.int64)))
    choice = _choose(logits / temperature, rng)
    copied = choice < N_SLOTS
    cell = np.where(copied, 0, choice - N_SLOTS)
    drawn = world.amounts.draw(kind, cell, rng.random(a))
    own = amounts[np.arange(a), np.minimum(choice, N_SLOTS - 1)]
    return np.where(copied, own, drawn)


def _choose(logits: torch.Tensor, rng: np.random.Generator) -> IntArray:
    """Draw one index a row with probability proportional to the exponential of the logits."""
    cumulative = np.cumsum(torch.softmax(logits, dim=1).numpy().astype(np.float64), axis=1)
    threshold = rng.random(len(cumulative)) * cumulative[:, -1]
    return np.minimum((cumulative <= threshold[:, None]).sum(axis=1), logits.shape[1] - 1)
