"""What all tests share: Hypothesis profiles, and one constructor of frames per engine."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from gretel_tools import nobodys_key, service  # noqa: F401 - fixtures
from hypothesis import HealthCheck, settings

from gretel_fin_synth._frames import to_pandas

if TYPE_CHECKING:
    from collections.abc import Callable

# Frames take long to build the first time, so there is no deadline for single examples.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("dev", max_examples=50, **_COMMON)
settings.register_profile("ci", max_examples=300, derandomize=True, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


# Started in the background, a shell has its children ignore interrupts, which some tests send on purpose.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


def _ibis(frame: pd.DataFrame) -> Any:
    import ibis

    return ibis.memtable(_pyarrow(frame))


def _dask(frame: pd.DataFrame) -> Any:
    """Three parts, so that customers lie in several; rows without an order, as dask's shuffle leaves them."""
    import dask.dataframe

    return dask.dataframe.from_pandas(frame.reset_index(drop=True), npartitions=3, sort=False)


@functools.cache
def spark_session() -> Any:
    """A local Spark session with two threads, set up for tables of a few rows."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2,4]").appName("gretel_fin_synth tests")
    settings_for_few_rows = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.session.timeZone": "UTC",
    }
    for name, value in settings_for_few_rows.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def _spark(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    table = _pyarrow(frame)
    small = pa.uint8()  # Spark has no unsigned numbers
    fields = [field.with_type(pa.int16()) if field.type == small else field for field in table.schema]
    return spark_session().createDataFrame(table.cast(pa.schema(fields)))


ENGINES = (
    Engine("pandas", lambda frame: frame.copy()),
    Engine("pandas-object", _pandas_object),
    Engine("pandas-pyarrow", _pandas_pyarrow),
    Engine("polars", _polars),
    Engine("polars-lazy", _polars_lazy, lazy=True),
    Engine("pyarrow", _pyarrow),
    Engine("duckdb", _duckdb, lazy=True, ordered=False),
    Engine("ibis", _ibis, lazy=True, ordered=False),
    Engine("dask", _dask, lazy=True, ordered=False),
    Engine("pyspark", _spark, lazy=True, ordered=False),
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
    if library == "pyspark" and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("PySpark needs Java, and there is none")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the examples that need the client of a service where it is not installed."""
    if importlib.util.find_spec("gretel_client") is not None:
        return
    missing = pytest.mark.skip(
        reason="gretel-client is not installed: pip install 'gretel-fin-synth[gretel]'"
    )
    for item in items:
        example = getattr(item, "dtest", None)
        if example is not None and "FakeGretel" in (example.docstring or ""):
            item.add_marker(missing)
