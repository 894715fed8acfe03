"""Tables too large for memory: counted over all rows where counts add up, the rest on a stated sample."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from evaluation_frames import crowd
from hypothesis import given
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import _at_size
from gretel_fin_synth.evaluation._coding import dense
from gretel_fin_synth.evaluation._evaluation import ALL_ROWS
from gretel_fin_synth.evaluation._overlap import most_of_one, twosomes
from gretel_fin_synth.evaluation._trace_files import TraceFiles
from gretel_fin_synth.evaluation._traces import Part, Traces, part_of

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Engine

MEASURES = ["integrity", "replay", "fidelity"]
CUSTOMER, DATE = "customer_id", "transaction_date"


def spread(table: pd.DataFrame) -> pd.DataFrame:
    """Give rows of one day times that differ, so that their order is the same everywhere."""
    minutes = pd.to_timedelta(table.groupby([CUSTOMER, DATE]).cumcount(), unit="min")
    return table.assign(**{DATE: table[DATE] + minutes})


def broken(table: pd.DataFrame) -> pd.DataFrame:
    """Break every rule that a table without an order of rows can break, and copy some rows of real ones."""
    table = table.copy()
    table.loc[3, "transaction_category"] = None
    table.loc[5, "account_balance"] = np.nan
    table.loc[[50, 90], "account_balance"] += 1.0
    table.loc[7, "transaction_amount"] = -4.0
    table.loc[8, "transaction_amount"] = 1.005
    table.loc[9, "transaction_type"] = "refund"
    table.loc[[11, 12, 60], "transaction_category"] = ["moon", "moon", "sun"]
    return pd.concat([table, REAL.iloc[5:9], table.iloc[[20]]], ignore_index=True)


REAL = spread(crowd(30, 0))
HOLDOUT = spread(crowd(30, 1, prefix="H"))
SYNTHETIC = broken(spread(crowd(30, 2, prefix="S")))
IN_ORDER = SYNTHETIC.sort_values([CUSTOMER, DATE], kind="stable", ignore_index=True)
MOST = 300  # of 720


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make several groups of customers of a table of a few hundred rows."""
    monkeypatch.setattr(_at_size, "_GROUP_ROWS", 250)


def evaluated(real: Any = REAL, synthetic: Any = SYNTHETIC, holdout: Any = HOLDOUT, **options: Any) -> Any:
    return fs.evaluate(real, synthetic, holdout=holdout, measures=MEASURES, seed=3, max_rows=MOST, **options)


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Give the evaluation of the tables in memory, which all others must equal in what adds up."""
    return dict(evaluated().to_dict())


def additive(data: dict[str, Any], *, ordered: bool) -> dict[str, Any]:
    """Pick what is counted over all rows; without the floor, which is the sample's."""
    found = {}
    for path in ALL_ROWS:
        first, *rest = path.split(".")
        part = data["results"][first]
        for name in rest:
            part = part["breakdown"][name]
        found[path] = without_floor(part)
    if not ordered:  # rows without an order cannot be out of it
        found["integrity"]["breakdown"].pop("out_of_order", None)
    found["integrity"].pop("notes")
    return found


def without_floor(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {name: without_floor(value) for name, value in part.items() if name != "floor"}


def test_what_adds_up_is_equal_on_every_engine(engine: Engine, expected: dict[str, Any]) -> None:
    synthetic = SYNTHETIC
    if not engine.ordered:
        synthetic, expected = IN_ORDER, evaluated(synthetic=IN_ORDER).to_dict()
    found = evaluated(*(engine.make(table) for table in (REAL, synthetic, HOLDOUT)))
    data = found.to_dict()
    assert additive(data, ordered=engine.ordered) == additive(expected, ordered=engine.ordered)
    for name, facts in data["tables"].items():
        wanted = expected["tables"][name]
        for key in ("rows", "customers", "first_date", "last_date", "unusable"):
            assert facts[key] == wanted[key]
        assert (facts["sampled_rows"] is not None) == engine.lazy
        if engine.lazy:
            assert 0.8 * MOST < facts["sampled_rows"] <= MOST
            assert facts["sampled_customers"] < facts["customers"]
    assert found.all_rows == (ALL_ROWS if engine.lazy else ())


def test_every_engine_draws_the_same_customers(engine: Engine) -> None:
    if not engine.lazy:
        pytest.skip("a table in memory is read whole")
    shuffled = SYNTHETIC.sample(frac=1, random_state=1, ignore_index=True)
    tables = [
        _at_size.read_table(given, minor_units=2, max_rows=MOST, seed=3)
        for given in (engine.make(shuffled), engine.make(SYNTHETIC))
    ]
    if not engine.ordered:
        pd.testing.assert_frame_equal(tables[0].source, tables[1].source)
    ids, counts = np.unique(SYNTHETIC[CUSTOMER].to_numpy(dtype=str), return_counts=True)
    chosen = ids[fs._customers.draw_customers(ids.tolist(), counts, MOST, 3)]
    for table in tables:
        assert table.customers.tolist() == sorted(chosen)
        assert len(table.source) == SYNTHETIC[CUSTOMER].isin(chosen).sum()


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_files_are_counted_like_the_table(ending: str, expected: dict[str, Any], tmp_path: Path) -> None:
    paths = []
    for name, table in (("real", REAL), ("synthetic", SYNTHETIC), ("holdout", HOLDOUT)):
        folder = tmp_path / name
        folder.mkdir()
        for number, part in enumerate((table.iloc[:400], table.iloc[400:])):
            if ending == "csv":
                part.to_csv(folder / f"{number}.csv", index=False)
            else:
                part.to_parquet(folder / f"{number}.parquet")
        paths.append(folder)
    found = evaluated(*paths)
    assert additive(found.to_dict(), ordered=True) == additive(expected, ordered=True)
    assert found.tables["real"].sampled_customers is not None


def test_parts_of_the_hashes_are_compared_one_by_one(
    tmp_path: Path, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_at_size, "_GROUP_ROWS", 100)
    monkeypatch.setattr(_at_size, "_MERGED", 2)
    made: list[TraceFiles] = []
    begin = TraceFiles.__init__

    def begin_in_parts(self: TraceFiles, n_rows: int) -> None:
        begin(self, n_rows)
        self.n_parts = (4, 16, 8)[len(made)]
        made.append(self)

    monkeypatch.setattr(TraceFiles, "__init__", begin_in_parts)
    paths = [tmp_path / f"{name}.parquet" for name in ("real", "synthetic", "holdout")]
    for table, path in zip((REAL, SYNTHETIC, HOLDOUT), paths, strict=True):
        table.to_parquet(path)
    found = evaluated(*paths)
    assert additive(found.to_dict(), ordered=True) == additive(expected, ordered=True)
    folders = [files._folder for files in made]
    assert len(folders) == 3
    assert all(any(folder.iterdir()) for folder in folders)
    del found
    made.clear()
    gc.collect()
    assert not any(folder.exists() for folder in folders)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30), st.integers(0, 3))
