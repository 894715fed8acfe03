"""Tables that are queries or files: small ones are read, of large ones whole customers, the rest is counted.

All rows are looked at once, in groups of whole customers: where they are on Spark and dask, from buckets on
disk otherwise. What adds up over customers is counted in every group by the functions that count it in a
table in memory. The other measures get a sample of whole customers, drawn by a hash of seed and id.
"""

from __future__ import annotations

import math
import os
import pickle
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth import _frames
from gretel_fin_synth._customers import draw_customers
from gretel_fin_synth._source import Source, open_source
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.evaluation._cells import as_text
from gretel_fin_synth.evaluation._table import Table, check_columns, prepare
from gretel_fin_synth.evaluation._trace_files import TraceFiles
from gretel_fin_synth.evaluation._traces import Traces, traces_of
from gretel_fin_synth.evaluation._whole import Whole, merged
from gretel_fin_synth.evaluation.integrity import soundness_of
from gretel_fin_synth.schema import CUSTOMER
from gretel_fin_synth.schema._parts import by_customer, in_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MOST_ROWS", "is_large_kind", "read_table", "unread"]

#: Rows of a query or of files that are brought into memory if nothing else is said.
MOST_ROWS = 500_000

_GROUP_ROWS = 500_000
_MERGED = 8  # groups whose counts are added up at a time
_BUCKET = "__fin_synth_bucket"


def is_large_kind(frame: Any) -> bool:
    """Say whether `frame` is a query or a path rather than a table in memory."""
    return isinstance(frame, str | os.PathLike | Source) or _frames.is_lazy(frame)


def unread(frame: Any) -> Any:
    """Find the files if `frame` is a path; a query comes back without its narwhals wrapping."""
    if isinstance(frame, str | os.PathLike):
        return open_source(frame, numbers=["starting_amount"])
    return frame if isinstance(frame, Source) else _frames.native(frame)


def read_table(given: Any, *, minor_units: int, max_rows: int, seed: int) -> Table:
    """Read a query or files, or a sample of their customers with what was counted over all rows.

    Parameters
    ----------
    given : lazy dataframe or Source
        What :func:`unread` returned.
    minor_units : int
        Decimals of the currency.
    max_rows : int
        With more rows than this, customers are drawn whose rows are at most as many.
    seed : int
        Decides who is drawn, together with the ids alone.

    Raises
    ------
    ParameterError
        If it lacks columns.
    """
    ordered = _is_ordered(given)
    names = list(given.names) if isinstance(given, Source) else _frames.column_names(given)
    check_columns(names)
    sizes, n_rows = _sizes(given)
    if n_rows <= max_rows:
        return prepare(_all_rows(given), minor_units=minor_units, ordered=ordered)
    chosen = draw_customers(sizes.index.tolist(), sizes.to_numpy().astype(np.int64), max_rows, seed)
    if not chosen.any():
        msg = (
            f"max_rows={max_rows!r} is less than the rows of one customer, who is of use as a whole only."
            f"\n\nHint: evaluate(..., max_rows={MOST_ROWS})"
        )
        raise ParameterError(msg)
    kept = frozenset(sizes.index[chosen].tolist())
    whole, rows = _gathered(_examined(given, _Examination(kept, minor_units, ordered), n_rows), n_rows)
    order = np.argsort(as_text(rows[CUSTOMER]).to_numpy(dtype=object), kind="stable")
    table = prepare(rows.iloc[order], minor_units=minor_units, ordered=ordered)
    return replace(table, whole=whole)


@dataclass(frozen=True)
class _Part:
    """What was found in a group of whole customers, and the rows of those who were drawn."""

    whole: Whole
    sample: pd.DataFrame


@dataclass(frozen=True)
class _Examination:
    """Looks at a group of whole customers; sent to where the rows are."""

    chosen: frozenset[str]
    minor_units: int
    ordered: bool

    def __call__(self, rows: pd.DataFrame) -> _Part | None:
        if rows.empty:
            return None
        table = prepare(rows, minor_units=self.minor_units, ordered=self.ordered)
        whole = Whole(
            n_rows=len(table.source),
            columns=tuple(map(str, table.source.columns)),
            unusable=table.unusable,
            tally=table.tally,
            soundness=soundness_of(table),
            traces=traces_of(table),
        )
        inside = as_text(rows[CUSTOMER]).isin(self.chosen).to_numpy(dtype=np.bool_)
        return _Part(whole, rows[inside])


def _is_ordered(given: Any) -> bool:
    if isinstance(given, Source):
        return True
    return not _frames.is_dask(given) and bool(_frames.wrap(given).implementation.is_polars())


