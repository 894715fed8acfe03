"""Try the network with noisy gradients (DP-SGD, one customer a unit) beside the private lists.

    python benchmarks/dp_sgd.py [--tables berka standin_1000 standin_4000] [--epsilon 3 10] [--lists 0.5]
        [--steps 20] [--weights all tables] [--seconds 60]

Everything that the network takes from a table must be private, not its weights alone: kinds, cells of
amounts, plans, frequencies. So one part of the budget (`--lists`) goes to the private lists, and a table
drawn from them is all that these see. The network is first trained on a stand-in of another invented bank
(``cards``, or ``retail`` for a real table), then on the drawn table, both for free; then every customer of
the real table gives a gradient, which is clipped to a fixed length (the median of those of drawn customers),
and their sums, with Gaussian noise, move the weights. All customers take part in every step, so that the
steps are one Gaussian release and the project's own accounting holds for them. Categories and window are
public, as in the row `private, public lists` of `dp_utility.py`; figures are on the same scale. The noise is
torch's: a trial, not a guarantee.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from dp_utility import DELTA, WINDOW, WINDOWS, Scale, leave_out, load

import gretel_fin_synth as fs
from gretel_fin_synth.training._prepare import prepare
from gretel_fin_synth.training.backend import SampleRequest
from gretel_fin_synth.training.local.building import draw_up
from gretel_fin_synth.training.local.encoding import customers_of, exact_parts
from gretel_fin_synth.training.local.engine import LocalBackend
from gretel_fin_synth.training.local.examples import record
from gretel_fin_synth.training.local.fitting import Trainer, losses
from gretel_fin_synth.training.local.network import TransactionLSTM
from gretel_fin_synth.training.local.plans import Plans
from gretel_fin_synth.training.private.accounting import epsilon_of, rho_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from gretel_fin_synth.training.backend import TrainingTable
    from gretel_fin_synth.training.local.building import Blueprint

HIDDEN = 64
DRAWN = 400  # customers drawn from the lists
PUBLIC = 200  # customers of the other invented bank
RATE, TABLE_RATE = 1e-3, 5e-3
MOST_ROWS = 400  # of a customer


@dataclass(frozen=True)
class Trial:
    """How the budget is used."""

    steps: int
    weights: str


def examples_of(plan: Blueprint, frame: pd.DataFrame) -> Trainer:
    """Encode customers by what the plan knows; the trainer is only used for its tensors."""
    import pandas as pd

    pairs = pd.DataFrame(plan.kinds, columns=["type", "category"])
    first = plan.world.calendar.first.astype("datetime64[D]")
    day = (frame["transaction_date"].to_numpy().astype("datetime64[D]") - first).astype(int)
    place = frame.groupby("customer_id", sort=False).cumcount().to_numpy()
    inside = (day >= 0) & (day < plan.world.calendar.n_days) & (place < MOST_ROWS)
    encoded = customers_of(frame[inside].reset_index(drop=True), pairs, first, plan.minor_units)
    data, start = encoded.sequences, encoded.start
    exact = exact_parts(data, start, plan.world.sign, plan.world.calendar.n_days)
    code = np.zeros((len(start), plan.sizes.n_code), np.float32)
    plans = Plans.observed(exact, code, plan.world.calendar.n_days)
    longer, ends = data.with_ends()
    examples = record(plan.world, plans, longer, ends, plan.sizes.n_gaps)
    network = TransactionLSTM(plan.sizes, plan.world, plan.options)
    return Trainer(network, longer, examples, code, np.zeros((code.shape[1],) * 2), plan.options, 0)


def gradients(
    network: TransactionLSTM, trainer: Trainer, chosen: list[torch.nn.Parameter]
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield the gradient of each customer's own loss."""
    network.eval()
    scale = float(trainer.data.length.mean())
    for number in range(len(trainer.data.length)):
        rows, sizes = trainer.data.rows_of(np.array([number]))
        index = torch.as_tensor(rows)
        b = {name: value[index] for name, value in trainer.tensors.items() if name != "code"}
        parts = losses(network, b, trainer.tensors["code"][b["customer"]], torch.as_tensor(sizes))
        loss = torch.stack([value.sum() for value in parts.values()]).sum() / scale
        yield torch.autograd.grad(loss, chosen)


def length_of(gradient: tuple[torch.Tensor, ...]) -> float:
    """Return the Euclidean length of a gradient."""
    return float(torch.sqrt(torch.stack([(part**2).sum() for part in gradient]).sum()))


