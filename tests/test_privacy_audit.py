"""The audit, small: it must not exceed the claim, and must see through the program without its noise."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def dp_audit(monkeypatch):
    if not BENCHMARKS.exists():
        pytest.skip("the benchmarks are not beside the tests")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("dp_audit")
    sys.modules.pop("dp_audit", None)


def test_the_best_canary_sees_no_more_than_was_claimed(dp_audit) -> None:
    found = dp_audit.audit(8.0, runs=40, customers=50)
    assert 0 <= found.lower_bound() <= 8.0
    assert 0.5 < found.gaussian_bound() <= 8.0
    assert found.inside.mean() > found.out.mean()


def test_without_noise_the_canary_is_seen(dp_audit) -> None:
    found = dp_audit.audit(1.0, runs=40, customers=50, size=0.0)
    assert found.inside.min() > found.out.max()
    assert found.lower_bound() > 1.0
    assert found.gaussian_bound() > 1.0


def test_bounds_by_hand(dp_audit) -> None:
    apart = dp_audit.Audit(np.zeros(200), np.ones(200))
    # 100 runs without an error: each rate is known to 0.0362, so log(0.9638 / 0.0362)
    assert apart.lower_bound(0.0) == pytest.approx(np.log(0.9638 / 0.0362), abs=0.01)
    same = dp_audit.Audit(np.arange(200.0), np.arange(200.0))
    assert same.lower_bound() == 0.0
    assert same.gaussian_bound() == 0.0


def test_the_canary_reaches_the_bound_of_every_measurement(dp_audit) -> None:
    """Or else the audit would be lenient: what it adds is as much as any customer may."""
    blank, pairs = dp_audit.base_table(50, 0)
    privacy = dp_audit.fs.DifferentialPrivacy(1.0, dp_audit.DELTA, public=dp_audit.public(pairs))
    first = dp_audit.Recorder(np.random.default_rng(0))
    _, gateway = dp_audit.measure(blank, privacy, (), first)
    second = dp_audit.Recorder(np.random.default_rng(0), answers=first.answers)
    dp_audit.measure(dp_audit.with_canary(blank), privacy, (), second)
    parts = zip(first.totals, second.totals, first.scales, strict=True)
    spent = sum(float(((a - b).astype(float) ** 2).sum()) / (2 * scale**2) for a, b, scale in parts)
    assert 0.6 * gateway.spent <= spent <= gateway.spent
