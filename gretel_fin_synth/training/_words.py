"""What a backend learned, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["kinds_in_words"]

_MOST_CATEGORIES = 12


def kinds_in_words(kinds: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Say which categories of credits and debits a backend learned.

    Examples
    --------
    >>> kinds_in_words([("credit", "salary"), ("debit", "rent"), ("debit", "groceries")])
    {'Credits': '1 category: salary', 'Debits': '2 categories: groceries, rent'}
    """
    found: dict[str, str] = {}
    pairs = list(kinds)
    for kind, title in (("credit", "Credits"), ("debit", "Debits")):
        names = sorted(category for own, category in pairs if own == kind)
        count = "1 category" if len(names) == 1 else f"{len(names):,} categories"
        more = f" and {len(names) - _MOST_CATEGORIES:,} more" if len(names) > _MOST_CATEGORIES else ""
        listed = ", ".join(names[:_MOST_CATEGORIES])
        found[title] = f"{count}: {listed}{more}" if names else "none"
    return found
