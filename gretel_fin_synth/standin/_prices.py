"""How amounts end: shop prices at .99, notes from a machine, rents in tens, bills to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Cents = NDArray[np.int64]

Style = Literal[
    "cents", "shelf", "menu", "notes", "gift", "pump", "tens", "nines", "units", "passbook", "invoice"
]


@dataclass(frozen=True)
class Ending:
    """One way to round: the nearest multiple of a tick, plus an offset.

    Attributes
    ----------
    weight : float
        How common this ending is within its style.
    tick : int
        Smallest step, in minor units.
    offset : int
        Added after rounding, in minor units: -1 turns 10.00 into 9.99.
    coarse : float
        The step is at least this share of the amount's power of ten: with 0.5, 1,830.00 is rounded to a
        multiple of 500.00.
    """

    weight: float
    tick: int
    offset: int = 0
    coarse: float = 0.0


STYLES: dict[Style, tuple[Ending, ...]] = {
    "cents": (Ending(0.82, 1), Ending(0.18, 10, -1)),
    "shelf": (
        Ending(0.36, 100, -1),
        Ending(0.12, 100, -5),
        Ending(0.08, 100, -10),
        Ending(0.08, 50, -1),
        Ending(0.12, 100),
        Ending(0.06, 500),
        Ending(0.18, 1),
    ),
    "menu": (Ending(0.28, 100), Ending(0.22, 50), Ending(0.15, 100, -10), Ending(0.23, 10), Ending(0.12, 1)),
    "notes": (Ending(0.45, 1000, coarse=0.5), Ending(0.35, 2000), Ending(0.20, 1000)),
    "gift": (Ending(0.40, 1000, coarse=0.5), Ending(0.30, 500), Ending(0.18, 100), Ending(0.12, 1)),
    "pump": (Ending(0.16, 1000), Ending(0.12, 500), Ending(0.06, 100), Ending(0.66, 1)),
    "tens": (Ending(0.45, 1000), Ending(0.35, 500), Ending(0.20, 100)),
    "nines": (Ending(0.78, 100, -1), Ending(0.22, 100, -10)),
    "units": (Ending(1.0, 100),),
    "passbook": (
        Ending(0.14, 100, coarse=1.0),
        Ending(0.42, 10000),
        Ending(0.14, 10000, coarse=0.5),
        Ending(0.18, 1000),
        Ending(0.12, 100),
    ),
    "invoice": (Ending(0.08, 10000), Ending(0.07, 1000), Ending(0.15, 100), Ending(0.70, 1)),
}


def price(raw: Floats, style: Style, choice: Floats) -> Cents:
    """Round amounts as people and shops do.

    Parameters
    ----------
    raw : array of float
        Amounts in minor units, before rounding.
    style : str
        A key of `STYLES`.
    choice : array of float in [0, 1), broadcast against `raw`
        Which ending each amount takes; the same choice and a near amount give the same price.

    Returns
    -------
    array of int
        Amounts in minor units, at least 1.
    """
    endings = STYLES[style]
    raw = np.maximum(raw, 1.0)
    which = np.searchsorted(np.cumsum([ending.weight for ending in endings])[:-1], choice, side="right")
    tick = np.array([ending.tick for ending in endings], dtype=float)[which]
    coarse = np.array([ending.coarse for ending in endings])[which]
    if coarse.any():
        tick = np.maximum(tick, np.rint(coarse * 10.0 ** np.floor(np.log10(raw))))
    offset = np.array([ending.offset for ending in endings])[which]
    steps = np.maximum(np.rint(raw / tick), 1.0)
    cents: Cents = np.maximum((steps * tick).astype(np.int64) + offset, 1)
    return cents
