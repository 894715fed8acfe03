"""Every backend passes the contract: the embedded one, and one that a third party might bring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import training_backends  # noqa: F401 - registers "bootstrap"

import gretel_fin_synth as fs
from gretel_fin_synth.testing import BackendContract

QUICK = {"epochs": 2, "hidden_size": 16, "without": ["matching"]}


class TestBootstrap(BackendContract):
    backend = "bootstrap"

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [{"epochs": 3}, {"min_customers": 0}, {"min_customers": "two"}]


class TestLocal(BackendContract):
    """On a table with times of day, which are drawn by a part of their own."""

    backend = "local"

    @pytest.fixture
    def real(self) -> pd.DataFrame:
        table = fs.make_transactions(40, start="2024-01-01", end="2024-03-31", seed=1)
        minutes = pd.Series(np.random.default_rng(5).integers(6 * 60, 23 * 60, len(table)))
        in_order = minutes.groupby([table["customer_id"], table["transaction_date"]]).transform(np.sort)
        return table.assign(
            customer_id=table["customer_id"].str.replace("CUST_", "IBAN-DE89-3704-"),
            transaction_date=table["transaction_date"] + pd.to_timedelta(in_order, unit="min"),
        )

    @pytest.fixture
    def backend_options(self) -> dict[str, Any]:
        return dict(QUICK)

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
