"""Every backend passes the contract: the embedded one, and one that a third party might bring."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
import training_backends  # noqa: F401 - registers "bootstrap"
from gretel_tools import needs_gretel, nobodys_key, quick  # noqa: F401 - a fixture

from gretel_fin_synth.testing import BackendContract, FakeGretel

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
SLOW = ["matching", "settling", "calibration"]  # what follows training; tested in test_training_local


class TestBootstrap(BackendContract):
    backend = "bootstrap"

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [{"epochs": 3}, {"min_customers": 0}, {"min_customers": "two"}]


@needs_torch
class TestLocal(BackendContract):
    backend = "local"

    @pytest.fixture
    def backend_options(self) -> dict[str, Any]:
        return {"epochs": 2, "hidden_size": 16, "without": list(SLOW)}

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [
            {"epoch": 3},
            {"epochs": 0},
            {"hidden_size": 2},
            {"dropout": 1.0},
            {"learning_rate": 0.0},
            {"weight_decay": -1.0},
            {"validation_fraction": 0.95},
            {"min_customers": 0},
            {"plan_neighbours": 0},
            {"max_seconds": 0},
            {"without": ["gravity"]},
        ]

    @pytest.fixture
    def bad_sample_options(self) -> list[dict[str, Any]]:
        return [{"warmth": 1.0}, {"temperature": 0.0}, {"temperature": "hot"}, {"temperature": True}]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeGretel]:
    with FakeGretel() as service:
        yield service


@needs_gretel
class TestGretel(BackendContract):
    backend = "gretel"
    fits_alike = False  # the service takes no seed

    @pytest.fixture(autouse=True)
    def key(self, fake: FakeGretel, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give a loaded model the key, which is not saved."""
        monkeypatch.setenv("GRETEL_API_KEY", fake.key)

    @pytest.fixture
    def backend_options(self, fake: FakeGretel) -> dict[str, Any]:
        return quick(fake, privacy_filters={"similarity": "medium"})

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [
            {"epoch": 3},
            {"epochs": 0},
            {"epochs": True},
            {"vocab_size": -1},
            {"learning_rate": 0.0},
            {"batch_size": 1.5},
            {"rnn_units": "many"},
            {"dropout_rate": 0.1},
            {"params": {"epoch": 3}},
            {"generate": {"num_records": 0}},
            {"generate": 5},
            {"privacy_filters": {"similarity": "low"}},
            {"privacy_filters": {"distance": "high"}},
            {"evaluate": {"skip": "yes"}},
            {"template": "tabular-gan"},
            {"name": "9 lives"},
            {"name": "two--dashes"},
            {"project": "x"},
            {"endpoint": "http://example.com"},
            {"endpoint": "https://user@example.com"},
            {"endpoint": "api.gretel.ai"},
            {"api_key": "not a key"},
            {"connect_timeout": 0},
            {"read_timeout": float("nan")},
            {"max_retries": -1},
            {"backoff": "quick"},
            {"poll_interval": 0},
            {"job_timeout": -1},
            {"rows_per_job": 0},
            {"strict_privacy": 1},
        ]
