"""The gateway: what one customer may add, what it costs, and that nothing gets past it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from privacy_tables import (
    CATEGORIES,
    PUBLIC,
    SeededNoise,
    Tape,
    blanked,
    customers,
    training_table,
    transactions,
)
from scipy.stats import norm

from gretel_fin_synth import DifferentialPrivacy, ExtraColumn, TransactionSynthesizer
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.backend import SampleRequest
from gretel_fin_synth.training.private import backend as backend_module
from gretel_fin_synth.training.private import extras, facade, plan, popular, queries
from gretel_fin_synth.training.private import gateway as gateway_module
from gretel_fin_synth.training.private.accounting import delta_of, epsilon_of, rho_of
from gretel_fin_synth.training.private.backend import PrivateBackend
from gretel_fin_synth.training.private.customers import bounded
from gretel_fin_synth.training.private.gateway import LATTICE, Cells, Gateway, _total
from gretel_fin_synth.training.private.noise import SecureNoise
from gretel_fin_synth.training.private.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = queries.Known(np.array([1, -1, -1, -1]), (2024 - 1970) * 12, 3)
FIRST, LAST = (int(np.datetime64(day, "D").astype(int)) for day in ("2024-01-01", "2024-03-31"))


@pytest.mark.parametrize("part", plan.PARTS, ids=lambda part: part.name)
def test_a_query_looks_at_one_customer_at_a_time(part: plan.Part) -> None:
    table = customers(25, seed=4).inside(FIRST, LAST).with_kinds(CATEGORIES)
    known = replace(KNOWN, first_month=KNOWN.first_month - 1, n_months=4)  # so that customers are new in it
    whole = part.query(table, known)
    assert len(whole.who)
    for number in range(len(table)):
        alone = part.query(table.take(np.array([number])), known)
        mine = whole.who == number
        assert alone.shape == whole.shape
        assert _as_table(alone.cell, alone.weight) == _as_table(whole.cell[mine], whole.weight[mine])


def test_selections_look_at_one_customer_at_a_time() -> None:
    table = customers(25, seed=4)
    whole = queries.held_kinds(table)
    for number in range(len(table)):
        assert queries.held_kinds(table.take(np.array([number]))) == [whole[number]]


def test_popular_amounts_look_at_one_customer_at_a_time() -> None:
    table = customers(25, seed=4).inside(FIRST, LAST).with_kinds(CATEGORIES)
    owned = popular.held_amounts(table)
    amounts = np.array(sorted({pair for own in owned for pair in own})[::3])
    query = popular.popular_rows(amounts)
    whole = query(table)
    assert len(whole.who)
    for number in range(len(table)):
        alone = table.take(np.array([number]))
        assert popular.held_amounts(alone) == [owned[number]]
        mine = whole.who == number
        assert sorted(query(alone).cell) == sorted(whole.cell[mine])


def test_a_fee_of_many_is_shown_and_the_amount_of_one_is_not() -> None:
    table = customers(60).inside(FIRST, LAST).with_kinds(CATEGORIES)
    cents = np.where(table.kind == 3, 1999, table.cents)
    cents[(table.who == 5) & (table.kind == 1)] = 123_457
    shown = []
    for seed in range(20):
        gateway = Gateway(replace(table, cents=cents), 10.0, SeededNoise(seed))
        found = popular.measure_popular(
            gateway, None, CATEGORIES, unit=5.0, delta=1e-6, clip=3.0, minor_units=2
        )
        assert found is not None
        assert [charge.name for charge in gateway.charges] == ["popular_amounts", "popular_rows"]
        shown += found.amounts.tolist()
    assert [3, 1999] in shown
    assert [1, 123_457] not in shown


def test_what_is_spent_does_not_depend_on_whether_amounts_are_found() -> None:
    table = customers(60).inside(FIRST, LAST).with_kinds(CATEGORIES)
    spent = []
    for cents in (table.cents, np.arange(len(table.cents)) + 1):
        gateway = Gateway(replace(table, cents=cents), 10.0, SeededNoise())
        found = popular.measure_popular(
            gateway, None, CATEGORIES, unit=1.0, delta=1e-6, clip=3.0, minor_units=2
        )
        spent.append(gateway.spent)
    assert spent[0] == spent[1]
    assert not len(popular.usual_amounts(found, np.full(4, 100.0)))


def test_amounts_nearest_to_popular_ones_become_such() -> None:
    usual = np.array([[0, 1000, 0.5], [1, 70, 1.0]])
    kind, cents = np.array([0, 0, 0, 0, 1, 2]), np.array([900, 5, 1100, 4000, 99, 1000])
    assert popular.snapped(usual, kind, cents).tolist() == [1000, 5, 1000, 4000, 70, 1000]


@pytest.mark.parametrize("query", [queries.active_months, queries.transactions])
def test_first_queries_look_at_one_customer_at_a_time(query: object) -> None:
    table = customers(25, seed=4)
    whole = query(table)  # type: ignore[operator]
    for number in range(len(table)):
        alone = query(table.take(np.array([number])))  # type: ignore[operator]
        assert sorted(alone.cell) == sorted(whole.cell[whole.who == number])


def test_bounding_and_ordering_look_at_one_customer_at_a_time() -> None:
    frame = transactions(12, seed=2).sample(frac=1, random_state=1)
    for name in frame["customer_id"].unique()[:4]:
        without = frame[frame["customer_id"] != name]
        left, right = training_table(frame).frame, training_table(without).frame
        left = left[left["customer_id"] != name].reset_index(drop=True)
        pd.testing.assert_frame_equal(left, right)


@settings(max_examples=60, deadline=None)
@given(
    entries=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.floats(-1e6, 1e6, allow_nan=False)), max_size=30
    ),
    clip=st.floats(0.01, 100),
)
def test_no_customer_adds_more_than_the_bound(entries: list[tuple[int, int, float]], clip: float) -> None:
    who, cell, weight = (np.array(column) for column in zip(*entries, strict=True)) if entries else ([],) * 3
    who, cell = np.asarray(who, dtype=np.int64), np.asarray(cell, dtype=np.int64)
    weight = np.asarray(weight, dtype=np.float64)
    whole = _total(Cells(who, cell, weight, (6,)), clip)
    for number in range(4):
        kept = who != number
        without = _total(Cells(who[kept], cell[kept], weight[kept], (6,)), clip)
        assert sum(int(step) ** 2 for step in whole - without) <= LATTICE**2


def test_a_neighbour_changes_every_answer_by_at_most_its_noise_allows() -> None:
    table, privacy = customers(), DifferentialPrivacy(3.0, public=PUBLIC)
    first = Tape(SeededNoise(1))
    _, gateway = plan.measure(table, privacy, (), first)
    second = first.rewound()
    plan.measure(blanked(table, 7), privacy, (), second)
    spent = 0.0
    for one, other, scale in zip(first.totals, second.totals, first.scales, strict=True):
        away = float(((one - other).astype(float) ** 2).sum())
        assert away <= float(LATTICE) ** 2
        spent += away / (2 * scale**2)
    assert 0 < spent <= gateway.spent


def test_it_refuses_to_overspend_and_releases_nothing_then() -> None:
    tape = Tape(SeededNoise())
    gateway = Gateway(customers(10), 0.1, tape)
    gateway.measure("rows", queries.transactions, rho=0.09, clip=1.0)
    with pytest.raises(RuntimeError, match=r"0\.02"):
        gateway.measure("rows", queries.transactions, rho=0.02, clip=1.0)
    assert len(tape.totals) == len(gateway.charges) == 1


def test_the_table_cannot_be_reached_behind_it() -> None:
    table = customers(10)
    gateway = Gateway(table, 1.0, SeededNoise())
    held = [value for value in vars(gateway).values() if not callable(value)]
    assert held == [1.0, [], 0]


def test_a_value_of_one_customer_is_not_shown() -> None:
    table = customers(60)
    category = table.category.copy()
    category[table.who == 5] = "only mine"
    noisy = 0
    for seed in range(50):
        gateway = Gateway(replace(table, category=category), 10.0, SeededNoise(seed))
        shown = gateway.select("kinds", queries.held_kinds, rho=5.0, delta=1e-6, most=40)
        noisy += any(name == "only mine" for _, name in shown)
        assert ("debit", "groceries") in shown
    assert noisy == 0


def test_the_account_says_how_many_values_were_shown_and_not_how_many_there_are() -> None:
    gateway = Gateway(customers(60), 0.1, SeededNoise())
    shown = gateway.select("kinds", queries.held_kinds, rho=0.1, delta=1e-6, most=40)
    assert gateway.charges[0].size == len(shown)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-6), (1.0, 1e-5), (10.0, 1e-5), (50.0, 1e-5)])
def test_accounting_lies_between_gaussian_noise_and_zcdp(epsilon: float, delta: float) -> None:
    dp = pytest.importorskip("opendp.prelude")
    dp.enable_features("contrib")
    rho = rho_of(epsilon, delta)
    assert epsilon * (1 - 1e-6) <= epsilon_of(rho, delta) <= epsilon
    assert delta_of(rho, epsilon) <= delta * (1 + 1e-9)
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float)
    gaussian = dp.m.make_gaussian(*space, 1000.0)
    loose = dp.c.make_zCDP_to_approxDP(gaussian).map(1000.0 * (2 * rho) ** 0.5).epsilon(delta)
    assert epsilon <= loose * (1 + 1e-3)
    # Balle and Wang, theorem 8, at mu = sqrt(2 rho)
    mu = (2 * rho) ** 0.5
    exact = norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon + norm.logcdf(-mu / 2 - epsilon / mu))
    assert exact <= delta_of(rho, epsilon)
    if epsilon < 30:
        assert exact == pytest.approx(delta, rel=1e-2)


@pytest.mark.parametrize("rho", [0.02, 0.3, 2.0])
def test_no_discrete_gaussian_is_worse_than_its_account(rho: float) -> None:
    """The hockey-stick divergence of two shifted discrete Gaussians, summed number by number."""
    steps = 4000
    scale = steps / (2 * rho) ** 0.5
    k = np.arange(-int(14 * scale), int(14 * scale) + steps)
    one, other = (np.exp(-0.5 * ((k - shift) / scale) ** 2) for shift in (0, steps))
    one, other = one / one.sum(), other / other.sum()
    for epsilon in (0.2, 1.0, 3.0):
        real = float(np.maximum(one - np.exp(epsilon) * other, 0).sum())
        assert real <= delta_of(rho, epsilon) * (1 + 1e-9)
        assert real == pytest.approx(delta_of(rho, epsilon), rel=5e-3, abs=1e-12)


def test_it_counts_the_numbers_that_the_accounting_is_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway(customers(10), 1.0, SeededNoise())
    monkeypatch.setattr(gateway_module, "MOST_NUMBERS", 20)
    gateway.measure("rows", queries.transactions, rho=0.1, clip=1.0)
    with pytest.raises(ParameterError, match="numbers would be released"):
        gateway.measure("rows", queries.transactions, rho=0.1, clip=1.0)


def test_secure_noise_has_the_scale_it_is_asked_for() -> None:
    pytest.importorskip("opendp")
    noisy = SecureNoise().add(np.zeros(20_000, dtype=np.int64), 5000.0)
    assert noisy.dtype == np.int64
    assert noisy.std() == pytest.approx(5000.0, rel=0.05)
    assert abs(noisy.mean()) < 5 * 5000 / 20_000**0.5


def test_secure_noise_holds_sums_of_a_million_customers() -> None:
    pytest.importorskip("opendp")
    noisy = SecureNoise().add(np.array([10**6 * LATTICE, -(10**6) * LATTICE]), 1e9)
    assert np.abs(noisy) == pytest.approx(10**6 * LATTICE, abs=2e10)


def _as_table(cell: np.ndarray, weight: np.ndarray) -> dict[int, float]:
    codes, index = np.unique(cell, return_inverse=True)
    return dict(zip(codes.tolist(), np.bincount(index, weight, minlength=len(codes)).tolist(), strict=True))


# What is kept of a fit must be the same for any two tables that got the same noisy answers.

EXTRA = (
    ExtraColumn("channel"),
    ExtraColumn("fee", "number"),
    ExtraColumn("booked", "datetime"),
    ExtraColumn("segment", "constant"),
)


def _with_extras(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(frame)
    delay = pd.to_timedelta(rng.integers(0, 4, n), unit="D")
    return frame.assign(
        channel=rng.choice(["card", "online", None], n),
        fee=np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 500, n) / 100),
        booked=frame["transaction_date"] + delay,
        segment=np.where(pd.factorize(frame["customer_id"])[0] % 3 == 0, "gold", "basic"),
    )


def _traces(backend: PrivateBackend, folder: Path) -> dict[str, object]:
    """Everything that is kept of a fit, or can be seen of it."""
    folder.mkdir()
    backend.save(folder)
    return {
        "file": (folder / "private.json").read_text(encoding="utf-8"),
        "warnings": backend.warnings,
        "statement": None if backend.statement is None else backend.statement.to_dict(),
        "rows": backend.rows_per_customer,
        "sample": backend.sample(SampleRequest(30, 5)).to_csv(),
    }


def _differences(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, public: dict[str, object]
) -> tuple[list[str], list[str]]:
    """Fit two tables whose customers have nothing in common, with the same noisy answers."""
    del monkeypatch
    privacy = DifferentialPrivacy(3.0, public=public)
    found: list[dict[str, object]] = []
    attributes: list[str] = []
    tape = Tape(SeededNoise(3))
    for number, seed in enumerate((1, 2)):
        frame = _with_extras(transactions(60, seed), seed)
        backend = PrivateBackend(privacy, noise=tape)
        backend.fit(training_table(frame, EXTRA), seed=9, progress=None)
        backend.noise = None
        found.append(_traces(backend, tmp_path / str(number)))
        attributes = sorted(name for name, value in vars(backend).items() if isinstance(value, pd.DataFrame))
        tape = tape.rewound()
    return [name for name in found[0] if found[0][name] != found[1][name]], attributes


SHARED = {**PUBLIC, "values": {"channel": ["card", "online"], "segment": ["gold", "basic"]}}


def test_nothing_is_kept_of_a_table_that_did_not_pass_the_gateway(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert _differences(monkeypatch, tmp_path, SHARED) == ([], [])


def test_that_test_notices_a_quantity_that_passes_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = backend_module.bounded

    def peeking(table: object, most: int) -> object:
        result = original(table, most)  # type: ignore[arg-type]
        smallest = float(result.cents.min() + result.cents.mean())
        of = Profile.of.__func__  # type: ignore[attr-defined]

        def profile(cls: type[Profile], figures: object) -> Profile:
            made = of(cls, figures)
            made.same_day = smallest / 1e6
            return made

        monkeypatch.setattr(backend_module.Profile, "of", classmethod(profile))
        return result

    monkeypatch.setattr(backend_module, "bounded", peeking)
    differences, _ = _differences(monkeypatch, tmp_path, SHARED)
    assert "file" in differences


def test_the_saved_synthesizer_tells_nothing_that_did_not_pass_the_gateway(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(facade.secrets, "token_hex", lambda n: "00" * n)
    tape, states = Tape(SeededNoise(3)), []
    for number, seed in enumerate((1, 2)):
        monkeypatch.setattr(backend_module, "SecureNoise", lambda tape=tape: tape)
        synthesizer = TransactionSynthesizer(privacy=DifferentialPrivacy(3.0, public=PUBLIC))
        synthesizer.fit(transactions(60, seed), seed=9)
        synthesizer.save(tmp_path / str(number))
        files = {
            path.relative_to(tmp_path / str(number)): path.read_bytes()
            for path in sorted((tmp_path / str(number)).rglob("*"))
            if path.is_file()
        }
        states.append((files, repr(synthesizer), synthesizer.warnings_, synthesizer.n_rows_))
        tape = tape.rewound()
    assert states[0] == states[1]
    assert json.loads((tmp_path / "0" / "synthesizer.json").read_text())["warnings"] == states[0][2]


@pytest.mark.parametrize("column", EXTRA, ids=lambda column: column.name)
def test_queries_of_extra_columns_look_at_one_customer_at_a_time(column: ExtraColumn) -> None:
    frame = _with_extras(transactions(20, 3), 3)
    table = bounded(training_table(frame, EXTRA), 2000).inside(FIRST, LAST).with_kinds(CATEGORIES)
    form = {"number": "numbers", "datetime": "delays"}.get(column.kind, "labels")
    labels = ["card", "online"] if column.name == "channel" else ["basic", "gold"]
    query = extras._query(
        column.name, form, labels, 1 if form != "labels" else 4, constant=column.kind == "constant"
    )
    whole = query(table)
    owned = extras._owned(column.name)(table)
    for number in range(len(table)):
        alone = query(table.take(np.array([number])))
        mine = whole.who == number
        assert _as_table(alone.cell, alone.weight) == _as_table(whole.cell[mine], whole.weight[mine])
        assert extras._owned(column.name)(table.take(np.array([number]))) == [owned[number]]
