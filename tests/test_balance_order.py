"""Rows of one day are put in the order in which their balances chain."""

from __future__ import annotations

import itertools
from pathlib import Path
from threading import Barrier, get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gretel_fin_synth import (
    ParameterError,
    SchemaViolation,
    _cores,
    check_balance,
    order_transactions,
    reconstruct_balance,
)
from gretel_fin_synth._chunks import whole_numpy
from gretel_fin_synth._ledger import make_ledger
from gretel_fin_synth._money import to_minor
from gretel_fin_synth._numbering import _Table, numbered
from gretel_fin_synth._sorting import stable_order
from gretel_fin_synth.balance import chain_order
from gretel_fin_synth.balance._chain import best_order

if TYPE_CHECKING:
    from conftest import Engine

BANK = Path(__file__).parents[2] / "shared/data/berka_early/train.parquet"


def breaks(order: list[int], before: list[int], after: list[int], opening: int | None) -> int:
    count = sum(before[b] != after[a] for a, b in itertools.pairwise(order))
    return count + (opening is not None and before[order[0]] != opening)


def transactions(amounts: list[int], days: list[int], customers: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "customer_id": customers,
            "transaction_date": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"),
            "transaction_amount": [abs(amount) / 100 for amount in amounts],
            "transaction_type": ["credit" if amount > 0 else "debit" for amount in amounts],
        }
    )
    return reconstruct_balance(frame, starting_amounts=7.5)


edges = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6)


@given(edges, st.none() | st.integers(0, 3))
def test_no_order_has_fewer_breaks(rows: list[tuple[int, int]], opening: int | None) -> None:
    before, after = [row[0] for row in rows], [row[1] for row in rows]
    order = best_order(before, after, opening)
    assert sorted(order) == list(range(len(rows)))
    every = itertools.permutations(range(len(rows)))
    assert breaks(order, before, after, opening) == min(
        breaks(list(o), before, after, opening) for o in every
    )


@pytest.mark.parametrize(
    ("before", "after", "opening", "upcoming", "expected"),
    [
        pytest.param([1, 0], [2, 1], None, None, [1, 0], id="two rows the wrong way round"),
        pytest.param([0, 1], [1, 0], None, None, [0, 1], id="a circle keeps the given order"),
        pytest.param([0, 1], [1, 0], 1, None, [1, 0], id="a circle starts where the day before ended"),
        pytest.param([0, 1], [1, 0], None, 1, [1, 0], id="a circle ends where the next day starts"),
        pytest.param([5, 0], [6, 1], 0, None, [1, 0], id="a gap: what follows from the day before first"),
        pytest.param([0, 9, 4], [5, 10, 9], 0, None, [0, 2, 1], id="a gap: the nearest goes on"),
        pytest.param([3, 3, 4], [4, 5, 3], 3, None, [0, 2, 1], id="a circle before the way on"),
    ],
)
def test_orders_by_hand(
    before: list[int], after: list[int], opening: int | None, upcoming: int | None, expected: list[int]
) -> None:
    assert best_order(before, after, opening, upcoming) == expected


rows_of_customers = st.lists(
    st.tuples(st.integers(1, 400).map(lambda n: n - 201 or 1), st.integers(0, 3), st.sampled_from("abc")),
    max_size=30,
)


@given(rows_of_customers, st.randoms(use_true_random=False))
def test_what_chained_once_chains_again(rows: list[Any], random: Any) -> None:
    frame = transactions(*([list(c) for c in zip(*rows, strict=True)] or [[], [], []]))
    shuffled = frame.sample(frac=1, random_state=random.randrange(2**32))
    ordered = order_transactions(shuffled)
    found = check_balance(ordered, starting_amounts=7.5)
    first_day = frame.groupby("customer_id")["transaction_date"].transform("min")
    # What customers had before their first day is not in the table, so a circle on that day may be entered
    # anywhere; all else must chain.
    assert found.n_breaks <= len(set(frame.loc[frame["transaction_date"] == first_day, "customer_id"]))
    assert check_balance(ordered).n_breaks <= check_balance(shuffled).n_breaks
    pdt.assert_frame_equal(ordered.sort_index(), frame)
    assert (
        ordered["customer_id"].drop_duplicates().tolist()
        == shuffled["customer_id"].drop_duplicates().tolist()
    )
    for _, part in ordered.groupby("customer_id"):
        assert part["transaction_date"].is_monotonic_increasing


