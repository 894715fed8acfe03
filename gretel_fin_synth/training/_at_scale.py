"""Sampling more than fits into memory, by several processes, on Spark and on dask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from gretel_fin_synth import _frames
from gretel_fin_synth._atomic import check_replaceable, new_file, new_files
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training._arguments import check_count, check_seed
from gretel_fin_synth.training._processes import done_by_processes
from gretel_fin_synth.training._ranges import BUCKET, MONTH, Range, Shipment, draw_range, make_ranges, months

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from gretel_fin_synth.training.synthesizer import TransactionSynthesizer

__all__ = ["AtScale"]

MARKER = "_synthetic.json"

#: Customers that are drawn at a time.
RANGE = 1_000

#: One customer, drawn to see what rows look like.
FIRST = Range(0, 0, 1)


class AtScale:
    """The methods of :class:`~gretel_fin_synth.TransactionSynthesizer` that do not give a table in memory.

    All of them give the customers that ``sample(n_customers, seed=seed)`` gives, row for row, however the
    work is divided: a customer depends on the model, the seed and its own number only.
    """

    def sample_to(
        self: Any,
        path: str | PathLike[str],
        n_customers: int | None = None,
        *,
        seed: int | None = None,
        workers: int = 1,
        customers_per_bucket: int = RANGE,
        progress: bool | None = None,
        **options: Any,
    ) -> int:
        """Draw new customers into Parquet, in memory that does not grow with their number.

        Parameters
        ----------
        path : path
            A name ending in ``.parquet`` for one file with the customers in their order; or a folder, which
            gets ``customer_bucket=00000/month=2024-01/part.parquet`` and so on. Either appears when it is
            complete, never half-written. A folder written by an earlier call is replaced.
        n_customers : int, optional
            How many; by default as many as were fitted.
        seed : int, optional
            Decides everything that is random; None for a fresh one. The rows do not depend on `workers` nor
            on `customers_per_bucket`.
        workers : int, default 1
            Processes that draw at the same time. What a process held that dies is drawn again.
        customers_per_bucket : int, default 1000
            About how many customers are drawn at a time; memory holds twice as many per worker.
        progress : bool, optional
            Whether to show progress on standard error; by default on a terminal only.
        **options
            Options of the backend's sampling.

        Returns
        -------
        int
            Rows written.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ParameterError
            If an option cannot be used, or `path` is a folder with other content.
        BackendError
            If the backend fails, or worker processes keep dying.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from gretel_fin_synth import TransactionSynthesizer, check_files, make_transactions
        >>> real = make_transactions(40, start="2024-01-01", end="2024-02-29", seed=1)
        >>> synthesizer = TransactionSynthesizer(epochs=1).fit(real, seed=1)
        >>> folder = Path(tempfile.mkdtemp())
        >>> synthesizer.sample_to(folder / "new.parquet", 6, seed=1) > 0
        True
        >>> check_files(folder / "new.parquet").ok
        True
        """
        work = _work(
            self, n_customers, seed, check_count("customers_per_bucket", customers_per_bucket), options
        )
        place, workers = Path(path), check_count("workers", workers)
        show = None if progress is None else not progress
        into_folder = place.suffix.lower() != ".parquet"
        if into_folder and place.suffix:
            hint = repr(place.stem + ".parquet")
            msg = f"{str(path)!r} is neither a '.parquet' file nor a folder.\n\nHint: {hint}"
            raise ParameterError(msg)
        total = work.ranges[-1].first + work.ranges[-1].n
        with tqdm(total=total, unit=" customers", unit_scale=True, disable=show) as bar:
            if into_folder:
                return _into_folder(work, place.absolute(), workers, bar)
            return _into_file(work, place, workers, bar)

    def sample_spark(
        self: Any,
        session: Any,
        n_customers: int | None = None,
        *,
        seed: int | None = None,
        partitions: int | None = None,
        customers_per_bucket: int = RANGE,
        **options: Any,
    ) -> Any:
        """Draw new customers on Spark.

        Parameters
        ----------
        session : pyspark.sql.SparkSession
            Its executors need this library, the extra of the backend, and pyarrow.
        n_customers, seed, customers_per_bucket, **options
            As for :meth:`sample_to`.
        partitions : int, optional
            Partitions of the result; by default one per bucket. They do not change the rows.

        Returns
        -------
        pyspark.sql.DataFrame
            Lazy: the columns of :meth:`sample`, then ``customer_bucket`` and ``month``, made for
            ``frame.write.partitionBy("customer_bucket", "month").parquet(path)``. A task that fails is
            retried by Spark and gives the same rows.

        Raises
        ------
        NotFittedError, ParameterError
            As for :meth:`sample_to`.

        Examples
        --------
        >>> frame = synthesizer.sample_spark(session, 1_000_000, seed=7)  # doctest: +SKIP
        >>> frame.write.partitionBy("customer_bucket", "month").parquet("s3://...")  # doctest: +SKIP
        """
        work = _work(
            self, n_customers, seed, check_count("customers_per_bucket", customers_per_bucket), options
        )
        n = len(work.ranges) if partitions is None else check_count("partitions", partitions)
        rows = [(part.bucket, part.first, part.n) for part in work.ranges]
        dealt = session.sparkContext.parallelize(rows, n)
        ranges = session.createDataFrame(dealt, "bucket long, first long, n long")
        schema = _plain_schema(work.shipment)
        return ranges.mapInArrow(_SparkDraw(work.shipment, schema), _spark_schema(schema))

    def sample_dask(
        self: Any,
        n_customers: int | None = None,
        *,
        seed: int | None = None,
        customers_per_bucket: int = RANGE,
        **options: Any,
    ) -> Any:
        """Draw new customers on dask, one partition per bucket.

        Parameters
        ----------
        n_customers, seed, customers_per_bucket, **options
            As for :meth:`sample_to`.

        Returns
        -------
        dask.dataframe.DataFrame
            Lazy: the columns of :meth:`sample`, then ``customer_bucket`` and ``month``. What a worker held
            that dies is drawn again by another, and gives the same rows.

        Raises
        ------
        NotFittedError, ParameterError
            As for :meth:`sample_to`.

        Examples
        --------
        >>> synthesizer.sample_dask(1_000_000, seed=7).to_parquet("synthetic")  # doctest: +SKIP
        """
        import dask
        import dask.dataframe

        work = _work(
            self, n_customers, seed, check_count("customers_per_bucket", customers_per_bucket), options
        )
        shipment = dask.delayed(work.shipment)
        parts = [dask.delayed(_labelled, pure=True)(shipment, part) for part in work.ranges]
        empty = _labelled(work.shipment, FIRST).iloc[:0]
        return dask.dataframe.from_delayed(parts, meta=empty, verify_meta=False)


@dataclass(frozen=True)
class _Work:
    """What is to be drawn, by whom, and what it looks like."""

    synthesizer: TransactionSynthesizer
    shipment: Shipment
    ranges: list[Range]

    def typed(self, frame: pd.DataFrame) -> pa.Table:
        """Convert finished rows to Arrow, with the dtypes that were fitted if of a frame in memory."""
        if self.synthesizer.template_.library in ("pandas", "polars", "pyarrow"):
            applied = self.synthesizer.template_.apply(frame)
            if isinstance(applied, pd.DataFrame):
                return _frames.arrow_table(applied)
            return _frames.wrap(applied).to_arrow()
        return _frames.arrow_table(frame)


def _work(
    synthesizer: Any, n_customers: int | None, seed: int | None, about: int, options: dict[str, Any]
) -> _Work:
    backend = synthesizer._backend("sample")
    about = check_count("customers_per_bucket", about)
    count = synthesizer.n_customers_ if n_customers is None else check_count("n_customers", n_customers)
    shipment = Shipment.of(synthesizer, check_seed(seed), dict(options))
    return _Work(synthesizer, shipment, make_ranges(backend, count, about))


def _drawn(work: _Work, workers: int) -> Iterator[tuple[Range, pd.DataFrame]]:
    """Draw the ranges in their order; in this process, the model that is there is used."""
    if workers == 1:
        for part in work.ranges:
            yield part, draw_range(work.synthesizer, part, work.shipment.seed, work.shipment.options)
    else:
        yield from zip(work.ranges, done_by_processes(work.shipment.draw, work.ranges, workers), strict=True)


def _into_file(work: _Work, path: Path, workers: int, bar: Any) -> int:
    n_rows, writer = 0, None
    with new_file(path) as beside:
        try:
            for part, frame in _drawn(work, workers):
                table = work.typed(frame)
                if writer is None:
                    writer = pq.ParquetWriter(beside, table.schema)
                writer.write_table(table.cast(writer.schema))
                n_rows += len(frame)
                bar.update(part.n)
        finally:
            if writer is not None:
                writer.close()
    return n_rows


def _into_folder(work: _Work, place: Path, workers: int, bar: Any) -> int:
    check_replaceable(place, marker=MARKER)
    n_rows = 0
    with new_files(place.parent, whole=(place.name,)) as staged:
        folder = staged / place.name
        folder.mkdir()
        for part, frame in _drawn(work, workers):
            for month, rows in frame.groupby(months(frame), sort=True):
                target = folder / f"{BUCKET}={part.bucket:05d}" / f"{MONTH}={month}"
                target.mkdir(parents=True)
                pq.write_table(work.typed(rows.reset_index(drop=True)), target / "part.parquet")
            n_rows += len(frame)
            bar.update(part.n)
        (folder / MARKER).write_text(work.shipment.describe(work.ranges), encoding="utf-8")
    return n_rows


def _labelled(shipment: Shipment, part: Range) -> pd.DataFrame:
    """Draw a range, and label its rows by bucket and month."""
    frame = shipment.draw(part)
    labels: dict[str, Any] = {BUCKET: part.bucket, MONTH: months(frame)}
    return frame.assign(**labels)


@dataclass(frozen=True)
class _SparkDraw:
    """Draws the ranges of a Spark partition."""

    shipment: Shipment
    schema: pa.Schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                part = Range(row["bucket"], row["first"], row["n"])
                table = _frames.arrow_table(_labelled(self.shipment, part)).cast(self.schema)
                yield from table.combine_chunks().to_batches()


def _plain_schema(shipment: Shipment) -> pa.Schema:
    """Types of the rows, those of one drawn customer, as Spark knows them."""
    schema = _frames.arrow_table(_labelled(shipment, FIRST)).schema
    micro = pa.timestamp("us")
    plain = {pa.large_string(): pa.string(), pa.timestamp("ns"): micro, pa.timestamp("s"): micro}
    return pa.schema([pa.field(field.name, plain.get(field.type, field.type)) for field in schema])


def _spark_schema(schema: pa.Schema) -> Any:
    from pyspark.sql import types
    from pyspark.sql.pandas.types import from_arrow_type

    return types.StructType(
        [types.StructField(f.name, from_arrow_type(f.type, prefer_timestamp_ntz=True)) for f in schema]
    )
