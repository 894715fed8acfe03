from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import COLUMNS, crowd, frame, tables
from hypothesis import given, settings

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import (
    AUDIENCES,
    Concern,
    Count,
    Rate,
    Result,
    Score,
    available_measures,
    register_measure,
    unregister_measure,
)
from gretel_fin_synth.evaluation.registry import PLANNED
from gretel_fin_synth.evaluation.results import grade_of, plain, worst
from gretel_fin_synth.evaluation.verdict import reach_verdict

DATA = Path(__file__).parents[1] / "../shared/data"
BUILT_IN = ("integrity", "replay", "fidelity", "sqs")


@pytest.fixture(scope="module")
def trio():
    return crowd(60, 0), crowd(60, 1, prefix="S"), crowd(60, 2, prefix="H")


@pytest.fixture(scope="module")
def evaluation(trio):
    real, synthetic, holdout = trio
    return fs.evaluate(real, synthetic, holdout=holdout, seed=3, measures=BUILT_IN)


@pytest.fixture
def measure():
    """Register measures under a name that is taken away again."""
    before = available_measures()
    yield register_measure
    for name in set(available_measures()) - set(before):
        unregister_measure(name)


def test_every_built_in_measure_has_score_grade_reference_and_breakdown(evaluation):
    for name in BUILT_IN:
        result = evaluation[name]
        assert isinstance(result, Result)
        assert 0 <= result.score <= 100
        assert result.grade in fs.evaluation.GRADES
        assert 0 <= result.reference <= 100
        assert result.breakdown
    assert evaluation.sqs is evaluation["sqs"]
    assert evaluation.fidelity is evaluation["fidelity"]
    assert evaluation.integrity is evaluation["integrity"]
    assert evaluation.replay is evaluation["replay"]


def test_an_honest_sample_stands_where_the_holdout_stands(evaluation):
    assert abs(evaluation.sqs.score - evaluation.sqs.reference) < 5
    assert abs(evaluation.fidelity.normalised - 100) < 20
    assert evaluation.integrity.score == 100
    assert evaluation.replay.score > 95


def test_without_privacy_tests_no_one_outside_may_have_it(trio):
    real, synthetic, holdout = trio
    verdict = fs.evaluate(real, synthetic, holdout=holdout, measures=BUILT_IN).verdict
    assert verdict.audiences == ("same team", "other teams")
    assert any("Not tested" in reason for reason in verdict.reasons)
    assert set(PLANNED.values()) <= set(verdict.untested)
    assert "May go to: same team, other teams." in str(verdict)


def test_a_copy_may_go_nowhere(trio):
    real, _, holdout = trio
    copy = real.assign(customer_id="N" + real["customer_id"])
    evaluation = fs.evaluate(real, copy, holdout=holdout, measures=BUILT_IN)
    assert evaluation.fidelity.score == pytest.approx(100.0)
    assert evaluation.verdict.audiences == ()
    assert str(evaluation.verdict).startswith("Do not use this table.")
    assert "copies" in evaluation.verdict.reasons[0]


def test_without_a_holdout_it_says_what_is_unknown(trio):
    real, synthetic, _ = trio
    evaluation = fs.evaluate(real, synthetic, measures=BUILT_IN)
    assert all(result.reference is None for result in evaluation.results.values())
    assert evaluation.fidelity.normalised is None
    assert any("no holdout" in reason for reason in evaluation.verdict.reasons)
    assert any("holdout" in item for item in evaluation.verdict.untested)
    assert "no holdout" in str(evaluation)