def test_every_engine_orders_alike(engine: Engine) -> None:
    frame = transactions([100, -30, 20, 50, -10], [0, 1, 1, 0, 2], list("ababa")).iloc[[2, 4, 0, 3, 1]]
    native = engine.make(frame)
    if engine.lazy:
        with pytest.raises(ParameterError, match="needs a table in memory"):
            order_transactions(native)
        return
    ordered = order_transactions(native)
    assert type(ordered) is type(native)
    expected = order_transactions(frame).reset_index(drop=True)
    assert engine.rows(ordered)["account_balance"].tolist() == expected["account_balance"].tolist()
    assert check_balance(ordered).ok


def test_an_order_that_chains_is_left_alone() -> None:
    frame = transactions([100, -100, 100, -100, 50], [0, 0, 0, 0, 0], ["a"] * 5)
    assert chain_order(frame).tolist() == [0, 1, 2, 3, 4]


def test_only_ties_change_places() -> None:
    frame = transactions([100, 200, 300], [0, 0, 0], ["a"] * 3).iloc[[2, 1, 0]].assign(key=[0, 1, 2])
    assert chain_order(frame, order_by=["transaction_date", "key"]).tolist() == [0, 1, 2]
    assert chain_order(frame).tolist() == [2, 1, 0]


def test_no_rows() -> None:
    assert chain_order(transactions([], [], [])).tolist() == []


def test_balances_are_needed() -> None:
    with pytest.raises(SchemaViolation, match="column 'account_balance' is missing"):
        order_transactions(transactions([1], [0], ["a"]).drop(columns="account_balance"))


def test_a_day_of_many_unrelated_balances_takes_no_time() -> None:
    n_rows = 20_000
    rng = np.random.default_rng(0)
    frame = transactions(rng.integers(1, 100, n_rows).tolist(), [0] * n_rows, ["a"] * n_rows)
    frame["account_balance"] = rng.integers(0, 10**9, n_rows) / 100
    started = perf_counter()
    assert sorted(chain_order(frame).tolist()) == list(range(n_rows))
    assert perf_counter() - started < 10


@pytest.mark.skipif(not BANK.exists(), reason="the bank's table lies outside the repository")
def test_a_real_bank_table_is_put_back_in_order() -> None:
    frame = pd.read_parquet(BANK)
    shuffled = frame.sample(frac=1, random_state=0, ignore_index=True)
    ordered = order_transactions(shuffled)
    assert check_balance(shuffled).n_breaks > 3 * check_balance(frame).n_breaks
    assert check_balance(ordered).n_breaks <= check_balance(frame).n_breaks
    assert check_balance(ordered, tolerance=0.1).ok


keys = st.one_of(
    st.lists(st.integers(-5, 5), min_size=1, max_size=30).map(lambda k: np.array(k, dtype=np.int64)),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30).map(
        lambda k: np.array(k, dtype=np.int64)
    ),
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30).map(lambda k: np.array(k, dtype=np.uint64)),
    st.lists(st.integers(0, 40), min_size=1, max_size=30).map(lambda k: np.array(k) * 86_400 * 10**9),
    st.lists(st.floats(allow_nan=False), min_size=1, max_size=30).map(np.array),
)


@given(keys, st.data())
def test_the_ledger_sorts_as_a_stable_sort_does(key: Any, data: Any) -> None:
    ids = data.draw(st.lists(st.sampled_from("abcd"), min_size=key.size, max_size=key.size))
    ledger = make_ledger(pd.Series(ids), [key])
    appeared = list(dict.fromkeys(ids))
    expected = sorted(range(key.size), key=lambda row: (appeared.index(ids[row]), key[row]))
    assert ledger.positions(np.arange(key.size)).tolist() == expected
    assert ledger.customers.tolist() == appeared
    assert [ids[row] for row in ledger.positions(ledger.starts)] == appeared
    assert ledger.lengths.tolist() == [ids.count(customer) for customer in appeared]
    values = np.arange(key.size)
    assert ledger.restore(ledger.arrange(values)).tolist() == values.tolist()


