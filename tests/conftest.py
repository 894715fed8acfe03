"""What all tests share: Hypothesis profiles, and one constructor of frames per engine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from gretel_fin_synth._frames import to_pandas

if TYPE_CHECKING:
    from collections.abc import Callable

# Frames take long to build the first time, so there is no deadline for single examples.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("dev", max_examples=50, **_COMMON)
settings.register_profile("ci", max_examples=300, derandomize=True, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@dataclass(frozen=True)
class Engine:
    """A dataframe library: how a pandas frame becomes one of its frames, and what can be said of those."""

    name: str
    make: Callable[[pd.DataFrame], Any]
    lazy: bool = False
    ordered: bool = True

    def rows(self, frame: Any, *by: str) -> pd.DataFrame:
        """Bring a frame of this engine back to pandas, sorted by `by` if given."""
        table = to_pandas(frame)
        return table.sort_values(list(by), ignore_index=True) if by else table.reset_index(drop=True)


def _pandas_pyarrow(frame: pd.DataFrame) -> pd.DataFrame:
    import pyarrow as pa

    plain = pa.Table.from_pandas(frame, preserve_index=False).to_pandas(types_mapper=pd.ArrowDtype)
    return plain.set_axis(frame.index)


def _pandas_object(frame: pd.DataFrame) -> pd.DataFrame:
    text = [name for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)]
    return frame.astype(dict.fromkeys(text, object))


def _polars(frame: pd.DataFrame) -> Any:
    import polars as pl

    return pl.from_pandas(frame)


def _polars_lazy(frame: pd.DataFrame) -> Any:
    return _polars(frame).lazy()


def _pyarrow(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


def _duckdb(frame: pd.DataFrame) -> Any:
    """A relation on a connection of its own, as users have it who opened a database file."""
    import duckdb

    return duckdb.connect().from_df(frame)


ENGINES = (
    Engine("pandas", lambda frame: frame.copy()),
    Engine("pandas-object", _pandas_object),
    Engine("pandas-pyarrow", _pandas_pyarrow),
    Engine("polars", _polars),
    Engine("polars-lazy", _polars_lazy, lazy=True),
    Engine("pyarrow", _pyarrow),
    Engine("duckdb", _duckdb, lazy=True, ordered=False),
)


def _parameters(*, eager_only: bool) -> list[Any]:
    return [pytest.param(engine, id=engine.name) for engine in ENGINES if not (eager_only and engine.lazy)]


@pytest.fixture(params=_parameters(eager_only=False))
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every dataframe library that is supported; skipped where it is not installed."""
    _skip_if_absent(request.param)
    return request.param


@pytest.fixture(params=_parameters(eager_only=True))
def eager_engine(request: pytest.FixtureRequest) -> Engine:
    """Every dataframe library whose frames are tables in memory."""
    _skip_if_absent(request.param)
    return request.param


def _skip_if_absent(engine: Engine) -> None:
    library = engine.name.split("-")[0]
    pytest.importorskip(library, reason=f"{library} is not installed")
