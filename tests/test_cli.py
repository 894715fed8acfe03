"""The program: what it writes, says and returns, and what an interruption leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from toy_program import QUICK, ToyBackend

import gretel_fin_synth as fs
from gretel_fin_synth._io import read_table, write_table
from gretel_fin_synth.cli import main
from gretel_fin_synth.evaluation import registry
from gretel_fin_synth.schema import COLUMNS
from gretel_fin_synth.training import backend

if TYPE_CHECKING:
    from gretel_fin_synth.training import TrainingTable

TOY = Path(__file__).with_name("toy_program.py")
DATA = ["starting_amounts.csv", "synthetic_data.csv", "transactions_merged.csv", "transactions_only.csv"]
REPORT = ["tabular-lstm-report.html", "tabular-lstm-report.json"]
HEADER = ",".join(COLUMNS)


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(TOY), *map(str, arguments)]


def program(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program with the toy backend among its backends."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, cwd=cwd)


class Said:
    """Runs the program inside this process, which is quicker, and gives what it says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: object, code: int = 0) -> str:
        """Run it, check its exit code, and give standard output, or in one line what it says if it fails."""
        self.monkeypatch.setattr(sys, "argv", ["gretel-fin-synth", *map(str, arguments)])
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as left:
            main()
        signal.signal(signal.SIGTERM, handler)
        out, err = self.capsys.readouterr()
        assert (left.value.code or 0) == code, err
        if code == 0:
            return out
        assert out == ""
        return " ".join(err.split())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Said:
    """Give a runner that knows the toy backend and the quick measures, and stands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(backend._FACTORIES, "toy", ToyBackend)
    monkeypatch.setattr(registry, "_MEASURES", {name: registry.get_measure(name) for name in QUICK})
    return Said(monkeypatch, capsys)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a small table of real customers in a file, with a column that nobody described."""
    table = fs.make_transactions(25, start="2023-01-01", end="2023-12-31", seed=5)
    table["branch"] = "0042"
    path = tmp_path_factory.mktemp("bank") / "bank.csv"
    write_table(table, path)
    return path


