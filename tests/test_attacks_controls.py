"""Four tables of which the truth is known: what is a copy must be caught, and real customers be spared."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation._table import prepare
from gretel_fin_synth.evaluation.attacks import attacks

ROOT = Path(__file__).parents[1]
BANK = ROOT / "../shared/data/berka_early"


def controls_program():
    spec = importlib.util.spec_from_file_location("controls_program", ROOT / "benchmarks" / "controls.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTROLS = controls_program()


@pytest.fixture(scope="module", params=["stand-in", "real bank"])
def world(request):
    """The training table, the control, and the tables made of both."""
    if request.param == "real bank":
        if not BANK.exists():
            pytest.skip("the real bank (../shared/data/berka_early) is not here")
        train, holdout = (pd.read_parquet(BANK / f"{part}.parquet") for part in ("train", "holdout"))
    else:
        table = fs.make_transactions(240, start="2023-01-01", end="2023-08-31", seed=3)
        codes = pd.factorize(table["customer_id"])[0]
        train, holdout = table[codes < 120], table[codes >= 120]
    tables = CONTROLS.make_controls(train.reset_index(drop=True), holdout.reset_index(drop=True), seed=5)
    return request.param, prepare(train), {name: prepare(table) for name, table in tables.items()}


def attacked(world, kind):
    _, train, tables = world
    return attacks(train, tables[kind], tables["control"], np.random.default_rng(5))


def test_real_customers_are_not_accused(world):
    found = attacked(world, "unseen")
    assert found.score == 100
    assert found.grade == "Excellent"
    assert found.concerns == ()
    for group in ("on_rows", "on_customers"):
        assert all(risk.low == 0.0 for risk in found.breakdown[group].values())
    for ranking in found.breakdown["membership"].values():
        assert ranking.low <= 0.5
        assert 0.4 < ranking.auc < 0.6


def test_shuffled_columns_give_no_one_away(world):
    assert attacked(world, "shuffled").concerns == ()


def test_a_copy_is_caught_by_every_family(world):
    found = attacked(world, "copy")
    assert found.score < 5
    assert [concern.forbids for concern in found.concerns] == ["same team"] * 3 + ["other teams"]
    assert found.breakdown["on_customers"]["customer_linked"].risk > 0.95
    assert found.breakdown["on_rows"]["row_singled_out"].risk > 0.6
    for name in ("nearest_customer", "density_ratio", "rare_rows", "fuzzy_rows", "fuzzy_patterns"):
        assert found.breakdown["membership"][name].auc > 0.99


def test_a_copy_with_noise_is_caught(world):
    found = attacked(world, "noisy copy")
    assert found.score < 10
    assert any(concern.hard for concern in found.concerns)
    assert found.breakdown["on_customers"]["customer_linked"].risk > 0.85
    assert found.breakdown["on_customers"]["customer_singled_out"].risk > 0.85
    membership = found.breakdown["membership"]
    assert membership["fuzzy_rows"].auc > 0.98
    assert membership["fuzzy_patterns"].auc > 0.98
    assert membership["fuzzy_rows"].tpr > 0.9
    assert membership["rare_rows"].auc < 0.6  # which is why exact overlap is not enough


def test_a_fifth_copied_is_caught(world):
    found = attacked(world, "leak")
    assert 60 < found.score < 90
    assert found.grade == "Poor"
    assert {concern.forbids for concern in found.concerns} == {"other teams"}
    linked = found.breakdown["on_customers"]["customer_linked"]
    assert linked.found
    assert 0.1 < linked.risk < 0.35
    membership = found.breakdown["membership"]
    assert all(0.53 < membership[name].auc < 0.68 for name in ("fuzzy_rows", "fuzzy_patterns"))
    assert max(ranking.tpr for ranking in membership.values()) > 0.15
