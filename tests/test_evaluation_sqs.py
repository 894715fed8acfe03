from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd, frame, tables
from hypothesis import given

from gretel_fin_synth import ParameterError
from gretel_fin_synth.evaluation._columns import (
    column_type,
    cut_rows,
    histogram_edges,
    histograms,
    named_distance,
    numbers,
)
from gretel_fin_synth.evaluation._correlation import (
    association_matrix,
    correlation_ratio,
    pearson,
    theils_u,
)
from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation.fidelity import shuffle_floor
from gretel_fin_synth.evaluation.sqs import sqs, sqs_parts

DATA = Path(__file__).parents[1] / "../shared/data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the bank's data are not there")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None, None], "empty"),
        ([1.0, 2.0, 1.0], "binary"),
        (["in", "out", None], "binary"),
        ([1.0, 1.0, 1.0], "numeric"),
        ([1.5, 2.5, 3.5], "numeric"),
        ([1, 2, 3], "categorical"),
        ([-1, 2, 3], "numeric"),
        (list(range(11)), "numeric"),
        (["a", "b", "c"] * 10, "categorical"),  # 90 % repeated
        (["a", "b", "c"] * 4, "categorical"),  # 75 % repeated, few rows
        (["a", "b", "c"], "other"),
        ([f"to be or not {word}" for word in "abc"], "text"),
        (list(pd.date_range("2024-01-01", periods=5)), "other"),
        (list(pd.date_range("2024-01-01", periods=5)) * 20, "categorical"),
    ],
)
def test_types_of_columns(values, expected):
    assert column_type(pd.Series(values)) == expected


def test_row_cut():
    long, short = pd.DataFrame({"a": range(6000)}), pd.DataFrame({"a": range(5500)})
    left, right = cut_rows(long, short)
    assert len(left) == len(right) == 5000
    assert left["a"].is_unique
    left, right = cut_rows(long, short.head(3))
    assert len(left) == 3
    assert right["a"].tolist() == [0, 1, 2]


def test_bins_are_closed_on_the_right():
    edges, left, right = histograms(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([0.0, 4.0, np.nan]))
    assert edges[0] == 0.0
    assert edges[-1] == 4.0
    assert left.sum() == 5
    assert right.sum() == 2
    assert left[0] == sum(value <= edges[1] for value in range(5))


def test_too_many_bins_become_500():
    spike = np.concatenate([np.zeros(200_000), [1.0] * 3, [1e9]])
    assert len(histogram_edges(spike)) <= 501
    assert len(histogram_edges(np.array([3.0, 3.0]))) >= 2


def test_distance_of_names_counts_missing_as_a_name():
    real, other = pd.Series(["a", "a", None, None]), pd.Series(["a", "a", "a", "a"])
    divergence = (0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25) + math.log2(1 / 0.75)) / 2
    assert named_distance(real, other) == pytest.approx(math.sqrt(divergence))


def test_integers_and_floats_of_one_value_are_one_name():
    assert named_distance(pd.Series([1, 2]), pd.Series([1.0, 2.0])) == 0.0


def test_theils_u_by_hand():
    known, asked = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert theils_u(known, asked) == pytest.approx((entropy - 0.5 * math.log(2)) / entropy)
    assert theils_u(asked, known) == pytest.approx(
        (math.log(2) - 0.75 * -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))) / math.log(2)
    )
    assert theils_u(known, np.zeros(4, dtype=np.int64)) == 0.0


def test_correlation_ratio_by_hand():
    groups, values = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 5.0, 7.0])
    assert correlation_ratio(groups, values) == pytest.approx(math.sqrt(16 / 20))
    assert correlation_ratio(groups, np.ones(4)) == 0.0


def test_pearson_leaves_out_missing_pairs():
    first, second = np.array([1.0, 2.0, 3.0, np.nan]), np.array([-1.0, -2.0, -3.0, 9.0])
    assert pearson(first, second) == pytest.approx(-1.0)
    assert pearson(first, np.ones(4)) == 0.0


