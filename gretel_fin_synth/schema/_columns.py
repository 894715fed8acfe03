"""The columns of a table of transactions: their names, and what is done if one is missing."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.errors import ParameterError
from gretel_fin_synth.schema._failures import Problem, of_column
from gretel_fin_synth.schema._kinds import check_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "AMOUNT",
    "BALANCE",
    "CATEGORY",
    "COLUMNS",
    "CREDIT",
    "CUSTOMER",
    "DATE",
    "DEBIT",
    "TYPE",
    "TYPES",
    "ExtraColumn",
    "check_extra_columns",
    "name_problems",
    "near_names",
]

CUSTOMER = "customer_id"
DATE = "transaction_date"
AMOUNT = "transaction_amount"
TYPE = "transaction_type"
CATEGORY = "transaction_category"
BALANCE = "account_balance"
COLUMNS = (CUSTOMER, DATE, AMOUNT, TYPE, CATEGORY, BALANCE)

CREDIT, DEBIT = "credit", "debit"
TYPES = (CREDIT, DEBIT)

# Names under which banks' exports hold the columns, besides those that look alike.
_OTHER_NAMES = {
    CUSTOMER: (
        *("customer", "cust", "client", "client_id", "account", "account_id", "user_id", "iban"),
        *("kunde", "kundennummer", "konto", "kontonummer", "compte", "cuenta", "conto", "rekening"),
    ),
    DATE: (
        *("date", "datetime", "timestamp", "time", "booking_date", "value_date", "posted_at"),
        *("datum", "buchungstag", "buchungsdatum", "fecha", "data", "date_operation", "boekdatum"),
    ),
    AMOUNT: ("amount", "amt", "value", "sum", "betrag", "umsatz", "montant", "importe", "importo", "bedrag"),
    TYPE: (
        "type",
        "direction",
        "dr_cr",
        "debit_credit",
        "sign",
        "typ",
        "soll_haben",
        "s_h",
        "sens",
        "af_bij",
    ),
    CATEGORY: (
        *("category", "merchant_category", "mcc", "k_symbol", "purpose"),
        *("kategorie", "categorie", "categoria"),
    ),
    BALANCE: ("balance", "running_balance", "balance_after", "saldo", "kontostand", "solde"),
}


_WHAT_IT_HOLDS = {CUSTOMER: "ids", DATE: "dates", AMOUNT: "amounts", CATEGORY: "categories"}

# Words at the end of a name that say what it is written in, not what it is.
_SAYS_LITTLE = {
    "no",
    "nr",
    "num",
    "number",
    "id",
    "code",
    "eur",
    "usd",
    "gbp",
    "chf",
    "czk",
    "local",
    "after",
}


@dataclass(frozen=True)
class ExtraColumn:
    """A column beside the six that a backend shall learn.

    Parameters
    ----------
    name : str
        Its name in the table.
    kind : {"category", "number", "datetime", "constant"} or str, default "category"
        ``"category"`` takes one of a few values per transaction, ``"number"`` a finite number, ``"datetime"``
        a date or timestamp; ``"constant"`` has one value per customer, the same in all of a customer's rows.
        Or a name that was given to :func:`register_column_kind`.

    Raises
    ------
    ParameterError
        If `name` is empty or one of the six columns, or `kind` is unknown.

    Examples
    --------
    >>> from gretel_fin_synth import ExtraColumn
    >>> ExtraColumn("merchant")
    ExtraColumn(name='merchant', kind='category')
    """

    name: str
    kind: str = "category"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            msg = f"the name of an extra column is {self.name!r}; it must be text.\n\n"
            raise ParameterError(msg + "Hint: ExtraColumn('merchant')")
        if self.name in COLUMNS:
            msg = f"{self.name!r} is one of the six columns, so it can't be an extra one too.\n\n"
            raise ParameterError(msg + "Hint: leave it out of extra_columns, or rename the column")
        check_kind(self.name, self.kind)


def check_extra_columns(extra_columns: Iterable[ExtraColumn] | None) -> tuple[ExtraColumn, ...]:
    """Return the descriptions as a tuple; refuse what is none, and names that occur twice."""
    if extra_columns is None:
        return ()
    hint = "\n\nHint: extra_columns=[ExtraColumn('merchant', kind='category')]"
    if isinstance(extra_columns, (str, ExtraColumn)):
        msg = f"extra_columns is {extra_columns!r}; a list of ExtraColumn is needed.{hint}"
        raise ParameterError(msg)
    described = tuple(extra_columns)
    for extra in described:
        if not isinstance(extra, ExtraColumn):
            msg = f"extra_columns holds {extra!r}; every item must be an ExtraColumn.{hint}"
            raise ParameterError(msg)
    twice = [name for name, count in Counter(extra.name for extra in described).items() if count > 1]
    if twice:
        msg = f"extra_columns describes {twice[0]!r} more than once.{hint}"
        raise ParameterError(msg)
    return described


def name_problems(names: Sequence[Any], wanted: Iterable[str]) -> list[Problem]:
    """Say which of the `wanted` columns a table lacks or has more than once."""
    problems = []
    counts = Counter(name for name in names if isinstance(name, str))
    for name, count in counts.items():
        if count > 1:
            hint = "frame = frame.loc[:, ~frame.columns.duplicated()] keeps the first of each"
            problems.append(of_column(name, name, f"occurs {count} times; names must be unique", hint))
    missing = [name for name in wanted if name not in counts]
    renamed = _renaming(missing, names)
    hint = _rename_hint(missing, renamed)
    shown = f"The table has {', '.join(map(repr, names[:12])) or 'no columns'}{', ...' * (len(names) > 12)}"
    said = [_missing(name, renamed, hint) for name in missing]
    return [*problems, *(replace(p, texts=[f"{p.texts[0]} {shown}"]) for p in said[:1]), *said[1:]]


def _renaming(missing: Sequence[str], names: Sequence[Any]) -> dict[str, str]:
    """Say which columns to rename so that none is missing, the balance included where its name is plain."""
    renamed: dict[str, str] = {}
    for name in missing:
        near = [candidate for candidate in near_names(name, names) if candidate not in renamed]
        if near:
            renamed[near[0]] = name
    if renamed and BALANCE not in names and BALANCE not in missing:
        near = near_names(BALANCE, names, least=0.95)
        renamed |= {near[0]: BALANCE} if near and near[0] not in renamed else {}
    return renamed


def near_names(name: str, names: Iterable[Any], least: float = 0.7) -> list[str]:
    """Names among `names` that probably mean `name`, the likeliest first."""
    scores = {}
    for candidate in names:
        if isinstance(candidate, str) and candidate not in COLUMNS:
            scores[candidate] = _likeness(name, re.sub(r"[^a-z0-9]+", "_", _plain(candidate)).strip("_"))
    return sorted((c for c in scores if scores[c] >= least), key=lambda c: -scores[c])


def _plain(name: str) -> str:
    """Give a name in lower case, without accents."""
    apart = unicodedata.normalize("NFKD", name.strip().lower())
    return "".join(mark for mark in apart if not unicodedata.combining(mark))


def _likeness(name: str, candidate: str) -> float:
    if candidate == name:
        return 1.0
    other = _OTHER_NAMES.get(name, ())
    if candidate in other:
        return 0.95
    words = candidate.split("_")
    while len(words) > 1 and words[-1] in _SAYS_LITTLE:
        words.pop()
    if "_".join(words) in other or words[-1] in other:  # "amount_eur", "client_no", "posting_date"
        return 0.9
    return max(difflib.SequenceMatcher(None, name, candidate).ratio(), 0.75 * (words[0] in other))


def _rename_hint(missing: Sequence[str], renamed: dict[str, str]) -> str:
    """Return code that renames all missing columns, with a placeholder for names that are not known."""
    unknown = [name for name in missing if name in _WHAT_IT_HOLDS and name not in renamed.values()]
    columns = renamed | {f"your {_WHAT_IT_HOLDS[name]}": name for name in unknown}
    return f"frame = frame.rename(columns={columns!r})" + "  # left: names of your table" * bool(unknown)


def _missing(name: str, renamed: dict[str, str], rename: str) -> Problem:
    near = [candidate for candidate, meant in renamed.items() if meant == name]
    if near:
        text = f"is missing; did you mean {near[0]!r}?"
        return of_column(name, None, text, rename)
    text = "is missing."
    if name == BALANCE:
        hint = "validate_transactions(frame, balance=False), or reconstruct_balance(frame) to add it"
    elif name == TYPE:
        debits = f'frame["{AMOUNT}"].astype(str).str.contains("-", regex=False)'
        by_sign = f'{debits}.map({{True: "{DEBIT}", False: "{CREDIT}"}})'
        hint = f'frame["{TYPE}"] = {by_sign}  # if the sign of amounts tells them apart'
    elif name in COLUMNS:
        hint = rename
    else:
        hint = f"leave {name!r} out of extra_columns (--extra), or add it to the table"
    return of_column(name, None, text, hint)
