from __future__ import annotations

import importlib.util
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gretel_fin_synth import ParameterError, make_transactions, validate_transactions
from gretel_fin_synth.standin import _simulator
from gretel_fin_synth.standin._calendar import easter_sunday, open_window
from gretel_fin_synth.standin._dice import Dice
from gretel_fin_synth.standin._names import pool
from gretel_fin_synth.standin._prices import STYLES, price
from gretel_fin_synth.standin._scene import make_catalogue
from gretel_fin_synth.standin._worlds import WORLDS

COLUMNS = [
    "customer_id",
    "transaction_date",
    "transaction_amount",
    "transaction_type",
    "transaction_category",
    "account_balance",
]
CONTRACTS = ["rent", "mortgage", "loan", "insurance", "electricity"]


@pytest.fixture(scope="module")
def retail() -> pd.DataFrame:
    return make_transactions(150, seed=11)


@pytest.fixture(scope="module", params=list(WORLDS))
def any_world(request: pytest.FixtureRequest) -> tuple[str, pd.DataFrame]:
    return request.param, make_transactions(40, end="2023-03-31", seed=5, world=request.param, with_time=True)


@pytest.fixture(scope="module")
def worlds():
    """The benchmarks' worlds, which are no part of the package."""
    path = Path(__file__).parents[1] / "benchmarks" / "worlds.py"
    if not path.exists():
        pytest.skip("the benchmarks are not beside the tests")
    spec = importlib.util.spec_from_file_location("standin_worlds", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def signed_cents(table: pd.DataFrame) -> np.ndarray:
    cents = np.rint(table["transaction_amount"] * 100).astype("int64").to_numpy()
    return np.where(table["transaction_type"] == "credit", cents, -cents)


def starting_cents(table: pd.DataFrame) -> pd.Series:
    first = ~table["customer_id"].duplicated()
    balance = np.rint(table["account_balance"] * 100).astype("int64")
    return (balance - signed_cents(table))[first].set_axis(table["customer_id"][first])


def of(table: pd.DataFrame, *categories: str, kind: str = "debit") -> pd.DataFrame:
    chosen = table["transaction_category"].isin(categories) & (table["transaction_type"] == kind)
    return table[chosen]


def weekday(table: pd.DataFrame) -> np.ndarray:
    days = table["transaction_date"].to_numpy().astype("datetime64[D]").astype("int64")
    return (days + 3) % 7


def month(table: pd.DataFrame) -> np.ndarray:
    return table["transaction_date"].to_numpy().astype("datetime64[M]").astype("int64")


# What the table promises


def test_the_table_has_the_six_columns_in_their_order_and_dtypes():
    table = make_transactions(3, end="2022-06-30", seed=1)

    assert list(table.columns) == COLUMNS
    assert table["transaction_date"].dtype == np.dtype("datetime64[ns]")
    assert (table["transaction_date"] == table["transaction_date"].dt.normalize()).all()
    assert table["transaction_amount"].dtype == table["account_balance"].dtype == np.dtype("float64")
    assert table["customer_id"].dtype == pd.Series(["text"]).dtype
    assert isinstance(table.index, pd.RangeIndex)
    assert table.notna().all(axis=None)


def test_every_world_is_a_valid_table(any_world):
    _, table = any_world
    pd.testing.assert_frame_equal(validate_transactions(table, balance=True), table)


def test_balances_equal_a_loop_over_decimals(any_world):
    _, table = any_world
    running: dict[str, Decimal] = {}
    for row in table.itertuples(index=False):
        amount = Decimal(repr(row.transaction_amount))
        change = amount if row.transaction_type == "credit" else -amount
        found = Decimal(repr(row.account_balance))
        assert amount > 0
        assert amount.as_tuple().exponent >= -2
        assert found == running.get(row.customer_id, found - change) + change
        running[row.customer_id] = found


def test_each_customer_is_one_block_in_chronological_order(any_world):
    _, table = any_world
    changes = table["customer_id"] != table["customer_id"].shift()
    assert changes.sum() == table["customer_id"].nunique() == 40
    steps = table.groupby("customer_id")["transaction_date"].diff().dropna()
    assert (steps >= pd.Timedelta(0)).all()


def test_times_of_day_are_those_of_shops_meals_and_batches():
    table = make_transactions(40, end="2022-12-31", seed=5, with_time=True)
    hour = table["transaction_date"].dt.hour
    assert hour[table["transaction_category"] == "rent"].max() < 9
    assert hour[table["transaction_category"] == "restaurants"].between(6, 23).all()
    assert hour[table["transaction_category"] == "account fee"].min() >= 22


@pytest.mark.parametrize(
    ("n_customers", "first", "last"), [(7, "CUST_001", "CUST_007"), (1200, "CUST_0001", "CUST_1200")]
)
def test_ids_are_padded_to_equal_length(n_customers, first, last):
    ids = make_transactions(n_customers, start="2024-01-01", end="2024-01-03", seed=1)["customer_id"]
    assert ids.iloc[0] == first
    assert ids.iloc[-1] == last
    assert ids.nunique() == n_customers


# Same seed, same rows


def test_same_seed_same_rows_and_another_seed_others():
    first, again = (make_transactions(6, end="2022-12-31", seed=3) for _ in range(2))
    other = make_transactions(6, end="2022-12-31", seed=4)
    pd.testing.assert_frame_equal(first, again)
    assert not first["transaction_amount"].head(50).equals(other["transaction_amount"].head(50))


def test_without_a_seed_each_table_is_new():
    first, second = (make_transactions(3, end="2022-03-31")["transaction_amount"] for _ in range(2))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("world", list(WORLDS))
@pytest.mark.parametrize("rows", [None, 12, 300])
def test_a_customer_does_not_depend_on_how_many_there_are(world, rows, monkeypatch):
    monkeypatch.setattr(_simulator, "_CELLS", 180 * 10)  # blocks of 10 customers
    few, many = (
        make_transactions(
            n, start="2024-01-01", end="2024-06-28", seed=8, world=world, rows_per_customer=rows
        )
        for n in (14, 33)
    )
    pd.testing.assert_frame_equal(many.head(len(few)), few)
    assert many["customer_id"].nunique() == 33


def test_time_and_extra_columns_change_nothing_else():
    plain = make_transactions(12, end="2022-12-31", seed=2)
    rich = make_transactions(
        12, end="2022-12-31", seed=2, with_time=True, extra_columns=["currency", "merchant", "channel"]
    )
    assert list(rich.columns) == [*COLUMNS, "currency", "merchant", "channel"]
    cut = rich[COLUMNS].assign(transaction_date=rich["transaction_date"].dt.normalize())
    pd.testing.assert_frame_equal(cut, plain)


def test_the_caller_s_generator_and_arguments_are_left_alone():
    extras = ["channel"]
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is what must not move
    make_transactions(2, end="2022-02-28", seed=1, extra_columns=extras)
    assert extras == ["channel"]
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_time_grows_with_the_customers_at_most():
    def seconds(n_customers: int) -> float:
        best = np.inf
        for _ in range(3):
            begin = time.process_time()
            make_transactions(n_customers, seed=1)
            best = min(best, time.process_time() - begin)
        return best

    assert seconds(160) < 6 * seconds(40)


# Options


@pytest.mark.parametrize("world", list(WORLDS))
@pytest.mark.parametrize("wanted", [14, 60, 400])
def test_rows_per_customer_are_met_on_average(world, wanted):
    table = make_transactions(200, end="2023-12-31", seed=21, world=world, rows_per_customer=wanted)
    assert len(table) / 200 == pytest.approx(wanted, rel=0.2)
    assert table["customer_id"].nunique() == 200


def test_fewer_rows_are_shorter_histories_with_their_rhythm_kept():
    table = make_transactions(100, seed=4, rows_per_customer=40)
    span = table.groupby("customer_id")["transaction_date"].agg(lambda days: (days.max() - days.min()).days)
    per_month = table.groupby("customer_id").size() / (span / 30.4).clip(lower=1)
    assert span.median() < 300
    assert 5 < per_month.median() < 25


@pytest.mark.parametrize("days", [("2024-02-29", "2024-02-29"), ("2023-12-30", "2024-01-02")])
@pytest.mark.parametrize("world", list(WORLDS))
def test_short_windows_hold_every_customer(days, world):
    table = make_transactions(30, start=days[0], end=days[1], seed=6, world=world)
    assert table["customer_id"].nunique() == 30
    assert table["transaction_date"].between(pd.Timestamp(days[0]), pd.Timestamp(days[1])).all()
    validate_transactions(table)


def test_the_window_is_filled_from_its_first_to_its_last_day(retail):
    assert retail["transaction_date"].min() == pd.Timestamp("2022-01-01")
    assert retail["transaction_date"].max() == pd.Timestamp("2024-12-31")
    assert retail["transaction_date"].nunique() > 1090


@pytest.mark.parametrize(
    "start",
    [
        "2024-01-15",
        "20240115",
        " 2024-01-15T13:30:00 ",
        date(2024, 1, 15),
        datetime(2024, 1, 15, 23),
        pd.Timestamp("2024-01-15 08:00"),
        np.datetime64("2024-01-15"),
    ],
)
def test_days_are_taken_in_every_usual_form(start):
    table = make_transactions(4, start=start, end="2024-03-15", seed=1)
    expected = make_transactions(4, start="2024-01-15", end="2024-03-15", seed=1)
    pd.testing.assert_frame_equal(table, expected)


def test_extra_columns_hold_names_and_one_currency():
    table = make_transactions(
        30, end="2022-12-31", seed=2, world="cards", extra_columns=["merchant", "channel", "currency"]
    )
    assert table["currency"].unique().tolist() == ["USD"]
    assert table[["merchant", "channel"]].map(len).min(axis=None) > 1
    rents = table[table["transaction_category"] == "rent"]
    assert len(rents[["customer_id", "merchant"]].drop_duplicates()) == rents["customer_id"].nunique()
    shops = table[table["transaction_category"] == "groceries"]
    assert shops.groupby("customer_id")["merchant"].nunique().max() > 2
    assert set(table.loc[table["transaction_category"] == "cash withdrawal", "channel"]) == {"atm"}
    validate_transactions(table)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_customers": 0}, ["n_customers is 0", "1 or more", "Hint: make_transactions(n_customers"]),
        ({"n_customers": -3}, ["n_customers is -3"]),
        ({"n_customers": 2.5}, ["n_customers is 2.5", "whole number"]),
        ({"n_customers": True}, ["n_customers is True"]),
        ({"n_customers": "10"}, ["n_customers is '10'"]),
        ({"n_customers": None}, ["n_customers is None"]),
        ({"seed": -1}, ["seed is -1", "0 or more", "None"]),
        ({"seed": 1.0}, ["seed is 1.0"]),
        ({"seed": "7"}, ["seed is '7'"]),
        ({"start": "2024-13-01"}, ["start is '2024-13-01'", "not a day", "Hint: make_transactions(start="]),
        ({"start": "soon"}, ["start is 'soon'"]),
        ({"end": ""}, ["end is ''"]),
        ({"end": None}, ["end is None", "Hint: make_transactions(end="]),
        ({"end": 20241231}, ["end is 20241231"]),
        ({"end": pd.NaT}, ["end is NaT"]),
        ({"end": np.datetime64("NaT")}, ["end is "]),
        ({"end": "2024-01-31T00:00:00+01:00"}, ["end is ", "without a time zone"]),
        ({"end": datetime(2024, 1, 31, tzinfo=UTC)}, ["end is ", "without a time zone"]),
        ({"start": "1492-10-12"}, ["start is '1492-10-12'", "1900-01-01"]),
        ({"end": "2300-01-01"}, ["end is '2300-01-01'", "2199-12-31"]),
        (
            {"start": "2024-05-01", "end": "2024-04-30"},
            ["end is '2024-04-30', before start, '2024-05-01'", "start='2024-04-30', end='2024-05-01'"],
        ),
        ({"start": "1950-01-01", "end": "2020-01-01"}, ["more than 50 years", "end='1960-12-31'"]),
        ({"rows_per_customer": 0}, ["rows_per_customer is 0", "1 or more"]),
        ({"rows_per_customer": float("nan")}, ["rows_per_customer is nan"]),
        ({"rows_per_customer": float("inf")}, ["rows_per_customer is inf"]),
        ({"rows_per_customer": "many"}, ["rows_per_customer is 'many'"]),
        ({"world": "moon"}, ["world is 'moon'", "'retail', 'cards', 'business', 'passbook'"]),
        ({"world": None}, ["world is None"]),
        ({"with_time": "yes"}, ["with_time is 'yes'", "True or False"]),
        ({"extra_columns": ["mood"]}, ["'mood' is unknown", "'merchant', 'channel', 'currency'"]),
        ({"extra_columns": ["channel", "channel"]}, ["'channel' is named twice"]),
        ({"extra_columns": "channel"}, ["must be a list", "extra_columns=['channel']"]),
        ({"extra_columns": None}, ["extra_columns is None", "must be a list"]),
    ],
)
def test_bad_arguments_are_named_with_what_would_work(arguments, words):
    with pytest.raises(ParameterError) as caught:
        make_transactions(**arguments)
    message = str(caught.value)
    assert "Hint: " in message
    for word in words:
        assert word in message