@pytest.fixture(scope="module")
def output(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that a whole run has filled."""
    folder = tmp_path_factory.mktemp("run") / "deep" / "output"
    done = program("run", "--input", bank, "--output", folder, "--backend", "toy", "--seed", 7)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_writes_what_it_says(output: Path, bank: Path) -> None:
    assert sorted(path.name for path in output.iterdir()) == ["data", "model", "report"]
    assert sorted(path.name for path in (output / "data").iterdir()) == DATA
    assert sorted(path.name for path in (output / "report").iterdir()) == REPORT
    real = read_table(bank)
    merged = pd.read_csv(output / "data" / "transactions_merged.csv", dtype={"branch": str})
    assert list(merged) == [*COLUMNS[:5], "starting_amount", "account_balance", "branch"]
    assert merged["account_balance"].tolist() == real["account_balance"].tolist()
    assert set(merged["branch"]) == {"0042"}
    only = read_table(output / "data" / "transactions_only.csv")
    pd.testing.assert_frame_equal(only, real[list(COLUMNS[:5])])
    starts = read_table(output / "data" / "starting_amounts.csv")
    assert list(starts) == ["customer_id", "starting_amount"]
    assert fs.check_balance(fs.validate_transactions(real), starting_amounts=starts).ok


def test_a_run_generates_as_many_customers_as_are_real(output: Path, bank: Path) -> None:
    synthetic = read_table(output / "data" / "synthetic_data.csv")
    assert list(synthetic) == list(COLUMNS)
    assert synthetic["customer_id"].nunique() == 25
    fs.validate_transactions(synthetic, balance=True)


def test_a_run_holds_customers_out_and_says_so(output: Path, bank: Path, tmp_path: Path) -> None:
    told = json.loads((output / "report" / "tabular-lstm-report.json").read_text())
    assert told["tables"]["real"]["customers"] == 20
    assert told["tables"]["holdout"]["customers"] == 5
    assert "5" in (output / "report" / "tabular-lstm-report.html").read_text()


def test_the_same_seed_gives_the_same_bytes_and_tells_its_steps(
    output: Path, bank: Path, tmp_path: Path
) -> None:
    arguments = ["run", "--input", bank, "--output", tmp_path, "--backend", "toy", "--seed", 7]
    done = program(*arguments)
    assert done.returncode == 0, done.stderr
    again, first = contents(tmp_path), contents(output)
    assert again == first
    steps = re.findall(r"^\[(\d)/6\] (.*)$", done.stderr, flags=re.MULTILINE)
    assert [number for number, _ in steps] == list("123456")
    assert steps[1][1].startswith("Holding out 5 customers")
    assert done.stdout.splitlines()[-1] == f"Report: {tmp_path / 'report' / REPORT[0]}"
    assert "\r" not in done.stderr


def test_another_seed_gives_other_rows_and_quiet_says_only_the_result(
    output: Path, bank: Path, tmp_path: Path
) -> None:
    arguments = ["--customers", 11, "--holdout", 0, "--seed", 8, "--quiet"]
    done = program("run", "--input", bank, "--output", tmp_path, "--backend", "toy", *arguments)
    assert done.returncode == 0
    assert done.stderr == ""
    synthetic = read_table(tmp_path / "data" / "synthetic_data.csv")
    assert synthetic["customer_id"].nunique() == 11
    assert not synthetic.equals(read_table(output / "data" / "synthetic_data.csv"))
    told = json.loads((tmp_path / "report" / "tabular-lstm-report.json").read_text())
    assert "holdout" not in told["tables"]


def test_a_small_table_is_not_split(tmp_path: Path) -> None:
    write_table(fs.make_transactions(8, start="2023-01-01", end="2023-03-31", seed=5), tmp_path / "few.csv")
    done = program("run", "--input", "few.csv", "--backend", "toy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Holding out no customer, 20% of 8 would be too few to compare with" in done.stderr
    assert re.search(r"Seed \d+ \(drawn; repeat this run with --seed \d+\)", done.stderr)


def test_a_holdout_can_be_a_file(bank: Path, said: Said) -> None:
    write_table(fs.make_transactions(25, start="2023-01-01", end="2023-12-31", seed=6), Path("other.parquet"))
    said("run", "--input", bank, "--holdout-file", "other.parquet", "--backend", "toy", "--seed", 1)
    told = json.loads(Path("output/report/tabular-lstm-report.json").read_text())
    assert told["tables"]["real"]["customers"] == 25
    assert told["tables"]["holdout"]["customers"] == 25


def test_the_steps_one_by_one(said: Said) -> None:
    said("standin", "--customers", 12, "--seed", 3, "--output", "real.csv")
    assert "add up" in said("balance", "real.csv", "--check")
    said("train", "real.csv", "--model", "model", "--backend", "toy", "--seed", 3)
    said("generate", "model", "--customers", 5, "--seed", 3, "--output", "synthetic.parquet")
    assert read_table(Path("synthetic.parquet"))["customer_id"].nunique() == 5
    told = said("evaluate", "real.csv", "synthetic.parquet", "--output", "judged")
    assert told.splitlines()[-1] == f"Report: {Path('judged') / REPORT[0]}"
    assert sorted(path.name for path in Path("judged").iterdir()) == REPORT


def test_folders_are_judged_like_the_tables_in_them(said: Said) -> None:
    real = fs.make_transactions(14, start="2024-01-01", end="2024-03-31", seed=1)
    parts = {"real": real[real["customer_id"] <= "CUST_008"], "new": real[real["customer_id"] > "CUST_008"]}
    for name, table in parts.items():
        write_table(table, Path(f"{name}.parquet"))
        for month, rows in table.groupby(table["transaction_date"].dt.strftime("%Y-%m")):
            (Path(name) / f"month={month}").mkdir(parents=True)
            write_table(rows.assign(note="x"), Path(name) / f"month={month}" / "part.parquet")
    for ending, output in ((".parquet", "one"), ("", "many"), ("/*/*.parquet", "pattern")):
        places = [f"{name}{ending}" for name in ("real", "new", "real")]
        said("evaluate", *places[:2], "--holdout-file", places[2], "--output", output)
    one, *others = (json.loads((Path(at) / REPORT[1]).read_text()) for at in ("one", "many", "pattern"))
    assert others[0] == others[1]
    for measure in ("integrity", "replay"):
        assert one["results"][measure] == others[0]["results"][measure]
    assert one["tables"] == others[0]["tables"]
    assert one["tables"]["real"]["rows"] == len(parts["real"])
    said("evaluate", "real.parquet", "nowhere", "--output", "none", code=1)
    assert not list(Path("none").glob("*"))


def test_an_extra_column_is_learned_if_it_is_described(bank: Path, said: Said) -> None:
    said("train", bank, "--model", "model", "--backend", "toy", "--extra", "branch=category", "--seed", 1)
    said("generate", "model", "--customers", 3, "--output", "synthetic.csv", "--seed", 1)
    synthetic = read_table(Path("synthetic.csv"))
    assert list(synthetic) == [*COLUMNS, "branch"]
    assert set(synthetic["branch"]) == {"0042"}


def test_balances_are_rebuilt_from_starting_amounts(said: Said, tmp_path: Path) -> None:
    only, amounts, merged = (tmp_path / name for name in ("only.csv", "amounts.csv", "merged.csv"))
    only.write_text(
        "customer_id,transaction_date,transaction_amount,transaction_type,transaction_category,note\n"
        "007,2024-01-02,10,credit,salary,00\nNA,2024-01-02,2.5,debit,rent,\n007,2024-01-01,0.1,debit,rent,x\n"
    )
    amounts.write_text("customer_id,starting_amount\n007,1\nNA,0.2\n")
    said("balance", only, "--starting-amounts", amounts, "--output", merged)
    assert merged.read_text() == (
        f"{','.join(COLUMNS[:5])},note,account_balance\n"
        "007,2024-01-02,10.00,credit,salary,00,10.90\n"
        "NA,2024-01-02,2.50,debit,rent,,-2.30\n"
        "007,2024-01-01,0.10,debit,rent,x,0.90\n"
    )
    amounts.write_text("customer_id,starting_amount\n007,1\n")
    assert "'NA'" in said("balance", only, "--starting-amounts", amounts, "--output", merged, code=1)
    message = said("balance", only, "--output", merged, code=1)
    assert (
        "has neither 'account_balance' nor 'starting_amount', so nobody knows what its customers start with"
        in message
    )


def test_three_decimals_are_kept_where_the_currency_has_them(said: Said) -> None:
    row = "1,2024-01-01,0.125,credit,gift"
    Path("kuwait.csv").write_text(f"{','.join(COLUMNS[:5])},starting_amount\n{row},1\n")
    assert "line 2, transaction_amount: 0.125" in said("balance", "kuwait.csv", "--output", "x.csv", code=1)
    said("balance", "kuwait.csv", "--minor-units", 3, "--output", "x.csv")
    assert Path("x.csv").read_text().splitlines()[1] == f"{row},1.000,1.125"


def test_checking_balances_gives_an_exit_code(bank: Path, tmp_path: Path) -> None:
    lines = bank.read_text().splitlines()
    cells = lines[2].split(",")
    lines[2] = ",".join([*cells[:5], "0.01", *cells[6:]])
    (tmp_path / "broken.csv").write_text("\n".join(lines))
    done = program("balance", tmp_path / "broken.csv", "--check")
    assert done.returncode == 1
    assert "0.01" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("rows", "messages"),
    [
        ("1,2024-01-01,5,DEBIT ,rent,1", ["'DEBIT '", "debit", "line 2, transaction_type: 'DEBIT '"]),
        (
            "1,2024-01-01,5,debit,rent,1\n\n1,2024-31-01,5,debit,rent,1",
            ["line 4, transaction_date: '2024-31-01'"],
        ),
        (
            "1,2024-01-01,-5,debit,,1",
            ["line 2, transaction_amount: -5.0", "line 2, transaction_category: empty"],
        ),
        ('1,2024-01-01,5,debit,"rent\n",1\n1,2024-01-01,O,debit,rent,1', ["line 4, transaction_amount: 'O'"]),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(said: Said, rows: str, messages: list[str]) -> None:
    Path("bank.csv").write_text(f"{HEADER}\n{rows}\n")
    told = said("run", "--input", "bank.csv", "--backend", "toy", "--seed", 1, code=1)
    assert "In bank.csv" in told
    for message in messages:
        assert message in told
    assert list(Path("output").iterdir()) == []


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id,amount\n1,2\n", "customer_id"),
        ("a;b\n1;2\n", "does not separate its columns by commas"),
        (f"{HEADER}\n", "0 rows"),
    ],
)
def test_what_cannot_be_learned_fails_with_a_message(said: Said, table: str, message: str) -> None:
    Path("bank.csv").write_text(table)
    assert message in said("train", "bank.csv", "--model", "model", "--backend", "toy", code=1)
    assert not Path("model").exists()


def test_a_folder_without_a_model_fails_with_a_message(said: Said, tmp_path: Path) -> None:
    assert "holds no saved synthesizer" in said("generate", tmp_path, "--output", "x.csv", code=1)


def test_a_place_that_cannot_be_written_fails_with_a_message(said: Said) -> None:
    Path("file").write_text("mine")
    told = said("standin", "--customers", 1, "--seed", 1, "--output", "file/table.csv", code=1)
    assert told.startswith("gretel-fin-synth: ")
    assert "file" in told
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--input", "missing.csv"], "missing.csv"),
        (["run", "missing.csv"], "missing.csv"),
        (["run", __file__, "--input", __file__], "give TABLE or --input, not both"),
        (["run", "--backend", "nix"], "'nix' is not a backend; there are: "),
        (["run", "--customers", "0"], "--customers"),
        (["run", "--seed=-1"], "--seed"),
        (["run", "--holdout", "1"], "--holdout"),
        (
            ["run", "--holdout", "0.1", "--holdout-file", __file__],
            "give --holdout or --holdout-file, not both",
        ),
        (["run", "--extra", "merchant"], "'merchant' is not NAME=KIND with a kind out of category, number"),
        (["run", "--extra", "merchant=text"], "'merchant=text' is not NAME=KIND"),
        (["run", "--extra", "customer_id=category"], "one of the six columns"),
        (["standin", "--output", "table.xlsx"], "'table.xlsx' must end in .csv or .parquet"),
        (["standin"], "--output"),
        (["balance", __file__], "give --output FILE to rebuild balances, or --check"),
        (["dance"], "dance"),
    ],
)
def test_a_command_line_that_cannot_be_used(said: Said, arguments: list[str], message: str) -> None:
    assert message in said(*arguments, code=2)


def test_help_and_version(said: Said) -> None:
    assert said("--version") == f"gretel-fin-synth {fs.__version__}\n"
    assert "gretel-fin-synth run --output output" in said("--help")
    module = [sys.executable, "-m", "gretel_fin_synth", "run", "--help"]
    done = subprocess.run(module, capture_output=True, text=True, check=True)
    assert "Usage: gretel-fin-synth run" in done.stdout
    assert "Examples:" in done.stdout


def test_a_folder_that_is_no_model_is_not_replaced(bank: Path, said: Said, tmp_path: Path) -> None:
    Path("model").mkdir()
    Path("model/thesis.tex").write_text("years of work")
    arguments = ["--backend", "toy", "--seed", 1]
    assert "holds other files" in said("run", "--input", bank, "--output", tmp_path, *arguments, code=1)
    assert "holds other files" in said("train", bank, "--model", "model", *arguments, code=1)
    assert contents(tmp_path) == {"model/thesis.tex": b"years of work"}


def test_interrupted_training_keeps_the_best_state(
    bank: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: ToyBackend, table: TrainingTable, **options: object) -> None:
        self.frame, self.is_usable = table.frame, True
        raise KeyboardInterrupt

    monkeypatch.setattr(ToyBackend, "fit", interrupted)
    told = said("train", bank, "--model", "model", "--backend", "toy", "--seed", 1, code=130)
    assert "the best state until then is saved in" in told
    said("generate", "model", "--customers", 3, "--output", "synthetic.csv")


@pytest.mark.parametrize(
    ("stage", "number", "code"),
    [
        ("fit", signal.SIGINT, 130),
        ("sample", signal.SIGTERM, 128 + signal.SIGTERM),
        ("save", signal.SIGINT, 130),
    ],
)
def test_an_interrupted_run_leaves_the_earlier_output(
    bank: Path, output: Path, tmp_path: Path, stage: str, number: signal.Signals, code: int
) -> None:
    before, reached = contents(output), tmp_path / "reached"
    environment = {**os.environ, "TOY_STOP_AT": stage, "TOY_REACHED": str(reached)}
    started = subprocess.Popen(
        command("run", "--input", bank, "--output", output, "--backend", "toy", "--seed", 8),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = time.monotonic() + 60
    while not reached.exists() and time.monotonic() < patience:
        time.sleep(0.05)
    started.send_signal(number)
    _, said = started.communicate(timeout=30)
    assert started.returncode == code
    assert "Traceback" not in said
    assert contents(output) == before
    assert sorted(path.name for path in output.iterdir()) == ["data", "model", "report"]


def test_a_balance_of_another_name_is_asked_for(said: Said, bank: Path) -> None:
    table = read_table(bank).rename(columns={"account_balance": "Balance"})
    table.to_csv("renamed.csv", index=False)
    text = said("run", "--input", "renamed.csv", "--output", "out", "--backend", "toy", "--seed", 1, code=1)
    assert "did you mean 'Balance'?" in text
    assert "{'Balance': 'account_balance'}" in text
