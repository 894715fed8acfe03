"""Progress of training: a bar on a terminal or in a notebook, a line now and then elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType

    from gretel_fin_synth.training.local.fitting import Progress


class ProgressBar:
    """Shows epochs, rows, losses and the time left on standard error.

    Parameters
    ----------
    epochs : int
        Most epochs to come.
    wanted : bool or None
        None shows a bar on a terminal or in a notebook and nothing elsewhere; True shows lines elsewhere.
    """

    def __init__(self, epochs: int, wanted: bool | None) -> None:
        notebook = type(sys.stderr).__module__.startswith("ipykernel")
        terminal = sys.stderr.isatty() or notebook
        self._lines = bool(wanted) and not terminal
        self._bar = tqdm(
            total=epochs,
            unit="epoch",
            desc="training",
            disable=not terminal or wanted is False,
            leave=True,
            file=sys.stderr,
        )

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def show(self, progress: Progress) -> None:
        """Show the state after an epoch."""
        if self._lines and (progress.epoch == 1 or progress.epoch % 5 == 0):
            rate = progress.rows * progress.epoch / max(progress.seconds, 1e-9)
            tqdm.write(
                f"  epoch {progress.epoch} of at most {progress.epochs}: loss {progress.train_loss:.3f}, "
                f"held out {progress.held_out_loss:.3f}, {rate:,.0f} rows/s, {progress.seconds:.0f} s",
                file=sys.stderr,
            )
        self._bar.set_postfix_str(
            f"{progress.rows:,} rows, loss {progress.train_loss:.3f}, held out {progress.held_out_loss:.3f}",
            refresh=False,
        )
        self._bar.update(1)
