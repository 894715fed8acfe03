"""What a job says of itself while it runs, as values, and how that is shown."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth._gretel.service import JobState

__all__ = ["JobProgress", "Teller", "Watch"]


@dataclass(frozen=True)
class JobProgress:
    """One step of a job.

    Parameters
    ----------
    phase : {"training", "sampling"}
        Kind of the job.
    status : str
        ``created``, ``pending``, ``active``, ``completed``, ``error``, ``cancelled``, ``lost``.
    message : str
        What it wrote, without keys and signatures; empty if only the status changed.
    epoch, epochs : int or None
        Passes over the table that are done, and how many there will be.
    loss : float or None
        Of that pass.
    valid, records : int or None
        Valid records that are drawn, and how many there will be.
    percent : float or None
        How much of them.
    """

    phase: str
    status: str
    message: str = ""
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None
    valid: int | None = None
    records: int | None = None
    percent: float | None = None

    def __str__(self) -> str:
        parts = [f"{self.phase}: {self.status}"]
        if self.epoch is not None:
            parts.append(f"epoch {self.epoch}" + (f" of {self.epochs}" if self.epochs else ""))
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        if self.valid is not None:
            parts.append(
                f"{self.valid:,}" + (f" of {self.records:,}" if self.records else "") + " valid records"
            )
        if len(parts) == 1 and self.message:
            parts.append(self.message.splitlines()[0])
        return ", ".join(parts)


class Watch:
    """Turns the states of a job into steps, each log entry once.

    Parameters
    ----------
    phase : {"training", "sampling"}
        Kind of the job.
    tell : callable or None
        Called with each :class:`JobProgress`.
    """

    def __init__(self, phase: str, tell: Callable[[JobProgress], object] | None) -> None:
        self._phase, self._tell = phase, tell
        self._seen, self._status = 0, ""
        self._epochs: int | None = None
        self._records: int | None = None

    def see(self, state: JobState) -> None:
        """Tell what is new."""
        fresh = state.logs[self._seen :]
        if self._tell is not None:
            if state.status != self._status:
                self._tell(JobProgress(self._phase, state.status))
            for log in fresh:
                self._tell(self._step(state.status, log))
        self._seen, self._status = max(self._seen, len(state.logs)), state.status

    def _step(self, status: str, log: dict[str, Any]) -> JobProgress:
        context = log["ctx"]
        self._epochs = _whole(context.get("num_epochs")) or self._epochs
        self._records = _whole(context.get("num_records")) or self._records
        epoch, valid = _whole(context.get("epoch")), _whole(context.get("current_valid_count"))
        return JobProgress(
            self._phase,
            status,
            log["msg"],
            epoch=epoch,
            epochs=self._epochs if epoch is not None else None,
            loss=_number(context.get("loss")),
            valid=valid,
            records=self._records if valid is not None else None,
            percent=_number(context.get("completion_percent")),
        )


class Teller:
    """Shows steps on standard error.

    Parameters
    ----------
    wanted : bool or None
        None shows them on a terminal only.
    """

    def __init__(self, wanted: bool | None) -> None:
        self._on = sys.stderr.isatty() if wanted is None else wanted

    def __call__(self, step: JobProgress) -> None:
        """Show a step."""
        if self._on:
            print(f"  {step}", file=sys.stderr, flush=True)  # noqa: T201 - progress was asked for


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
