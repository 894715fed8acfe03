"""The program with the backend ``gretel``: key and endpoint from the environment, never in what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gretel_tools import files_in, leaks, needs_gretel, table
from typer.testing import CliRunner

from gretel_fin_synth import _job, cli

if TYPE_CHECKING:
    from pathlib import Path

    from gretel_fin_synth.testing import FakeGretel

pytestmark = [needs_gretel, pytest.mark.usefixtures("nobodys_key")]


@pytest.fixture
def environment(nobodys_key: None, service: FakeGretel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRETEL_API_KEY", service.key)
    monkeypatch.setenv("GRETEL_ENDPOINT", service.endpoint)
    for kind in ("model", "handler"):
        service.script(kind, always=True, states=("completed",))


@pytest.mark.usefixtures("environment")
def test_train_and_generate_work_with_the_service(service: FakeGretel, tmp_path: Path) -> None:
    table(25).to_csv(tmp_path / "real.csv", index=False)
    service.script("handler", states=("completed",), spoiled=3)
    runner = CliRunner()
    arguments = [
        "train",
        str(tmp_path / "real.csv"),
        "--backend",
        "gretel",
        "--model",
        str(tmp_path / "model"),
    ]
    trained = runner.invoke(cli.app, [*arguments, "--seed", "1"])
    assert trained.exit_code == 0, trained.output
    assert "note: the service draws each record by itself" in trained.stderr
    arguments = ["generate", str(tmp_path / "model"), "--output", str(tmp_path / "out.csv"), "--seed", "1"]
    made = runner.invoke(cli.app, [*arguments, "--customers", "5"])
    assert made.exit_code == 0, made.output
    assert len((tmp_path / "out.csv").read_text().splitlines()) > 5
    assert (tmp_path / "model" / "backend" / "report.html").read_text().startswith("<html>")
    assert leaks(service, trained.output, made.output, *files_in(tmp_path).values()) == []


@pytest.mark.usefixtures("environment")
def test_what_is_said_while_sampling_is_shown_in_a_whole_run(
    service: FakeGretel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_job, "_evaluate", lambda *_: None)
    monkeypatch.setattr(_job, "write_evaluation", lambda *_: None)
    table(25).to_csv(tmp_path / "real.csv", index=False)
    service.script("handler", states=("completed",), spoiled=3)
    options = _job.RunOptions(output=tmp_path / "out", seed=1, input=tmp_path / "real.csv", backend="gretel")
    _job.run(options, _job.Steps(6))
    assert "note: 3 of " in capfd.readouterr().err


@pytest.mark.usefixtures("environment")
def test_a_refused_key_ends_with_one_message(service: FakeGretel, tmp_path: Path) -> None:
    service.fail("GET", "/users/me", status=401, times=None)
    table(25).to_csv(tmp_path / "real.csv", index=False)
    arguments = [
        "train",
        str(tmp_path / "real.csv"),
        "--backend",
        "gretel",
        "--model",
        str(tmp_path / "model"),
    ]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 1
    assert "does not know this key" in done.stderr
    assert not (tmp_path / "model").exists()
