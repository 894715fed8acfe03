"""Every backend passes the contract: the embedded one, and one that a third party might bring."""

from __future__ import annotations

from typing import Any

import pytest
import training_backends  # noqa: F401 - registers "bootstrap"

from gretel_fin_synth.testing import BackendContract

SLOW = ["matching", "settling", "calibration"]  # what follows training; tested in test_training_local


class TestBootstrap(BackendContract):
    backend = "bootstrap"

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [{"epochs": 3}, {"min_customers": 0}, {"min_customers": "two"}]


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
