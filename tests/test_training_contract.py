"""Every backend passes the contract: the embedded one, Gretel's on the fake, and one of a third party.

First the life cycle of each, then what all refuse before any work, then what a backend with a service owes
its users when the service fails.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import os
import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import training_backends  # noqa: F401 - registers "bootstrap"
from gretel_tools import everything_about, files_in, leaks, needs_gretel, quick, table

import gretel_fin_synth as fs
from gretel_fin_synth.testing import BackendContract, FakeGretel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("nobodys_key")
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
SLOW = ["matching", "settling", "calibration"]  # what follows training; tested in test_training_local


class TestBootstrap(BackendContract):
    backend = "bootstrap"

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [{"epochs": 3}, {"min_customers": 0}, {"min_customers": "two"}]


@needs_torch
class TestLocal(BackendContract):
    backend = "local"

    @pytest.fixture
    def backend_options(self) -> dict[str, Any]:
        return {"epochs": 2, "hidden_size": 16, "without": list(SLOW)}

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [
            {"epoch": 3},
            {"epochs": 0},
            {"hidden_size": 2},
            {"dropout": 1.0},
            {"learning_rate": 0.0},
            {"weight_decay": -1.0},
            {"validation_fraction": 0.95},
            {"min_customers": 0},
            {"plan_neighbours": 0},
            {"max_seconds": 0},
            {"without": ["gravity"]},
        ]

    @pytest.fixture
    def bad_sample_options(self) -> list[dict[str, Any]]:
        return [{"warmth": 1.0}, {"temperature": 0.0}, {"temperature": "hot"}, {"temperature": True}]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeGretel]:
    with FakeGretel() as service:
        yield service


@needs_gretel
class TestGretel(BackendContract):
    backend = "gretel"
    fits_alike = False  # the service takes no seed

    @pytest.fixture(autouse=True)
    def key(self, fake: FakeGretel, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give a loaded model the key, which is not saved."""
        monkeypatch.setenv("GRETEL_API_KEY", fake.key)

    @pytest.fixture
    def backend_options(self, fake: FakeGretel) -> dict[str, Any]:
        return quick(fake, privacy_filters={"similarity": "medium"})

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        return [
            {"epoch": 3},
            {"epochs": 0},
            {"epochs": True},
            {"vocab_size": -1},
            {"learning_rate": 0.0},
            {"batch_size": 1.5},
            {"rnn_units": "many"},
            {"dropout_rate": 0.1},
            {"params": {"epoch": 3}},
            {"generate": {"num_records": 0}},
            {"generate": 5},
            {"privacy_filters": {"similarity": "low"}},
            {"privacy_filters": {"distance": "high"}},
            {"evaluate": {"skip": "yes"}},
            {"template": "tabular-gan"},
            {"name": "9 lives"},
            {"name": "two--dashes"},
            {"project": "x"},
            {"endpoint": "http://example.com"},
            {"endpoint": "https://user@example.com"},
            {"endpoint": "api.gretel.ai"},
            {"api_key": "not a key"},
            {"connect_timeout": 0},
            {"read_timeout": float("nan")},
            {"max_retries": -1},
            {"backoff": "quick"},
            {"poll_interval": 0},
            {"job_timeout": -1},
            {"rows_per_job": 0},
            {"strict_privacy": 1},
        ]


OPTIONS: dict[str, dict[str, Any]] = {
    "bootstrap": {"min_customers": 1},
    "local": {"epochs": 1, "hidden_size": 16, "without": list(SLOW)},
    "gretel": {"params": {"epochs": 3}, "generate": {"num_records": 10}},
}
BACKENDS = [
    "bootstrap",
    pytest.param("local", marks=needs_torch),
    pytest.param("gretel", marks=needs_gretel),
]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def options(backend: str, service: FakeGretel) -> dict[str, Any]:
    own = copy.deepcopy(OPTIONS[backend])
    return quick(service, **own) if backend == "gretel" else own


