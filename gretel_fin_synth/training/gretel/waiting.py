"""Waiting for a job's end, and what its end means."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from gretel_fin_synth._gretel.service import CANCELLED, COMPLETED, ENDED, ERROR, LOST, RUNNING
from gretel_fin_synth.errors import (
    JobCancelledError,
    JobFailedError,
    JobLostError,
    JobTimeoutError,
    ServiceError,
    ServiceTimeoutError,
)
from gretel_fin_synth.training.gretel.progress import JobProgress, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from gretel_fin_synth._gretel.service import JobState, RemoteJob

__all__ = ["filters_given_up", "raise_if_failed", "unknown_status", "wait"]

_FILTER = re.compile(r"filter|similarity|outlier", re.IGNORECASE)
_GIVEN_UP = re.compile(
    r"disabl|deactivat|turn(ed|ing)?\s+off|switch(ed|ing)?\s+off|giv(en|e|ing)\s+up|bypass|skipp|relax|without",
    re.IGNORECASE,
)
_WARNING = re.compile(r"\s*\W*(warn|warning)\b", re.IGNORECASE)


def wait(
    job: RemoteJob,
    phase: str,
    *,
    interval: float,
    timeout: float | None,
    tell: Callable[[JobProgress], object] | None = None,
) -> JobState:
    """Ask for a job's state until it has ended.

    Parameters
    ----------
    job : RemoteJob
        The job.
    phase : {"training", "sampling"}
        Its kind, for messages.
    interval : float
        Seconds between two questions.
    timeout : float or None
        Seconds after which to give up; the job goes on running. None for never.
    tell : callable, optional
        Called with each step.

    Returns
    -------
    JobState
        The last one.

    Raises
    ------
    JobTimeoutError
        If it has not ended in time.
    """
    watch, ends = Watch(phase, tell), None if timeout is None else time.monotonic() + timeout
    late = False
    try:
        with job.service.transport.within(timeout):
            while True:
                state = job.refresh()
                watch.see(state)
                if state.is_ended:
                    return state
                job.service.transport.pause(interval, f"the {phase} job {job.job_id}")
    except ServiceTimeoutError:
        late = ends is not None and time.monotonic() >= ends
        if not late:
            raise
    msg = (
        f"the {phase} job {job.job_id} has not ended within {timeout:g} seconds (last status: "
        f"{job.state.status}); it goes on running."
    )
    hint = "call the same method again to wait longer, or save() and go on in another process"
    raise JobTimeoutError(f"{msg}\n\nHint: {hint}", job_id=job.job_id)


def raise_if_failed(state: JobState, phase: str, job_id: str) -> None:
    """Raise the error that an end other than completion means."""
    if state.status == COMPLETED:
        return
    about = f"the {phase} job {job_id}"
    error: ServiceError
    if state.status == ERROR:
        said = state.error or "the service gave no reason"
        failed = JobFailedError(
            f"{about} ended in an error: {said}\n\nHint: logs() has what it wrote", job_id=job_id
        )
        failed.traceback = state.traceback
        error = failed
    elif state.status == CANCELLED:
        error = JobCancelledError(f"{about} was cancelled.\n\nHint: submit it again", job_id=job_id)
    elif state.status == LOST:
        error = JobLostError(f"{about} was lost by the service.\n\nHint: submit it again", job_id=job_id)
    else:
        msg = f"{about} has not ended (status: {state.status}).\n\nHint: wait for it first"
        error = JobTimeoutError(msg, job_id=job_id)
    raise error


def filters_given_up(state: JobState) -> list[str]:
    """Return the log lines which say that a privacy filter was switched off.

    The texts of the service are not documented. A line counts if it names a filter and says that something
    was given up, or is a warning at all: rather one too many than one too few.
    """
    return [
        log["msg"].strip()
        for log in state.logs
        if _FILTER.search(log["msg"]) and (_GIVEN_UP.search(log["msg"]) or _WARNING.match(log["msg"]))
    ]


def unknown_status(state: JobState) -> list[str]:
    """Say so if the service uses a word for a state that we do not know."""
    if state.status in (*ENDED, *RUNNING):
        return []
    return [f"the service calls the job {state.status!r}, which is none of the states that we know"]
