"""A training that was interrupted goes on where it stopped, with the result of one that was not.

After each epoch everything that decides the next is written to one file: weights, optimiser, best state,
random states, counters. The file names what it belongs to (table, options, seed); training something else
with it is an error, and it is removed once training is through.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gretel_fin_synth._atomic import new_file
from gretel_fin_synth.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds the state of one training.

    Parameters
    ----------
    path : Path
        The file, which need not exist yet.
    fingerprint : str
        What is trained; see :func:`fingerprint_of`.
    """

    path: Path
    fingerprint: str

    def read(self) -> dict[str, Any] | None:
        """Return the state that was written, or None if there is no file.

        Raises
        ------
        ParameterError
            If the file is no checkpoint, or one of another training.
        """
        if not self.path.exists():
            return None
        try:
            found = torch.load(self.path, weights_only=True)
            known = found["format"] == FORMAT and found["fingerprint"]
        except Exception as error:
            msg = f"checkpoint={str(self.path)!r} cannot be read: {type(error).__name__}."
            raise ParameterError(f"{msg}\n\nHint: remove the file, or give another path") from error
        if known != self.fingerprint:
            msg = f"checkpoint={str(self.path)!r} belongs to another table, other options or another seed."
            raise ParameterError(f"{msg}\n\nHint: fit with the same ones, or remove the file")
        return dict(found["state"])

    def write(self, state: Mapping[str, Any]) -> None:
        """Write a state; the file is whole at any time."""
        with new_file(self.path) as beside:
            torch.save({"format": FORMAT, "fingerprint": self.fingerprint, "state": dict(state)}, beside)

    def remove(self) -> None:
        """Remove the file: training is through."""
        self.path.unlink(missing_ok=True)


def fingerprint_of(arrays: Iterable[np.ndarray[Any, Any]], options: Mapping[str, Any], seed: int) -> str:
    """Return a text that tells one training from another."""
    digest = hashlib.sha256(json.dumps([dict(options), seed], sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def random_states(rng: np.random.Generator, generator: torch.Generator) -> dict[str, Any]:
    """Return the states of both generators and of torch's own."""
    return {
        "rng": json.dumps(rng.bit_generator.state),
        "generator": generator.get_state(),
        "torch": torch.get_rng_state(),
    }


def set_random_states(state: Mapping[str, Any], rng: np.random.Generator, generator: torch.Generator) -> None:
    """Inverse of :func:`random_states`."""
    rng.bit_generator.state = json.loads(state["rng"])
    generator.set_state(state["generator"])
    torch.set_rng_state(state["torch"])
