"""Records that were drawn: one sampling job after the other for each seed, kept so that a seed is repeatable.

The service takes no seed. What a seed means is therefore kept here: the jobs that were run for it, in order,
and their records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Run", "Runs"]

FOLDER = "records"


@dataclass
class Run:
    """A sampling job.

    Parameters
    ----------
    record_id : str
        Its id.
    data : bytes or None
        Its records as CSV, None until they were fetched.
    filters : list of str
        What it wrote of filters that were switched off.
    """

    record_id: str
    data: bytes | None = None
    filters: list[str] = field(default_factory=list)


@dataclass
class Runs:
    """The sampling jobs of a model, by seed."""

    by_seed: dict[int, list[Run]] = field(default_factory=dict)

    def known(self) -> set[str]:
        """Ids of all jobs."""
        return {run.record_id for runs in self.by_seed.values() for run in runs}

    def find(self, seed: int, number: int) -> Run | None:
        """Return a seed's run of a number, None if it was not submitted."""
        runs = self.by_seed.get(seed, [])
        return runs[number] if number < len(runs) else None

    def add(self, seed: int, run: Run) -> None:
        """Add a seed's next run."""
        self.by_seed.setdefault(seed, []).append(run)

    def drop(self, seed: int, run: Run) -> None:
        """Forget a run that ended without records."""
        self.by_seed[seed].remove(run)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; without the records."""
        return {
            str(seed): [{"record_id": run.record_id, "filters": run.filters} for run in runs]
            for seed, runs in self.by_seed.items()
        }

    def write(self, directory: Path) -> None:
        """Write the records."""
        folder = directory / FOLDER
        for runs in self.by_seed.values():
            for run in runs:
                if run.data is not None:
                    folder.mkdir(exist_ok=True)
                    (folder / f"{run.record_id}.csv").write_bytes(run.data)

    @classmethod
    def read(cls, directory: Path, plain: dict[str, Any]) -> Runs:
        """Inverse of :meth:`to_dict` and :meth:`write`."""
        found = cls()
        for seed, runs in plain.items():
            for entry in runs:
                record_id = str(entry["record_id"])
                path = directory / FOLDER / f"{record_id}.csv"
                if path.parent != directory / FOLDER:
                    msg = f"{record_id!r} is no id"
                    raise ValueError(msg)
                data = path.read_bytes() if path.is_file() else None
                found.add(int(seed), Run(record_id, data, [str(text) for text in entry["filters"]]))
        return found
