"""Attacks by what a customer has in common with the synthetic table: rows, runs, and runs of categories.

What other real customers have in common with each other says nothing; so everything that is found counts by
how rare it is in a reference of real customers who are neither attacked nor known to the generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gretel_fin_synth.evaluation._describe import kind_codes
from gretel_fin_synth.evaluation._features import runs
from gretel_fin_synth.evaluation._traces import row_codes, run_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["category_patterns", "rare_rows", "rarity", "relative_runs"]

_PATTERN = 6
_EVERY_KIND = 10**9


def rare_rows(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Score customers by their rows (date, amount, type, category) that are in the synthetic table."""
    tables = [*targets, synthetic, reference]
    return _shares(tables, row_codes(tables, ids=False), [table.customer for table in tables])


def relative_runs(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Score customers by their runs of three (days between, amounts, kinds) in the synthetic table."""
    tables = [*targets, synthetic, reference]
    return _shares(tables, *run_codes(tables))


def category_patterns(targets: Sequence[Table], synthetic: Table, reference: Table) -> list[Floats]:
    """Score customers by their runs of six types x categories that are in the synthetic table."""
    tables = [*targets, synthetic, reference]
    kinds = kind_codes(tables, _EVERY_KIND)
    windows = [runs(kind, table.customer, _PATTERN) for kind, table in zip(kinds, tables, strict=True)]
    owners = [runs(table.customer, table.customer, _PATTERN)[:, 0] for table in tables]
    codes = np.unique(np.concatenate(windows), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    ends = np.cumsum([len(part) for part in windows])[:-1]
    return _shares(tables, np.split(codes, ends), owners)


def rarity(codes: Ints, owner: Ints, n_customers: int, size: int) -> Floats:
    """Return for each code the surprise of finding it in a customer, in nats.

    ``log((n + 1) / (h + 1))`` where ``h`` of ``n`` customers of the reference have it: 0 for what all have.

    Examples
    --------
    >>> rarity(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, 3).round(2).tolist()
    [0.0, 0.41, 1.1]
    """
    pairs = np.unique(codes * max(n_customers, 1) + owner)
    holders = np.bincount(pairs // max(n_customers, 1), minlength=size)
    surprise: Floats = np.log((n_customers + 1.0) / (holders + 1.0))
    return surprise


def _shares(tables: Sequence[Table], codes: list[Ints], owners: list[Ints]) -> list[Floats]:
    """Return for each customer of the targets the share of its surprise that is in the synthetic table.

    The last two tables are the synthetic one and the reference, all others are targets.
    """
    *_, synthetic, reference = codes
    size = max(int(part.max(initial=-1)) for part in codes) + 1
    weight = rarity(reference, owners[-1], tables[-1].n_customers, size)
    shares = []
    for table, part, owner in zip(tables[:-2], codes, owners, strict=False):
        total = np.bincount(owner, weight[part], minlength=table.n_customers)
        hits = np.bincount(owner, weight[part] * np.isin(part, synthetic), minlength=table.n_customers)
        shares.append(np.divide(hits, total, out=np.zeros(table.n_customers), where=total > 0))
    return shares