# What a bank analyst would look for


def test_a_third_of_the_rows_or_more_repeat_in_other_months_to_the_cent(retail):
    keys = ["customer_id", "transaction_category", "transaction_amount"]
    months = pd.Series(month(retail)).groupby([retail[key] for key in keys]).transform("nunique")
    assert 0.35 < (months >= 3).mean() < 0.65


def test_contracts_repeat_amount_and_day(retail):
    rents = of(retail, "rent")
    same = (rents["transaction_amount"] == rents.groupby("customer_id")["transaction_amount"].shift()).mean()
    days = rents.groupby("customer_id")["transaction_date"].agg(lambda dates: dates.dt.day.std())
    assert same > 0.88
    assert days.dropna().median() < 1.5


def test_amounts_end_as_prices_do(retail):
    cents = np.rint(retail["transaction_amount"] * 100).astype("int64")
    subscriptions = cents[retail["transaction_category"] == "subscription"]
    cash = cents[retail["transaction_category"] == "cash withdrawal"]
    assert 0.08 < (cents % 100 == 99).mean() < 0.22
    assert (subscriptions % 100 == 99).mean() > 0.7
    assert (cash % 1000 == 0).all()
    assert cash.value_counts(normalize=True).head(10).sum() > 0.4
    assert (cents[retail["transaction_category"] == "groceries"] % 100).nunique() == 100


