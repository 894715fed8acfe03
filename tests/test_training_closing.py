"""Accounts that are closed are empty."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the embedded backend needs torch")

import gretel_fin_synth as fs
from gretel_fin_synth.training.local.closing import Closing
from gretel_fin_synth.training.local.examples import Sequences
from gretel_fin_synth.training.local.options import MECHANISMS
from gretel_fin_synth.training.local.profiles import running_balances

PAY, SPEND, TRANSFER = range(3)
DAYS = 365
WORLD: Any = SimpleNamespace(sign=np.array([1, -1, -1]), calendar=SimpleNamespace(n_days=DAYS))


def accounts(
    n: int, *, closed: npt.NDArray[np.bool_], last_day: int, by: int = TRANSFER, low: int = 1
) -> tuple[Sequences, npt.NDArray[np.int64]]:
    """Make accounts with some pay and spending each; closed ones end with what takes all that is left."""
    rng = np.random.default_rng(n)
    kind, day, cents, length = [], [], [], []
    start = rng.integers(0, 5_000, n)
    for customer in range(n):
        amounts = rng.integers(low * 1_000, low * 9_000, 6)
        kinds = np.where(np.arange(6) % 2 == 0, PAY, SPEND)
        left = int(start[customer] + (amounts * WORLD.sign[kinds]).sum())
        days = np.sort(rng.integers(0, last_day, 6))
        if closed[customer] and left > 0:
            kinds, amounts, days = np.r_[kinds, by], np.r_[amounts, left], np.r_[days, last_day]
        kind.append(kinds)
        cents.append(amounts)
        day.append(days)
        length.append(len(kinds))
    joined = [np.concatenate(column).astype(np.int64) for column in (kind, day, cents)]
    return Sequences(*joined, np.r_[0, np.cumsum(length)], np.ones(sum(length), np.int64)), start


def left_of(data: Sequences, start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return running_balances(data, start, WORLD.sign)[data.offset[1:] - 1]


def test_what_is_learned_is_the_share_and_what_closes() -> None:
    data, start = accounts(40, closed=np.arange(40) % 4 > 0, last_day=200)
    known = Closing.fit(data, start, WORLD, k=5)
    assert known is not None
    assert known.share == pytest.approx((left_of(data, start) == 0).mean())
    assert known.kinds.tolist() == [TRANSFER]
    again = Closing.from_dict(json.loads(json.dumps(known.to_dict())))
    assert (again.share, again.kinds.tolist(), again.counts.tolist()) == (
        known.share,
        known.kinds.tolist(),
        known.counts.tolist(),
    )


def test_what_fewer_than_k_customers_do_is_not_learned() -> None:
    data, start = accounts(40, closed=np.arange(40) < 4, last_day=200)
    assert Closing.fit(data, start, WORLD, k=5) is None
    assert Closing.fit(data, start, WORLD, k=2) is not None


def test_an_account_that_is_empty_when_the_window_ends_is_not_closed() -> None:
    data, start = accounts(40, closed=np.ones(40, bool), last_day=DAYS - 5)
    assert Closing.fit(data, start, WORLD, k=3) is None


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_so_many_are_emptied_as_are_closed_in_the_table(share: float) -> None:
    known = Closing(share, np.array([TRANSFER]), np.array([9]))
    drawn, start = accounts(400, closed=np.arange(400) % 10 == 0, last_day=200)
    before = left_of(drawn, start)
    out = known.applied(drawn, start, WORLD, np.random.default_rng(1))
    after = left_of(out, start)
    rich = before > 0
    assert (after[rich] >= 0).all()
    np.testing.assert_array_equal(after[before < 0], before[before < 0])  # what is owed stays owed
    could = (before >= 0).mean()
    assert (after == 0).mean() == pytest.approx(min(share, could), abs=0.06)
    changed = np.flatnonzero(before != after)
    assert (out.kind[out.offset[changed + 1] - 1] == TRANSFER).all()
    assert (out.length - drawn.length)[changed].min() == 1  # none of them ended with a transfer before
    assert out.due is not None
    assert len(out.due) == len(out.kind) == out.offset[-1]
    assert all(
        (np.diff(out.day[a:b]) >= 0).all() for a, b in zip(out.offset[:-1], out.offset[1:], strict=True)
    )
    same = known.applied(drawn, start, WORLD, np.random.default_rng(1))
    np.testing.assert_array_equal(same.cents, out.cents)


def test_a_last_transfer_takes_the_rest_as_well() -> None:
    known = Closing(1.0, np.array([SPEND]), np.array([9]))
    drawn, start = accounts(100, closed=np.zeros(100, bool), last_day=200)  # all end by spending
    out = known.applied(drawn, start, WORLD, np.random.default_rng(1))
    np.testing.assert_array_equal(out.length, drawn.length)
    rich = left_of(drawn, start) > 0
    assert (left_of(out, start)[rich] == 0).all()
    np.testing.assert_array_equal(out.cents[out.offset[1:] - 1] >= drawn.cents[drawn.offset[1:] - 1], True)


def test_accounts_that_stay_open_are_left_alone() -> None:
    known = Closing(1.0, np.array([TRANSFER]), np.array([9]))
    drawn, start = accounts(50, closed=np.zeros(50, bool), last_day=DAYS)
    late = drawn.day[drawn.offset[1:] - 1] >= DAYS - 32
    out = known.applied(drawn, start, WORLD, np.random.default_rng(1))
    np.testing.assert_array_equal(out.length[late], drawn.length[late])


def _bank(n: int) -> pd.DataFrame:
    """Make customers paid every month, half of whom leave after some months and take what they have."""
    rng = np.random.default_rng(5)
    rows = []
    for customer in range(n):
        balance, months = 0.0, 12 if customer % 2 else int(rng.integers(4, 9))
        for month in range(1, months + 1):
            for day, kind, category, amount in (
                (3, "credit", "salary", 2000.0 + customer),
                (10, "debit", "rent", 700.0),
                (17, "debit", "food", float(rng.integers(100, 900))),
            ):
                rows.append((f"C{customer}", f"2024-{month:02d}-{day:02d}", amount, kind, category))
                balance += amount if kind == "credit" else -amount
        if months < 12:
            rows.append((f"C{customer}", f"2024-{months:02d}-20", round(balance, 2), "debit", "closing"))
    columns = [
        "customer_id",
        "transaction_date",
        "transaction_amount",
        "transaction_type",
        "transaction_category",
    ]
    table = pd.DataFrame(rows, columns=columns)
    return fs.reconstruct_balance(table.assign(transaction_date=pd.to_datetime(table["transaction_date"])))


@pytest.mark.parametrize("closing", [True, False])
def test_who_leaves_takes_all(closing: bool) -> None:
    off = tuple(name for name in MECHANISMS if name not in ("copy", "due", "balance", "plan_codes"))
    without = tuple(name for name in off if name != "closing") if closing else off
    real = _bank(40)
    drawn = (
        fs.TransactionSynthesizer(epochs=3, hidden_size=16, without=without)
        .fit(real, seed=1)
        .sample(60, seed=2)
    )
    fs.validate_transactions(drawn)
    assert fs.check_balance(drawn).ok
    last = drawn.groupby("customer_id", sort=False).tail(1)
    early = last[last["transaction_date"] < real["transaction_date"].max() - pd.Timedelta(days=32)]
    rich = early[early["account_balance"] >= 0]
    emptied = (rich["account_balance"] == 0).mean()
    assert len(rich) > 10
    assert (emptied == 1) if closing else (emptied < 0.7)
