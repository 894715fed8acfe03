"""The one place where we reach into ``gretel_client``: a session whose requests go through our transport.

``DefaultClientConfig._get_api_client_generic`` makes every API object of the client. The name is private;
the package is frozen at the release that we pin, and a test fails if the method stops being called.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gretel_fin_synth._gretel.connection import is_loopback

if TYPE_CHECKING:
    from gretel_fin_synth._gretel.keys import Access
    from gretel_fin_synth._gretel.transport import Transport

__all__ = ["open_session"]

#: Loggers whose level the client sets for the whole program.
LEVELLED = ("gretel_client.rest", "urllib3", "urllib3.connectionpool")


def open_session(access: Access, project: str, transport: Transport) -> Any:
    """Make a session of the client's that changes no global, writes no file and prints nothing."""
    from gretel_client.config import DefaultClientConfig

    class Session(DefaultClientConfig):  # type: ignore[misc]
        """The client's session, with our transport and without the key in its attributes."""

        @property
        def api_key(self) -> str | None:
            return access.key.reveal()

        @api_key.setter
        def api_key(self, value: str | None) -> None:
            """Ignore it: the key stays where it is."""

        @property
        def as_dict(self) -> dict[str, Any]:
            names = ("endpoint", "artifact_endpoint", "default_project_name", "default_runner")
            return {name: getattr(self, name) for name in names}

        def __reduce__(self) -> Any:
            msg = "a session holds a key and cannot be pickled"
            raise TypeError(msg)

        def _determine_proxy(self) -> str | None:
            if is_loopback(urlsplit(self.endpoint).hostname or ""):
                return None
            proxy: str | None = super()._determine_proxy()
            return proxy

        def _get_api_client_generic(self, client_cls: Any, config_cls: Any, *_: Any, **options: Any) -> Any:
            levels = [(logger, logger.level) for logger in map(logging.getLogger, LEVELLED)]
            try:
                client = super()._get_api_client_generic(
                    client_cls,
                    config_cls,
                    max_retry_attempts=0,  # the transport retries
                    default_headers=options.get("default_headers"),
                )
            finally:
                for logger, level in levels:
                    logger.setLevel(level)
            original = client.rest_client.request

            def request(method: str, url: str, **given: Any) -> Any:
                return transport.send(original, method, url, **given)

            client.rest_client.request = request
            return client

    return Session(
        endpoint=access.endpoint,
        artifact_endpoint="cloud",
        api_key=access.key.reveal(),
        default_project_name=project,
        default_runner="cloud",
        preview_features="disabled",
    )
