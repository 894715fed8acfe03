"""Training: maximum likelihood with AdamW, stopped by customers held out inside ``fit``."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gretel_fin_synth.training.local.checkpoint import random_states, set_random_states
from gretel_fin_synth.training.local.history import GAP_EDGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth.training.local.checkpoint import Checkpoint
    from gretel_fin_synth.training.local.examples import Examples, IntArray, Sequences
    from gretel_fin_synth.training.local.network import TransactionLSTM
    from gretel_fin_synth.training.local.options import LSTMOptions

ROWS_PER_BATCH = 600
MIN_BATCHES = 8
PATIENCE = 3
DECAYS = 2
POLISH_EPOCHS = 4
POLISH_RATE = 0.02


@dataclass
class Progress:
    """What a progress bar shows after each epoch."""

    epoch: int
    epochs: int
    train_loss: float
    held_out_loss: float
    rows: int
    seconds: float


@dataclass
class Best:
    """The best state of a network so far; ``epoch`` is 0 before the first was through."""

    state: dict[str, Tensor]
    loss: float = float("inf")
    epoch: int = 0

    def improve(self, network: TransactionLSTM, loss: float, epoch: int) -> bool:
        """Keep the network's state if its loss is clearly lower; return whether it is."""
        if loss >= self.loss - 1e-4 and self.epoch:
            return False
        self.state, self.loss, self.epoch = copy.deepcopy(network.state_dict()), loss, epoch
        return True


