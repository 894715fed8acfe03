"""However the work of generating is divided, and whoever dies over it, the customers are the same."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pandas.testing as pdt
import pytest

from gretel_fin_synth import (
    BackendError,
    NotFittedError,
    ParameterError,
    TransactionSynthesizer,
    check_files,
    make_transactions,
)
from gretel_fin_synth.cli import main
from gretel_fin_synth.training._processes import done_by_processes
from gretel_fin_synth.training._ranges import make_ranges

pytest.importorskip("torch")

SEED, N = 5, 60
needs_java = pytest.mark.skipif(
    shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="PySpark needs Java, there is none"
)


@pytest.fixture(scope="module")
def fitted() -> TransactionSynthesizer:
    """Return a model that draws as few customers together as one of long histories does."""
    real = make_transactions(40, start="2024-01-01", end="2024-02-29", seed=1)
    synthesizer = TransactionSynthesizer(epochs=1).fit(real, seed=1, progress=False)
    synthesizer.backend_._model.blocks = (8, 12)
    return synthesizer


@pytest.fixture(scope="module")
def expected(fitted: TransactionSynthesizer) -> pd.DataFrame:
    return fitted.sample(N, seed=SEED)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Compare row for row; rows of a customer stay in their order, only customers are sorted."""
    found = found.sort_values("customer_id", kind="stable", ignore_index=True)
    pdt.assert_frame_equal(found[expected.columns], expected, check_dtype=False)


def in_folder(folder: Path) -> pd.DataFrame:
    parts = sorted(folder.rglob("*.parquet"))
    return pd.concat([pd.read_parquet(part, partitioning=None) for part in parts], ignore_index=True)


@pytest.mark.parametrize("per_bucket", [1, 20, 1000])
def test_a_file_holds_what_sample_gives(
    fitted: TransactionSynthesizer, expected: pd.DataFrame, tmp_path: Path, per_bucket: int
) -> None:
    rows = fitted.sample_to(tmp_path / "t.parquet", N, seed=SEED, customers_per_bucket=per_bucket)
    found = pd.read_parquet(tmp_path / "t.parquet")
    assert rows == len(expected)
    pdt.assert_frame_equal(found, expected)
    assert check_files(tmp_path / "t.parquet").ok
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_a_folder_is_divided_by_bucket_and_month(
    fitted: TransactionSynthesizer, expected: pd.DataFrame, tmp_path: Path
) -> None:
    for _ in range(2):  # the second call replaces what the first wrote
        fitted.sample_to(tmp_path / "new", N, seed=SEED, customers_per_bucket=20)
    same(in_folder(tmp_path / "new"), expected)
    told = json.loads((tmp_path / "new" / "_synthetic.json").read_text())
    assert sum(part["n"] for part in told["ranges"]) == N
    assert len(told["ranges"]) > 1
    for path in (tmp_path / "new").rglob("*.parquet"):
        month = path.parent.name.removeprefix("month=")
        assert set(pd.read_parquet(path)["transaction_date"].dt.strftime("%Y-%m")) == {month}


def test_the_program_draws_by_processes_into_a_folder(
    fitted: TransactionSynthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted.save(tmp_path / "model")
    saved = TransactionSynthesizer.load(tmp_path / "model").sample(N, seed=SEED)
    command = [
        "gretel-fin-synth",
        "generate",
        tmp_path / "model",
        "--customers",
        N,
        "--seed",
        SEED,
        "--quiet",
    ]
    for more in (["--workers", 2, "--output", tmp_path / "new"], ["--output", tmp_path / "t.parquet"]):
        monkeypatch.setattr(sys, "argv", [str(word) for word in (*command, *more)])
        with pytest.raises(SystemExit) as left:
            main()
        assert not left.value.code
    same(in_folder(tmp_path / "new"), saved)
    assert (tmp_path / "new" / "_synthetic.json").exists()
    pdt.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), saved)