def test_association_matrix_by_hand():
    rows = 40
    table = pd.DataFrame(
        {
            "side": ["in", "out"] * (rows // 2),
            "amount": [1.0, 2.0] * (rows // 2),
            "constant": [5.0] * rows,
            "row": [f"r{place}" for place in range(rows)],
        }
    )
    matrix = association_matrix(table, ["side", "row"])
    assert np.diag(matrix).tolist() == [1, 1, 1, 1]
    assert matrix[0, 1] == matrix[1, 0] == pytest.approx(1.0)
    assert matrix[0, 2] == matrix[1, 2] == 0.0
    assert matrix[3, 0] == matrix[3, 1] == 1.0  # a name of its own for every row tells all
    assert matrix[0, 3] == matrix[1, 3] == pytest.approx(math.log(2) / math.log(rows))


def test_field_score_by_hand():
    # Types: all credit against half and half. The distance goes through the published polynomial.
    rows = [("a", f"2024-01-{1 + day % 4:02d}", 1.0 + day, "credit", "x", 1.0 * day) for day in range(40)]
    real = frame(*rows).assign(transaction_type=["credit", "debit"] * 20)
    other = real.assign(transaction_type=["credit"] * 39 + ["debit"])
    result = sqs(prepare(real), prepare(other))
    shares = np.array([[0.5, 0.5], [39 / 40, 1 / 40]])
    middle = shares.mean(axis=0)
    distance = math.sqrt((shares * np.log2(shares / middle)).sum() / 2)
    expected = 10 * (7.44 * distance**2 - 16.646 * distance + 10.305)
    fields = result.breakdown["field_distribution"].breakdown
    assert fields["transaction_type"].score == pytest.approx(expected)
    # Four equal fields add nothing to the mean distance of five; the category is constant and not unique.
    types = sqs_parts(prepare(real), prepare(other)).types
    scored = sum(kind[0] in {"numeric", "binary", "categorical"} for kind in types.values())
    mean = distance / scored
    assert result.breakdown["field_distribution"].score == pytest.approx(
        10 * (7.44 * mean**2 - 16.646 * mean + 10.305)
    )


def test_weights_of_the_parts():
    result = sqs(prepare(crowd(20, 0)), prepare(crowd(20, 1)))
    parts = {name: part.score for name, part in result.breakdown.items()}
    expected = (
        0.86 * parts["field_distribution"]
        + 1.00 * parts["field_correlation"]
        + 0.84 * parts["deep_structure"]
    ) / 2.70
    assert result.score == pytest.approx(expected)


def test_identifiers_are_left_out_and_said_so():
    real, other = prepare(crowd(20, 0)), prepare(crowd(20, 0, prefix="S"))
    without, with_ids = sqs(real, other), sqs(real, other, identifiers="include")
    assert without.score == pytest.approx(100.0)
    assert "customer_id" not in without.breakdown["field_distribution"].breakdown
    assert "customer_id" in without.notes[0]
    assert with_ids.breakdown["field_distribution"].breakdown["customer_id"].score == 0.0
    assert with_ids.score < 95
    with pytest.raises(ParameterError, match="'exclude' or 'include'"):
        sqs(real, other, identifiers="maybe")


def test_extra_columns_count_and_lost_ones_are_named():
    real = crowd(20, 0)
    real["merchant"] = np.random.default_rng(0).choice(["a", "b", "c"], len(real))
    result = sqs(prepare(real), prepare(real.drop(columns="account_balance")))
    assert result.breakdown["field_distribution"].breakdown["merchant"].score == 100.0
    assert any("account_balance" in note for note in result.notes)


def test_deep_structure_meets_an_independent_pca():
    from sklearn.decomposition import PCA

    real, other = prepare(crowd(30, 0)), prepare(crowd(30, 1))
    parts = sqs_parts(real, other)

    def encoded(source):
        columns = {}
        for name, (kind, _) in parts.types.items():
            if kind == "numeric":
                columns[name] = numbers(source[name])
            elif kind in {"binary", "categorical"}:
                columns[name] = source[name].map(real.source[name].value_counts()).fillna(0)
        return pd.DataFrame(columns).to_numpy(dtype=float)

    left, right = encoded(real.source), encoded(other.source)
    center, spread = left.mean(axis=0), left.std(axis=0)
    spread[spread == 0] = 1
    pca = PCA(n_components=2, svd_solver="full").fit((left - center) / spread)
    expected = pca.transform((right - center) / spread)
    assert np.abs(parts.other_components) == pytest.approx(np.abs(expected), abs=1e-8)


@given(tables(min_rows=4))
def test_the_same_table_scores_best(table):
    result = sqs(prepare(table), prepare(table))
    assert result.score is None or result.score == pytest.approx(100.0)


@given(tables(min_rows=2), tables(min_rows=2))
def test_scores_lie_between_0_and_100(left, right):
    result = sqs(prepare(left), prepare(right))
    values = [result.score, *(part.score for part in result.breakdown.values())]
    assert all(value is None or 0 <= value <= 100 for value in values)


@needs_data
@pytest.mark.parametrize(
    ("identifiers", "expected"), [("exclude", [93, 91, 96, 92]), ("include", [80, 69, 97, 71])]
)
def test_a_holdout_meets_the_published_figures(identifiers, expected):
    real = prepare(pd.read_parquet(DATA / "berka_early/train.parquet"))
    holdout = prepare(pd.read_parquet(DATA / "berka_early/holdout.parquet"))
    result = sqs(real, holdout, identifiers=identifiers)
    found = [result.score, *(part.score for part in result.breakdown.values())]
    assert found == pytest.approx(expected, abs=1.0)


@needs_data
def test_shuffled_columns_meet_the_published_figures():
    real = prepare(pd.read_parquet(DATA / "berka_early/train.parquet"))
    result = sqs(real, shuffle_floor(real, 0))
    found = [result.score, *(part.score for part in result.breakdown.values())]
    assert found == pytest.approx([69, 95, 41, 75], abs=1.5)


@needs_data
def test_the_original_pair_meets_the_published_figures():
    real = pd.read_csv(DATA / "seed/transactions_merged.csv").drop(columns="account_balance")
    synthetic = pd.read_csv(DATA / "seed/synthetic_data.csv").drop(columns="account_balance")
    result = sqs(prepare(real), prepare(synthetic), identifiers="include")
    found = [result.score, *(part.score for part in result.breakdown.values())]
    assert found == pytest.approx([86, 83, 92, 81], abs=1.0)
    fields = result.breakdown["field_distribution"].breakdown
    published = {
        "transaction_amount": 93,
        "customer_id": 80,
        "transaction_type": 75,
        "transaction_category": 71,
    }
    assert {name: fields[name].score for name in published} == pytest.approx(published, abs=1.0)
    assert fields["transaction_date"].score is None