def descend(
    network: TransactionLSTM, real: Trainer, drawn: Trainer, rho: float, trial: Trial, seed: int
) -> float:
    """Move the weights by noisy sums of clipped gradients; return the standard deviation of the noise."""
    generator = torch.Generator().manual_seed(seed)
    groups = network.parameter_groups(RATE)
    groups[1]["lr"] = TABLE_RATE
    groups = groups if trial.weights == "all" else groups[1:]
    chosen = [parameter for group in groups for parameter in group["params"]]
    lengths = []
    for number, gradient in enumerate(gradients(network, drawn, chosen)):
        lengths.append(length_of(gradient))
        if number == 100:
            break
    clip = float(np.median(lengths))
    sigma = (trial.steps / (2 * rho)) ** 0.5 * clip
    optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
    n = len(real.data.length)
    for _ in range(trial.steps):
        total = [torch.zeros_like(parameter) for parameter in chosen]
        for gradient in gradients(network, real, chosen):
            factor = min(1.0, clip / max(length_of(gradient), 1e-12))
            for sums, part in zip(total, gradient, strict=True):
                sums += factor * part
        for parameter, sums in zip(chosen, total, strict=True):
            noise = torch.randn(sums.shape, generator=generator)
            parameter.grad = (sums + sigma * noise) / n
        optimiser.step()
    return sigma / clip


def free_start(
    drawn: TrainingTable, seconds: float, window: tuple[str, str], world: Literal["retail", "cards"]
) -> LocalBackend:
    """Train on another invented bank and then on the drawn table."""
    options: dict[str, Any] = {"hidden_size": HIDDEN, "max_seconds": seconds}
    other = fs.make_transactions(PUBLIC, start=window[0], end=window[1], seed=9, world=world)
    unadjusted = ("plan_codes", "guard", "matching", "settling", "calibration")
    public = LocalBackend(**options, without=unadjusted)
    public.fit(prepare(other, (), 2).table, seed=1, progress=False)
    backend = LocalBackend(**options, without=("plan_codes", "guard"))
    backend.start_from(public)
    backend.fit(drawn, seed=1, progress=False)
    return backend


def place_of(scale: Scale, backend: LocalBackend, n: int) -> float:
    """Sample as many customers and place them between the shuffled table and other customers."""
    return scale.place(backend.sample(SampleRequest(n, 1)))[0]


def compare(scale: Scale, epsilon: float, part: float, trials: list[Trial], seconds: float) -> None:
    """Print the rows of one table and epsilon."""
    n = scale.real.n_customers
    leave_out(scale.name)
    train = scale.train
    pairs = sorted(set(zip(train["transaction_type"], train["transaction_category"], strict=True)))
    window = WINDOWS.get(scale.name, WINDOW)
    public = {"categories": pairs, "window": window, "amounts": []}
    rho = rho_of(epsilon, DELTA)
    tables = {}
    for share in (1.0, part):
        request = fs.DifferentialPrivacy(epsilon_of(share * rho, DELTA) * (1 - 1e-6), DELTA, public=public)
        lists = fs.TransactionSynthesizer(privacy=request).fit(scale.train, seed=1)
        tables[share] = lists.sample(n, seed=1), lists.sample(DRAWN, seed=2)
        say(scale, epsilon, f"lists with {share:.0%} of the budget", scale.place(tables[share][0])[0])
    drawn = prepare(tables[part][1], (), 2).table
    backend = free_start(drawn, seconds, window, "retail" if scale.name == "berka" else "cards")
    say(scale, epsilon, "network on what they draw", place_of(scale, backend, n))
    plan = draw_up(drawn, backend._options_for_fit(), 1)
    real = examples_of(plan, prepare(scale.train, (), 2).table.frame)
    own = examples_of(plan, drawn.frame)
    network = backend._model.network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for trial in trials:
        network.load_state_dict(before)
        for name in ("kind_offset", "first_offset", "copy_offset", "pace_offset", "pull"):
            getattr(network, name).zero_()
        began = time.process_time()
        noise = descend(network, real, own, (1 - part) * rho, trial, 1)
        backend._adjust(backend._model, plan, 1)
        label = f"and {trial.steps} noisy steps of {trial.weights} weights, noise {noise:.1f}"
        spent = time.process_time() - began
        say(scale, epsilon, f"{label} ({spent:.0f} CPU seconds)", place_of(scale, backend, n))


def say(scale: Scale, epsilon: float, label: str, place: float) -> None:
    """Print a row."""
    print(f"| {scale.name} | {epsilon:g} | {label} | {place:.0f} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Try DP-SGD beside private lists.")
    parser.add_argument("--tables", nargs="+", default=["berka", "standin_1000"])
    parser.add_argument("--epsilon", type=float, nargs="+", default=[3.0, 10.0])
    parser.add_argument("--lists", type=float, default=0.5, help="part of the budget for the lists")
    parser.add_argument("--steps", type=int, nargs="+", default=[20])
    parser.add_argument("--weights", nargs="+", default=["all", "tables"], choices=["all", "tables"])
    parser.add_argument("--seconds", type=float, default=60.0, help="of training on free tables, each")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    trials = [Trial(steps, weights) for steps in options.steps for weights in options.weights]
    print("| table | epsilon | | 0 to 100 |\n|---|---|---|---|", flush=True)
    for scale in filter(None, map(load, options.tables)):
        for epsilon in options.epsilon:
            compare(scale, epsilon, options.lists, trials, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