def test_customers_have_usual_amounts(retail):
    cash = of(retail, "cash withdrawal").groupby("customer_id")["transaction_amount"]
    usual = cash.agg(lambda amounts: (amounts == amounts.mode().iloc[0]).mean())
    assert usual[cash.size() >= 15].median() > 0.35


def test_overdrafts_are_rare_but_there(retail):
    below = (retail["account_balance"] < 0).mean()
    ever = (retail.groupby("customer_id")["account_balance"].min() < 0).mean()
    assert 0.001 < below < 0.04
    assert 0.05 < ever < 0.5


def test_weekdays_differ_by_kind_of_payment(retail):
    groceries = Counter(weekday(of(retail, "groceries")))
    assert groceries[5] > 2 * groceries[6]
    assert groceries[4] > 1.2 * groceries[1]
    meals = Counter(weekday(of(retail, "restaurants")))
    assert meals[4] + meals[5] > 1.5 * (meals[0] + meals[1])


def test_banks_rest_on_weekends_and_holidays(retail):
    booked = pd.concat([of(retail, *CONTRACTS), of(retail, "salary", "pension", kind="credit")])
    day = booked["transaction_date"].dt.strftime("%m-%d")
    assert set(weekday(booked)) == {0, 1, 2, 3, 4}
    assert not day.isin(["01-01", "05-01", "12-25", "12-26"]).any()
    assert not booked["transaction_date"].isin(pd.to_datetime(["2024-03-29", "2024-04-01"])).any()


