from __future__ import annotations

import json

import pytest
from evaluation_frames import crowd
from test_report import EVIL, Page

import gretel_fin_synth as fs

MEASURES = ("integrity", "replay", "fidelity", "sqs")


@pytest.fixture(scope="module")
def tables():
    return crowd(60, 0), crowd(60, 2, prefix="H")


@pytest.fixture(scope="module")
def evaluations(tables):
    real, holdout = tables
    made = {"unseen": crowd(60, 1, prefix="S"), "copy": real, "few": crowd(30, 4, prefix="F")}
    return {name: fs.evaluate(real, made[name], holdout=holdout, measures=MEASURES) for name in made}


@pytest.fixture(scope="module")
def comparison(evaluations):
    return fs.compare_evaluations(evaluations)


def test_each_figure_is_that_of_the_evaluation(comparison, evaluations):
    assert comparison.names == ("unseen", "copy", "few")
    for name, evaluation in evaluations.items():
        assert comparison.audiences[name] == evaluation.verdict.audiences
        for measure in MEASURES:
            assert comparison.scores[measure][name] == evaluation[measure].score
    assert comparison.scores["sqs"]["holdout"] == evaluations["unseen"].sqs.reference
    text = str(comparison)
    assert "copy may go to: nobody" in text
    assert "Transaction fidelity" in text
    assert "few" in repr(comparison)


def test_it_becomes_json_and_a_page_and_back(comparison, tmp_path):
    data = json.loads(comparison.to_json(tmp_path / "comparison.json"))
    assert data == json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert data == comparison.to_dict()
    assert (data["kind"], data["schema_version"]) == ("gretel_fin_synth.comparison", 1)
    html = comparison.to_html(tmp_path / "comparison.html")
    assert (tmp_path / "comparison.html").read_text(encoding="utf-8") == html
    again = fs.compare_evaluations(data["evaluations"])
    assert again.to_html() == html
    page = Page(html)
    assert [attrs["id"] for attrs in page.named("section")] == ["verdict", "scores", "reasons", "fidelity"]
    assert len(page.ids) == len(set(page.ids))
    assert all(link[1:] in page.ids for link in page.links)
    assert "sandbox" in comparison._repr_html_()


def test_a_table_that_no_one_may_have_is_never_the_best(comparison):
    from gretel_fin_synth.evaluation.report._comparison import _rows

    best = {row["measure"]: row["best"] for row in _rows(comparison.to_dict())}
    assert comparison.scores["fidelity"]["copy"] == 100.0
    assert "copy" not in best.values()
    assert best["sqs"] == max(("unseen", "few"), key=comparison.scores["sqs"].get)


def test_names_are_escaped_and_may_be_those_of_the_tables(evaluations):
    named = {EVIL: evaluations["unseen"], "real": evaluations["few"], "holdout": evaluations["copy"]}
    html = fs.compare_evaluations(named).to_html()
    page = Page(html)
    assert EVIL not in html
    assert any(EVIL in text for text in page.text)
    assert "real (synthetic)" in html


def test_what_cannot_be_compared_is_a_clear_error(evaluations, tables):
    real, holdout = tables
    one = evaluations["unseen"]
    other = fs.evaluate(crowd(40, 9), real, holdout=holdout, measures=["sqs"])
    alone = fs.evaluate(real, real, measures=["sqs"])
    cases = [
        ({"a": one}, "2 to 8 evaluations by name, got 1"),
        ([one, one], "got 'list'"),
        ({"a": one, "b": 3}, "'b' is no evaluation but a 'int'"),
        ({"a": one, "b": {"kind": "other"}}, "'b' is no evaluation but a 'dict'"),
        ({"a": one, "b": {**one.to_dict(), "schema_version": 99}}, "has layout 99"),
        ({"a": one, "b": other}, "real table of 'a' is 1,440 rows"),
        ({"a": one, "b": alone}, "holdout table of 'a' is .*that of 'b' is absent"),
    ]
    for evaluations_, message in cases:
        with pytest.raises(fs.ParameterError, match=message):
            fs.compare_evaluations(evaluations_)


def test_other_measures_and_no_holdout_are_compared_too(tables):
    real, _ = tables
    few = fs.evaluate(real, crowd(30, 4), measures=["sqs"])
    all_of_them = fs.evaluate(real, crowd(30, 5), measures=["sqs", "integrity"])
    comparison = fs.compare_evaluations({"a": few, "b": all_of_them})
    assert comparison.scores["integrity"]["a"] is None
    assert comparison.scores["sqs"]["holdout"] is None
    assert "unknown" in comparison.to_html()