@pytest.mark.parametrize("n_rows", [3_999, 20_000, 250_000])
@pytest.mark.parametrize("n_customers", [1, 7, 3_000])
@pytest.mark.parametrize("bits", [4, 16, 27, 40, 62])
def test_long_ledgers_sort_as_a_stable_sort_does(n_rows: int, n_customers: int, bits: int) -> None:
    rng = np.random.default_rng([n_rows, n_customers, bits])
    ids = rng.integers(0, n_customers, n_rows) ** 2 // n_customers  # some have many rows, some none
    key = rng.integers(0, 2**bits, n_rows)
    ledger = make_ledger(pd.Series(ids), [key])
    codes = pd.factorize(ids)[0]
    expected = np.lexsort((key, codes))
    rows = np.arange(n_rows)
    np.testing.assert_array_equal(ledger.positions(rows), expected)
    np.testing.assert_array_equal(ledger.starts, np.flatnonzero(np.diff(codes[expected], prepend=-1)))
    np.testing.assert_array_equal(ledger.restore(ledger.arrange(rows)), rows)


@pytest.mark.parametrize("n_rows", [1, 5_000, 250_000])
@pytest.mark.parametrize("bits", [3, 50])
def test_several_keys_sort_as_a_stable_sort_does(n_rows: int, bits: int) -> None:
    rng = np.random.default_rng([n_rows, bits])
    keys = [rng.integers(0, 900, n_rows), rng.integers(0, 2**bits, n_rows)]
    np.testing.assert_array_equal(stable_order(keys), np.lexsort(keys[::-1]))


def test_times_that_differ_in_the_last_digits_alone_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    key = 2**62 + rng.integers(0, 40, 300_000) - rng.integers(0, 2, 300_000) * 2**61
    np.testing.assert_array_equal(stable_order([key]), np.argsort(key, kind="stable"))


