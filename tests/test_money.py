"""Amounts become whole minor units and come back, to the last one."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gretel_fin_synth import ParameterError
from gretel_fin_synth._money import (
    DECIMALS,
    INFINITE,
    LIMIT,
    MISSING,
    NOT_A_NUMBER,
    OK,
    TOO_LARGE,
    check_minor_units,
    from_minor,
    parse_minor,
    running_balance,
    to_minor,
)

codes = st.integers(-LIMIT, LIMIT)
units = st.integers(0, 8)


@given(codes, units)
def test_every_code_comes_back_through_its_float(code: int, minor_units: int) -> None:
    amount = from_minor(np.array([code]), minor_units)
    assert amount[0] == float(Decimal(code).scaleb(-minor_units))
    assert to_minor(amount, minor_units).tolist() == [code]


@given(codes, units)
def test_decimals_and_floats_of_the_same_literal_agree(code: int, minor_units: int) -> None:
    literal = Decimal(code).scaleb(-minor_units)
    assert to_minor([literal], minor_units).tolist() == [code]
    assert to_minor(np.array([float(literal)]), minor_units).tolist() == [code]


@given(st.integers(-(10**11), 10**11), st.integers(1, 9))
def test_a_third_decimal_is_always_seen(code: int, digit: int) -> None:
    literal = Decimal(code * 10 + digit).scaleb(-3)
    for values in ([literal], np.array([float(literal)])):
        assert parse_minor(values)[1].tolist() == [DECIMALS]


@given(st.lists(st.integers(-(10**9), 10**9), max_size=40))
def test_sums_carried_out_in_floats_still_count_as_cents(amounts: list[int]) -> None:
    in_floats = np.cumsum(np.array(amounts) / 100)
    assert to_minor(in_floats).tolist() == np.cumsum(np.array(amounts, dtype=np.int64)).tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([1, 2], [100, 200], id="list of int"),
        pytest.param(np.array([1, 255], dtype="u1"), [100, 25500], id="uint8"),
        pytest.param(np.array([0.1, 12.34], dtype="f4"), [10, 1234], id="float32"),
        pytest.param(pd.Series([1, 2], dtype="Int64"), [100, 200], id="Int64"),
        pytest.param(pd.Series([1.5, 2.25], dtype="Float64"), [150, 225], id="Float64"),
        pytest.param(pd.Series([1.5, 2.25], dtype="Float32"), [150, 225], id="Float32"),
        pytest.param(pd.Series([1.5, 2.25], dtype="double[pyarrow]"), [150, 225], id="pyarrow double"),
        pytest.param(pd.Series([1, 2], dtype="int64[pyarrow]"), [100, 200], id="pyarrow int64"),
        pytest.param(
            pd.Series([Decimal("1.50")], dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
            [150],
            id="pyarrow decimal",
        ),
        pytest.param([Decimal("1E+2"), Decimal("-0.00")], [10000, 0], id="Decimal"),
        pytest.param(pd.Series([1, 2.5, Decimal("3.1")], dtype=object), [100, 250, 310], id="mixed objects"),
        pytest.param(pd.Series([1.25, 1.25], dtype="category"), [125, 125], id="category"),
        pytest.param([], [], id="empty"),
    ],
)
def test_numbers_of_any_dtype(values: object, expected: list[int]) -> None:
    found = to_minor(values)
    assert found.dtype == np.int64
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, MISSING),
        (pd.NA, MISSING),
        (float("nan"), MISSING),
        (Decimal("NaN"), MISSING),
        (Decimal("sNaN"), MISSING),
        (float("inf"), INFINITE),
        (Decimal("-Infinity"), INFINITE),
        (1.005, DECIMALS),
        (Decimal("0.001"), DECIMALS),
        (Decimal("1E-999999"), DECIMALS),
        (Decimal("0E-999999"), OK),
        (Decimal("1." + "0" * 90), OK),
        (Decimal("1." + "0" * 90 + "1"), DECIMALS),
        (1e300, TOO_LARGE),
        (LIMIT, TOO_LARGE),
        (-LIMIT, TOO_LARGE),
        (Decimal("1E+999999"), TOO_LARGE),
        (True, NOT_A_NUMBER),
        ("12.5", NOT_A_NUMBER),
        (pd.Timestamp("2024-01-01"), NOT_A_NUMBER),
        (12.5, OK),
    ],
)
def test_what_is_wrong_with_one_value(value: object, problem: int) -> None:
    assert parse_minor(pd.Series([value], dtype=object))[1].tolist() == [problem]


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float64", "Int64", "double[pyarrow]"])
def test_too_large_in_every_dtype(dtype: str) -> None:
    codes, problems = parse_minor(pd.Series([1, LIMIT], dtype=dtype))
    assert problems.tolist() == [OK, TOO_LARGE]
    assert codes.tolist() == [100, 0]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "double[pyarrow]", "int64[pyarrow]"])
def test_missing_in_nullable_dtypes(dtype: str) -> None:
    codes, problems = parse_minor(pd.Series([1, None], dtype=dtype))
    assert problems.tolist() == [OK, MISSING]
    assert codes.tolist() == [100, 0]


def test_the_error_names_positions_values_and_a_way_out() -> None:
    with pytest.raises(ParameterError) as caught:
        to_minor([1.0, 2.345, float("nan")])
    message = str(caught.value)
    assert "2 of 3 amounts" in message
    assert "position 1: " in message
    assert "2.345" in message
    assert "write at most 2 decimals" in message
    assert "position 2: " in message
    assert "Hint: values = np.round(values, 2)" in message


@pytest.mark.parametrize("minor_units", [-1, 9, 2.0, "2", None, True])
def test_minor_units_out_of_range(minor_units: object) -> None:
    with pytest.raises(ParameterError, match="whole number from 0 to 8") as caught:
        check_minor_units(minor_units)  # type: ignore[arg-type]
    assert repr(minor_units) in str(caught.value)


def test_codes_beyond_the_limit_are_correctly_rounded() -> None:
    code = 2**60 + 2**20 + 1
    assert from_minor(np.array([code, -code]), 2).tolist() == [code / 100, -code / 100]


@given(
    st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.lists(st.integers(-(10**12), 10**12), min_size=1)),
        max_size=8,
    )
)
def test_running_balance_equals_a_loop(customers: list[tuple[int, list[int]]]) -> None:
    expected = []
    for opening, amounts in customers:
        balance = opening
        for amount in amounts:
            balance += amount
            expected.append(balance)
    signed = np.array([a for _, amounts in customers for a in amounts], dtype=np.int64)
    lengths = [len(amounts) for _, amounts in customers]
    starts = np.cumsum([0, *lengths[:-1]])[: len(lengths)].astype(np.int64)
    opening = np.array([opening for opening, _ in customers], dtype=np.int64)
    assert running_balance(signed, starts, opening).tolist() == expected


def test_sums_of_many_customers_may_pass_the_integers_and_cancel() -> None:
    n_customers = 10_000
    signed = np.full(n_customers, LIMIT - 1, dtype=np.int64)
    starts = np.arange(n_customers, dtype=np.int64)
    assert sum(signed.tolist()) > 2**63  # the sum over all of them wraps around
    assert (running_balance(signed, starts, 1) == LIMIT).all()


@pytest.mark.parametrize("n_rows", [2, 3_000])
def test_a_balance_that_no_float_holds_is_refused(n_rows: int) -> None:
    with pytest.raises(ParameterError, match=r"passes 1125899906842624 minor units.*\n\nHint"):
        running_balance(np.full(n_rows, LIMIT, dtype=np.int64), np.array([0]), 0)


def test_ten_million_rows_do_not_drift_by_a_cent() -> None:
    # Two customers: the first takes in 0.10 ten million times less one, which no float sum gets right.
    n_rows = 10_000_000
    signed = to_minor(np.full(n_rows, 0.1))
    balance = running_balance(signed, np.array([0, n_rows - 1]), 0)
    amounts = from_minor(balance)
    assert amounts[n_rows - 2] == 999_999.9
    assert amounts[-1] == 0.1
    assert (balance[:-1] == np.arange(10, 10 * n_rows, 10)).all()
    assert np.cumsum(np.full(n_rows - 1, 0.1))[-1] != 999_999.9
