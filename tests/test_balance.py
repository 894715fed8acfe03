"""Balances add up to the cent, on every engine, in any order of rows."""

from __future__ import annotations

import os
import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandas.testing as pdt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gretel_fin_synth import (
    ParameterError,
    SchemaViolation,
    StartingAmountError,
    check_balance,
    reconstruct_balance,
    starting_amounts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Engine

# Several engines and several queries to an example: fewer examples do.
fewer = settings(max_examples=max(settings.default.max_examples // 8, 5))

CUSTOMERS = ["a", "b", "007", "NA"]
BY_SEQUENCE = ["transaction_date", "sequence"]

cents = st.integers(1, 10**9)
entries = st.lists(
    st.tuples(
        st.sampled_from(CUSTOMERS), st.integers(0, 3), cents, st.booleans(), st.sampled_from(["rent", "cash"])
    ),
    max_size=25,
)
openings = st.fixed_dictionaries({customer: st.integers(-(10**9), 10**9) for customer in CUSTOMERS})


def table(rows: list[Any]) -> pd.DataFrame:
    """Make transactions from (customer, day, cents, is credit, category); `sequence` numbers them."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return pd.DataFrame(
        {
            "customer_id": pd.Series(columns[0], dtype="str"),
            "transaction_date": pd.Timestamp("2024-02-28") + pd.to_timedelta(list(columns[1]), unit="D"),
            "transaction_amount": np.array(columns[2], dtype=np.float64) / 100,
            "transaction_type": pd.Series(["credit" if c else "debit" for c in columns[3]], dtype="str"),
            "transaction_category": pd.Series(columns[4], dtype="str"),
            "sequence": np.arange(len(rows), dtype=np.int64),
        }
    )


def by_loop(frame: pd.DataFrame, opening: dict[str, Decimal]) -> list[float]:
    """Balances as a ledger would be kept by hand."""
    balance = dict(opening)
    found: dict[int, float] = {}
    ordered = sorted(range(len(frame)), key=lambda row: (frame["transaction_date"].iloc[row], row))
    for row in ordered:
        customer = frame["customer_id"].iloc[row]
        amount = Decimal(str(frame["transaction_amount"].iloc[row]))
        balance[customer] += amount if frame["transaction_type"].iloc[row] == "credit" else -amount
        found[row] = float(balance[customer])
    return [found[row] for row in range(len(frame))]


def major(opening: dict[str, int]) -> dict[str, Decimal]:
    return {customer: Decimal(code).scaleb(-2) for customer, code in opening.items()}


def _is_enough(engine: Engine) -> bool:
    """Say whether an engine that takes seconds to an example has seen three of them in this test."""
    if engine.name != "pyspark":
        return False
    test = os.environ["PYTEST_CURRENT_TEST"]
    seen_by_spark[test] += 1
    return seen_by_spark[test] > 3


seen_by_spark: Counter[str] = Counter()


def small() -> pd.DataFrame:
    return table([("a", 1, 20, True, "x"), ("b", 0, 500, False, "x"), ("a", 0, 10, True, "x")])


@given(entries, openings)
def test_it_equals_a_loop_over_decimals(rows: list[Any], opening: dict[str, int]) -> None:
    frame = table(rows)
    before = frame.copy(deep=True)
    balanced = reconstruct_balance(frame, starting_amounts=major(opening))
    assert balanced["account_balance"].tolist() == by_loop(frame, major(opening))
    pdt.assert_frame_equal(frame, before)


@given(entries, openings)
def test_it_checks_and_gives_the_starting_amounts_back(rows: list[Any], opening: dict[str, int]) -> None:
    balanced = reconstruct_balance(table(rows), starting_amounts=major(opening))
    assert check_balance(balanced).ok
    assert check_balance(balanced, starting_amounts=major(opening)).ok
    found = starting_amounts(balanced)
    assert dict(zip(found["customer_id"], found["starting_amount"], strict=True)) == (
        {customer: float(major(opening)[customer]) for customer in sorted({row[0] for row in rows})}
    )
    again = reconstruct_balance(balanced, starting_amounts=found)
    pdt.assert_frame_equal(again, balanced)


@given(entries, openings)
def test_the_last_balance_is_the_start_plus_the_sum(rows: list[Any], opening: dict[str, int]) -> None:
    balanced = reconstruct_balance(table(rows), starting_amounts=major(opening))
    last = balanced.sort_values("transaction_date", kind="stable").groupby("customer_id").last()
    for customer, balance in last["account_balance"].items():
        moved = sum(
            amount if is_credit else -amount for who, _, amount, is_credit, _ in rows if who == customer
        )
        assert balance == (opening[str(customer)] + moved) / 100


@given(entries, openings, st.randoms(use_true_random=False))
def test_customers_do_not_touch_each_other(rows: list[Any], opening: dict[str, int], random: Any) -> None:
    frame = table(rows)
    whole = reconstruct_balance(frame, starting_amounts=major(opening)).set_index("sequence")
    for _, part in frame.groupby("customer_id"):
        alone = reconstruct_balance(part, starting_amounts=major(opening)).set_index("sequence")
        pdt.assert_frame_equal(alone, whole.loc[alone.index])
    # Customers in another order, the rows of each in theirs.
    ranks = {customer: random.random() for customer in CUSTOMERS}
    moved = frame.iloc[np.argsort(frame["customer_id"].map(ranks).to_numpy(), kind="stable")]
    again = reconstruct_balance(moved, starting_amounts=major(opening)).set_index("sequence")
    pdt.assert_frame_equal(again.sort_index(), whole)
    # All rows in any order, as long as a column tells which comes first.
    shuffled = frame.sample(frac=1, random_state=random.randrange(2**32))
    again = reconstruct_balance(shuffled, starting_amounts=major(opening), order_by=BY_SEQUENCE)
    pdt.assert_frame_equal(again.set_index("sequence").sort_index(), whole)


@fewer
@given(entries, openings)
def test_engines_agree(engine: Engine, rows: list[Any], opening: dict[str, int]) -> None:
    if _is_enough(engine):
        return
    frame = table(rows)
    start = major(opening)
    expected = reconstruct_balance(frame, starting_amounts=start)
    native = engine.make(frame)
    balanced = reconstruct_balance(native, starting_amounts=start, order_by=BY_SEQUENCE)
    assert type(balanced) is type(native)
    assert engine.rows(native, "sequence").shape == frame.shape
    found = engine.rows(balanced, "sequence")
    assert list(found.columns) == list(expected.columns)
    assert found["account_balance"].tolist() == expected["account_balance"].tolist()
    assert check_balance(balanced, order_by=BY_SEQUENCE, starting_amounts=start).ok
    amounts = starting_amounts(balanced, order_by=BY_SEQUENCE)
    assert type(amounts) is type(native)
    pdt.assert_frame_equal(
        engine.rows(amounts), starting_amounts(expected), check_dtype=False, check_index_type=False
    )


@fewer
@given(entries)
def test_every_engine_checks_what_it_made_without_an_order_of_rows(engine: Engine, rows: list[Any]) -> None:
    if _is_enough(engine):
        return
    balanced = reconstruct_balance(engine.make(table(rows).drop(columns="sequence")), starting_amounts=12.5)
    found = check_balance(balanced, starting_amounts=12.5)
    assert found.ok, found
    assert engine.rows(starting_amounts(balanced))["starting_amount"].tolist() == [12.5] * len(
        {row[0] for row in rows}
    )


@given(entries, st.randoms(use_true_random=False))
@fewer
def test_ties_without_an_order_of_rows_are_broken_by_content(
    engine: Engine, rows: list[Any], random: Any
) -> None:
    frame = table(rows).drop(columns="sequence")
    shuffled = frame.sample(frac=1, random_state=random.randrange(2**32))
    if engine.ordered or _is_enough(engine):
        return
    every = [*frame.columns, "account_balance"]
    first, second = (
        engine.rows(reconstruct_balance(engine.make(part)), *every) for part in (frame, shuffled)
    )
    pdt.assert_frame_equal(first, second)
    content = ["transaction_date", "transaction_type", "transaction_amount", "transaction_category"]
    by_hand = reconstruct_balance(frame.sort_values(content, kind="stable"))
    pdt.assert_frame_equal(
        first, by_hand.sort_values(every, ignore_index=True), check_dtype=False, check_index_type=False
    )


def test_the_index_the_columns_and_their_order_are_kept() -> None:
    frame = small().assign(account_balance=0.0, note=[{"a": 1}, [2], None])[
        ["note", "account_balance", *small().columns]
    ]
    frame.index = pd.Index(["x", "x", "y"], name="label")
    balanced = reconstruct_balance(frame, starting_amounts={"a": 0, "b": Decimal("12.50")})
    assert list(balanced.columns) == list(frame.columns)
    assert balanced.index.equals(frame.index)
    assert balanced["account_balance"].tolist() == [0.3, 7.5, 0.1]
    assert balanced["note"].tolist() == frame["note"].tolist()
    assert frame["account_balance"].tolist() == [0.0, 0.0, 0.0]


def test_pyarrow_backed_amounts_give_pyarrow_backed_balances() -> None:
    balanced = reconstruct_balance(small().convert_dtypes(dtype_backend="pyarrow"))
    assert balanced["account_balance"].dtype == "double[pyarrow]"
    assert starting_amounts(balanced)["starting_amount"].dtype == "double[pyarrow]"


FORMS: dict[str, Callable[[], Any]] = {
    "mapping": lambda: {"a": 1.5, "b": -2, "stranger": "x"},
    "Series": lambda: pd.Series({"a": 1.5, "b": -2}),
    "frame": lambda: pd.DataFrame({"customer_id": ["b", "a"], "starting_amount": [-2, 1.5], "n": [1, 1]}),
    "frame with repeated rows": lambda: pd.DataFrame(
        {"customer_id": ["b", "a", "b"], "starting_amount": [-2.0, 1.5, -2.0]}
    ),
    "column": lambda: "start",
}


@pytest.mark.parametrize("form", [name for name in FORMS if name != "mapping"])
def test_starting_amounts_in_every_form(engine: Engine, form: str) -> None:
    frame = engine.make(small().assign(start=[1.5, -2.0, 1.5]))
    balanced = engine.rows(reconstruct_balance(frame, starting_amounts=FORMS[form]()), "sequence")
    assert balanced["account_balance"].tolist() == [1.8, -7.0, 1.6]
    assert "start" in balanced.columns


def test_starting_amounts_as_a_frame_of_the_same_engine(engine: Engine) -> None:
    amounts = engine.make(FORMS["frame"]())
    balanced = reconstruct_balance(engine.make(small()), starting_amounts=amounts)
    assert engine.rows(balanced, "sequence")["account_balance"].tolist() == [1.8, -7.0, 1.6]


@pytest.mark.parametrize(("amount", "first"), [(None, 0.1), (5, 5.1), (Decimal("0.10"), 0.2), (-1.5, -1.4)])
def test_one_starting_amount_for_all(engine: Engine, amount: Any, first: float) -> None:
    balanced = engine.rows(reconstruct_balance(engine.make(small()), starting_amounts=amount), "sequence")
    assert balanced["account_balance"].iloc[2] == first


def test_amounts_of_strangers_are_left_alone() -> None:
    assert (
        reconstruct_balance(small(), starting_amounts=FORMS["mapping"]())["account_balance"].iloc[1] == -7.0
    )


def test_whole_numbers_may_be_ids(engine: Engine) -> None:
    frame = engine.make(small().assign(customer_id=[1, 2, 1]))
    balanced = engine.rows(reconstruct_balance(frame, starting_amounts={1: 1.5, 2: -2}), "sequence")
    assert balanced["account_balance"].tolist() == [1.8, -7.0, 1.6]
    assert balanced["customer_id"].tolist() == [1, 2, 1]


BAD_STARTS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "customer without one": (
        lambda: {"a": 1},
        StartingAmountError,
        r"1 of 2 customers have no starting amount: 'b'(.|\n)*Hint: starting_amounts=\{..., 'b': 0.0\}",
    ),
    "nobody has one": (dict, StartingAmountError, r"2 of 2 customers have no starting amount: 'a', 'b'"),
    "ids of another type": (
        lambda: {1: 1.0, 2: 2.0},
        StartingAmountError,
        r"The table's ids are str, those given int",
    ),
    "customer with two": (
        lambda: pd.Series([1.0, 2.0, 3.0], index=["a", "b", "a"]),
        StartingAmountError,
        r"customer 'a' has more than one starting amount: 1.0, 3.0",
    ),
    "missing amount": (
        lambda: {"a": 1.0, "b": None},
        StartingAmountError,
        r"the starting amount of customer 'b' is None, which is missing",
    ),
    "amount with three decimals": (
        lambda: {"a": 1.0, "b": 1.005},
        StartingAmountError,
        r"the starting amount of customer 'b' is 1.005, which has too many decimals",
    ),
    "amount that is text": (
        lambda: {"a": 1.0, "b": "1"},
        StartingAmountError,
        r"the starting amount of customer 'b' is '1', which is not a number",
    ),
    "one number that is none": (
        lambda: float("nan"),
        StartingAmountError,
        r"starting_amounts is nan, which is",
    ),
    "column that varies": (
        lambda: "varies",
        StartingAmountError,
        r"customer 'a' has more than one starting amount: 1.0, 3.0",
    ),
    "column with a gap": (
        lambda: "gap",
        StartingAmountError,
        r"the starting amount of customer 'b'.* is (nan|None|<NA>), which is missing",
    ),
    "column that is not there": (
        lambda: "opening",
        ParameterError,
        r"names the column 'opening', which the table has 0 times; it has 'customer_id'",
    ),
    "frame without amounts": (
        lambda: pd.DataFrame({"customer_id": ["a"], "amount": [1]}),
        ParameterError,
        r"needs one column 'starting_amount'; it has 'customer_id', 'amount'",
    ),
    "no form at all": (
        lambda: [1, 2],
        ParameterError,
        r"starting_amounts is list \[1, 2\]; it may be a mapping",
    ),
    "truth value": (lambda: True, ParameterError, r"starting_amounts is bool True; it may be a mapping"),
}


@pytest.mark.parametrize(("make", "error", "message"), BAD_STARTS.values(), ids=BAD_STARTS.keys())
def test_bad_starting_amounts(
    engine: Engine, make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    frame = engine.make(small().assign(varies=[3.0, 2.0, 1.0], gap=[1.0, None, 1.0]))
    with pytest.raises(error, match=message):
        reconstruct_balance(frame, starting_amounts=make())


BAD_ROWS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str, str]] = {
    "negative amount": (
        lambda f: f.assign(transaction_amount=[1.0, -2.0, 3.0]),
        "transaction_amount",
        "negative",
    ),
    "zero amount": (lambda f: f.assign(transaction_amount=[1.0, 0.0, 3.0]), "transaction_amount", "is zero"),
    "missing amount": (
        lambda f: f.assign(transaction_amount=[1.0, None, 3.0]),
        "transaction_amount",
        "missing",
    ),
    "infinite amount": (
        lambda f: f.assign(transaction_amount=[1.0, np.inf, 3.0]),
        "transaction_amount",
        "finite",
    ),
    "third decimal": (
        lambda f: f.assign(transaction_amount=[1.0, 1.001, 3.0]),
        "transaction_amount",
        "too many decimals",
    ),
    "huge amount": (
        lambda f: f.assign(transaction_amount=[1.0, 1e15, 3.0]),
        "transaction_amount",
        "is beyond",
    ),
    "unknown type": (
        lambda f: f.assign(transaction_type=["credit", "DEBIT ", "credit"]),
        "transaction_type",
        "write 'debit'",
    ),
    "missing type": (
        lambda f: f.assign(transaction_type=["credit", None, "debit"]),
        "transaction_type",
        "missing",
    ),
    "missing id": (lambda f: f.assign(customer_id=["a", None, "b"]), "customer_id", "is missing"),
    "missing date": (
        lambda f: f.assign(transaction_date=pd.to_datetime(["2024-01-01", None, "2024-01-01"])),
        "transaction_date",
        "is missing",
    ),
}


@pytest.mark.parametrize(("change", "column", "message"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_bad_rows_are_named_on_every_engine(
    engine: Engine, change: Callable[[pd.DataFrame], pd.DataFrame], column: str, message: str
) -> None:
    frame = engine.make(change(small()))
    with pytest.raises(SchemaViolation, match=message) as caught:
        reconstruct_balance(frame)
    cases = caught.value.failure_cases
    assert cases["column"].tolist() == [column]
    assert cases["row"].tolist() == ([1] if engine.ordered else [pd.NA])
    assert f"column {column!r}" in str(caught.value)
    with pytest.raises(SchemaViolation) as in_memory:
        reconstruct_balance(change(small()))
    assert keys(cases) == keys(in_memory.value.failure_cases)


def keys(cases: pd.DataFrame) -> list[tuple[Any, ...]]:
    """What an error says of its cells, but for their positions, which not every engine has."""
    told = cases[["column", "customer_id", "value", "problem"]]
    return sorted(tuple("" if pd.isna(v) else str(v) for v in row) for row in told.to_numpy())


def test_many_bad_rows_have_the_same_keys_on_every_engine(engine: Engine) -> None:
    rows = [(who, day, 10 * day + 7, day % 2 == 0, "x") for who in "cab" for day in range(4)]
    frame = table(rows)
    frame.loc[[1, 5, 9], "transaction_amount"] = [-1.0, 0.0, 0.001]
    frame.loc[[2, 5, 7], "transaction_type"] = ["Debit", None, "x"]
    with pytest.raises(SchemaViolation) as expected:
        reconstruct_balance(frame)
    with pytest.raises(SchemaViolation) as caught:
        reconstruct_balance(engine.make(frame))
    assert keys(caught.value.failure_cases) == keys(expected.value.failure_cases)
    assert len(caught.value.failure_cases) == 6


@pytest.mark.parametrize("starts", [{"d": 0}, {"c": 1.005, "a": None, "b": 1}, "gaps", "varies"])
def test_starting_amounts_fail_alike_on_every_engine(engine: Engine, starts: Any) -> None:
    rows = [(who, day, 7, True, "x") for who in "cab" for day in range(2)]
    frame = table(rows).assign(gaps=[1, None, 1, None, 1, None], varies=[1.0, 2.0, 4.0, 3.0, 5.0, 5.0])
    with pytest.raises(StartingAmountError) as expected:
        reconstruct_balance(frame, starting_amounts=starts)
    with pytest.raises(StartingAmountError) as caught:
        reconstruct_balance(engine.make(frame), starting_amounts=starts)
    told = [re.sub(r" in row \d+| is (nan|None|<NA>)", "", str(error.value)) for error in (expected, caught)]
    assert told[0] == told[1]


@pytest.mark.parametrize("column", ["customer_id", "transaction_amount", "transaction_type"])
def test_a_missing_column_is_named_on_every_engine(engine: Engine, column: str) -> None:
    frame = engine.make(small().rename(columns={column: column.upper()}))
    with pytest.raises(
        SchemaViolation, match=f"column '{column}' is missing; did you mean '{column.upper()}'"
    ):
        reconstruct_balance(frame)


def test_a_missing_balance_column_is_named_on_every_engine(engine: Engine) -> None:
    for function in (check_balance, starting_amounts):
        with pytest.raises(SchemaViolation, match="column 'account_balance' is missing"):
            function(engine.make(small()))


def test_missing_balances_are_named_on_every_engine(engine: Engine) -> None:
    frame = engine.make(small().assign(account_balance=[1.0, None, 2.0]))
    for function in (check_balance, starting_amounts):
        with pytest.raises(SchemaViolation, match=r"'account_balance'.* is missing"):
            function(frame)


def test_a_missing_order_key_is_named_on_every_engine(engine: Engine) -> None:
    with pytest.raises(
        ParameterError, match=r"order_by names 'transaction_dat'.*\n\nHint: .*'transaction_date'"
    ):
        reconstruct_balance(engine.make(small()), order_by="transaction_dat")


@pytest.mark.parametrize("order_by", [[], None, 5, ["transaction_date", 5]])
def test_bad_order_by(order_by: Any) -> None:
    with pytest.raises(ParameterError, match=r"order_by is .*the name of a column is needed"):
        reconstruct_balance(small(), order_by=order_by)


def test_text_dates_are_read_in_memory_and_refused_in_queries(engine: Engine) -> None:
    frame = engine.make(small().assign(transaction_date=["2024-03-01", "2024-01-01", "2024-02-01"]))
    if engine.lazy:
        with pytest.raises(ParameterError, match=r"holds text.*\n\nHint: cast it"):
            reconstruct_balance(frame)
    else:
        assert engine.rows(reconstruct_balance(frame))["account_balance"].tolist() == [0.3, -5.0, 0.1]
        with pytest.raises(SchemaViolation, match="is no date"):
            reconstruct_balance(engine.make(small().assign(transaction_date="01.02.2024")))


@pytest.mark.parametrize(
    "keys",
    [
        [2.5, 0.0, -1.5],
        [5.0, 0.0, 4.0],
        pd.array([2, 1, 0], dtype="UInt8"),
        pd.array([2**62, 0, -(2**62)], dtype="Int64"),
        pd.Timestamp("2024-01-01") + pd.to_timedelta([2, 0, 1], unit="us"),
    ],
)
def test_any_number_or_time_may_order_rows(engine: Engine, keys: Any) -> None:
    frame = engine.make(small().assign(key=keys).drop(columns="transaction_date"))
    balanced = engine.rows(reconstruct_balance(frame, order_by="key"), "sequence")
    assert balanced["account_balance"].tolist() == [0.3, -5.0, 0.1]


def test_time_zones_are_compared_by_instant() -> None:
    hours = ["2024-10-27 02:30+01:00", "2024-10-27 00:00+02:00", "2024-10-27 02:30+02:00"]
    dates = pd.to_datetime(hours, utc=True)
    frame = small().assign(transaction_date=dates.tz_convert("Europe/Prague"))
    assert reconstruct_balance(frame)["account_balance"].tolist() == [0.3, -5.0, 0.1]


def test_minor_units(engine: Engine) -> None:
    frame = engine.make(small().assign(transaction_amount=[0.125, 5.0, 0.001]))
    balanced = engine.rows(reconstruct_balance(frame, minor_units=3, starting_amounts=0.004), "sequence")
    assert balanced["account_balance"].tolist() == [0.13, -4.996, 0.005]
    whole = engine.make(small().assign(transaction_amount=[20.0, 5.0, 1.0]))
    assert check_balance(reconstruct_balance(whole, minor_units=0), minor_units=0).ok


def test_balances_beyond_what_floats_hold_are_refused(engine: Engine) -> None:
    frame = engine.make(small().assign(customer_id="a", transaction_type="credit", transaction_amount=9e12))
    with pytest.raises(ParameterError, match="balance of customer 'a' passes 1125899906842624 minor units"):
        reconstruct_balance(frame)


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(engine: Engine, n_rows: int) -> None:
    frame = engine.make(small().iloc[:n_rows])
    balanced = reconstruct_balance(frame)
    assert engine.rows(balanced)["account_balance"].tolist() == [0.2][:n_rows]
    assert check_balance(balanced).ok
    assert len(engine.rows(starting_amounts(balanced))) == n_rows


def broken() -> pd.DataFrame:
    """One customer whose third balance is half a unit off, and a second one that is sound."""
    rows = [("a", day, 100, True, "x") for day in range(5)] + [("b", 0, 1, False, "x")]
    return table(rows).assign(account_balance=[1.0, 2.0, 3.5, 4.5, 5.5, -0.01])


def test_a_break_is_reported_where_it_is(engine: Engine) -> None:
    found = check_balance(engine.make(broken()))
    assert not found
    assert (found.ok, found.n_breaks, found.n_rows, found.n_customers) == (False, 1, 6, 2)
    assert found.share == 1 / 6
    breaks = engine.rows(found.breaks)
    assert breaks[["customer_id", "account_balance", "expected", "difference"]].to_numpy().tolist() == (
        [["a", 3.5, 3.0, 0.5]]
    )
    assert ("row" in breaks.columns) == engine.ordered
    if engine.ordered:
        assert breaks["row"].tolist() == [2]


def test_breaks_are_of_the_type_of_the_frame(engine: Engine) -> None:
    frame = engine.make(broken())
    assert type(check_balance(frame).breaks) is type(frame)


def test_tolerance(engine: Engine) -> None:
    frame = engine.make(broken())
    assert check_balance(frame, tolerance=0.5).ok
    assert not check_balance(frame, tolerance=0.49)
    assert check_balance(frame, tolerance=0.5).tolerance == 0.5


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), float("inf"), "0.1", None, True])
def test_bad_tolerance(tolerance: Any) -> None:
    with pytest.raises(ParameterError, match="tolerance is"):
        check_balance(broken(), tolerance=tolerance)


def test_known_starting_amounts_check_the_first_rows_too(engine: Engine) -> None:
    frame = engine.make(broken())
    assert check_balance(frame, starting_amounts={"a": 0.0, "b": 0.0}).n_breaks == 1
    assert check_balance(frame, starting_amounts={"a": 0.0, "b": 1.0}).n_breaks == 2


def test_balances_with_more_decimals_than_the_currency(engine: Engine) -> None:
    # The first row may be anything; the second lies 0.4 cents off what the rounded first one leads to.
    rows = [("a", day, 100, True, "x") for day in range(3)]
    frame = engine.make(table(rows).assign(account_balance=[1.004, 2.004, 3.0]))
    found = check_balance(frame)
    assert engine.rows(found.breaks)["expected"].tolist() == [2.0]
    assert check_balance(frame, tolerance=0.005).ok
    assert engine.rows(starting_amounts(frame))["starting_amount"].tolist() == [0.0]


def test_starting_amounts_of_a_table_with_breaks_come_from_its_first_row() -> None:
    assert starting_amounts(broken().iloc[::-1])["starting_amount"].tolist() == [0.0, 0.0]
    assert starting_amounts(broken().iloc[2:])["starting_amount"].tolist() == [2.5, 0.0]


def test_what_a_check_says() -> None:
    assert repr(check_balance(broken().iloc[:2])) == (
        "BalanceCheck: ok, the balances of 2 rows of 1 customer add up"
    )
    text = repr(check_balance(broken()))
    assert "1 balance does not add up (16.7% of 6 rows of 2 customers)" in text
    assert "expected" in text
    assert "Hint: order_transactions(frame)" in text
    many = check_balance(broken().assign(account_balance=[1, 9, 1, 9, 1, 0]))
    assert "4 balances do not add up" in repr(many)


def test_what_a_check_shows_is_escaped() -> None:
    frame = broken().assign(customer_id="<script>")
    shown = check_balance(frame)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<table" not in check_balance(broken().iloc[:2])._repr_html_()


def test_lazy_frames_stay_lazy_and_ask_little() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.from_pandas(small()).lazy()
    plan = reconstruct_balance(frame, starting_amounts={"a": 1, "b": 2}).explain()
    assert "cum_sum" in plan
    assert "SORT" not in plan.upper().replace("SORTED", "")


def test_a_million_rows_in_any_order_do_not_drift() -> None:
    n_customers, n_each = 1_000, 1_000
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 10**6, (n_customers, n_each))
    signs = rng.choice([-1, 1], (n_customers, n_each))
    expected = (codes * signs).cumsum(axis=1).ravel()
    order = rng.permutation(expected.size)
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat([f"C{i}" for i in range(n_customers)], n_each)[order],
            "transaction_date": (
                np.datetime64("2000-01-01", "us")
                + np.tile(np.arange(n_each), n_customers)[order].astype("m8[D]")
            ),
            "transaction_amount": codes.ravel()[order] / 100,
            "transaction_type": np.where(signs.ravel()[order] > 0, "credit", "debit"),
        }
    )
    balanced = reconstruct_balance(frame)
    assert np.array_equal(balanced["account_balance"].to_numpy(), expected[order] / 100)