def test_counts_of_parts_add_up_to_those_of_the_whole(rows: list[tuple[int, int]], bits: int) -> None:
    things, owner = (np.array([row[place] for row in rows], dtype=np.int64) for place in (0, 1))
    hashes = (things.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)).view(np.int64)
    files = TraceFiles(len(rows))
    files.n_parts = 2 ** (bits // 2)
    customers = np.array(list("abcd"), dtype=object)
    whole = Traces(customers, Part(hashes, owner.astype(np.int32), hashes, owner.astype(np.int32)))
    files.add(whole)
    for kept in (whole, files):
        parts = [kept.part(number, 2**bits) for number in range(2**bits)]
        found = sorted(
            (h, o) for part in parts for h, o in zip(part.rows.tolist(), part.row_owner, strict=True)
        )
        assert found == sorted(zip(hashes.tolist(), owner.tolist(), strict=True))
        assert all(
            part_of(part.rows, 2**bits).tolist() == [n] * len(part.rows) for n, part in enumerate(parts)
        )
        pairs = [twosomes(dense(part.runs), part.run_owner.astype(np.int64)) for part in parts]
        expected = most_of_one([twosomes(dense(hashes), owner)])
        np.testing.assert_array_equal(most_of_one(pairs), expected)


def test_a_query_that_fits_is_read_whole(expected: dict[str, Any]) -> None:
    pl = pytest.importorskip("polars", reason="polars is not installed")
    lazy = [pl.from_pandas(table).lazy() for table in (REAL, SYNTHETIC, HOLDOUT)]
    found = fs.evaluate(*lazy[:2], holdout=lazy[2], measures=MEASURES, seed=3).to_dict()
    assert found == expected


def test_no_more_rows_than_a_group_or_the_sample_are_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    prepare = _at_size.prepare
    monkeypatch.setattr(
        _at_size, "prepare", lambda rows, **options: sizes.append(len(rows)) or prepare(rows, **options)
    )
    real = spread(crowd(120, 0))
    real.to_parquet(tmp_path / "real.parquet", row_group_size=200)
    evaluated(tmp_path / "real.parquet", tmp_path / "real.parquet", HOLDOUT)
    assert len(real) == 2880
    assert max(sizes) < 3 * MOST


def test_it_is_told_what_the_sample_stands_for(tmp_path: Path) -> None:
    REAL.to_parquet(tmp_path / "real.parquet")
    found = evaluated(tmp_path / "real.parquet")
    facts = found.tables["real"]
    told = f"real: {facts.sampled_customers} of 30 customers ({facts.sampled_rows} of 720 rows)."
    assert told in str(found)
    assert "counted over all rows" in str(found)
    assert told in found.to_html()
    assert found.to_dict()["all_rows"] == list(ALL_ROWS)
    assert "counted over all rows" not in str(evaluated())


def test_bad_tables_are_refused_as_in_memory(tmp_path: Path) -> None:
    REAL.to_parquet(tmp_path / "real.parquet")
    SYNTHETIC.to_parquet(tmp_path / "broken.parquet")
    REAL.drop(columns="transaction_type").to_parquet(tmp_path / "lacking.parquet")
    with pytest.raises(fs.ParameterError, match="less than the rows of one customer"):
        fs.evaluate(tmp_path / "real.parquet", REAL, measures=["integrity"], max_rows=1)
    for most in (0, 1.5, True):
        with pytest.raises(fs.ParameterError, match="max_rows must be an integer"):
            fs.evaluate(REAL, REAL, max_rows=most)
    with pytest.raises(fs.ParameterError, match="there is no CSV or Parquet file"):
        fs.evaluate(tmp_path / "nowhere", REAL)
    with pytest.raises(fs.SchemaViolation, match="'refund'"):
        evaluated(tmp_path / "broken.parquet")
    with pytest.raises(fs.ParameterError, match="'transaction_type'"):
        evaluated(synthetic=tmp_path / "lacking.parquet")