def test_monthly_income_comes_on_its_day(retail):
    pensions = of(retail, "pension", kind="credit")
    # Distance to the customer's median day around the month's end, where 31 and 1 are neighbours.
    angle = (
        2 * np.pi * (pensions["transaction_date"].dt.day - 1) / pensions["transaction_date"].dt.days_in_month
    )
    around = np.hypot(
        np.cos(angle).groupby(pensions["customer_id"]).mean(),
        np.sin(angle).groupby(pensions["customer_id"]).mean(),
    )
    assert len(around) > 15
    assert around.median() > 0.95
    # Pay of the 1st comes up to four days earlier when that is no bank day.
    later = pensions.assign(transaction_date=pensions["transaction_date"] + pd.Timedelta(days=5))
    per_month = later.groupby([later["customer_id"], month(later)]).size()
    assert (per_month == 1).all()


def test_raises_come_once_a_year_at_most(retail):
    pensions = of(retail, "pension", kind="credit")
    distinct = pensions.groupby("customer_id")["transaction_amount"].nunique()
    assert distinct.max() <= 4
    growth = pensions.groupby("customer_id")["transaction_amount"].agg(lambda pay: pay.iloc[-1] / pay.iloc[0])
    assert growth.min() >= 1
    assert 1.02 < growth.median() < 1.15