def _is_spark(given: Any) -> bool:
    return not isinstance(given, Source) and _frames.is_spark(given)


def _all_rows(given: Any) -> Any:
    if isinstance(given, Source):
        return pd.concat(list(_batches(given)), ignore_index=True)
    return given


def _batches(given: Any, names: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """Give the rows of files, or of a query in this process, batch by batch."""
    if isinstance(given, Source):
        for chunk in given.chunks(names):
            yield _frames.to_pandas(_frames.arrow_table(chunk.frame))
    else:
        for table in _frames.batches(given, names or _frames.column_names(given), _GROUP_ROWS):
            yield _frames.to_pandas(table)


def _sizes(given: Any) -> tuple[pd.Series[int], int]:
    """Count the rows of every customer, known by the text of the id, and all rows."""
    if _frames.is_dask(given):
        counts = given.groupby(CUSTOMER, dropna=False).size().compute()
    elif _is_spark(given):
        grouped = _frames.wrap(given).group_by(CUSTOMER).agg(nw.len().alias("n"))
        counts = _frames.to_pandas(grouped.to_native()).set_index(CUSTOMER)["n"]
    else:
        found = [batch[CUSTOMER].value_counts(dropna=False) for batch in _batches(given, [CUSTOMER])]
        counts = pd.concat(found) if found else pd.Series(dtype=np.int64)
    ids = as_text(pd.Series(counts.index.to_numpy(dtype=object))).to_numpy(dtype=object)
    n_rows = int(counts.sum())
    return pd.Series(counts.to_numpy(dtype=np.int64)).groupby(ids).sum(), n_rows


def _gathered(parts: Iterable[_Part], n_rows: int) -> tuple[Whole, pd.DataFrame]:
    """Bring together what was found in the groups as it comes: hashes go to disk, counts are added up."""
    traces, samples, wholes = TraceFiles(n_rows), [], []
    for part in parts:
        if isinstance(part.whole.traces, Traces):
            traces.add(part.whole.traces)
        samples.append(part.sample)
        wholes.append(replace(part.whole, traces=traces))
        if len(wholes) == _MERGED:
            wholes = [merged(wholes)]
    return merged(wholes), pd.concat(samples, ignore_index=True)


def _examined(given: Any, examination: _Examination, n_rows: int) -> Iterator[_Part]:
    """Look at all customers, group by group."""
    n_groups = math.ceil(n_rows / _GROUP_ROWS)
    if _frames.is_dask(given):
        found: Iterable[_Part | None] = in_parts(by_customer(given), examination)
    elif _is_spark(given):
        found = _on_spark(given, examination, n_groups)
    else:
        found = (examination(group) for group in _groups(given, n_groups))
    yield from (part for part in found if part is not None)


def _on_spark(frame: Any, examination: _Examination, n_groups: int) -> list[_Part | None]:
    """Bring each group of customers together on Spark and look at it there; findings travel as bytes."""
    from pyspark.sql import functions

    def examine(table: pa.Table) -> pa.Table:
        rows = _frames.to_pandas(_frames.local_times(table.drop_columns([_BUCKET])))
        return pa.table({"found": pa.array([pickle.dumps(examination(rows))], pa.binary())})

    bucket = functions.pmod(functions.hash(functions.col(CUSTOMER)), functions.lit(n_groups))
    grouped = frame.withColumn(_BUCKET, bucket).groupBy(_BUCKET)
    found = grouped.applyInArrow(examine, "found binary").toArrow()
    return [pickle.loads(value) for value in found["found"].to_pylist()]


def _groups(given: Any, n_groups: int) -> Iterator[pd.DataFrame]:
    """Give groups of whole customers, by way of buckets on disk; rows of a customer keep their order."""
    with tempfile.TemporaryDirectory(prefix="gretel-fin-synth-") as folder:
        places = [Path(folder) / str(number) for number in range(n_groups)]
        for batch in _batches(given):
            ids = as_text(batch[CUSTOMER]).fillna("").to_numpy(dtype=object)
            bucket = pd.util.hash_array(ids) % np.uint64(n_groups)
            for number, place in enumerate(places):
                rows = batch[bucket == number]
                if len(rows):
                    with place.open("ab") as file:
                        pickle.dump(rows, file, protocol=pickle.HIGHEST_PROTOCOL)
        for place in places:
            if place.exists():
                yield _read_bucket(place)
                place.unlink()


def _read_bucket(place: Path) -> pd.DataFrame:
    parts, size = [], place.stat().st_size
    with place.open("rb") as file:
        while file.tell() < size:
            parts.append(pickle.load(file))
    group: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return group