@dataclass
class Trainer:
    """Trains a network on recorded examples.

    Parameters
    ----------
    network : TransactionLSTM
        The network; holds the best state afterwards.
    data : Sequences
        The sequences behind the examples.
    examples : Examples
        What the network sees and must say.
    code : numpy.ndarray of shape (customers, n_code)
        Coarse codes of the customers, without noise.
    code_noise : numpy.ndarray of shape (n_code, n_code)
        Turns independent standard normal numbers into the noise added to codes anew in every epoch.
    """

    network: TransactionLSTM
    data: Sequences
    examples: Examples
    code: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    code_noise: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    options: LSTMOptions
    seed: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        self.best = Best(copy.deepcopy(self.network.state_dict()))
        e = self.examples
        gap_next = np.searchsorted(GAP_EDGES, e.gap, side="right")
        self.tensors = {
            name: torch.as_tensor(value) for name, value in {**vars(e), "gap_next": gap_next}.items()
        }
        for name in ("log_in_cell", "log_in_share"):
            self.tensors[name] = self.tensors[name].float()
        self.tensors["code"] = torch.as_tensor(self.code)
        self._shape = torch.as_tensor(self.code_noise).float()
        self.tensors = {name: value.to(self.device) for name, value in self.tensors.items()}

    def fit(self, train: IntArray, held_out: IntArray, report: Callable[[Progress], None]) -> Best:
        """Train on some customers until the loss of the others stops falling; return the best state.

        The network is in that state afterwards, on the CPU, also after an error or an interrupt.
        """
        self.network.to(self.device)
        rng = np.random.default_rng(self.seed)
        generator = torch.Generator().manual_seed(self.seed)
        torch.manual_seed(self.seed)
        optimiser = torch.optim.AdamW(
            self.network.parameter_groups(self.options.learning_rate),
            weight_decay=self.options.weight_decay,
            fused=True,
        )
        try:
            self._descend(train, held_out, optimiser, rng, generator, report)
            self.network.load_state_dict(self.best.state)
            self._polish(np.sort(np.r_[train, held_out]), rng, generator)
        except BaseException:
            self.network.load_state_dict(self.best.state)
            raise
        finally:
            self.network.cpu()
        if self.checkpoint is not None:
            self.checkpoint.remove()
        return self.best

    def _descend(
        self,
        train: IntArray,
        held_out: IntArray,
        optimiser: torch.optim.Optimizer,
        rng: np.random.Generator,
        generator: torch.Generator,
        report: Callable[[Progress], None],
    ) -> None:
        """Go through the customers until it no longer helps, with smaller and smaller steps."""
        self.best = Best(copy.deepcopy(self.network.state_dict()))
        began, rows = time.monotonic(), int(self.data.length[train].sum())
        done, since, decays = self._resume(optimiser, rng, generator)
        for epoch in range(done + 1, self.options.epochs + 1):
            train_loss = self._epoch(self._batches(train, rng), optimiser, generator)
            loss = self.loss_of(held_out)
            since = 0 if self.best.improve(self.network, loss, epoch) else since + 1
            seconds = time.monotonic() - began
            report(Progress(epoch, self.options.epochs, train_loss, loss, rows, seconds))
            if self.options.max_seconds is not None and seconds > self.options.max_seconds:
                return
            if since == PATIENCE and decays == DECAYS:
                return
            if since == PATIENCE:
                decays, since = decays + 1, 0
                self.network.load_state_dict(self.best.state)
                for group in optimiser.param_groups:
                    group["lr"] /= 3
            self._write(optimiser, rng, generator, (epoch, since, decays))

    def _write(
        self,
        optimiser: torch.optim.Optimizer,
        rng: np.random.Generator,
        generator: torch.Generator,
        counts: tuple[int, int, int],
    ) -> None:
        """Write all that decides the epochs to come, if that is wanted."""
        if self.checkpoint is None:
            return
        self.checkpoint.write(
            {
                "network": self.network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "best": vars(self.best),
                "random": random_states(rng, generator),
                "counts": list(counts),
            }
        )

    def _resume(
        self, optimiser: torch.optim.Optimizer, rng: np.random.Generator, generator: torch.Generator
    ) -> tuple[int, int, int]:
        """Go back to what an earlier run wrote; return epochs done, epochs without gain, smaller steps."""
        state = None if self.checkpoint is None else self.checkpoint.read()
        if state is None:
            return 0, 0, 0
        self.network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        self.best = Best(**state["best"])
        set_random_states(state["random"], rng, generator)
        done, since, decays = state["counts"]
        return done, since, decays

    def _polish(self, customers: IntArray, rng: np.random.Generator, generator: torch.Generator) -> None:
        """Fit the tables of log odds alone, without dropout: mean predictions become the data's.

        All else is frozen: that saves the way back through the LSTM, which a GPU refuses without dropout.
        """
        rest, tables = (group["params"] for group in self.network.parameter_groups(0.0))
        optimiser = torch.optim.Adam(tables, lr=POLISH_RATE)
        for parameter in rest:
            parameter.requires_grad_(False)
        try:
            for epoch in range(POLISH_EPOCHS):
                for group in optimiser.param_groups:
                    group["lr"] = POLISH_RATE * (1 - epoch / POLISH_EPOCHS)
                self._epoch(self._batches(customers, rng), optimiser, generator, dropout=False)
        finally:
            for parameter in rest:
                parameter.requires_grad_(True)

    def loss_of(self, customers: IntArray) -> float:
        """Return the mean negative log likelihood per transaction, in nats."""
        return float(sum(self.parts_of(customers).values()))

    def parts_of(self, customers: IntArray) -> dict[str, float]:
        """Return the negative log likelihood per transaction of kind, date and amount, in nats."""
        self.network.eval()
        generator = torch.Generator().manual_seed(self.seed + 1)
        total: dict[str, float] = {}
        n_rows = 0
        with torch.no_grad():
            for batch in self._cut(customers):
                for name, value in self._losses(batch, generator).items():
                    total[name] = total.get(name, 0.0) + float(value.sum())
                n_rows += int(self.data.length[batch].sum())
        return {name: value / max(n_rows, 1) for name, value in total.items()}

    def _epoch(
        self,
        batches: list[IntArray],
        optimiser: torch.optim.Optimizer,
        generator: torch.Generator,
        dropout: bool = True,
    ) -> float:
        self.network.train(dropout)
        trained = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        total, n_rows = 0.0, 0
        for batch in batches:
            losses = self._losses(batch, generator)
            rows = len(losses["date"])
            loss = torch.stack([value.sum() for value in losses.values()]).sum() / rows
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            total, n_rows = total + float(loss.detach()) * rows, n_rows + rows
        return total / n_rows

    def _batches(self, customers: IntArray, rng: np.random.Generator) -> list[IntArray]:
        """Cut the customers, in random order, into batches of similar numbers of rows."""
        return self._cut(rng.permutation(customers))

    def _cut(self, customers: IntArray) -> list[IntArray]:
        rows = self.data.length[customers]
        n_batches = max(min(MIN_BATCHES, len(customers)), int(rows.sum() // ROWS_PER_BATCH))
        part = np.minimum((np.cumsum(rows) - rows) * n_batches // max(rows.sum(), 1), n_batches - 1)
        return [np.sort(customers[part == i]) for i in range(n_batches) if (part == i).any()]

    def _losses(self, customers: IntArray, generator: torch.Generator) -> dict[str, Tensor]:
        rows, sizes = self.data.rows_of(customers)
        index = torch.as_tensor(rows).to(self.device)
        b = {name: value[index] for name, value in self.tensors.items() if name != "code"}
        code = self.tensors["code"]
        noisy = code + (torch.randn(code.shape, generator=generator) @ self._shape.T).to(self.device)
        return losses(self.network, b, noisy[b["customer"]], torch.as_tensor(sizes))


def losses(network: TransactionLSTM, b: dict[str, Tensor], code: Tensor, sizes: Tensor) -> dict[str, Tensor]:
    """Return the negative log likelihood of kind, date and amount of each row, in nats."""
    trunk, _ = network.read(b["previous"], b["gap_class"], b["context"], code, sizes, None)
    date = -date_log_likelihood(
        network.date_logits(
            trunk, b["day"], b["stream_kind"].long(), b["stream_times"].long(), b["stream_gaps"].long()
        ),
        b["gap"],
        b["days_left"],
        b["end"],
    )
    rows = ~b["end"]
    trunk, b = trunk[rows], {name: value[rows] for name, value in b.items()}
    dated = network.dated(trunk, b["next_day"], b["gap_next"], b["closing"])
    kind = torch.nn.functional.cross_entropy(
        network.kind_logits(dated, b["kind_classes"].long(), b["lift"], b["previous"]),
        b["kind"],
        reduction="none",
    )
    chosen = network.chosen(dated, b["kind"], b["kind_context"])
    logits = network.amount_logits(
        chosen,
        b["kind"],
        b["slot_features"],
        b["after"].long(),
        b["share_usable"],
    )
    logp = logits.log_softmax(dim=1)
    n_slots = b["slot_match"].shape[1]
    copied = logp[:, :n_slots].masked_fill(~b["slot_match"], -torch.inf)
    drawn = logp[:, n_slots:].gather(1, b["cell"][:, None]) + b["log_in_cell"][:, None]
    part, none = b["share_cell"][:, None], b["share_cell"][:, None] < 0
    first = n_slots + network.cell_atom.shape[1]
    shared = logp[:, first:].gather(1, part.clamp(min=0)) + b["log_in_share"][:, None]
    shared = shared.masked_fill(none, -torch.inf)
    amount = -torch.logsumexp(torch.cat([copied, drawn, shared], dim=1), dim=1)
    return {"date": date, "kind": kind, "amount": amount}


def date_log_likelihood(logits: Tensor, gap: Tensor, days_left: Tensor, end: Tensor) -> Tensor:
    """Return log p(gap) of a discrete-time hazard, in nats, (rows,).

    A transaction is certain on the plan's last day if there was none on it yet; after one, the sequence may
    end, which is to survive gap 0.
    """
    n_gaps = logits.shape[1]
    days = torch.arange(n_gaps, device=logits.device)
    until = torch.where(end, torch.ones_like(gap), gap)
    survived = torch.nn.functional.logsigmoid(-logits).masked_fill(days >= until[:, None], 0.0).sum(dim=1)
    inside = torch.clamp(gap, max=n_gaps - 1)[:, None]
    happened = torch.nn.functional.logsigmoid(logits.gather(1, inside))[:, 0]
    free = ~end & (gap < n_gaps) & ((gap < days_left) | (days_left == 0))
    return survived + torch.where(free, happened, 0.0)
