"""The original notebooks' calls of the client, and the same work by this library, on the same fake service.

The calls are those of the notebooks in their order, written anew. The client sleeps three seconds between two
questions and half a second between two readings; both are shortened.
"""

from __future__ import annotations

import gc
import json
import time
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from gretel_tools import needs_gretel, quick, table

import gretel_fin_synth as fs

if TYPE_CHECKING:
    from pathlib import Path

    from gretel_fin_synth.testing import FakeGretel

pytestmark = [needs_gretel, pytest.mark.usefixtures("nobodys_key")]

CONFIG = {
    "schema_version": "1.0",
    "name": "notebook",
    "models": [
        {
            "synthetics": {
                "data_source": "_",
                "params": {"epochs": "auto"},
                "generate": {"num_records": 100},
                "privacy_filters": {"outliers": "auto", "similarity": "auto"},
            }
        }
    ],
}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the client with its sleeps shortened and its loggers as we make them."""
    from gretel_fin_synth._gretel.client import require_client

    require_client()
    import gretel_client
    from gretel_client.inference_api import tabular
    from gretel_client.projects import jobs

    monkeypatch.setattr(jobs, "time", types.SimpleNamespace(time=time.time, sleep=lambda _: None))
    monkeypatch.setattr(tabular, "STREAM_SLEEP_TIME", 0)
    return gretel_client


@pytest.fixture
def session(client: Any, service: FakeGretel) -> Any:
    """Log in as the notebooks do; the session of before comes back afterwards."""
    from gretel_client.config import get_session_config, set_session_config

    before = get_session_config()
    client.configure_session(api_key=service.key, endpoint=service.endpoint, validate=True, cache="no")
    yield get_session_config()
    set_session_config(before)


def steps(service: FakeGretel) -> list[str]:
    """What was asked, without ids."""
    said = []
    for request in service.requests:
        parts = request.path.strip("/").split("/")
        kept = [part for part in parts if not any(sign.isdigit() for sign in part)]
        said.append(f"{request.method} {'/'.join(kept)}")
    return said


# The client leaves the files open that it looks into before uploading them.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_first_notebook_trains_and_draws_with_the_clients_own_calls(
    session: Any, service: FakeGretel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import gretel_client
    from gretel_client.helpers import poll

    real = table(10).drop(columns="account_balance")
    real.to_csv(tmp_path / "transactions.csv", index=False)
    project = gretel_client.create_or_get_unique_project(name="notebook-project")
    model = project.create_model_obj(
        model_config=json.loads(json.dumps(CONFIG)), data_source=str(tmp_path / "transactions.csv")
    )
    model.submit_cloud()
    gc.collect()
    poll(model)
    assert model.status == "completed"
    handler = model.create_record_handler_obj(params={"num_records": 40})
    handler.submit_cloud()
    poll(handler)
    handler.download_artifacts(str(tmp_path / "out"))
    drawn = pd.read_csv(tmp_path / "out" / "data.gz", compression="gzip")
    assert drawn.shape == (40, 5)
    assert list(drawn.columns) == list(real.columns)
    report = json.loads(read(model, "report_json"))
    assert report["synthetic_data_quality_score"]["score"] == 86
    assert model.get_report_summary()["summary"][0]["value"] == 86
    preview = pd.read_csv(model.get_artifact_link("data_preview"), compression="gzip")
    assert preview.shape == (100, 5)
    capsys.readouterr()
    asked = steps(service)
    assert (
        asked.index("POST projects") < asked.index("PUT _blob/tables") < asked.index("POST projects/models")
    )
    assert "POST projects/models/record_handlers" in asked


def read(job: Any, name: str) -> bytes:
    with job.get_artifact_handle(name) as handle:
        return handle.read()


def test_the_high_level_objects_of_the_client_work_too(
    session: Any, service: FakeGretel, capsys: pytest.CaptureFixture[str]
) -> None:
    from gretel_client import Gretel

    gretel = Gretel(project_name="high-level", session=session)
    trained = gretel.submit_train(
        base_config=json.loads(json.dumps(CONFIG)),
        data_source=table(10),
        job_label="once",
        verbose_logging=False,
    )
    assert trained.report.quality_scores["synthetic_data_quality_score"] == 86
    assert "Fake report" in trained.report.as_html
    assert trained.fetch_report_synthetic_data().shape == (100, 6)
    generated = gretel.submit_generate(trained.model_id, num_records=30)
    assert generated.synthetic_data.shape == (30, 6)
    again = gretel.fetch_generate_job_results(trained.model_id, generated.record_id)
    pd.testing.assert_frame_equal(again.synthetic_data, generated.synthetic_data)
    assert gretel.fetch_train_job_results(trained.model_id).report.as_dict == trained.report.as_dict
    capsys.readouterr()


def test_the_second_notebook_makes_rows_and_starting_amounts_with_navigator(
    session: Any, service: FakeGretel, capsys: pytest.CaptureFixture[str]
) -> None:
    from gretel_client.factories import GretelFactories

    navigator = GretelFactories(session=session).initialize_navigator_api(
        "tabular", backend_model="gretelai/auto"
    )
    rows = navigator.generate("bank transactions", num_records=230, disable_progress_bar=True)
    assert rows.shape == (230, 5)
    ids = rows[["customer_id"]].drop_duplicates().sort_values("customer_id")
    starts = navigator.edit("add a starting amount", seed_data=ids, disable_progress_bar=True)
    assert set(starts["customer_id"]) == set(ids["customer_id"])
    merged = rows.merge(starts, on="customer_id")
    assert merged["starting_amount"].notna().all()
    assert navigator.get_response_metadata()["usage"]["input_bytes"] > 0
    capsys.readouterr()


def test_the_library_does_both_notebooks_in_a_few_lines(service: FakeGretel, tmp_path: Path) -> None:
    how = {"endpoint": service.endpoint, "api_key": service.key}
    real = fs.navigate_transactions(n_rows=230, poll_interval=0, **how)
    synthesizer = fs.TransactionSynthesizer("gretel", **quick(service, project="notebook-project")).fit(real)
    synthetic = synthesizer.sample(n_rows=40)
    synthesizer.report_.to_html(tmp_path / "report.html")

    assert len(real) == 230
    assert fs.check_balance(real).ok
    assert len(synthetic) == 40
    assert fs.check_balance(synthetic).ok
    assert not set(synthetic["customer_id"]) & set(real["customer_id"])
    assert synthesizer.report_.sqs.score == 86
    assert "Fake report" in (tmp_path / "report.html").read_text()


def test_the_library_asks_what_the_client_asks_in_the_same_order(service: FakeGretel) -> None:
    """Sections 1 to 13 of the recorded conversation, with bodies."""
    options = quick(service, name="wire", epochs=7, generate={"num_records": 50}, rows_per_job=300)
    real = table(10)
    fs.TransactionSynthesizer("gretel", **options).fit(real, seed=1).sample(1, seed=1)
    job, run = "projects/models", "projects/models/record_handlers"
    assert steps(service) == [
        "GET users/me",
        *["GET projects"] * 2,
        "POST projects",
        "GET projects",
        "POST projects/artifacts",
        "PUT _blob/tables",
        f"POST {job}",
        *[f"GET {job}"] * 4,
        f"GET {job}/artifact",
        "GET _blob/jobs/report_json.json.gz",
        f"GET {job}/artifact",
        "GET _blob/jobs/report.html.gz",
        f"POST {run}",
        *[f"GET {run}"] * 4,
        f"GET {run}/artifact",
        "GET _blob/jobs/data.gz",
    ]
    by_step = {step: request for step, request in zip(steps(service), service.requests, strict=True)}
    sent = by_step[f"POST {job}"]
    assert sent.query == {"dry_run": "no", "runner_mode": "cloud"}
    section = sent.json["models"][0]["synthetics"]
    assert sent.json["name"].startswith("wire-")
    assert len(sent.json["name"]) <= 32
    assert section["params"]["epochs"] == 7
    assert section["params"]["vocab_size"] == "auto"
    assert section["generate"] == {"num_records": 50}
    assert section["data_source"].startswith("gretel_")
    assert by_step[f"POST {run}"].json["params"] == {"num_records": 300}
    assert "authorization" not in by_step["PUT _blob/tables"].headers
    assert by_step["GET users/me"].headers["authorization"] == "***"


def test_no_column_that_follows_from_others_and_no_real_id_is_sent(service: FakeGretel) -> None:
    real = table(10)
    fs.TransactionSynthesizer("gretel", **quick(service)).fit(real, seed=1)
    sent = service.table().decode()
    header = sent.splitlines()[0].split(",")
    assert header == [
        "customer_id",
        "transaction_date",
        "transaction_amount",
        "transaction_type",
        "transaction_category",
        "starting_amount",
    ]
    assert not any(name in sent for name in real["customer_id"].unique())
    assert len(sent.splitlines()) == len(real) + 1
    numbers = {line.split(",")[0] for line in sent.splitlines()[1:]}
    assert len(numbers) == 10
    first = real.groupby("customer_id")["transaction_date"].first()
    order = [line.split(",")[0] for line in sent.splitlines()[1:]]
    assert list(dict.fromkeys(order)) != sorted(numbers)  # the numbers do not tell the order of the ids
    assert len(first) == len(np.unique(order))