def test_processes_give_the_same_though_one_is_killed(
    fitted: TransactionSynthesizer, expected: pd.DataFrame, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one() -> None:
        before = {child.pid for child in multiprocessing.active_children()}
        while not killed:
            for child in multiprocessing.active_children():
                if child.pid not in before and child.pid is not None:
                    time.sleep(0.5)
                    os.kill(child.pid, signal.SIGKILL)
                    killed.append(child.pid)
                    return
            time.sleep(0.05)

    killer = threading.Thread(target=kill_one)
    killer.start()
    fitted.sample_to(tmp_path / "t.parquet", N, seed=SEED, workers=2, customers_per_bucket=20)
    killer.join()
    assert killed
    pdt.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), expected)


def die_once(item: tuple[str, int]) -> int:
    folder, number = item
    mark = Path(folder) / str(number)
    if number % 3 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_dead_process_held_is_done_again(tmp_path: Path) -> None:
    items = [(str(tmp_path), number) for number in range(5)]
    assert list(done_by_processes(die_once, items, 2)) == list(range(5))


def test_processes_that_keep_dying_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gretel_fin_synth.training._processes.MOST_DEATHS", 1)
    with pytest.raises(BackendError, match="worker processes died 2 times"):
        list(done_by_processes(die, [1, 2], 2))


def test_ranges_hold_every_customer_once_and_lie_along_blocks() -> None:
    class Blocks:
        @staticmethod
        def block_bounds(number: int) -> tuple[int, int]:
            return (0, 32) if number == 0 else (32 + 100 * (number - 1), 32 + 100 * number)

    for backend in (Blocks(), object()):
        for n in (1, 32, 33, 500):
            for about in (1, 50, 240, 1000):
                ranges = make_ranges(backend, n, about)
                covered = [k for part in ranges for k in range(part.first, part.first + part.n)]
                assert covered == list(range(n))
                assert [part.bucket for part in ranges] == list(range(len(ranges)))
    firsts = [part.first for part in make_ranges(Blocks(), 999, 150)]
    assert firsts == [0, 232, 432, 632, 832]


@needs_java
@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_spark_gives_the_same_at_any_partitions(
    fitted: TransactionSynthesizer, expected: pd.DataFrame, partitions: int
) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    from conftest import spark_session

    frame = fitted.sample_spark(spark_session(), N, seed=SEED, partitions=partitions, customers_per_bucket=20)
    assert frame.rdd.getNumPartitions() == partitions
    found = frame.toArrow().to_pandas()
    assert set(found["month"]) == {"2024-01", "2024-02"}
    same(found, expected)


def test_a_dask_cluster_loses_and_doubles_nothing_when_a_worker_dies(
    fitted: TransactionSynthesizer, expected: pd.DataFrame
) -> None:
    distributed = pytest.importorskip("distributed", reason="dask's cluster is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        frame = fitted.sample_dask(N, seed=SEED, customers_per_bucket=20).persist()
        futures = distributed.futures_of(frame)
        next(iter(distributed.as_completed(futures)))  # some are drawn, others are not
        victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)
        found = frame.compute()
    same(found, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers=0"),
        ({"customers_per_bucket": 1.5}, "customers_per_bucket=1.5"),
        ({"seed": -1}, "seed=-1"),
        ({"n_customers": 0}, "n_customers=0"),
        ({"no_such_option": 1}, "no_such_option"),
    ],
)
def test_bad_options(
    fitted: TransactionSynthesizer, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        fitted.sample_to(tmp_path / "t.parquet", **options)
    assert not list(tmp_path.iterdir())


def test_bad_places_and_no_model(fitted: TransactionSynthesizer, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"neither a '\.parquet' file nor a folder"):
        fitted.sample_to(tmp_path / "t.csv", 1)
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ParameterError, match="would be replaced"):
        fitted.sample_to(tmp_path, 1)
    with pytest.raises(NotFittedError):
        TransactionSynthesizer().sample_to(tmp_path / "t.parquet", 1)