def test_fees_and_interest_are_booked_on_the_last_day_of_the_month(any_world):
    _, table = any_world
    bank = table["transaction_category"].isin(
        [
            "account fee",
            "interest",
            "overdraft interest",
            "statement fee",
            "sanction interest",
            "bank charges",
        ]
    )
    assert bank.sum() > 20
    assert table.loc[bank, "transaction_date"].dt.is_month_end.all()
    assert table.loc[~bank, "transaction_date"].dt.is_month_end.mean() < 0.12


def test_accounts_are_busier_around_the_turn_of_the_month(retail):
    day = retail["transaction_date"].dt.day
    turn = day.isin([1, 2, 3, 30, 31]).mean() / (5 - 5 / 12)  # not every month has 30 or 31 days
    middle = day.between(16, 25).mean() / 10
    assert turn > 1.5 * middle


def test_december_is_dear_and_february_is_not(retail):
    gifts = of(retail, "shopping", "clothing")
    per_month = gifts.groupby(gifts["transaction_date"].dt.month)["transaction_amount"].sum()
    assert per_month[12] > 1.4 * per_month[2]


def test_several_transactions_share_a_day(retail):
    assert 0.3 < retail.duplicated(["customer_id", "transaction_date"], keep=False).mean() < 0.8


def test_customers_differ_and_stay_themselves(retail):
    groceries = of(retail, "groceries").assign(log=lambda table: np.log(table["transaction_amount"]))
    early = groceries["transaction_date"] < "2023-07-01"
    means = []
    for half in (groceries[early], groceries[~early]):
        amounts = half.groupby("customer_id")["log"]
        means.append(amounts.mean()[amounts.size() >= 10])
    both = pd.concat(means, axis=1, join="inner", keys=["early", "late"])
    assert len(both) > 60
    assert both["early"].corr(both["late"]) > 0.5
    rows = retail.groupby("customer_id").size()
    assert 0.2 < rows.std() / rows.mean() < 0.8


def test_customers_spend_less_when_the_balance_is_low(retail):
    income = of(retail, "salary", "pension", "student grant", kind="credit")
    level = income.groupby("customer_id")["transaction_amount"].median()
    chosen = retail["transaction_category"].isin(["restaurants", "shopping", "clothing", "entertainment"])
    keys = {"index": "transaction_date", "columns": "customer_id"}
    closing = retail.pivot_table(values="account_balance", aggfunc="last", **keys).ffill()
    bought = retail.assign(chosen=chosen).pivot_table(values="chosen", aggfunc="sum", **keys).fillna(0)
    relative = (closing.shift() / level).reindex(columns=closing.columns)
    poor, fine = (relative > 0.05) & (relative < 0.15), (relative > 0.3) & (relative < 0.8)
    often = (poor.sum() >= 10) & (fine.sum() >= 10)
    assert often.sum() >= 30
    when_poor, when_fine = (bought[mask].loc[:, often].mean().mean() for mask in (poor, fine))
    assert when_poor < 0.75 * when_fine