BAD_TABLES = {
    "no rows": lambda frame: frame.head(0),
    "no dates": lambda frame: frame.drop(columns="transaction_date"),
    "a column twice": lambda frame: pd.concat([frame, frame[["transaction_type"]]], axis=1),
    "no table": lambda frame: frame["customer_id"].tolist(),
    "a third of a cent": lambda frame: frame.assign(transaction_amount=1 / 3),
    "nobody": lambda frame: frame.assign(customer_id=None),
    "another type": lambda frame: frame.assign(transaction_type="transfer"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_refused_before_any_work(
    backend: str, options: dict[str, Any], service: FakeGretel, name: str
) -> None:
    synthesizer = fs.TransactionSynthesizer(backend, **options)
    with pytest.raises((fs.SchemaViolation, fs.ParameterError), match=r"\n\nHint: "):
        synthesizer.fit(BAD_TABLES[name](table(8)), seed=1)
    assert service.requests == []
    with pytest.raises(fs.NotFittedError):
        synthesizer.sample(1)


def test_frames_and_dictionaries_of_the_caller_stay_as_they_are(
    backend: str, options: dict[str, Any]
) -> None:
    real = table(25)
    given, before = copy.deepcopy(options), real.copy(deep=True)
    fs.TransactionSynthesizer(backend, **options).fit(real, seed=1).sample(2, seed=1)
    assert options == given
    pd.testing.assert_frame_equal(real, before)


@pytest.mark.parametrize("bad", [{"n_customers": 0}, {"n_rows": -1}, {"n_customers": 1, "n_rows": 1}])
def test_bad_counts_are_refused_before_any_work(
    backend: str, options: dict[str, Any], service: FakeGretel, bad: dict[str, Any]
) -> None:
    fitted = fs.TransactionSynthesizer(backend, **options).fit(table(25), seed=1)
    service.forget()
    with pytest.raises(fs.ParameterError):
        fitted.sample(**bad)
    assert service.requests == []


# What a service may do to a request: how it fails, and what the user gets.

ALWAYS = None
FAULTS: dict[str, tuple[dict[str, Any], type[Exception] | None]] = {
    "401": ({"status": 401, "times": ALWAYS}, fs.AuthenticationError),
    "403": ({"status": 403, "times": ALWAYS}, fs.AccessDeniedError),
    "404": ({"status": 404, "times": ALWAYS}, fs.NotFoundError),
    "409": ({"status": 409, "times": ALWAYS}, fs.RequestRefusedError),
    "429": ({"status": 429, "times": ALWAYS, "headers": {"Retry-After": "0"}}, fs.RateLimitedError),
    "429 for long": (
        {"status": 429, "times": ALWAYS, "headers": {"Retry-After": "900"}},
        fs.RateLimitedError,
    ),
    "429, then fine": ({"status": 429, "times": 2, "headers": {"Retry-After": "0"}}, None),
    "500": ({"status": 500, "times": ALWAYS}, fs.ServiceUnavailableError),
    "503, then fine": ({"status": 503, "times": 2}, None),
    "503": ({"status": 503, "times": ALWAYS}, fs.ServiceUnavailableError),
    "hang": ({"delay": 30, "times": ALWAYS}, fs.ServiceTimeoutError),
    "dropped": ({"drop": True, "times": ALWAYS}, fs.ServiceUnavailableError),
    "dropped, then fine": ({"drop": True, "times": 1}, None),
    "bad JSON": ({"status": 200, "times": ALWAYS, "body": "<html>oops"}, fs.ServiceReplyError),
    "other JSON": ({"status": 200, "times": ALWAYS, "body": '{"data": 5}'}, fs.ServiceReplyError),
    "cut": ({"cut": True, "times": ALWAYS}, fs.ServiceReplyError),
}
JOB = r"/projects/[^/]+/models/[^/]+"
REQUESTS = {
    "who am I": ("GET", r"/users/me$"),
    "new project": ("POST", r"/projects$"),
    "where to upload": ("POST", r"/artifacts$"),
    "upload": ("PUT", r"/_blob/tables/"),
    "train": ("POST", r"/models$"),
    "ask": ("GET", JOB + "$"),
    "link to the report": ("GET", JOB + "/artifact$"),
    "report": ("GET", r"/_blob/.*report_json"),
    "draw": ("POST", r"/record_handlers$"),
    "ask for the draw": ("GET", r"/record_handlers/[^/]+$"),
    "link to the records": ("GET", r"/record_handlers/[^/]+/artifact$"),
    "records": ("GET", r"/_blob/.*data\.gz"),
}
FINE = {
    "upload": ("cut",),  # it is answered with nothing
    "report": ("403", "404", "bad JSON", "other JSON"),  # a model without a report is a model
    "link to the report": ("404",),
    "train": ("cut",),  # the job is found by its name
    "draw": ("cut",),  # and this one among the jobs of the model
}
EXPECTED: dict[tuple[str, str], type[Exception]] = {
    ("records", "403"): fs.NotFoundError,  # what the store says of a file that is not there
    ("upload", "bad JSON"): fs.RequestRefusedError,  # the table was never stored, and training says so
    ("upload", "other JSON"): fs.RequestRefusedError,
}


@dataclass(frozen=True)
class Case:
    request: str
    fault: str

    @property
    def error(self) -> type[Exception] | None:
        if self.fault in FINE.get(self.request, ()):
            return None
        return EXPECTED.get((self.request, self.fault), FAULTS[self.fault][1])


CASES = [Case(request, fault) for request in REQUESTS for fault in FAULTS]


def impatient(service: FakeGretel) -> dict[str, Any]:
    return quick(service, read_timeout=0.15, max_retries=2, generate={"num_records": 10})


@needs_gretel
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.request}: {case.fault}")
def test_a_fault_becomes_the_right_error_in_bounded_time_and_leaks_nothing(
    case: Case,
    service: FakeGretel,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    service.fail(*REQUESTS[case.request], **FAULTS[case.fault][0])
    synthesizer = fs.TransactionSynthesizer("gretel", **impatient(service))
    began, error = time.monotonic(), None
    try:
        synthesizer.fit(table(8), seed=1, progress=True).sample(2, seed=1)
    except Exception as failure:
        error = failure
    assert time.monotonic() - began < 20
    assert len(service.requests) < 60
    if case.error is None:
        assert error is None
    else:
        assert isinstance(error, case.error), repr(error)
        assert isinstance(error, fs.ServiceError)
        assert "\n\nHint: " in str(error)
    about = [*everything_about(error)] if error is not None else []
    if hasattr(synthesizer, "backend_"):
        synthesizer.save(tmp_path / "model")
        about += [pickle.dumps(synthesizer), repr(vars(synthesizer)), repr(vars(synthesizer.backend_))]
    written = {**files_in(tmp_path), **files_in(Path(os.environ["HOME"]))}
    said = capfd.readouterr()
    records = [(record.getMessage(), record.__dict__) for record in caplog.records]
    assert leaks(service, caplog.text, records, said.out, said.err, *about, *written.values()) == []
    assert said.out == ""
    assert files_in(Path(os.environ["HOME"])) == {}
