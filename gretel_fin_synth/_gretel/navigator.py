"""Rows from Navigator, one stream at a time, through the client's session.

The client's own loops are not used: they go on for ever when streams close empty, and give edited rows twice
when a stream comes short.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from gretel_fin_synth._gretel.connection import check_number
from gretel_fin_synth._secrets import redact
from gretel_fin_synth.errors import ParameterError, ServiceError, ServiceReplyError

if TYPE_CHECKING:
    from gretel_fin_synth._gretel.service import Service

__all__ = ["MOST_ROWS", "Navigator", "Prompting"]

STREAM, ITERATE = "/v1/inference/tabular/stream", "/v1/inference/tabular/stream/iterate"
MOST_ROWS = 100  # of one stream
MOST_ERRORS = 3  # that the service may write into one stream
MOST_IDLE = 120  # replies without a row in one stream


@dataclass(frozen=True)
class Prompting:
    """How Navigator is asked.

    Parameters
    ----------
    model : str or None
        Its model; None for the first that it offers.
    temperature, top_k, top_p : number
        How it samples.
    poll_interval : float
        Seconds between two questions while nothing comes.
    idle_timeout : float
        Seconds without a row after which a stream is given up.
    """

    model: str | None = None
    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    poll_interval: float = 0.5
    idle_timeout: float = 60.0

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature, least=0)
        check_number("top_k", self.top_k, least=1, whole=True)
        check_number("top_p", self.top_p, above=0, most=1)
        check_number("poll_interval", self.poll_interval, least=0)


class Navigator:
    """Reads streams of rows.

    Parameters
    ----------
    service : Service
        How to reach it.
    prompting : Prompting
        How to ask.

    Raises
    ------
    ParameterError
        If it does not offer the model.
    """

    def __init__(self, service: Service, prompting: Prompting) -> None:
        from gretel_client.rest.api.projects_api import ProjectsApi

        self._service, self._prompting = service, prompting
        self._api = service.ask("opening Navigator", lambda: service.session.get_api(ProjectsApi).api_client)
        self._model = self._find_model(prompting.model)

    def rows(self, prompt: str, n: int, given: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """Read one stream to its end.

        Parameters
        ----------
        prompt : str
            What is wanted.
        n : int
            Rows to ask for, at most ``MOST_ROWS``; fewer or more may come.
        given : list of dict, optional
            Rows to edit.

        Returns
        -------
        list of dict
            The rows that came, also if the stream was given up.

        Raises
        ------
        ServiceError
            If the service writes of an error three times, or cannot be reached.
        """
        asked = self._prompting
        body: dict[str, Any] = {
            "model_id": self._model,
            "num_rows": min(n, MOST_ROWS),
            "params": {"temperature": asked.temperature, "top_k": asked.top_k, "top_p": asked.top_p},
            "prompt": prompt,
            "ref_data": {},
        }
        if given:
            body["ref_data"] = {"data": {"table_headers": list(given[0]), "table_data": given}}
        stream = self._post(STREAM, body).get("stream_id")
        if not stream:
            msg = "Navigator opened a stream without an id.\n\nHint: is the endpoint Gretel's?"
            raise ServiceReplyError(msg, request=f"POST {STREAM}")
        return self._read(str(stream))

    def _read(self, stream: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        iterator, errors, idle, idle_since = None, 0, 0, time.monotonic()
        while idle < MOST_IDLE and time.monotonic() - idle_since <= self._prompting.idle_timeout:
            reply = self._post(ITERATE, {"count": MOST_ROWS, "iterator": iterator, "stream_id": stream})
            if "data" not in reply and "stream_state" not in reply:
                msg = "Navigator answered with neither rows nor a state.\n\nHint: is the endpoint Gretel's?"
                raise ServiceReplyError(msg, request=f"POST {ITERATE}")
            records = reply.get("data") or []
            fresh = [row for record in records for row in _rows_of(record)]
            errors += sum(_kind(record) == "logger.error" for record in records)
            if errors >= MOST_ERRORS:
                raise _failed(records)
            rows += fresh
            if (reply.get("stream_state") or {}).get("status") == "closed" and not records:
                break
            iterator = reply.get("next_iterator")
            if fresh:
                idle, idle_since = 0, time.monotonic()
            else:
                idle += 1
                self._service.transport.pause(self._prompting.poll_interval, f"POST {ITERATE}")
        return rows

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        from gretel_client.inference_api.base import call_api

        return self._service.ask("asking Navigator", lambda: call_api(self._api, "post", path, body=body))

    def _find_model(self, model: str | None) -> str:
        from gretel_client.factories import GretelFactories

        factories = GretelFactories(session=self._service.session)
        offered: list[str] = self._service.ask(
            "listing the models of Navigator", lambda: factories.get_navigator_model_list("tabular")
        )
        if model is None and offered:
            return offered[0]
        if model in offered:
            return str(model)
        near = get_close_matches(str(model), offered, 1)
        hint = f"model={near[0]!r}" if near else f"it offers {', '.join(offered) or 'none'}"
        msg = f"Navigator does not offer the model {model!r}.\n\nHint: {hint}"
        raise ParameterError(msg)


def _kind(record: Any) -> Any:
    return record.get("data_type") if isinstance(record, dict) else None


def _rows_of(record: Any) -> list[dict[str, Any]]:
    """Return the rows of a record; other records have none."""
    if _kind(record) != "TabularResponse" or not isinstance(record.get("data"), dict):
        return []
    return [row for row in record["data"].get("table_data") or [] if isinstance(row, dict)]


def _failed(records: list[Any]) -> ServiceError:
    said = [redact(record.get("data")) for record in records if _kind(record) == "logger.error"]
    msg = f"Navigator could not make rows; it said: {said[-1][:300] if said else 'nothing'}"
    return ServiceError(f"{msg}\n\nHint: try another prompt or model", request=f"POST {ITERATE}")
