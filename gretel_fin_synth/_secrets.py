"""Keys and signed links: held where nothing shows them, cut out of every text."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Secret", "hide", "redact", "redacted_logs", "reveal"]

#: Options of backends whose values are never shown or saved, by the end of their name.
SECRET_ENDINGS = ("api_key", "access_key", "private_key", "token", "password", "secret")

_QUERY = re.compile(r"(https?://[^\s?\"'<>]+|/[^\s?\"'<>]*)\?[^\s\"'<>]*")
_SIGNED = re.compile(r"\b(X-Amz-[A-Za-z-]+|Signature|AWSAccessKeyId|sig)=[^\s&\"'<>]*", re.IGNORECASE)
_KEY = re.compile(r"\bgrt[a-z]{0,2}_?[0-9A-Za-z]{12,}")


class Secret:
    """A text that ``repr``, ``str``, ``vars``, pickle and JSON do not give away.

    A pickled secret is empty when it is read back.

    Parameters
    ----------
    value : str or None
        The text; None for an empty one.

    Examples
    --------
    >>> from gretel_fin_synth._secrets import Secret
    >>> Secret("grtu0123")
    Secret('***')
    """

    __slots__ = ("__value",)

    def __init__(self, value: str | None) -> None:
        self.__value = value

    def reveal(self) -> str | None:
        """Return the text."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(None)" if self.__value is None else "Secret('***')"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[type[Secret], tuple[None]]:
        return (Secret, (None,))


def hide(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with the texts of secret ones wrapped."""
    return {
        name: Secret(value) if isinstance(value, str) and is_secret(name) else value
        for name, value in options.items()
    }


def is_secret(name: str) -> bool:
    """Whether an option's value must not be shown."""
    return name.lower().endswith(SECRET_ENDINGS)


def reveal(options: dict[str, Any]) -> dict[str, Any]:
    """Inverse of :func:`hide`; empty secrets are left out."""
    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in options.items()}
    return {
        name: value
        for name, value in plain.items()
        if not (value is None and isinstance(options[name], Secret))
    }


def redact(text: object, secrets: Iterable[Secret] = ()) -> str:
    """Return a text without keys and without what follows the ``?`` of links.

    Examples
    --------
    >>> from gretel_fin_synth._secrets import redact
    >>> redact("GET https://host/a.gz?X-Amz-Signature=1 by grtu00000000000000")
    'GET https://host/a.gz?... by grt...'
    """
    clean = str(text)
    for secret in secrets:
        value = secret.reveal()
        if value:
            clean = clean.replace(value, "...")
    clean = _QUERY.sub(r"\1?...", clean)
    return _KEY.sub("grt...", _SIGNED.sub(r"\1=...", clean))


class _Redacting(logging.Filter):
    """Cuts secrets out of records before any handler sees them."""

    def __init__(self, secrets: tuple[Secret, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record; it is always kept."""
        record.msg, record.args = redact(record.getMessage(), self._secrets), ()
        return True


@contextmanager
def redacted_logs(names: Iterable[str], secrets: Iterable[Secret]) -> Iterator[None]:
    """Redact what certain loggers say while the block runs; before and after they are as they were."""
    redacting = _Redacting(tuple(secrets))
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addFilter(redacting)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redacting)
