"""Which path of the fake service does what."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth.testing.gretel import outputs
from gretel_fin_synth.testing.gretel.jobs import Job, Script
from gretel_fin_synth.testing.gretel.server import Reply
from gretel_fin_synth.testing.gretel.streams import MODELS, Navigator

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth.testing.gretel.server import Request

__all__ = ["Api"]

CREATED = "2024-12-01T10:00:00.000000Z"
USER = "5ece8962492fbf5bd66089f1"
NAME = re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{0,31}(?<!-)")
SECTIONS = {
    "data_source", "ref_data", "params", "generate", "validators", "fallback", "data_checks",
    "privacy_filters", "evaluate",
}  # fmt: skip
FILE_NAMES = {
    "report": "report.html.gz",
    "report_json": "report_json.json.gz",
    "data_preview": "data_preview.gz",
    "model_logs": "logs.json.gz",
    "model": "model.tar.gz",
    "data": "data.gz",
    "run_report_json": "run_report_json.json.gz",
    "run_logs": "logs.json.gz",
    "output_files": "output_files.tar.gz",
}
ARTIFACTS = {
    "model": ("report", "report_json", "data_preview", "model_logs", "model"),
    "handler": ("data", "run_report_json", "run_logs"),
}


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = Reply.of({"message": message}, status)


@dataclass
class Project:
    """A project and what is in it."""

    uid: str
    guid: str
    name: str
    asked: dict[str, Any]
    tables: dict[str, bytes | None] = field(default_factory=dict)
    models: dict[str, Job] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Say what the service says of a project."""
        return {
            "_id": self.uid,
            "guid": self.guid,
            "name": self.name,
            "display_name": self.asked.get("display_name") or self.name,
            "description": self.asked.get("description"),
            "runner_mode": self.asked.get("runner_mode", "cloud"),
            "cluster_guid": None,
        }