def test_savings_leave_at_high_balances_and_come_back_at_low_ones(retail):
    before = (retail["account_balance"] * 100 - signed_cents(retail)) / 100
    relative = before / before.groupby(retail["customer_id"]).transform("median")
    saving = retail["transaction_category"] == "savings"
    out = relative[saving & (retail["transaction_type"] == "debit")]
    back = relative[saving & (retail["transaction_type"] == "credit")]
    assert len(back) > 50
    assert out.median() > 2 * back.median()


def test_savings_are_conserved():
    window = open_window(np.datetime64("2022-01-01"), np.datetime64("2023-12-31"))
    request = _simulator.Request(WORLDS["retail"], window, seed=1, n_customers=80)
    catalogue = make_catalogue(request.world)
    ledger, _ = _simulator.open_ledger(request, catalogue, 0, 80)
    before = ledger.savings.copy()
    booked = ledger.run()
    categories = np.array([label.category for label in catalogue.labels])
    moved = np.where(categories[booked.code] == "savings", booked.cents, 0)
    put = np.bincount(booked.customer, np.where(catalogue.credit[booked.code], -moved, moved), minlength=80)
    assert (put > 0).any()
    assert (put < 0).any()
    assert ledger.savings == pytest.approx(before + put)
    assert ledger.savings.min() >= 0


def test_balances_do_not_run_away(retail):
    ends = retail.groupby("customer_id")["account_balance"].agg(["first", "last", "median"])
    assert (ends["last"] < 10 * ends["median"].clip(lower=500)).all()
    assert ends["median"].between(0, 100_000).mean() > 0.98


def test_refunds_pay_back_a_purchase_of_the_weeks_before(retail):
    refunds = of(retail, "refund", kind="credit")
    bought = of(retail, "shopping", "clothing", "home", "travel")
    pairs = refunds.merge(bought, on=["customer_id", "transaction_amount"], suffixes=("", "_bought"))
    days = (pairs["transaction_date"] - pairs["transaction_date_bought"]).dt.days
    found = pairs.loc[days.between(3, 27)].drop_duplicates(
        ["customer_id", "transaction_date", "transaction_amount"]
    )
    assert len(refunds) > 100
    assert len(found) == len(
        refunds.drop_duplicates(["customer_id", "transaction_date", "transaction_amount"])
    )


def test_accounts_open_with_a_deposit_and_close_empty(retail):
    lives = retail.groupby("customer_id")
    first, last = lives.head(1).set_index("customer_id"), lives.tail(1).set_index("customer_id")
    opened = starting_cents(retail) == 0
    late = first["transaction_date"] > "2022-04-01"
    assert 0.05 < late.mean() < 0.4
    assert opened[late].all()
    assert (first.loc[late, "transaction_type"] == "credit").all()
    early = last["transaction_date"] < "2024-10-01"
    assert early.sum() >= 3
    assert (last.loc[early, "account_balance"] == 0).mean() > 0.8


def test_jobs_are_lost_and_found():
    table = make_transactions(400, seed=9)
    benefits = of(table, "unemployment benefit", kind="credit")
    assert 0.01 < benefits["customer_id"].nunique() / 400 < 0.25
    worker = benefits["customer_id"].iloc[0]
    pays = table[(table["customer_id"] == worker) & (table["transaction_category"] == "salary")]
    gap = pays["transaction_date"].diff().max()
    assert gap > pd.Timedelta(days=20)


def test_worlds_differ():
    shapes = {}
    for world in WORLDS:
        table = make_transactions(60, end="2022-12-31", seed=3, world=world)
        cents = np.rint(table["transaction_amount"] * 100).astype("int64")
        shapes[world] = {
            "rows": len(table) / 60,
            "median": table["transaction_amount"].median(),
            "whole": (cents % 100 == 0).mean(),
            "categories": table["transaction_category"].nunique(),
        }
    assert shapes["cards"]["rows"] > 1.5 * shapes["retail"]["rows"] > 3 * shapes["passbook"]["rows"]
    assert shapes["business"]["median"] > 2 * shapes["retail"]["median"]
    assert shapes["passbook"]["whole"] > 0.7 > 2 * shapes["cards"]["whole"]
    assert shapes["passbook"]["categories"] <= 12 < 25 < shapes["retail"]["categories"]


