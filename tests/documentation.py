"""What the pages of the documentation show, made runnable.

The blocks of a page run in turn, in one folder with a few small files, with the names of ``GIVEN`` that the
page takes for granted. Training is cut short: what the code does is tested here, how good it gets elsewhere.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import signal
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import gretel_fin_synth as fs
from gretel_fin_synth import cli
from gretel_fin_synth._frames import to_pandas

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"(?:<!-- not run: (?P<why>[^>]+) -->\n+)?"
    r"^(?P<dent> *)```(?P<kind>python|console)\n(?P<code>.*?)^ *```",
    re.MULTILINE | re.DOTALL,
)
PLAIN = fs.TransactionSynthesizer
CUT_SHORT = {"epochs": 1, "without": ("matching", "settling", "guard", "calibration")}
INSTALLED = {name for name in ("pyspark", "dask") if importlib.util.find_spec(name) is not None}
FITTED: dict[Any, dict[str, Any]] = {}


@dataclass(frozen=True)
class Block:
    """A piece of code in a page; ``why`` is the reason for which it does not run, if there is one."""

    kind: str
    code: str
    line: int
    why: str | None

    @property
    def names(self) -> set[str]:
        """Names that the code looks up."""
        found = ast.walk(ast.parse(self.code))
        return {node.id for node in found if isinstance(node, ast.Name)}

    @property
    def engines(self) -> set[str]:
        """Engines that the code needs and that have an environment of their own."""
        used = {"spark": "pyspark", "dask": "dask", "sample_dask": "dask"}
        return {engine for word, engine in used.items() if re.search(rf"\b{word}\b", self.code)}


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        dent = len(match["dent"])
        code = "\n".join(line[dent:] for line in match["code"].splitlines())
        found.append(Block(match["kind"], code, text.count("\n", 0, match.start("code")) + 1, match["why"]))
    return found


def pages() -> list[Path]:
    """Return all pages that show code."""
    found = (page for page in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in page.parts)
    return [page for page in found if blocks(page)]


class Quick(PLAIN):
    """The synthesizer with training cut short, and every table learned once."""

    def __init__(self, backend: str = "local", **options: Any) -> None:
        short: dict[str, Any] = {} if options.get("privacy") is not None else CUT_SHORT
        short = {"gretel": {"poll_interval": 0.01}, "local": short}.get(backend, {})
        super().__init__(backend, **{**short, **options})

    def fit(self, frame: Any, **how: Any) -> Any:
        if self.backend != "local" or self.privacy is not None or isinstance(frame, (str, Path)):
            return super().fit(frame, **how)
        rows = pd.util.hash_pandas_object(to_pandas(frame), index=False).sum()
        key = type(frame), int(rows), self.extra_columns, repr(self.options), repr(how)
        if key not in FITTED:
            super().fit(frame, **how)
            FITTED[key] = dict(vars(self))
        vars(self).update(FITTED[key])
        self.warnings_ = list(self.warnings_)
        return self


@cache
def bank() -> pd.DataFrame:
    return fs.make_transactions(40, start="2024-01-01", end="2024-03-31", seed=7)


@cache
def halves() -> tuple[pd.DataFrame, pd.DataFrame]:
    return fs.split_customers(bank(), 0.5, seed=1)


@cache
def drawn() -> pd.DataFrame:
    return Quick().fit(halves()[0], seed=1).sample(20, seed=1)


def spark() -> Any:
    from conftest import spark_session

    session = spark_session()
    files = session._jvm.org.apache.hadoop.fs  # the session may have begun in another test's folder
    local = files.FileSystem.get(session._jsc.hadoopConfiguration())
    local.setWorkingDirectory(files.Path(str(Path.cwd())))
    return session


GIVEN: dict[str, Callable[[], Any]] = {
    "fs": lambda: fs,
    "pd": lambda: pd,
    "table": lambda: bank().copy(),
    "real": lambda: halves()[0].copy(),
    "train": lambda: halves()[0].copy(),
    "holdout": lambda: halves()[1].copy(),
    "synthetic": lambda: drawn().copy(),
    "synthesizer": lambda: Quick().fit(halves()[0], seed=1),
    "amounts": lambda: fs.starting_amounts(bank()),
    "prompt": lambda: "transactions of a bank's customers",
    "starting_prompt": lambda: "add a starting amount",
    "candidates": lambda: {"one": drawn().copy(), "two": drawn().copy()},
    "check_balance": lambda: fs.check_balance,
    "reconstruct_balance": lambda: fs.reconstruct_balance,
    "evaluate": lambda: fs.evaluate,
    "TransactionSynthesizer": lambda: Quick,
    "spark": spark,
}


def furnish(folder: Path, *, synthetic: bool = True) -> None:
    """Write the files that pages read; those of a synthetic table need a model."""
    table = bank()
    extras = table.assign(merchant="shop", branch="0042", distance_km=1.5)
    extras.to_csv(folder / "bank.csv", index=False)
    table.drop(columns="account_balance").to_csv(folder / "transactions_only.csv", index=False)
    fs.starting_amounts(table).to_csv(folder / "starting_amounts.csv", index=False)
    fs.starting_amounts(table).to_csv(folder / "amounts.csv", index=False)
    table.to_csv(folder / "table.csv", index=False)
    for name, part in {"train": halves()[0], "holdout": halves()[1]}.items():
        part.to_csv(folder / f"{name}.csv", index=False)
    if synthetic:
        drawn().to_csv(folder / "synthetic.csv", index=False)
        (folder / "synthetic").mkdir()
        drawn().to_parquet(folder / "synthetic" / "part.parquet")
    for name in ("bank", "exports"):
        (folder / name).mkdir()
        starts = extras.merge(fs.starting_amounts(table), on="customer_id")
        starts.to_parquet(folder / name / "2024-01.parquet", coerce_timestamps="us")  # as Spark reads them
    money = {name: table[name].map("{:,.2f}".format) for name in ("transaction_amount", "account_balance")}
    export = table.assign(
        transaction_date=table["transaction_date"].dt.strftime("%d/%m/%Y"),
        transaction_type=table["transaction_type"].map({"credit": "CR", "debit": "DR"}),
        **money,
        Branch="0042",
    )
    names = ["Account", "Booking Date", "Amount", "Type", "Category", "Balance", "Branch"]
    export.set_axis(names, axis=1).to_csv(folder / "export.csv", index=False)
    german = str.maketrans(",.", ".,")
    signs = table["transaction_type"].map({"credit": "", "debit": "-"})
    umsaetze = {
        "IBAN": "DE00 " + table["customer_id"],
        "Buchungstag": table["transaction_date"].dt.strftime("%d.%m.%Y"),
        "Betrag": signs + money["transaction_amount"].str.translate(german),
        "Kategorie": table["transaction_category"].mask(table.index == 3, ""),
        "Händler": "Händler",
        "Saldo": money["account_balance"].str.translate(german),
    }
    pd.DataFrame(umsaetze).to_csv(folder / "umsaetze.csv", sep=";", index=False)


def say(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Type a line of the program; it must end well."""
    words = shlex.split(line)
    monkeypatch.setattr(sys, "argv", words)
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left:
        cli.main()
    signal.signal(signal.SIGTERM, handler)
    assert not left.value.code, line


def run(page: Path, monkeypatch: pytest.MonkeyPatch, *, engines_only: bool = False) -> None:
    """Run a page from top to bottom, but for blocks whose engine is not installed."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        if block.why is not None or not block.engines <= INSTALLED or (engines_only and not block.engines):
            continue
        if block.kind == "console":
            for line in block.code.splitlines():
                if line.startswith("$ gretel-fin-synth "):
                    say(line[2:], monkeypatch)
            continue
        for name in block.names & set(GIVEN) - set(names):
            names[name] = GIVEN[name]()
        exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), names)
