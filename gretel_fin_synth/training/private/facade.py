"""What the synthesizer needs of privacy: checks of the request, and state that tells nothing of customers."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.training.private.guarantee import DifferentialPrivacy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gretel_fin_synth.training._prepare import Prepared

__all__ = ["check_privacy", "private_prefix", "read_privacy", "without_notes"]

DOUBTED = "the column starting_amount was not used"


def check_privacy(privacy: Any, backend: str, options: Mapping[str, Any]) -> DifferentialPrivacy | None:
    """Return the request; refuse one that the backend or its options would not keep.

    Raises
    ------
    ParameterError
        If it is no :class:`DifferentialPrivacy`, or comes with another backend or with options.
    """
    if privacy is None:
        return None
    if not isinstance(privacy, DifferentialPrivacy):
        msg = f"privacy={privacy!r} cannot be used: it must be None or a DifferentialPrivacy."
        raise ParameterError(f"{msg}\n\nHint: privacy=DifferentialPrivacy(epsilon=3.0)")
    if backend != "local":
        msg = f"backend {backend!r} gives no guarantee that this library could vouch for."
        raise ParameterError(f'{msg}\n\nHint: TransactionSynthesizer("local", privacy=...)')
    if options:
        name = sorted(options)[0]
        msg = f"option {name!r} is one of the network, and with privacy there is none."
        raise ParameterError(f"{msg}\n\nHint: TransactionSynthesizer(privacy=...) without {name}")
    return privacy


def read_privacy(state: Mapping[str, Any] | None) -> DifferentialPrivacy | None:
    """Return the request that was saved, if there was one."""
    return None if state is None else DifferentialPrivacy.from_dict(state)


def without_notes(prepared: Prepared) -> Prepared:
    """Drop what was noted about the table; refuse starting amounts that were not believed.

    Notes count rows, and whether a column is believed must not hang on a single customer.

    Raises
    ------
    ParameterError
        If ``starting_amount`` is not one number for each customer.
    """
    doubted = [note for note in prepared.warnings if note.startswith(DOUBTED)]
    if doubted:
        msg = f"{doubted[0]}; with privacy that would hang on single customers."
        raise ParameterError(f'{msg}\n\nHint: frame = frame.drop(columns="starting_amount")')
    return replace(prepared, warnings=[])


def private_prefix() -> str:
    """Return a beginning of ids that no real id has, without looking at them: by chance alone, 1 in 2**32."""
    return f"SYN_{secrets.token_hex(4).upper()}_"
