"""The record of a training job: all that another process needs to go on with it, and no key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.gretel.roundtrip import Layout

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE", "Ticket"]

FILE = "job.json"
FORMAT = 1


@dataclass(frozen=True)
class Ticket:
    """A training job that was submitted.

    Parameters
    ----------
    model_id, name : str
        The job's id and unique name.
    endpoint, project : str
        Where it is.
    submitted : str
        When, in UTC.
    config : dict
        What was submitted.
    layout : Layout
        What the table looked like that was sent.
    n_rows : int
        Its rows.
    fingerprint : str
        SHA-256 of the file that was sent.
    """

    model_id: str
    name: str
    endpoint: str
    project: str
    submitted: str
    config: dict[str, Any]
    layout: Layout
    n_rows: int
    fingerprint: str

    def write(self, directory: Path, more: dict[str, Any]) -> None:
        """Write it as JSON, with what else is known."""
        plain = {
            **{name: value for name, value in vars(self).items() if name != "layout"},
            "format": FORMAT,
            "backend": "gretel",
            "layout": self.layout.to_dict(),
            **more,
        }
        (directory / FILE).write_text(json.dumps(plain, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> tuple[Ticket, dict[str, Any]]:
        """Inverse of :meth:`write`.

        Raises
        ------
        ParameterError
            If it is of another format.
        """
        plain = json.loads((directory / FILE).read_text(encoding="utf-8"))
        if plain.pop("format", None) != FORMAT:
            msg = f"{str(directory / FILE)!r} is no job record that this version reads."
            raise ParameterError(f"{msg}\n\nHint: use the version that wrote it")
        plain.pop("backend")
        layout = Layout.from_dict(plain.pop("layout"))
        names = ("model_id", "name", "endpoint", "project", "submitted", "config", "n_rows", "fingerprint")
        own = {name: plain.pop(name) for name in names}
        return cls(**own, layout=layout), plain
