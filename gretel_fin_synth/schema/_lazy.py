"""Validation of queries: the rules of tables in memory, batch by batch, wherever the engine has the rows.

Spark and dask apply them where the rows are; the others hand their rows over in batches. What had to be
coerced becomes part of the query, so that a lazy frame stays lazy.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from gretel_fin_synth import _frames, _given_back, _money
from gretel_fin_synth.schema._columns import (
    AMOUNT,
    BALANCE,
    CUSTOMER,
    DATE,
    ExtraColumn,
    check_extra_columns,
    name_problems,
)
from gretel_fin_synth.schema._extra import inspect_extra
from gretel_fin_synth.schema._failures import Problem, violation
from gretel_fin_synth.schema._inspect import (
    break_problem,
    inspect_columns,
    inspect_transactions,
    wanted_columns,
)
from gretel_fin_synth.schema._kinds import base_of
from gretel_fin_synth.schema._parts import by_customer, in_order, in_parts, tie_columns
from gretel_fin_synth.schema._query import EXPECTED, breaking, code, major, make_query, one_row, with_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Rules", "validate_lazy"]

BATCH = 500_000


@dataclass(frozen=True)
class Rules:
    """What the rows of a batch are held against; sent to where the rows are.

    Attributes
    ----------
    names : tuple of str
        Columns to read.
    minor_units : int
        Decimals of the currency.
    extra : tuple of ExtraColumn
        Described columns beside the six.
    """

    names: tuple[str, ...]
    minor_units: int
    extra: tuple[ExtraColumn, ...]

    def inspect(self, given: pd.DataFrame) -> Batch:
        """Inspect the rows of one batch."""
        changed, problems = inspect_columns(given[list(self.names)], self.minor_units)
        for column in self.extra:
            if base_of(column.kind) != "constant":
                problems += inspect_extra(given, column)
        zone = str(pa.array(changed[DATE]).type.tz) if DATE in changed else None
        problems = [problem.of(given[CUSTOMER]) for problem in problems]
        return Batch(len(given), tuple(changed), tuple(problems), zone)

    def coerce(self, given: pd.DataFrame) -> pd.DataFrame:
        """Coerce the sound rows of one batch."""
        changed, _ = inspect_columns(given[list(self.names)], self.minor_units)
        return given.assign(**{name: column.array for name, column in changed.items()})


@dataclass(frozen=True)
class Batch:
    """What was found in a batch: its rows, columns that had to change, problems, time zone of text dates."""

    n_rows: int
    changed: tuple[str, ...]
    problems: tuple[Problem, ...]
    zone: str | None


def validate_lazy(
    frame: Any, *, balance: bool, minor_units: int, extra_columns: Iterable[ExtraColumn] | None
) -> Any:
    """Validate a lazy frame of any engine; see :func:`gretel_fin_synth.validate_transactions`."""
    minor_units, extra = _money.check_minor_units(minor_units), check_extra_columns(extra_columns)
    given = _frames.native(frame)
    names = _frames.column_names(given)
    wanted = wanted_columns(names, extra, balance=balance)
    problems = name_problems(names, wanted)
    if problems:
        raise violation(problems)
    rules = Rules(tuple(wanted), minor_units, extra)
    empty = rules.inspect(_frames.empty_like(given, wanted))
    if empty.problems:
        raise violation(empty.problems)
    ordered = _is_polars(given)
    batches = [empty, *_inspected(given, rules)]
    problems = _merged(batches, ordered=ordered)
    problems += [] if problems else _constants(given, extra)
    zones = {batch.zone for batch in batches if batch.n_rows and batch.zone is not None}
    if problems or len(zones) > 1:
        raise violation(problems or _of_whole(given, rules))
    changed = sorted({name for batch in batches for name in batch.changed})
    valid = _coerced(given, changed, rules, zoned=bool(zones - {"None"})) if changed else given
    if balance:
        _check_balances(valid, minor_units)
    return valid if changed else frame


def _is_polars(frame: Any) -> bool:
    return not _frames.is_dask(frame) and bool(_frames.wrap(frame).implementation.is_polars())


def _inspected(frame: Any, rules: Rules) -> Iterator[Batch]:
    """Inspect all rows where they are."""
    if _frames.is_dask(frame):
        yield from in_parts(frame, rules.inspect)
    elif _frames.is_spark(frame):
        found = frame.select(*rules.names).mapInArrow(_SparkInspection(rules), "found binary").toArrow()
        yield from (pickle.loads(value) for value in found["found"].to_pylist())
    else:
        for table in _frames.batches(frame, rules.names, BATCH):
            yield rules.inspect(_frames.signed_indices(table).to_pandas(types_mapper=pd.ArrowDtype))


@dataclass(frozen=True)
class _SparkInspection:
    """Inspects the batches of a Spark partition; what it finds travels as bytes."""

    rules: Rules

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = _frames.local_times(pa.Table.from_batches([batch]))
            found = pickle.dumps(
                self.rules.inspect(_frames.signed_indices(table).to_pandas(types_mapper=pd.ArrowDtype))
            )
            yield pa.RecordBatch.from_pydict({"found": pa.array([found], pa.binary())})


def _merged(batches: Sequence[Batch], *, ordered: bool) -> list[Problem]:
    """Bring the problems of all batches together, by column and kind."""
    found, offset = [], 0
    for batch in batches:
        numbers = np.arange(batch.n_rows, dtype=np.int64) + offset if ordered else np.full(batch.n_rows, -1)
        found += [problem.at(numbers) for problem in batch.problems]
        offset += batch.n_rows
    merged = []
    for _, same in groupby(sorted(found, key=_kind), key=_kind):
        merged.append(_joined(list(same), ordered=ordered))
    return merged


def _kind(problem: Problem) -> tuple[str, str, bool]:
    return problem.column, problem.hint, problem.rows is None


def _joined(problems: list[Problem], *, ordered: bool) -> Problem:
    """Make one problem of several of one kind; where rows have no order, sorted by customer and value."""
    first = problems[0]
    if first.rows is None:
        return first
    cells = [
        (int(row), customer, value, text)
        for problem in problems
        for row, customer, value, text in zip(
            problem.rows if problem.rows is not None else (),
            problem.customers or [None] * len(problem.values),
            problem.values,
            problem.texts,
            strict=True,
        )
    ]
    if not ordered:
        cells.sort(key=lambda cell: (str(cell[1]), str(cell[2])))
    rows, customers, values, texts = (list(column) for column in zip(*cells, strict=True))
    return replace(
        first, rows=np.array(rows, dtype=np.int64), customers=customers, values=values, texts=texts
    )


def _constants(frame: Any, extra: Iterable[ExtraColumn]) -> list[Problem]:
    """Report customers with more than one value in a column that should be constant."""
    problems = []
    for column in extra:
        if base_of(column.kind) != "constant":
            continue
        names = [CUSTOMER, column.name]
        if _frames.is_dask(frame):
            pairs = frame[names].drop_duplicates().compute()
        else:
            pairs = _frames.sub_frame(_frames.wrap(frame).select(*names).unique().to_native(), names)
        pairs = pairs.sort_values(names, na_position="first", ignore_index=True)
        nowhere = np.full(len(pairs), -1, dtype=np.int64)
        problems += [problem.of(pairs[CUSTOMER]).at(nowhere) for problem in inspect_extra(pairs, column)]
    return problems


def _of_whole(frame: Any, rules: Rules) -> Sequence[Problem]:
    """Report time zones that differ between batches: only the whole column tells which rows are at fault."""
    table = _frames.sub_frame(frame, list(rules.names))
    return inspect_transactions(table, minor_units=rules.minor_units).problems


def _coerced(frame: Any, changed: Sequence[str], rules: Rules, *, zoned: bool) -> Any:
    """Make the coercion of sound columns part of the query."""
    if _frames.is_dask(frame):
        return frame.map_partitions(rules.coerce, meta=rules.coerce(frame._meta))
    if _frames.is_spark(frame):
        return frame.mapInArrow(_SparkCoercion(rules, _spark_types(changed)), _spark_schema(frame, changed))
    if DATE in changed and zoned:  # engines read a zone as their own, so the dates are read here
        table = _frames.collected(frame)
        whole = rules.coerce(_frames.sub_frame(table, list(rules.names)))
        return _given_back.from_arrow(
            frame, _frames.set_columns(table, {name: whole[name] for name in changed})
        )
    if DATE in changed and _is_polars(frame):
        frame, changed = frame.with_columns(_polars_dates()), [name for name in changed if name != DATE]
    columns = []
    for name in changed:
        if name == AMOUNT:
            columns.append(major(code(AMOUNT, rules.minor_units), rules.minor_units).alias(AMOUNT))
        else:
            kind = nw.Float64 if name == BALANCE else nw.Datetime("us") if name == DATE else nw.String
            columns.append(nw.col(name).cast(kind))
    return _frames.wrap(frame).with_columns(*columns).to_native() if columns else frame


def _polars_dates() -> Any:
    """ISO 8601 text as timestamps: polars reads one form at a time."""
    import polars as pl

    text = pl.col(DATE).cast(pl.String).str.replace(" ", "T", literal=True)
    forms = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
    return pl.coalesce([text.str.to_datetime(form, strict=False, time_unit="us") for form in forms]).alias(
        DATE
    )


def _spark_types(changed: Sequence[str]) -> dict[str, pa.DataType]:
    kinds = {AMOUNT: pa.float64(), BALANCE: pa.float64(), DATE: pa.timestamp("us")}
    return {name: kinds.get(name, pa.string()) for name in changed}


def _spark_schema(frame: Any, changed: Sequence[str]) -> Any:
    from pyspark.sql import types

    kinds = {AMOUNT: types.DoubleType(), BALANCE: types.DoubleType(), DATE: types.TimestampNTZType()}
    return types.StructType(
        [
            types.StructField(field.name, kinds.get(field.name, types.StringType()), field.nullable)
            if field.name in changed
            else field
            for field in frame.schema.fields
        ]
    )


@dataclass(frozen=True)
class _SparkCoercion:
    """Coerces the batches of a Spark partition."""

    rules: Rules
    types: dict[str, pa.DataType]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            given = _frames.local_times(table.select(list(self.rules.names)))
            whole = self.rules.coerce(given.to_pandas(types_mapper=pd.ArrowDtype))
            for name, kind in self.types.items():
                column = pa.array(whole[name])
                column = column.cast(kind)
                table = table.set_column(table.column_names.index(name), name, column)
            yield from table.combine_chunks().to_batches()


def _check_balances(frame: Any, minor_units: int) -> None:
    """Raise if a balance of sound rows does not follow from the one before."""
    if _frames.is_dask(frame):
        columns = tuple(tie_columns(frame, [DATE]))
        parts = in_parts(by_customer(frame), _breaks_of_part, columns, minor_units)
        broken = pd.concat(parts)
    else:
        rows, row = with_rows(frame)
        query = make_query(rows, row, [DATE], minor_units, balance=True)
        lazy = breaking(query, query.frame, minor_units, known=False, tolerance=0.0)
        if not one_row(lazy, n=nw.len())["n"]:
            return
        names = [CUSTOMER, BALANCE, EXPECTED, *([row] if row else [])]
        broken = _frames.sub_frame(lazy.select(*names).to_native(), names)
        if row:
            broken = broken.assign(row=broken[row]).sort_values("row")
    if len(broken):
        broken = broken if "row" in broken else broken.sort_values([CUSTOMER, BALANCE]).assign(row=-1)
        rows = broken["row"].to_numpy(dtype=np.int64)
        problem = break_problem(rows, broken[BALANCE].tolist(), broken[EXPECTED].tolist(), minor_units)
        raise violation([replace(problem, customers=broken[CUSTOMER].tolist())])


def _breaks_of_part(part: pd.DataFrame, columns: Sequence[str], minor_units: int) -> pd.DataFrame:
    ordered = in_order(part, columns, minor_units, balance=True)
    found = inspect_transactions(ordered, balance=True, minor_units=minor_units).problems
    rows = np.concatenate([p.rows for p in found if p.rows is not None] or [np.empty(0, dtype=np.int64)])
    expected = [float(text.rsplit(" ", 1)[1]) for problem in found for text in problem.texts]
    return ordered[[CUSTOMER, BALANCE]].iloc[rows].assign(**{EXPECTED: expected})
