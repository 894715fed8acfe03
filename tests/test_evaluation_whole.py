"""All measures together: laws, odd tables, the layout of the JSON, and an extension as documented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from evaluation_frames import COLUMNS, crowd, frame, tables
from hypothesis import given, settings

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import AUDIENCES, available_measures, json_schema, unregister_measure

ROOT = Path(__file__).parents[1]
DATA = ROOT / "../shared/data"
SLOW = ("discriminator", "dps")  # whose own tests have odd tables too
BUILT_IN = ("integrity", "replay", "fidelity", "sqs", "dps", "attacks", "discriminator", "utility")


@pytest.fixture(scope="module")
def trio():
    return crowd(60, 0), crowd(60, 1, prefix="S"), crowd(60, 2, prefix="H")


@pytest.fixture(scope="module")
def whole(trio):
    return fs.evaluate(trio[0], trio[1], holdout=trio[2])


def test_another_sample_of_the_bank_may_go_anywhere_but_to_the_public(whole):
    assert tuple(whole.results) == BUILT_IN
    assert whole.verdict.audiences == AUDIENCES[:-1]
    assert len(whole.verdict.reasons) == 1
    for name, result in whole.results.items():
        assert result.score > 60, name
        assert result.reference > 60, name


def test_the_same_table_is_best_in_likeness_and_worst_in_privacy(trio, whole):
    real, _, holdout = trio
    chosen = [name for name in BUILT_IN if name not in SLOW]
    copied = real.assign(customer_id="N" + real["customer_id"])
    copy = fs.evaluate(real, copied, holdout=holdout, measures=[*chosen, "dps"])
    for name in ("fidelity", "sqs", "integrity"):
        assert copy[name].score == pytest.approx(100.0, abs=1e-6), name
    for name in ("replay", "attacks"):
        assert copy[name].score == pytest.approx(0.0, abs=1.0), name
    assert copy.dps.score < whole.dps.score
    assert copy.verdict.audiences == ()
    assert copy.verdict.findings[0].measure in ("replay", "attacks")


def test_the_order_of_rows_and_the_names_of_categories_change_nothing(trio):
    real, synthetic, holdout = trio
    names = {name: f"{name[::-1]}!" for name in real["transaction_category"].unique()}
    changed = []
    for place, table in enumerate((real, synthetic, holdout)):
        order = np.random.default_rng(place).permutation(table["customer_id"].unique())
        by_customer = [table[table["customer_id"] == customer] for customer in order]
        moved = pd.concat(by_customer, ignore_index=True)
        changed.append(moved.assign(transaction_category=moved["transaction_category"].map(names)))
    measures = ["integrity", "replay", "fidelity"]
    before = fs.evaluate(real, synthetic, holdout=holdout, measures=measures)
    after = fs.evaluate(changed[0], changed[1], holdout=changed[2], measures=measures)
    for name in ("integrity", "replay"):
        assert after[name].score == pytest.approx(before[name].score)
    assert after.fidelity.similarity == pytest.approx(before.fidelity.similarity)
    assert after.fidelity.holdout_similarity == pytest.approx(before.fidelity.holdout_similarity)


def test_the_json_has_the_layout_that_the_schema_says(trio, whole):
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    alone = fs.evaluate(trio[0], trio[1], measures=["sqs", "attacks"])
    for evaluation in (whole, alone):
        check.validate(json.loads(evaluation.to_json()))
    for wrong in ({"schema_version": 2}, {"kind": "other"}, {"verdict": {}}, {"tables": {}}, {"more": 1}):
        assert not check.is_valid({**whole.to_dict(), **wrong})


def test_the_measure_of_the_documentation_works_as_shown(trio):
    page = (ROOT / "docs" / "extending" / "add_a_measure.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL)[1]
    before = set(available_measures())
    names: dict[str, object] = {"real": trio[0], "synthetic": trio[1], "holdout": trio[2]}
    try:
        exec(code, names)
        (added,) = set(available_measures()) - before
        evaluation = names["evaluation"]
        assert 0 <= evaluation[added].score <= 100
        assert evaluation[added].reference is not None
        assert evaluation.measures[added].title in evaluation.to_html()
        assert added in json.loads(evaluation.to_json())["results"]
    finally:
        for name in set(available_measures()) - before:
            unregister_measure(name)


BASE = crowd(12, 5)
OTHERS = crowd(12, 6, prefix="H")
CONSTANT = frame(
    *[(f"c{code}", "2024-01-01", 5.0, "credit", "x", 7.0) for code in range(8) for _ in range(3)]
)
ODD = {
    "one customer": (BASE, BASE[BASE["customer_id"] == "C000"], OTHERS),
    "one row": (BASE, BASE.iloc[:1], OTHERS),
    "one row everywhere": (BASE.iloc[:1], BASE.iloc[:1], BASE.iloc[:1]),
    "constant columns": (BASE, CONSTANT, OTHERS),
    "constant everywhere": (CONSTANT, CONSTANT, CONSTANT),
    "an id for every row": (BASE, BASE.assign(customer_id=[f"u{row}" for row in range(len(BASE))]), OTHERS),
    "ids everywhere": tuple(
        table.assign(customer_id=[f"{prefix}{row}" for row in range(len(table))])
        for prefix, table in (("r", BASE), ("s", OTHERS), ("h", crowd(12, 7)))
    ),
    "no shared category": (
        BASE,
        BASE.assign(transaction_category="zz" + BASE["transaction_category"]),
        OTHERS,
    ),
    "no shared month": (
        BASE,
        BASE.assign(transaction_date=BASE["transaction_date"] + pd.DateOffset(years=9)),
        OTHERS,
    ),
    "balances lost": (BASE, OTHERS.drop(columns="account_balance"), crowd(12, 7)),
    "holes": (BASE, OTHERS.mask(np.random.default_rng(0).random(OTHERS.shape) < 0.05), crowd(12, 7)),
    "no balance known": (BASE, OTHERS.assign(account_balance=np.nan), crowd(12, 7)),
    "huge amounts": (BASE, OTHERS.assign(transaction_amount=9e12), crowd(12, 7)),
    "a single day": (BASE, OTHERS.assign(transaction_date=pd.Timestamp("2024-02-29")), crowd(12, 7)),
}


WITH_ALL = ("constant everywhere", "holes")


@pytest.mark.parametrize("case", ODD)
def test_odd_tables_are_measured_by_every_measure(case):
    real, synthetic, holdout = ODD[case]
    for control in (holdout, None):
        left_out = () if control is not None and case in WITH_ALL else SLOW
        chosen = [name for name in BUILT_IN if name not in left_out]
        evaluation = fs.evaluate(real, synthetic, holdout=control, measures=chosen)
        assert "<h2>Verdict</h2>" in evaluation.to_html()
        assert "NaN" not in evaluation.to_json()
        for name, result in evaluation.results.items():
            assert result.score is None or 0 <= result.score <= 100
            assert result.score is not None or result.notes, f"{name} says not why it has no score"


def test_a_lost_table_is_not_silently_zero():
    evaluation = fs.evaluate(BASE, CONSTANT, holdout=OTHERS)
    assert evaluation.fidelity.score < 20
    assert evaluation.verdict.advice


@given(tables(min_rows=2), tables(min_rows=1))
@settings(max_examples=10)
def test_any_two_tables_are_measured(real, synthetic):
    evaluation = fs.evaluate(real, synthetic, holdout=real, measures=[*BUILT_IN[:4], "attacks", "utility"])
    assert list(evaluation.tables["real"].columns) == COLUMNS
    assert evaluation.to_html()


@pytest.mark.skipif(not (DATA / "seed").exists(), reason="the original run's tables are not there")
def test_the_original_run_is_refused_because_it_copies():
    real, published = (
        pd.read_csv(DATA / "seed" / f"{name}.csv") for name in ("transactions_merged", "synthetic_data")
    )
    evaluation = fs.evaluate(real, published, measures=[name for name in BUILT_IN if name != "discriminator"])
    assert evaluation.verdict.audiences == ()
    first = evaluation.verdict.findings[0]
    assert (first.measure, first.forbids, first.hard) == ("replay", "same team", True)
    assert re.match(r"6\d\.\d% of the rows are copies of a real customer's", first.text)
    assert evaluation.dps.score > 60  # which sees nothing amiss
    assert evaluation.attacks.score is None
    assert "holdout" in str(evaluation.verdict)
