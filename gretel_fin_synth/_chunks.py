"""Columns of Arrow in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gretel_fin_synth._cores import side_by_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["whole_numpy"]


def whole_numpy(array: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return numbers without nulls as one array; both cores put chunks together.

    Examples
    --------
    >>> whole_numpy(pa.chunked_array([[1, 2], [3]])).tolist()
    [1, 2, 3]
    """
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    parts = [chunk.to_numpy() for chunk in chunks]
    if len(parts) == 1:
        return np.asarray(parts[0])
    whole = np.empty(len(array), dtype=array.type.to_pandas_dtype())
    half = len(parts) // 2
    middle = sum(map(len, parts[:half]))

    def join(some: Any, out: NDArray[Any]) -> None:
        if some:
            np.concatenate(some, out=out)

    side_by_side(
        len(array), lambda: join(parts[:half], whole[:middle]), lambda: join(parts[half:], whole[middle:])
    )
    return whole