class Api:
    """The state of the service, and the answer to each request.

    Parameters
    ----------
    key : str
        The one key that is let in.
    seed : int
        Decides every record.
    """

    def __init__(self, key: str, seed: int) -> None:
        self.key, self.seed, self.base = key, seed, ""
        self.projects: dict[str, Project] = {}
        self.scripts: dict[str, list[Script]] = {"model": [], "handler": []}
        self.usual = {"model": Script(), "handler": Script()}
        self.navigator = Navigator(np.random.default_rng([seed, 1]))
        self.blobs: dict[str, bytes] = {}
        self._count = 0
        job, run = r"/projects/([^/]+)/models/([^/]+)", r"/record_handlers/([^/]+)"
        self._routes: list[tuple[str, str, Callable[..., Reply]]] = [
            ("GET", r"/users/me", self._me),
            ("GET", r"/projects", self._find_projects),
            ("POST", r"/projects", self._new_project),
            ("GET", r"/projects/([^/]+)", self._project),
            ("POST", r"/projects/([^/]+)/artifacts", self._new_table),
            ("GET", r"/projects/([^/]+)/models", self._list_models),
            ("POST", r"/projects/([^/]+)/models", self._new_model),
            ("GET", job, self._job),
            ("PATCH", job, self._change),
            ("GET", rf"{job}/artifact", self._link),
            ("GET", rf"{job}/record_handlers", self._list_runs),
            ("POST", rf"{job}/record_handlers", self._new_run),
            ("GET", job + run, self._job),
            ("PATCH", job + run, self._change),
            ("GET", rf"{job}{run}/artifact", self._link),
            ("GET", r"/v1/inference/models", self._navigators),
            ("POST", r"/v1/inference/tabular/stream", self._open_stream),
            ("POST", r"/v1/inference/tabular/stream/iterate", self._read_stream),
        ]

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        try:
            if request.path.startswith("/_blob/"):
                return self._blob(request)
            if request.headers.get("authorization") != self.key:
                raise Refused(401, "Unauthorized")
            for method, path, action in self._routes:
                found = re.fullmatch(path, request.path)
                if found and method == request.method:
                    return action(request, *found.groups())
            raise Refused(404, f"there is no {request}")
        except Refused as refused:
            return refused.reply

    def _uid(self) -> str:
        self._count += 1
        return hashlib.sha256(f"{self.seed}/{self._count}".encode()).hexdigest()[:24]

    def _me(self, request: Request) -> Reply:
        return Reply.of({"data": {"me": {"_id": USER, "email": "tester@example.com"}}})

    def _find_projects(self, request: Request) -> Reply:
        wanted = request.query.get("query", "")
        found = [project.describe() for project in self.projects.values() if wanted in project.name]
        return Reply.of({"data": {"projects": found}})

    def _new_project(self, request: Request) -> Reply:
        asked = request.json
        name = asked.get("name") or f"project-{self._uid()[:8]}"
        if any(project.name == name for project in self.projects.values()):
            raise Refused(400, "Project name not available")
        uid = self._uid()
        self.projects[uid] = Project(uid, f"proj_{self._uid()}", name, asked)
        return Reply.of({"data": {"id": uid}})

    def _get_project(self, ref: str) -> Project:
        for project in self.projects.values():
            if ref in (project.uid, project.guid, project.name):
                return project
        raise Refused(404, f"project {ref} not found")

    def _project(self, request: Request, ref: str) -> Reply:
        return Reply.of({"data": {"project": self._get_project(ref).describe()}})

    def _new_table(self, request: Request, ref: str) -> Reply:
        project = self._get_project(ref)
        key = f"gretel_{self._uid()}_{request.json['filename']}"
        project.tables[key] = None
        return Reply.of({"data": {"key": key, "url": self._signed(f"tables/{project.uid}/{key}")}})

    def _new_model(self, request: Request, ref: str) -> Reply:
        project, config = self._get_project(ref), request.json
        section = _section(config)
        if NAME.fullmatch(config.get("name") or "a") is None:
            raise Refused(400, f"name {config['name']!r} is not allowed")
        key = section.get("data_source")
        key = key[0] if isinstance(key, list) else key
        if self.blobs.get(f"tables/{project.uid}/{key}") is None:
            raise Refused(400, f"data source {key!r} does not exist")
        if request.query.get("dry_run") == "yes":
            return Reply.of({"data": {"model": {"config": config}}, "worker_key": None})
        script = self.scripts["model"].pop(0) if self.scripts["model"] else self.usual["model"]
        job = Job(self._uid(), "model", config, script, CREATED, guid=f"model_{self._uid()}")
        project.models[job.uid] = job
        return Reply.of({"data": {"model": job.describe()}, "worker_key": "d29ya2Vy"})

    def _list_models(self, request: Request, ref: str) -> Reply:
        wanted = request.query.get("model_name", "")
        found = [job.describe() for job in self._get_project(ref).models.values() if wanted in job.name]
        found = found[::-1] if request.query.get("sort_by") == "desc" else found
        skip, limit = int(request.query.get("skip", 0)), int(request.query.get("limit", 100))
        return Reply.of({"data": {"models": found[skip : skip + limit]}})

    def _get_job(self, ref: str, uid: str, run: str | None = None) -> tuple[Project, Job, Job]:
        project = self._get_project(ref)
        model = project.models.get(uid)
        job = model if run is None or model is None else model.runs.get(run)
        if model is None or job is None:
            raise Refused(404, f"job {run or uid} not found")
        return project, model, job

    def _job(self, request: Request, ref: str, uid: str, run: str | None = None) -> Reply:
        _, _, job = self._get_job(ref, uid, run)
        job.asked += 1
        parts = request.query.get("expand", "").split(",")
        data: dict[str, Any] = {job.kind: job.describe(), "billing_data": {}}
        if "logs" in parts:
            data["logs"] = job.logs()
        if "artifacts" in parts:
            data["artifacts"] = [{"name": name} for name in ARTIFACTS[job.kind]]
        return Reply.of({"data": data})

    def _change(self, request: Request, ref: str, uid: str, run: str | None = None) -> Reply:
        _, _, job = self._get_job(ref, uid, run)
        if request.json != {"status": "cancelled"}:
            raise Refused(400, "only the status can be changed, to cancelled")
        job.cancel()
        return Reply.of({"data": {job.kind: job.describe()}})

    def _new_run(self, request: Request, ref: str, uid: str) -> Reply:
        _, model, _ = self._get_job(ref, uid)
        if model.status != "completed":
            raise Refused(400, f"model is {model.status}, it must be completed")
        script = self.scripts["handler"].pop(0) if self.scripts["handler"] else self.usual["handler"]
        job = Job(self._uid(), "handler", request.json, script, CREATED, guid=f"model_run_{self._uid()}")
        model.runs[job.uid] = job
        return Reply.of({"data": {"handler": job.describe()}, "worker_key": "d29ya2Vy"})

    def _list_runs(self, request: Request, ref: str, uid: str) -> Reply:
        _, model, _ = self._get_job(ref, uid)
        skip, limit = int(request.query.get("skip", 0)), int(request.query.get("limit", 10))
        found = [job.describe() for job in reversed(model.runs.values())]
        return Reply.of({"data": {"handlers": found[skip : skip + limit]}})

    def _link(self, request: Request, ref: str, uid: str, run: str | None = None) -> Reply:
        """Sign a link, whether the file exists or not, as the service does."""
        project, model, job = self._get_job(ref, uid, run)
        name = FILE_NAMES.get(request.query.get("type", ""))
        if name is None:
            raise Refused(400, f"type {request.query.get('type')!r} is unknown")
        if job.status == "completed" and not job.files:
            self._finish(project, model, job)
        return Reply.of({"data": {"url": self._signed(f"jobs/{job.uid}/{name}")}})

    def _finish(self, project: Project, model: Job, job: Job) -> None:
        """Make the files of a job that has completed."""
        section = _section(model.config)
        key = section["data_source"]
        table = self.blobs[f"tables/{project.uid}/{key[0] if isinstance(key, list) else key}"]
        order = [0] if job is model else [1, list(model.runs).index(job.uid)]
        digest = int.from_bytes(hashlib.sha256(table).digest()[:4], "big")
        rng = np.random.default_rng([self.seed, digest, *order])
        made = {"data": b"", "run_report_json": b"{}", "run_logs": b""}
        if job is model:
            n = int(section.get("generate", {}).get("num_records") or 5000)
            made = {"data_preview": outputs.records(table, n, job.script, rng), "model_logs": b""}
            if job.script.report != "none" and not section.get("evaluate", {}).get("skip"):
                made |= {
                    "report_json": outputs.report_json(job.script),
                    "report": outputs.report_html(job.script),
                }
        else:
            n = int((job.config.get("params") or {}).get("num_records") or 5000)
            made["data"] = outputs.records(table, n, job.script, rng)
        job.files = {name: outputs.packed(data) for name, data in made.items()}
        self.blobs |= {f"jobs/{job.uid}/{FILE_NAMES[name]}": data for name, data in job.files.items()}

    def _signed(self, path: str) -> str:
        return f"{self.base}/_blob/{path}?X-Amz-Expires=900&X-Amz-Signature={self._signature(path)}"

    def _signature(self, path: str) -> str:
        return hashlib.sha256(f"{self.seed}/{path}".encode()).hexdigest()

    def _blob(self, request: Request) -> Reply:
        path = request.path.removeprefix("/_blob/")
        if request.query.get("X-Amz-Signature") != self._signature(path):
            return Reply(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        if request.method == "PUT":
            self.blobs[path] = request.body
            return Reply(200, b"")
        if path not in self.blobs:
            return Reply(403, b"<Error><Code>AccessDenied</Code></Error>")
        return Reply(200, self.blobs[path], {"Content-Type": "binary/octet-stream"})

    def _navigators(self, request: Request) -> Reply:
        wanted = request.query.get("model_id")
        return Reply.of({"models": [m for m in MODELS if wanted in (None, "None", m["model_id"])]})

    def _open_stream(self, request: Request) -> Reply:
        return Reply.of(self.navigator.open(request.json))

    def _read_stream(self, request: Request) -> Reply:
        found = self.navigator.read(request.json)
        if found is None:
            raise Refused(404, "no such stream")
        return Reply.of(found)


def _section(config: Any) -> dict[str, Any]:
    """Return the part of a configuration that is about the model; refuse what is none."""
    models = config.get("models") if isinstance(config, dict) else None
    if not isinstance(models, list) or len(models) != 1 or "synthetics" not in models[0]:
        raise Refused(400, "the configuration must have one model, 'synthetics'")
    section = models[0]["synthetics"]
    unknown = sorted(set(section) - SECTIONS)
    if unknown:
        raise Refused(400, f"unknown section {unknown[0]!r}")
    return dict(section)