def test_weekly_pay_comes_every_week():
    table = make_transactions(60, end="2022-12-31", seed=3, world="cards")
    pays = of(table, "salary", kind="credit")
    gaps = pays.groupby("customer_id")["transaction_date"].diff().dt.days.dropna()
    assert set(gaps.mode()) <= {7, 14}
    assert gaps.isin([7, 14]).mean() > 0.9


def test_passbooks_open_from_zero_and_earn_interest():
    table = make_transactions(80, end="2022-12-31", seed=3, world="passbook")
    assert (starting_cents(table) == 0).all()
    earned = of(table, "interest", kind="credit")
    assert earned["customer_id"].nunique() > 60
    # A month's interest is a twelfth of 4 to 5 percent of a balance that the customer had.
    top = table.groupby("customer_id")["account_balance"].max()
    assert (earned["transaction_amount"] <= 0.05 / 12 * earned["customer_id"].map(top) + 0.01).all()


# Parts


@pytest.mark.parametrize(
    ("year", "day"), [(2000, "2000-04-23"), (2008, "2008-03-23"), (2011, "2011-04-24"), (2025, "2025-04-20")]
)
def test_easter(year, day):
    assert easter_sunday(year) == np.datetime64(day)


def test_window_finds_nominal_days_and_bank_days():
    window = open_window(np.datetime64("2024-01-15"), np.datetime64("2024-04-10"))
    months, days = np.array([0, 1, 1, 2]), np.array([31, 31, 3, 31])
    assert window.n_months == 4
    dates = window.dates(window.on_day(months, days, "none")).astype(str).tolist()
    assert dates == ["2024-01-31", "2024-02-29", "2024-02-03", "2024-03-31"]
    # 3 February was a Saturday; 31 March was Easter Sunday, between two bank holidays.
    dates = window.dates(window.on_day(months[2:], days[2:], "following")).astype(str).tolist()
    assert dates == ["2024-02-05", "2024-04-02"]
    dates = window.dates(window.on_day(months[2:], days[2:], "preceding")).astype(str).tolist()
    assert dates == ["2024-02-02", "2024-03-28"]
    assert window.dates(np.flatnonzero(window.month_ends)).astype(str).tolist() == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
    ]


@pytest.mark.parametrize(
    ("raw", "style", "choice", "expected"),
    [
        (1234.4, "cents", 0.0, 1234),
        (1234.4, "cents", 0.99, 1229),
        (1234.4, "shelf", 0.0, 1199),
        (1260.0, "nines", 0.0, 1299),
        (1260.0, "nines", 0.9, 1290),
        (8730.0, "notes", 0.0, 9000),
        (183_000.0, "notes", 0.0, 200_000),
        (8730.0, "notes", 0.6, 8000),
        (20.0, "notes", 0.9, 1000),
        (0.2, "cents", 0.0, 1),
        (149.0, "units", 0.5, 100),
    ],
)
def test_prices_by_hand(raw, style, choice, expected):
    assert price(np.array([raw]), style, np.array([choice])).tolist() == [expected]


@pytest.mark.parametrize("style", list(STYLES))
def test_prices_are_positive_near_and_repeatable(style):
    assert sum(ending.weight for ending in STYLES[style]) == pytest.approx(1)
    rng = np.random.default_rng(0)
    raw, choice = np.exp(rng.uniform(np.log(3000), 15, 500)), rng.random(500)
    cents = price(raw, style, choice)
    assert cents.min() >= 1
    step = max(ending.tick for ending in STYLES[style]) + raw * max(ending.coarse for ending in STYLES[style])
    assert (np.abs(cents - raw) <= step).all()
    assert np.median(np.abs(cents / raw - 1)) < 0.1
    assert (price(raw, style, choice) == cents).all()


def test_dice_are_thrown_once_for_each_purpose():
    dice = Dice([1, 2])
    first = dice.of("pay").random((3, 2))
    assert (Dice([1, 2]).of("pay").random((5, 2))[:3] == first).all()
    assert (Dice([1, 3]).of("pay").random((3, 2)) != first).all()
    with pytest.raises(RuntimeError, match="'pay' were thrown already"):
        dice.of("pay")