def test_same_seed_same_evaluation_and_input_untouched(trio):
    before = [table.copy(deep=True) for table in trio]
    real, synthetic, holdout = trio
    texts = [
        fs.evaluate(real, synthetic, holdout=holdout, seed=9, measures=BUILT_IN).to_json() for _ in range(2)
    ]
    assert texts[0] == texts[1]
    other = fs.evaluate(real, synthetic, holdout=holdout, seed=10, measures=BUILT_IN).to_json()
    assert other != texts[0]
    for table, copy in zip(trio, before, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_another_measure_changes_no_other(trio, measure, evaluation):
    def drawn(real, synthetic, holdout, rng):
        return Score(score=100 * float(rng.random()))

    measure("drawn", drawn)
    real, synthetic, holdout = trio
    names = ("drawn", *BUILT_IN)
    again = fs.evaluate(real, synthetic, holdout=holdout, seed=3, measures=names)
    assert plain(again.replay) == plain(evaluation.replay)
    assert plain(again.fidelity) == plain(evaluation.fidelity)


def test_json_round_trip(evaluation, tmp_path):
    text = evaluation.to_json(tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert data == json.loads(text) == evaluation.to_dict()
    assert (data["kind"], data["schema_version"]) == ("gretel_fin_synth.evaluation", 1)
    assert set(data) == {
        "kind",
        "schema_version",
        "seed",
        "verdict",
        "tables",
        "all_rows",
        "coverage",
        "results",
        "measures",
        "pictures",
    }
    assert data["results"]["sqs"]["score"] == evaluation.sqs.score
    assert data["results"]["replay"]["breakdown"]["rows"]["flagged"] is False
    assert data["results"]["integrity"]["breakdown"]["balance_breaks"]["share"] == 0.0
    assert data["tables"]["real"]["customers"] == 60
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_results_are_frozen(evaluation):
    with pytest.raises(FrozenInstanceError):
        evaluation.sqs.score = 100.0
    with pytest.raises(FrozenInstanceError):
        evaluation.seed = 4


def test_a_measure_of_ones_own(trio, measure):
    def weekend_share(real, synthetic, holdout, rng):
        gap = abs((real.weekday >= 5).mean() - (synthetic.weekday >= 5).mean())
        concern = Concern("Weekends differ", forbids="public") if gap >= 0 else None
        return Score(score=100 * (1 - gap), breakdown={"gap": Score(score=100 * gap)}, concerns=(concern,))

    measure("weekend_share", weekend_share, question="Is as much paid on weekends?")
    evaluation = fs.evaluate(trio[0], trio[1], measures=["weekend_share"])
    assert evaluation["weekend_share"].score > 80
    assert "Weekends differ" in evaluation.verdict.reasons
    assert "public" not in evaluation.verdict.audiences
    assert "Weekend share" in evaluation.to_html()
    assert "Weekend share" in str(evaluation)
    assert evaluation.sqs is None


def test_a_measure_by_its_import_name(trio, measure):
    measure("again", "gretel_fin_synth.evaluation.integrity:integrity")
    assert fs.evaluate(trio[0], trio[1], measures=["again"])["again"].score == 100


def test_bad_measures_are_refused(trio, measure):
    with pytest.raises(fs.ParameterError, match="already"):
        measure("sqs", lambda *_: Score(score=1.0))
    with pytest.raises(fs.ParameterError, match="identifier"):
        measure("not a name", lambda *_: Score(score=1.0))
    with pytest.raises(fs.ParameterError, match="no measure 'nope'"):
        unregister_measure("nope")
    measure("number", lambda *_: 3.0)
    with pytest.raises(fs.ParameterError, match="'number' returned a 'float'"):
        fs.evaluate(trio[0], trio[1], measures=["number"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be an integer, 0 or above, got -1"),
        ({"seed": 1.5}, r"got 1\.5"),
        ({"seed": True}, "got True"),
        ({"identifiers": "keep"}, "'exclude' or 'include', got 'keep'"),
        ({"measures": ["quality"]}, "no measure 'quality'"),
    ],
)
def test_bad_options(trio, options, message):
    with pytest.raises(fs.ParameterError, match=message):
        fs.evaluate(trio[0], trio[1], **options)


def test_a_result_that_was_not_asked_for_is_named(evaluation):
    with pytest.raises(fs.ParameterError, match="No measure 'nope' was run"):
        evaluation["nope"]


BASE = crowd(12, 5)
ROW = BASE.iloc[:1]
ERRORS = {
    "other columns": (BASE, BASE.rename(columns={"transaction_amount": "amount"}), "transaction_amount"),
    "empty": (BASE, BASE.iloc[:0], "synthetic table has no row"),
    "all missing": (BASE, BASE.assign(customer_id=None), "12 .*|no row that can be measured"),
    "no frame": (BASE, [1, 2], "dataframe"),
    "real empty": (BASE.iloc[:0], BASE, "real table has no row"),
    "real broken": (BASE.assign(transaction_type="DEBIT "), BASE, "DEBIT "),
    "real lacks a column": (BASE.drop(columns="transaction_type"), BASE, "transaction_type"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_measured_is_a_clear_error(case):
    real, synthetic, message = ERRORS[case]
    with pytest.raises(fs.FinSynthError, match=message):
        fs.evaluate(real, synthetic)


def test_the_table_at_fault_is_named():
    with pytest.raises(fs.SchemaViolation) as caught:
        fs.evaluate(BASE, BASE, holdout=BASE.assign(transaction_amount=-1.0))
    assert "In the holdout table." in caught.value.__notes__


CONSTANT = frame(*[("a", "2024-01-01", 5.0, "credit", "x", 7.0)] * 20)
MEASURED = {
    "one customer": (BASE, BASE[BASE["customer_id"] == "C000"], None),
    "one row each": (ROW, ROW, ROW),
    "constant columns": (BASE, CONSTANT, None),
    "constant everywhere": (CONSTANT, CONSTANT, CONSTANT),
    "an id for every row": (BASE, BASE.assign(customer_id=[f"u{row}" for row in range(len(BASE))]), BASE),
    "no shared category": (BASE, BASE.assign(transaction_category="zz" + BASE["transaction_category"]), BASE),
    "no shared month": (
        BASE,
        BASE.assign(transaction_date=BASE["transaction_date"] + pd.DateOffset(years=9)),
        BASE,
    ),
    "no balances": (BASE.drop(columns="account_balance"), BASE.drop(columns="account_balance"), None),
    "balances lost": (BASE, BASE.drop(columns="account_balance"), BASE),
}


@pytest.mark.parametrize("case", MEASURED)
def test_odd_tables_are_measured(case):
    real, synthetic, holdout = MEASURED[case]
    evaluation = fs.evaluate(real, synthetic, holdout=holdout, measures=BUILT_IN)
    assert evaluation.to_html().startswith("<!doctype html>")
    for result in evaluation.results.values():
        assert result.score is None or 0 <= result.score <= 100
    assert "NaN" not in evaluation.to_json()


def test_holes_are_counted_and_the_rest_is_measured():
    rng = np.random.default_rng(0)
    holes = BASE.astype(object)
    for column in COLUMNS:
        holes.loc[rng.random(len(holes)) < 0.05, column] = None
    evaluation = fs.evaluate(BASE, holes, measures=BUILT_IN)
    assert evaluation.integrity.breakdown["empty_cells"].count == int(holes.isna().any(axis=1).sum())
    assert evaluation.verdict.audiences == ()
    assert evaluation.fidelity.score > evaluation.fidelity.floor


def test_fewer_customers_than_can_tell_are_named():
    verdict = fs.evaluate(BASE, BASE.assign(customer_id="S" + BASE["customer_id"]), measures=["sqs"]).verdict
    assert any("12 customers only" in reason for reason in verdict.reasons)


@given(tables())
@settings(max_examples=15)
def test_identical_tables_are_most_alike_and_never_shared(table):
    evaluation = fs.evaluate(table, table, measures=BUILT_IN)
    assert evaluation.fidelity.score == pytest.approx(100.0)
    assert evaluation.sqs.score is None or evaluation.sqs.score == pytest.approx(100.0)
    assert "trusted partners" not in evaluation.verdict.audiences


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_libraries_give_the_same(trio, evaluation, library):
    polars = pytest.importorskip("polars")
    convert = {"polars": polars.from_pandas, "pyarrow": lambda table: polars.from_pandas(table).to_arrow()}[
        library
    ]
    real, synthetic, holdout = (convert(table) for table in trio)
    other = fs.evaluate(real, synthetic, holdout=holdout, seed=3, measures=BUILT_IN)
    assert other.to_json() == evaluation.to_json()


def test_worst_decides_not_the_average(trio):
    from gretel_fin_synth.evaluation._table import prepare

    real = prepare(trio[0])
    results = {
        "good": Score(score=100.0),
        "fine": Score(score=90.0, concerns=(Concern("look here"),)),
        "bad": Score(
            score=80.0, concerns=(Concern("half", forbids="public"), Concern("worse", forbids="other teams"))
        ),
        "attacks": Score(score=100.0),
        "dps": Score(score=100.0),
    }
    verdict = reach_verdict(results, real, real, real)
    assert verdict.audiences == ("same team",)
    assert verdict.reasons[:2] == ("worse", "half")
    assert verdict.advice == ("look here",)


def test_the_public_needs_a_guarantee(trio):
    from gretel_fin_synth.evaluation._table import prepare

    real = prepare(trio[0])
    tested = {"attacks": Score(score=1.0), "dps": Score(score=1.0)}
    promised = reach_verdict(tested, real, real, real, "epsilon 3")
    assert promised.audiences == AUDIENCES
    assert "public included" in promised.headline
    clean = reach_verdict(tested, real, real, real)
    assert clean.audiences == AUDIENCES[:-1]
    n = real.n_customers
    missed = 0.5 + 1.64 * ((2 * n + 1) / 12 / n**2) ** 0.5
    assert clean.reasons[0].startswith("The generator states no formal guarantee.")
    assert f"curve of {missed:.2f} " in clean.reasons[0]


def test_hard_findings_come_first(trio):
    from gretel_fin_synth.evaluation._table import prepare

    real = prepare(trio[0])
    results = {
        "one": Score(score=1.0, concerns=(Concern("soft", forbids="same team"),)),
        "two": Score(score=1.0, concerns=(Concern("broken", forbids="same team", hard=True),)),
    }
    assert reach_verdict(results, real, real, real).reasons[0] == "broken"


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        (0, "Very Poor"),
        (19.9, "Very Poor"),
        (20, "Poor"),
        (40, "Moderate"),
        (60, "Good"),
        (80, "Excellent"),
        (100, "Excellent"),
    ],
)
def test_grades(score, grade):
    assert grade_of(score) == grade


def test_small_values():
    assert grade_of(math.nan) is None
    assert worst([]) is None
    assert Count(count=0, of=0).share is None
    assert plain({"a": (np.float64(1.5), np.nan, None), "b": np.array([1, 2])}) == {
        "a": [1.5, None, None],
        "b": [1, 2],
    }


@pytest.mark.parametrize(
    ("low", "high", "flagged"), [(0.3, 0.4, True), (0.05, 0.4, False), (0.3, None, True)]
)
def test_a_rate_is_flagged_only_beyond_chance(low, high, flagged):
    rate = Rate(
        share=0.35,
        low=low,
        high=high,
        count=35,
        of=100,
        reference=0.1,
        reference_low=0.05,
        reference_high=0.2,
    )
    assert rate.flagged is flagged


def test_a_rate_without_anything_to_compare_is_not_judged():
    assert Rate(share=0.3, low=0.2, high=0.4, count=3, of=10).flagged is None


@pytest.mark.skipif(not DATA.exists(), reason="the original pair is not there")
def test_the_published_table_is_refused_whatever_its_scores():
    real = pd.read_csv(DATA / "seed/transactions_merged.csv")
    synthetic = pd.read_csv(DATA / "seed/synthetic_data.csv")
    evaluation = fs.evaluate(real, synthetic, identifiers="include", measures=BUILT_IN)
    assert evaluation.sqs.grade in {"Good", "Excellent"}
    assert evaluation.verdict.audiences == ()
    assert any("63.5% of the rows are copies" in reason for reason in evaluation.verdict.reasons)
