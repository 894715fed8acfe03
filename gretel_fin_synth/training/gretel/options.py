"""What a user may set of the backend ``gretel``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from gretel_fin_synth._gretel.connection import Connection, check_number
from gretel_fin_synth._secrets import Secret
from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.gretel.config import check_name, training_config

__all__ = ["GretelOptions"]

SHORT = ("epochs", "vocab_size", "learning_rate", "batch_size", "rnn_units")


@dataclass(frozen=True)
class GretelOptions:
    """Options of the backend ``gretel``.

    Parameters
    ----------
    api_key, endpoint, project, connect_timeout, read_timeout, max_retries, backoff, longest_wait
        See :class:`gretel_fin_synth._gretel.connection.Connection`: the key is looked for in the argument,
        ``GRETEL_API_KEY``, the client's configuration file and on the terminal, in that order, and is neither
        shown nor saved.
    poll_interval : float
        Seconds between two questions for a job's state.
    job_timeout : float or None
        Seconds after which waiting for a job ends with a ``JobTimeoutError``; the job goes on running. None
        for no limit.
    template : str
        ``"tabular-lstm"`` or ``"default"``, of ours, with the settings that Gretel's had.
    name : str
        Name of the job; an ending makes it unique.
    epochs, vocab_size, learning_rate, batch_size, rnn_units : number, "auto" or None
        Settings of ``params``; None for the template's.
    params, generate, privacy_filters, evaluate : dict
        Further settings of these sections.
    rows_per_job : int or None
        Records that one sampling job is asked for; None for as many as the table has.
    strict_privacy : bool
        Whether records are refused that were drawn while the service had switched a privacy filter off.
    """

    api_key: str | Secret | None = None
    endpoint: str | None = None
    project: str = "gretel-fin-synth"
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    max_retries: int = 5
    backoff: float = 1.0
    longest_wait: float = 60.0
    poll_interval: float = 3.0
    job_timeout: float | None = None
    template: str = "tabular-lstm"
    name: str = "fin-synth"
    epochs: Any = None
    vocab_size: Any = None
    learning_rate: Any = None
    batch_size: Any = None
    rnn_units: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    generate: Mapping[str, Any] = field(default_factory=dict)
    privacy_filters: Mapping[str, Any] = field(default_factory=dict)
    evaluate: Mapping[str, Any] = field(default_factory=dict)
    rows_per_job: int | None = None
    strict_privacy: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.api_key, str):
            object.__setattr__(self, "api_key", Secret(self.api_key))
        self.connection()
        check_number("poll_interval", self.poll_interval, above=0)
        if self.job_timeout is not None:
            check_number("job_timeout", self.job_timeout, above=0)
        if self.rows_per_job is not None:
            check_number("rows_per_job", self.rows_per_job, least=1, whole=True)
        if not isinstance(self.strict_privacy, bool):
            msg = f"strict_privacy={self.strict_privacy!r} cannot be used: it must be True or False."
            raise ParameterError(f"{msg}\n\nHint: strict_privacy=True")
        check_name(self.name)
        self.config()

    def connection(self) -> Connection:
        """Return how to reach the service."""
        values = {part.name: getattr(self, part.name) for part in fields(Connection)}
        if values["api_key"] is not None and not isinstance(values["api_key"], Secret):
            msg = f"api_key is a {type(values['api_key']).__name__}; it must be text."
            raise ParameterError(f"{msg}\n\nHint: leave it out and set GRETEL_API_KEY")
        return Connection(**values)

    def config(self) -> dict[str, Any]:
        """Return the sections of the model's configuration."""
        given = {name: getattr(self, name) for name in SHORT if getattr(self, name) is not None}
        params: Any = self.params
        if isinstance(params, Mapping):
            twice = sorted(set(given) & set(params))
            if twice:
                msg = f"{twice[0]} is given twice, as an option and in params."
                raise ParameterError(f"{msg}\n\nHint: give one of them")
            params = {**params, **given}
        sections = {
            "params": params,
            "generate": self.generate,
            "privacy_filters": self.privacy_filters,
            "evaluate": self.evaluate,
        }
        return training_config(self.template, sections)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GretelOptions:
        """Build from plain values; an unknown name is an error that names the nearest known one."""
        known = [part.name for part in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            near = get_close_matches(unknown[0], known, 1)
            hint = f"did you mean {near[0]}?" if near else f"the options are {', '.join(known)}"
            msg = f"unknown option {unknown[0]!r} for backend 'gretel'."
            raise ParameterError(f"{msg}\n\nHint: {hint}")
        return cls(**values)
