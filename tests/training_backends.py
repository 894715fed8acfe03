"""A backend as a third party would write one: small, quick, and true to the life cycle of a backend.

Every row of a customer is drawn by itself: the kind, amount and extra cells of one real row, and the day of
another. Balances wander, but all promises hold.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gretel_fin_synth import ParameterError, register_backend

if TYPE_CHECKING:
    from pathlib import Path

    from gretel_fin_synth.training import SampleRequest, TrainingTable

CUSTOMER, DATE = "customer_id", "transaction_date"
KIND = ["transaction_type", "transaction_category"]
OWN = [CUSTOMER, "starting_amount"]


class BootstrapBackend:
    """Draws rows by kind; ``min_customers`` is how many customers must have a kind for it to be drawn."""

    def __init__(self, *, min_customers: int = 2) -> None:
        if not isinstance(min_customers, int) or min_customers < 1:
            msg = (
                f"option min_customers={min_customers!r} cannot be used: it must be a whole number from 1 on."
            )
            raise ParameterError(msg)
        self.min_customers = min_customers
        self.warnings: list[str] = []

    def fit(self, table: TrainingTable, *, seed: int, progress: bool | None) -> None:
        constant = [column.name for column in table.extra_columns if column.kind == "constant"]
        frame, owners = table.frame, table.frame.groupby(CUSTOMER)
        people = owners[["starting_amount", *constant]].first().reset_index(drop=True)
        people["rows"] = owners.size().to_numpy()
        shared = frame.groupby(KIND)[CUSTOMER].transform("nunique") >= self.min_customers
        self.warnings = [f"{(~shared).sum()} rows of rare kinds were left out"] if not shared.all() else []
        # In an order that has nothing to do with customers, so that the file holds no one's history.
        rows = frame.loc[shared].drop(columns=[CUSTOMER, *people.columns.drop("rows")])
        self.rows = rows.sample(frac=1, random_state=np.random.default_rng(seed)).reset_index(drop=True)
        self.people = people.sample(frac=1, random_state=np.random.default_rng(seed)).reset_index(drop=True)
        self.columns = list(frame.columns)

    def sample(self, request: SampleRequest) -> pd.DataFrame:
        if request.options:
            msg = f"unknown sampling option {sorted(request.options)[0]!r}; there are none"
            raise ParameterError(msg)
        numbers = range(request.first_customer, request.first_customer + request.n_customers)
        lives = [self._life(number, np.random.default_rng([request.seed, number])) for number in numbers]
        return pd.concat(lives, ignore_index=True)[self.columns]

    def _life(self, number: int, rng: np.random.Generator) -> pd.DataFrame:
        person = self.people.iloc[rng.integers(len(self.people))]
        n = max(int(rng.poisson(person["rows"])), 1)
        life = self.rows.iloc[rng.integers(len(self.rows), size=n)]
        dates = self.rows[DATE].iloc[rng.integers(len(self.rows), size=n)].sort_values()
        own = {name: person[name] for name in self.people.columns.drop("rows")}
        return life.assign(**{CUSTOMER: str(number), DATE: dates.to_numpy(), **own})

    def save(self, directory: Path) -> None:
        state: dict[str, Any] = {"columns": self.columns, "dates": str(self.rows[DATE].dtype)}
        (directory / "state.json").write_text(json.dumps(state))
        for name in ("rows", "people"):
            getattr(self, name).to_parquet(directory / f"{name}.parquet")

    def load(self, directory: Path) -> None:
        state = json.loads((directory / "state.json").read_text())
        self.columns = state["columns"]
        rows = pd.read_parquet(directory / "rows.parquet")
        self.rows = rows.astype({DATE: state["dates"]})
        self.people = pd.read_parquet(directory / "people.parquet")


register_backend("bootstrap", BootstrapBackend)