@pytest.mark.parametrize("world", list(WORLDS))
def test_worlds_are_complete(world):
    described = WORLDS[world]
    assert described.name == world
    assert sum(income.share for income in described.incomes) == pytest.approx(1)
    stages = {income.stage for income in described.incomes}
    for part in (*described.contracts, *described.habits):
        assert set(part.stages) <= stages
    for label in make_catalogue(described).labels:
        assert pool(label.category, label.channels)


# The benchmarks' worlds


def test_benchmark_worlds_are_valid_and_seeded(worlds):
    for name in worlds.WORLDS:
        table = worlds.make_world(name, 12, seed=1)
        assert list(table.columns) == COLUMNS
        assert table["customer_id"].nunique() == 12
        validate_transactions(table, balance=name != "spellings")
        pd.testing.assert_frame_equal(table, worlds.make_world(name, 12, seed=1))
        assert len(table.merge(worlds.make_world(name, 12, seed=2), on=COLUMNS[1:])) < 0.02 * len(table)


def test_benchmark_splits_share_no_customer(worlds):
    train, holdout = worlds.make_split("in_and_out", 15, seed=1)
    assert train["customer_id"].nunique() == holdout["customer_id"].nunique() == 15
    assert not set(train["customer_id"]) & set(holdout["customer_id"])


def test_benchmark_worlds_keep_their_promises(worlds):
    pairs = worlds.make_world("in_and_out", 20)[
        ["transaction_type", "transaction_category"]
    ].drop_duplicates()
    assert sorted(map(tuple, pairs.to_numpy())) == [("credit", "in"), ("debit", "out")]

    long = worlds.make_world("long_histories")
    assert 450 < long.groupby("customer_id").size().mean() < 550
    assert (starting_cents(long) > 100_000).mean() > 0.9
    assert not long["transaction_category"].isin(["account fee", "interest", "overdraft interest"]).any()

    short = worlds.make_world("open_and_close", 60)
    spans = short.groupby("customer_id")["transaction_date"].agg(["min", "max"])
    assert (spans["min"] > "2022-02-15").mean() > 0.4
    assert (spans["max"] < "2023-05-15").mean() > 0.2

    assert (worlds.make_world("owing", 20)["account_balance"] <= 0).all()

    moved, still = worlds.make_world("no_rhythm", 20), worlds.make_world("in_and_out", 20)
    shares = []
    for table in (moved, still):
        each = table.groupby(["customer_id", "transaction_type", "transaction_amount"])["transaction_date"]
        shares.append((each.diff().dt.days.between(28, 31)).mean())
    assert shares[0] < 0.5 * shares[1]

    cards = worlds.make_world("cards_weekly", 10)
    assert (cards["transaction_date"] != cards["transaction_date"].dt.normalize()).mean() > 0.99

    strong, plain = worlds.make_world("seasons", 40), make_transactions(40, seed=0)
    ratios = []
    for table in (strong, plain):
        gifts = Counter(of(table, "shopping", "clothing")["transaction_date"].dt.month)
        ratios.append(gifts[12] / gifts[2])
    assert ratios[0] > 1.5 * ratios[1]


def test_the_written_world_is_as_messy_as_it_says(worlds):
    table = worlds.make_world("spellings")
    assert 700 < len(table) < 1400
    assert table["transaction_category"].nunique() >= 85
    lowered = table["transaction_category"].str.lower()
    assert lowered.nunique() < table["transaction_category"].nunique() - 10
    backwards = table.groupby("customer_id")["transaction_date"].diff() < pd.Timedelta(0)
    assert 0.1 < backwards.mean() < 0.5
    # The balances chain in the order of the file.
    chained = signed_cents(table)[1:] == np.diff(np.rint(table["account_balance"] * 100)).astype("int64")
    same = (table["customer_id"] == table["customer_id"].shift()).to_numpy()[1:]
    assert chained[same].all()


def test_an_unknown_benchmark_world_is_named(worlds):
    with pytest.raises(ParameterError, match=r"name is 'mars'.*'long_histories'"):
        worlds.make_world("mars")
