"""Jobs of the fake service: a script of states, and logs that grow with them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Job", "Script"]

RUNNING = ("created", "pending", "active")
USUAL = ("created", "pending", "active", "completed")
PASS_OF_FILTERS = 10


@dataclass(frozen=True)
class Script:
    """What shall become of a job.

    Parameters
    ----------
    states : tuple of str
        The state at each time of asking; the last one stays.
    error : str or None
        What is said to have gone wrong.
    traceback : str or None
        Where.
    switched_off : tuple of str
        Privacy filters (``"similarity"``, ``"outliers"``) that the job gives up.
    spoiled : int
        Records of the output that get an empty cell, a category that nobody knows, or a broken date.
    records : int or None
        Records to give instead of as many as were asked for.
    report : {"new", "legacy", "none"}
        The form of the report; ``"none"`` for a file that is missing.
    logs : tuple of dict
        More log entries, at the end.
    """

    states: tuple[str, ...] = USUAL
    error: str | None = None
    traceback: str | None = None
    switched_off: tuple[str, ...] = ()
    spoiled: int = 0
    records: int | None = None
    report: str = "new"
    logs: tuple[dict[str, Any], ...] = ()


@dataclass
class Job:
    """A job and how far it has come.

    Parameters
    ----------
    uid : str
        Its id.
    kind : {"model", "handler"}
        Training or sampling.
    config : dict
        What was submitted.
    script : Script
        What becomes of it.
    created : str
        When it was submitted.
    """

    uid: str
    kind: str
    config: dict[str, Any]
    script: Script
    created: str
    guid: str = ""
    runner_mode: str = "cloud"
    asked: int = 0
    cancelled: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    runs: dict[str, Job] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The state."""
        if self.cancelled:
            return "cancelled"
        if not self.asked:
            return "created"
        return self.script.states[min(self.asked, len(self.script.states)) - 1]

    @property
    def name(self) -> str:
        """The name that was submitted."""
        return str(self.config.get("name") or "")

    def cancel(self) -> None:
        """Stop, unless it has ended."""
        if self.status in RUNNING:
            self.cancelled = True

    def describe(self) -> dict[str, Any]:
        """Say what the service says of a job."""
        failed = self.status == "error"
        trace = self.script.traceback
        return {
            "uid": self.uid,
            "guid": self.guid,
            "model_key": f"grtm{self.uid}",
            "runner_mode": self.runner_mode,
            "status": self.status,
            "status_history": {"created": self.created},
            "last_modified": self.created,
            "error_msg": self.script.error if failed else None,
            "traceback": base64.b64encode(trace.encode()).decode() if failed and trace else None,
            "container_image": "fake",
            "config": self.config,
            **({"model_type": "synthetics", "name": self.name} if self.kind == "model" else {}),
        }

    def logs(self) -> list[dict[str, Any]]:
        """Return what it wrote until now."""
        share = {"created": 0.0, "pending": 0.0, "active": 0.5}.get(self.status, 1.0)
        entries = self._entries()
        return entries[: round(len(entries) * share)]

    def _entries(self) -> list[dict[str, Any]]:
        said = self._training() if self.kind == "model" else []
        records = _records(self)
        said += [("run", "Generating records", {"num_records": records})]
        for part in (0.25, 0.5, 0.75, 1.0):
            counts = {"current_valid_count": round(records * part), "completion_percent": round(100 * part)}
            said.append(("run", "Generation in progress", counts))
        for name in self.script.switched_off:
            text = (
                f"WARNING: too few records pass after {PASS_OF_FILTERS} passes, disabling the {name} filter"
            )
            said.append(("run", text, {}))
        said += [("post", "Done", {})]
        said += [(log.get("stage", "run"), log["msg"], log.get("ctx", {})) for log in self.script.logs]
        return [
            {"seq": number, "ts": self.created, "stage": stage, "msg": text, "ctx": context}
            for number, (stage, text, context) in enumerate(said, 1)
        ]

    def _training(self) -> list[tuple[str, str, dict[str, Any]]]:
        given = self.config["models"][0]["synthetics"].get("params", {}).get("epochs")
        epochs = given if isinstance(given, int) else 3
        shown = sorted({1, max(epochs // 2, 1), epochs})
        said: list[tuple[str, str, dict[str, Any]]] = [
            ("pre", "Starting synthetic model training", {}),
            ("pre", "Training data loaded", {"num_epochs": epochs}),
        ]
        for epoch in shown:
            context = {"epoch": epoch, "accuracy": round(1 - 0.8 / epoch, 3), "loss": round(3 / epoch, 3)}
            said.append(("train", "Training epoch completed", context))
        return said


def _records(job: Job) -> int:
    if job.kind == "handler":
        return int((job.config.get("params") or {}).get("num_records") or 5000)
    return int(job.config["models"][0]["synthetics"].get("generate", {}).get("num_records") or 5000)
