"""The fake service answers as the recorded conversation does, also to those who ask it wrong."""

from __future__ import annotations

import gzip
import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gretel_fin_synth.testing import FakeGretel

CONFIG = {"schema_version": "1.0", "name": "test", "models": [{"synthetics": {"data_source": "?"}}]}


class Asker:
    """Asks a service plainly, without the client."""

    def __init__(self, service: FakeGretel) -> None:
        self.service, self.key = service, service.key
        self._connection = http.client.HTTPConnection(urlsplit(service.endpoint).netloc, timeout=10)

    def __call__(self, method: str, path: str, body: Any = None, raw: bool = False) -> tuple[int, Any]:
        path = path.removeprefix(self.service.endpoint)
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self._connection.request(method, path, sent, {"Authorization": self.key})
        reply = self._connection.getresponse()
        content = reply.read()
        return reply.status, content if raw else json.loads(content)

    def close(self) -> None:
        self._connection.close()

    def project(self) -> str:
        made = self("POST", "/projects", {"name": "project-1", "runner_mode": "cloud"})[1]["data"]["id"]
        return str(self("GET", f"/projects/{made}")[1]["data"]["project"]["guid"])

    def table(self, project: str, data: bytes = b"customer_id,x\r\n1,a\r\n2,b\r\n") -> str:
        place = self("POST", f"/projects/{project}/artifacts", {"filename": "x.csv"})[1]["data"]
        assert self("PUT", place["url"], data, raw=True) == (200, b"")
        return str(place["key"])

    def model(self, project: str, **section: Any) -> str:
        config = {**CONFIG, "models": [{"synthetics": {"data_source": self.table(project), **section}}]}
        made = self("POST", f"/projects/{project}/models?dry_run=no", config)[1]
        assert made["worker_key"]
        return f"/projects/{project}/models/{made['data']['model']['uid']}"


@pytest.fixture
def ask(service: FakeGretel) -> Iterator[Asker]:
    asker = Asker(service)
    yield asker
    asker.close()


def test_it_listens_on_this_machine_only(service: FakeGretel) -> None:
    assert urlsplit(service.endpoint).hostname == "127.0.0.1"


def test_another_key_is_refused(ask: Asker) -> None:
    ask.key = "grtu1"
    assert ask("GET", "/users/me") == (401, {"message": "Unauthorized"})


def test_a_project_is_found_by_id_guid_and_name_and_its_name_is_taken_once(ask: Asker) -> None:
    guid = ask.project()
    described = ask("GET", f"/projects/{guid}")[1]["data"]["project"]
    for ref in (described["_id"], described["name"]):
        assert ask("GET", f"/projects/{ref}")[1]["data"]["project"] == described
    assert ask("GET", "/projects/other")[0] == 404
    assert ask("POST", "/projects", {"name": "project-1"})[1]["message"] == "Project name not available"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "two--dashes"}, "is not allowed"),
        ({"name": "x" * 33}, "is not allowed"),
        ({"models": []}, "must have one model"),
        ({"models": [{"actgan": {}}]}, "must have one model"),
        ({"models": [{"synthetics": {"parms": {}}}]}, "unknown section 'parms'"),
        ({}, "does not exist"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(
    ask: Asker, change: dict[str, Any], message: str
) -> None:
    status, reply = ask("POST", f"/projects/{ask.project()}/models", {**CONFIG, **change})
    assert status == 400
    assert message in reply["message"]


def test_each_question_moves_a_job_on_and_logs_only_grow(ask: Asker) -> None:
    model = ask.model(ask.project())
    replies = [ask("GET", f"{model}?expand=logs")[1]["data"] for _ in range(5)]
    states = [reply["model"]["status"] for reply in replies]
    assert states == ["created", "pending", "active", "completed", "completed"]
    lengths = [len(reply["logs"]) for reply in replies]
    assert lengths == sorted(lengths)
    assert replies[2]["logs"] == replies[4]["logs"][: lengths[2]]
    assert set(replies[4]["logs"][0]) == {"ts", "msg", "ctx", "stage", "seq"}


def test_links_are_signed_whether_the_file_exists_or_not(ask: Asker) -> None:
    model = ask.model(ask.project(), evaluate={"skip": True}, generate={"num_records": 7})
    for _ in range(4):
        ask("GET", model)
    there = ask("GET", f"{model}/artifact?type=data_preview")[1]["data"]["url"]
    missing = ask("GET", f"{model}/artifact?type=report_json")[1]["data"]["url"]
    assert urlsplit(there).path.endswith(".gz")
    status, data = ask("GET", there, raw=True)
    assert status == 200
    assert len(gzip.decompress(data).splitlines()) == 8
    assert ask("GET", missing, raw=True)[0] == 403
    assert ask("GET", there.split("?")[0], raw=True)[0] == 403
    assert ask("GET", f"{model}/artifact?type=nothing")[0] == 400


def test_records_are_drawn_from_completed_models_only_and_are_those_of_the_seed(ask: Asker) -> None:
    model = ask.model(ask.project())
    assert ask("POST", f"{model}/record_handlers", {"params": {"num_records": 5}})[0] == 400
    for _ in range(4):
        ask("GET", model)
    drawn = []
    for _ in range(2):
        made = ask("POST", f"{model}/record_handlers", {"params": {"num_records": 5}})[1]["data"]["handler"]
        run = f"{model}/record_handlers/{made['uid']}"
        for _ in range(4):
            ask("GET", run)
        link = ask("GET", f"{run}/artifact?type=data")[1]["data"]["url"]
        drawn.append(gzip.decompress(ask("GET", link, raw=True)[1]))
    assert [len(data.splitlines()) for data in drawn] == [6, 6]
    listed = ask("GET", f"{model}/record_handlers?skip=0&limit=10")[1]["data"]["handlers"]
    assert len(listed) == 2


def test_only_a_running_job_can_be_cancelled(ask: Asker) -> None:
    project = ask.project()
    running, ended = ask.model(project), ask.model(project)
    for _ in range(4):
        ask("GET", ended)
    for model in (running, ended):
        ask("PATCH", model, {"status": "cancelled"})
    assert ask("GET", running)[1]["data"]["model"]["status"] == "cancelled"
    assert ask("GET", ended)[1]["data"]["model"]["status"] == "completed"
    assert ask("PATCH", running, {"status": "completed"})[0] == 400


def test_what_was_asked_is_kept_without_key_and_signature(service: FakeGretel, ask: Asker) -> None:
    ask.model(ask.project())
    assert service.requests[0].json == {"name": "project-1", "runner_mode": "cloud"}
    kept = repr(service.requests)
    assert service.key not in kept
    assert not any(signature in kept for signature in service.signatures())


def test_an_unknown_path_or_stream_is_not_found(ask: Asker) -> None:
    assert ask("GET", "/v2/projects")[0] == 404
    assert ask("POST", "/v1/inference/tabular/stream/iterate", {"stream_id": "x"})[0] == 404
