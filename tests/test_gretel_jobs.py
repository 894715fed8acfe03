"""Jobs at the service: submitted, waited for, cancelled, left running, resumed elsewhere, listed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from gretel_tools import everything_about, files_in, leaks, needs_gretel, quick, table
from hypothesis import given, settings
from hypothesis import strategies as st

import gretel_fin_synth as fs
from gretel_fin_synth._gretel.service import JobState
from gretel_fin_synth.testing import FakeGretel
from gretel_fin_synth.training.gretel.waiting import filters_given_up

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_gretel, pytest.mark.usefixtures("nobodys_key")]

RUNNING = ("created", "pending", "active")


def synthesizer(service: FakeGretel, **more: Any) -> fs.TransactionSynthesizer:
    return fs.TransactionSynthesizer("gretel", **quick(service, **more))


def jobs(service: FakeGretel, **more: Any) -> fs.GretelJobs:
    return fs.GretelJobs(**quick(service, **more))


def asked(service: FakeGretel, method: str) -> list[str]:
    return [request.path for request in service.requests if request.method == method]


def test_a_job_goes_through_its_states_in_order_and_each_log_entry_is_told_once(
    service: FakeGretel, tmp_path: Path
) -> None:
    service.script("model", states=(*RUNNING, "active", "completed"))
    job = jobs(service).submit(table(), tmp_path / "job", epochs=4)
    steps: list[Any] = []
    assert job.wait(progress=steps.append) is job
    states = [step.status for step in steps]
    assert sorted(set(states), key=states.index) == [*RUNNING, "completed"]
    told = [step.message for step in steps if step.message]
    assert told == [log["msg"] for log in job.logs()]
    epochs = [(step.epoch, step.epochs) for step in steps if step.epoch]
    assert epochs == [(1, 4), (2, 4), (4, 4)]
    assert [step.loss for step in steps if step.epoch] == [3.0, 1.5, 0.75]
    assert [step.valid for step in steps if step.valid] == [1250, 2500, 3750, 5000]
    assert [step.percent for step in steps if step.valid] == [25, 50, 75, 100]
    assert str(steps[-2]) == "training: completed, 5,000 of 5,000 valid records"


@pytest.mark.parametrize(
    ("state", "error"),
    [("error", fs.JobFailedError), ("cancelled", fs.JobCancelledError), ("lost", fs.JobLostError)],
)
def test_a_training_job_that_does_not_complete_raises_its_own_error_with_its_id(
    service: FakeGretel, state: str, error: type[fs.ServiceError]
) -> None:
    trace = f"File x, line 1: {service.key}"
    service.script("model", states=("created", state), error="out of memory", traceback=trace)
    with pytest.raises(error) as caught:
        synthesizer(service).fit(table(), seed=1)
    assert caught.value.job_id in str(caught.value)
    assert caught.value.job_id in asked(service, "GET")[-1]
    if isinstance(caught.value, fs.JobFailedError):
        assert "out of memory" in str(caught.value)
        assert caught.value.traceback.startswith("File x")
    assert leaks(service, *everything_about(caught.value)) == []


@pytest.mark.parametrize(
    ("state", "error"),
    [("error", fs.JobFailedError), ("cancelled", fs.JobCancelledError), ("lost", fs.JobLostError)],
)
def test_after_a_failed_sampling_job_the_next_one_is_submitted_anew(
    service: FakeGretel, state: str, error: type[fs.ServiceError]
) -> None:
    fitted = synthesizer(service).fit(table(), seed=1)
    service.script("handler", states=(state,), error="no more disk")
    with pytest.raises(error):
        fitted.sample(3, seed=1)
    assert fitted.sample(3, seed=1)["customer_id"].nunique() == 3


def test_a_state_that_nobody_knows_counts_as_running_and_is_told(service: FakeGretel) -> None:
    service.script("model", states=("created", "pausing", "resuming", "completed"))
    assert synthesizer(service).fit(table(), seed=1).sample(2, seed=1)["customer_id"].nunique() == 2


@settings(max_examples=20)
@given(middle=st.lists(st.sampled_from([*RUNNING, "paused", ""]), max_size=5), seed=st.integers(0, 3))
def test_any_series_of_states_ends_in_exactly_one_outcome(middle: list[str], seed: int) -> None:
    ends = {
        "completed": None,
        "error": "JobFailedError",
        "cancelled": "JobCancelledError",
        "lost": "JobLostError",
    }
    last = list(ends)[seed]
    with FakeGretel() as service:
        service.script("model", states=(*middle, last))
        try:
            outcome = type(synthesizer(service).fit(table(4), seed=1)).__name__
        except fs.ServiceError as error:
            outcome = type(error).__name__
        polls = [path for path in asked(service, "GET") if "/models/" in path and "artifact" not in path]
    assert outcome == (ends[last] or "TransactionSynthesizer")
    assert len([path for path in polls if "_blob" not in path]) == len(middle) + 1


def test_a_job_that_takes_too_long_is_left_running_and_the_synthesizer_waits_again(
    service: FakeGretel, tmp_path: Path
) -> None:
    service.script("model", states=("pending",))
    slow = synthesizer(service, job_timeout=0.05)
    with pytest.raises(fs.JobTimeoutError, match="goes on running") as caught:
        slow.fit(table(), seed=1)
    assert asked(service, "PATCH") == []
    slow.save(tmp_path / "job")
    job = jobs(service).resume(tmp_path / "job")
    assert job.job_id == caught.value.job_id
    assert job.status == "pending"
    with pytest.raises(fs.JobTimeoutError):
        job.wait(0.02)
    with pytest.raises(fs.JobTimeoutError):
        slow.sample(1)


def test_an_interrupted_wait_leaves_the_job_and_keeps_the_synthesizer(
    service: FakeGretel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gretel_fin_synth.training.gretel import backend

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    fitted = synthesizer(service)
    with monkeypatch.context() as patch:
        patch.setattr(backend, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fitted.fit(table(), seed=1)
    assert asked(service, "PATCH") == []
    assert fitted.sample(2, seed=1)["customer_id"].nunique() == 2


def test_cancelling_stops_a_running_job_and_leaves_an_ended_one(service: FakeGretel, tmp_path: Path) -> None:
    service.script("model", states=("active",))
    running = jobs(service).submit(table(), tmp_path / "running")
    running.cancel()
    assert running.status == "cancelled"
    with pytest.raises(fs.JobCancelledError, match=running.job_id):
        running.wait()
    ended = jobs(service).submit(table(), tmp_path / "ended").wait()
    before = len(asked(service, "PATCH"))
    ended.cancel()
    assert len(asked(service, "PATCH")) == before
    assert ended.status == "completed"


def test_a_job_is_resumed_by_its_record_in_another_process(service: FakeGretel, tmp_path: Path) -> None:
    service.script("model", states=(*RUNNING, "active", "completed"))
    real = table().astype({"transaction_category": "category"})
    record = tmp_path / "job"
    submitted = jobs(service).submit(real, record, seed=5)
    code = (
        "import sys, gretel_fin_synth as fs\n"
        "job = fs.GretelJobs(poll_interval=0.001).resume(sys.argv[1])\n"
        "print(job.job_id); job.synthesizer().sample(4, seed=9).to_pickle(sys.argv[2])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(record), str(tmp_path / "rows")],
        env={"GRETEL_API_KEY": service.key, "PATH": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [submitted.job_id]
    assert leaks(service, done.stdout, done.stderr) == []
    rows = pd.read_pickle(tmp_path / "rows")
    assert rows["customer_id"].nunique() == 4
    assert rows.dtypes.map(str).to_dict() == real.dtypes.map(str).to_dict()
    assert fs.check_balance(rows).ok
    again = jobs(service).resume(record)
    assert again.report.sqs.score == 86  # noted by the other process


def test_the_record_is_written_at_submission_and_holds_neither_key_nor_rows_nor_ids(
    service: FakeGretel, tmp_path: Path
) -> None:
    real = table()
    real["customer_id"] = "IBAN-" + real["customer_id"]
    job = jobs(service).submit(real, tmp_path / "job")
    written = files_in(tmp_path / "job")
    record = json.loads(written["backend/job.json"])
    assert (record["model_id"], record["name"]) == (job.job_id, job.name)
    assert leaks(service, *written.values()) == []
    assert not any(b"IBAN" in content for content in written.values())
    assert "api_key" not in json.loads(written["synthesizer.json"])["options"]
    assert repr(job).startswith(f"GretelJob(job_id='{job.job_id}'")


def test_a_record_is_not_put_where_something_else_is(service: FakeGretel, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(fs.ParameterError, match="would be replaced"):
        jobs(service).submit(table(), tmp_path / "mine")
    assert service.requests == []
    with pytest.raises(fs.ParameterError, match="holds no saved synthesizer"):
        jobs(service).resume(tmp_path / "mine")


def test_jobs_are_listed_the_newest_first(service: FakeGretel, tmp_path: Path) -> None:
    here = jobs(service)
    assert here.list() == []
    made = [here.submit(table(), tmp_path / str(number), name=f"run-{number}") for number in range(3)]
    listed = here.list()
    assert [job.job_id for job in listed] == [job.job_id for job in reversed(made)]
    assert listed[0].name == made[2].name
    assert listed[0].name.startswith("run-2-")
    assert [job.status for job in listed] == ["created"] * 3
    assert len(here.list(limit=1)) == 1


@pytest.mark.parametrize("path", [r"/models$", r"/record_handlers$"])
def test_a_job_whose_reply_was_lost_is_found_and_not_started_twice(service: FakeGretel, path: str) -> None:
    service.fail("POST", path, drop=True, acts=True, times=1)
    fitted = synthesizer(service).fit(table(), seed=1)
    assert fitted.sample(2, seed=1)["customer_id"].nunique() == 2
    started = [request for request in asked(service, "POST") if request.endswith(path.strip("$"))]
    assert len(started) == 1


def test_an_expired_link_is_asked_for_anew_once(service: FakeGretel) -> None:
    fitted = synthesizer(service).fit(table(), seed=1)
    service.forget()
    service.fail("GET", r"data\.gz", status=403, times=1)
    assert len(fitted.sample(2, seed=1))
    links = [path for path in asked(service, "GET") if path.endswith("/artifact")]
    assert len(links) == 2


def test_a_broken_file_is_fetched_again_once(service: FakeGretel) -> None:
    fitted = synthesizer(service).fit(table(), seed=1)
    service.fail("GET", r"data\.gz", cut=True, times=1)
    assert len(fitted.sample(2, seed=1))


FILTERS = ({"switched_off": ("similarity",)}, {"switched_off": ("outliers", "similarity")})


@pytest.mark.parametrize("given_up", FILTERS)
def test_records_drawn_without_a_privacy_filter_are_refused(
    service: FakeGretel, given_up: dict[str, Any]
) -> None:
    service.script("handler", always=True, **given_up)
    fitted = synthesizer(service).fit(table(), seed=1)
    with pytest.raises(fs.PrivacyFilterError, match="strict_privacy=False"):
        fitted.sample(3, seed=1)
    assert any("switched a privacy filter off" in warning for warning in fitted.warnings_)
    with pytest.raises(fs.PrivacyFilterError):
        fitted.sample(3, seed=1)


def test_whoever_takes_the_risk_gets_the_records_and_the_warning(service: FakeGretel, tmp_path: Path) -> None:
    service.script("handler", switched_off=("similarity",))
    service.script("model", switched_off=("outliers", "similarity"))
    fitted = synthesizer(service, strict_privacy=False).fit(table(), seed=1)
    assert any("report" in warning and "filters were off" in warning for warning in fitted.warnings_)
    rows = fitted.sample(3, seed=1)
    assert any("sampling job" in warning and "similarity" in warning for warning in fitted.warnings_)
    fitted.save(tmp_path)
    loaded = fs.TransactionSynthesizer.load(tmp_path, api_key=service.key)
    pd.testing.assert_frame_equal(loaded.sample(3, seed=1), rows)
    strict = fs.TransactionSynthesizer.load(tmp_path, api_key=service.key, strict_privacy=True)
    with pytest.raises(fs.PrivacyFilterError):
        strict.sample(3, seed=1)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("WARNING: could not generate enough records, disabling the similarity filter", True),
        ("Similarity filter turned off after 10 passes", True),
        ("Outlier filter has been deactivated", True),
        ("[WARNING] privacy filters: 95% of records removed", True),
        ("Generating without privacy filters", True),
        ("Applying the similarity filter", False),
        ("Loading training data", False),
        ("WARNING: early stopping", False),
    ],
)
def test_lines_about_filters_are_told_from_others(text: str, is_one: bool) -> None:
    state = JobState("completed", ({"ts": "", "msg": text, "ctx": {}, "stage": "run"},))
    assert filters_given_up(state) == ([text] if is_one else [])


def test_a_discontinued_model_names_the_other_way(service: FakeGretel) -> None:
    body = json.dumps({"message": "Model gretel-lstm has been discontinued"})
    service.fail("POST", "/models$", status=400, body=body, times=None)
    with pytest.raises(fs.ModelDiscontinuedError, match="backend='local'"):
        synthesizer(service).fit(table(), seed=1)


@pytest.mark.parametrize(
    "said", ["Maximum number of active jobs reached", "Cannot run job, credits exhausted"]
)
def test_a_used_up_quota_is_an_error_of_its_own(service: FakeGretel, said: str) -> None:
    service.fail("POST", "/models$", status=400, body=json.dumps({"message": said}), times=None)
    with pytest.raises(fs.QuotaExceededError, match=said.split()[-1]):
        synthesizer(service).fit(table(), seed=1)


def test_a_pickled_synthesizer_has_no_key_and_draws_the_same(
    service: FakeGretel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = synthesizer(service).fit(table(), seed=1)
    rows = fitted.sample(3, seed=1)
    stored = pickle.dumps(fitted)
    assert leaks(service, stored, repr(vars(fitted)), repr(fitted)) == []
    loaded = pickle.loads(stored)
    pd.testing.assert_frame_equal(loaded.sample(3, seed=1), rows)
    with pytest.raises(fs.AuthenticationError, match="GRETEL_API_KEY"):
        loaded.sample(3, seed=2)
    monkeypatch.setenv("GRETEL_API_KEY", service.key)
    assert loaded.sample(3, seed=2)["customer_id"].nunique() == 3


def test_a_model_of_another_endpoint_is_not_asked_for(service: FakeGretel, tmp_path: Path) -> None:
    jobs(service).submit(table(), tmp_path / "job")
    with FakeGretel() as other:
        moved = fs.GretelJobs(**quick(other)).resume(tmp_path / "job")
        with pytest.raises(fs.ParameterError, match="Hint: endpoint="):
            moved.wait()
        assert other.requests == []


def test_a_damaged_record_is_an_error_that_says_so(service: FakeGretel, tmp_path: Path) -> None:
    synthesizer(service).fit(table(), seed=1).save(tmp_path / "job")
    (tmp_path / "job" / "backend" / "job.json").write_text('{"format": 1}')
    with pytest.raises(fs.BackendError, match="is damaged"):
        fs.TransactionSynthesizer.load(tmp_path / "job", api_key=service.key)