def long_table(order: str) -> pd.DataFrame:
    """One customer with half of the rows, many with one, some with many, and ties in time."""
    rng = np.random.default_rng(0)
    n_rows = 210_000
    who = np.concatenate([np.zeros(n_rows // 2), np.arange(1, 40_001), rng.integers(40_001, 40_301, n_rows)])
    frame = pd.DataFrame(
        {
            "customer_id": pd.Series([f"C{number:07.0f}" for number in who[:n_rows]], dtype="str"),
            "transaction_date": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 9_999, n_rows), "s"),
            "transaction_amount": rng.integers(1, 100_000, n_rows) / 100,
            "transaction_type": pd.Series(np.where(rng.random(n_rows) < 0.4, "credit", "debit"), dtype="str"),
        }
    )
    by = {"by customer": ["customer_id", "transaction_date"], "by time": ["transaction_date"]}
    return (
        frame.sort_values(by[order], ignore_index=True)
        if order in by
        else frame.sample(frac=1, random_state=0)
    )


@pytest.mark.parametrize("order", ["by customer", "by time", "shuffled"])
@pytest.mark.parametrize("library", ["pandas", "arrow in pandas", "pyarrow", "polars"])
def test_threads_change_no_balance(order: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = long_table(order)
    signed = np.where(frame["transaction_type"] == "credit", 1, -1) * to_minor(frame["transaction_amount"])
    in_order = np.lexsort((frame["transaction_date"].to_numpy(), frame["customer_id"].to_numpy(dtype=object)))
    sums = pd.Series(signed[in_order]).groupby(frame["customer_id"].to_numpy()[in_order]).cumsum()
    expected = np.empty(len(frame))
    expected[in_order] = sums.to_numpy() / 100
    given: Any = frame
    if library == "arrow in pandas":
        given = frame.convert_dtypes(dtype_backend="pyarrow")
    elif library == "pyarrow":
        whole = pa.Table.from_pandas(frame, preserve_index=False)
        given = pa.concat_tables([whole.slice(0, 70_001), whole.slice(70_001, 0), whole.slice(70_001)])
    elif library == "polars":
        given = pytest.importorskip("polars").from_pandas(frame)
    np.testing.assert_array_equal(reconstruct_balance(given)["account_balance"].to_numpy(), expected)
    monkeypatch.setattr(_cores, "WORTH_A_THREAD", 10**9)
    np.testing.assert_array_equal(reconstruct_balance(given)["account_balance"].to_numpy(), expected)


def test_the_customer_of_a_long_table_whose_balance_is_too_large_is_named() -> None:
    frame = long_table("shuffled")
    frame.loc[frame["customer_id"] == "C0000000", ["transaction_amount", "transaction_type"]] = [
        10**12,
        "credit",
    ]
    with pytest.raises(ParameterError, match="balance of customer 'C0000000' passes"):
        reconstruct_balance(frame)


def test_what_is_wrong_with_rows_is_said_before_ids_that_have_no_number() -> None:
    frame = transactions([1, 2], [0, 1], ["a", "b"]).assign(customer_id=[["a"], ["b"]])
    with pytest.raises(TypeError, match="unhashable"):
        reconstruct_balance(frame)
    with pytest.raises(SchemaViolation, match="is not a type"):
        reconstruct_balance(frame.assign(transaction_type="x"))


def test_work_at_the_same_time_is_not_divided_again() -> None:
    def inner() -> set[int]:
        return set(_cores.side_by_side(10**6, get_ident, get_ident))

    assert [len(threads) for threads in _cores.side_by_side(10**6, inner, inner)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        _cores.side_by_side(10**6, lambda: 1 / 0, inner)
    started = Barrier(2, timeout=60)
    _cores.side_by_side(10**6, started.wait, started.wait)  # would wait for ever one after the other


def test_numbers_in_chunks_become_one_array() -> None:
    assert whole_numpy(pa.chunked_array([], pa.int64())).tolist() == []
    parts = [np.arange(at, at + 70_000) for at in range(0, 280_000, 70_000)]
    np.testing.assert_array_equal(whole_numpy(pa.chunked_array(parts)[3:]), np.arange(3, 280_000))


def values_of(kind: str, numbers: Any) -> pd.Series[Any]:
    if kind == "int64":
        return pd.Series(numbers * 2**40 - 7)
    forms = {"one length": "CUST_{:08d}", "eight": "{:08x}", "long": "{0:020d}-{0:032d}", "any": "C{}"}
    words = np.array([forms[kind].format(number) for number in range(int(numbers.max()) + 1)], dtype=object)
    array = pa.array(words)
    chunks = [array.take(pa.array(part)) for part in np.array_split(numbers, [0, 70_000, 70_000, 90_001])]
    return pd.Series(pa.chunked_array(chunks), dtype=pd.ArrowDtype(pa.string())).iloc[3:]


@pytest.mark.parametrize("kind", ["int64", "one length", "eight", "long", "any"])
@pytest.mark.parametrize("n_values", [1, 3_000, 120_000])
def test_long_columns_are_numbered_as_pandas_does(kind: str, n_values: int) -> None:
    rng = np.random.default_rng(n_values)
    values = values_of(kind, rng.integers(0, n_values, 270_000) ** 2 // n_values)
    codes, distinct = numbered(values)
    expected, uniques = pd.factorize(values)
    np.testing.assert_array_equal(codes, expected)
    assert list(distinct) == list(uniques)


@pytest.mark.parametrize("n_values", [40, 200_000])
def test_the_table_of_numbers_grows_and_probes(n_values: int) -> None:
    words = [np.arange(n_values, dtype=np.uint64) << np.uint64(40), np.full(n_values, 7, dtype=np.uint64)]
    table, rows = _Table(2), np.arange(n_values)
    for _ in range(2):
        found = np.concatenate(
            [table.numbers([word[at : at + 999] for word in words], at) for at in range(0, n_values, 999)]
        )
        assert sorted(found.tolist()) == list(range(n_values))
        np.testing.assert_array_equal(table.first[found], rows)


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
def test_rows_that_are_in_order_are_not_sorted_again(dtype: str) -> None:
    ids = pd.Series(["a", "a", "b", "c", "c"]).astype(dtype)
    assert make_ledger(ids, [np.array([1, 2, 0, 5, 5])]).order is None
    assert make_ledger(ids, [np.array([2, 1, 0, 5, 5])]).order is not None
    assert make_ledger(ids, [np.array([1, 1, 0, 5, 5]), np.array([0, 1, 0, 3, 3])]).order is None
    assert make_ledger(ids, [np.array([1, 1, 0, 5, 5]), np.array([1, 0, 0, 3, 3])]).order is not None
