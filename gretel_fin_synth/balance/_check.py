"""What a check of balances found."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BalanceCheck"]


@dataclass(frozen=True, eq=False)
class BalanceCheck:
    """Which balances do not follow from the balance before.

    Truthy if none breaks, so ``assert check_balance(frame)`` reads as it should.

    Attributes
    ----------
    n_rows : int
        Rows that were checked.
    n_customers : int
        Customers among them.
    n_breaks : int
        Rows whose balance differs by more than `tolerance` from the balance before plus the signed amount.
    breaks : dataframe
        These rows, of the type of the checked frame: ``row`` (position in the frame, where it has an order),
        ``customer_id``, the columns ordered by, ``transaction_type``, ``transaction_amount``,
        ``account_balance`` (as found), ``expected`` and ``difference`` (found less expected).
    tolerance : float
        Largest difference, in major units, that is no break.
    first : pandas.DataFrame or None
        The first few breaks, for display.
    """

    n_rows: int
    n_customers: int
    n_breaks: int
    breaks: Any = field(repr=False)
    tolerance: float = 0.0
    first: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether every balance follows from the one before."""
        return self.n_breaks == 0

    @property
    def share(self) -> float:
        """Breaking rows as a share of all, from 0 to 1."""
        return self.n_breaks / self.n_rows if self.n_rows else 0.0

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        lines = [f"BalanceCheck: {self._summary()}"]
        if self.first is not None and len(self.first):
            lines += [self.first.to_string(index=False)]
            lines += ["..."] if self.n_breaks > len(self.first) else []
            lines += [
                "Hint: order_transactions(frame) if the order within a day is not known; .breaks has all"
            ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        text = f"<p><strong>BalanceCheck</strong>: {html.escape(self._summary())}</p>"
        if self.first is None or not len(self.first):
            return text
        return text + self.first.to_html(index=False, escape=True, border=0)

    def _summary(self) -> str:
        of = f"{_counted(self.n_rows, 'row')} of {_counted(self.n_customers, 'customer')}"
        within = f" within {self.tolerance:g}" if self.tolerance else ""
        if self.ok:
            return f"ok, the balances of {of} add up{within}"
        what = "balance does" if self.n_breaks == 1 else "balances do"
        return f"{self.n_breaks:,} {what} not add up{within} ({self.share:.1%} of {of})"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
