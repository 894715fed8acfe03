"""A stand-in for a bank's table from Gretel's Navigator: a prompt in, transactions with balances out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gretel_fin_synth._gretel.client import require_client
from gretel_fin_synth._gretel.connection import Connection, check_number
from gretel_fin_synth._gretel.navigator import MOST_ROWS, Navigator, Prompting
from gretel_fin_synth._gretel.service import Service
from gretel_fin_synth._money import check_minor_units, from_minor, running_balance, to_minor
from gretel_fin_synth._secrets import Secret
from gretel_fin_synth.errors import ParameterError, PartialResultError, ServiceError
from gretel_fin_synth.schema import AMOUNT, BALANCE, COLUMNS, CREDIT, CUSTOMER, DATE, TYPE
from gretel_fin_synth.standin._answers import STARTING, Answers, Sorted, starting_amounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PROMPT", "STARTING_PROMPT", "navigate_transactions"]

PROMPT = """\
Bank transactions of private customers, one row per transaction, with exactly these columns:
customer_id: CUST_001 to CUST_073, each customer with several transactions.
transaction_date: a day between 2022-01-01 and 2024-12-31 as YYYY-MM-DD.
transaction_amount: above 0, with two decimals, plausible for the category.
transaction_type: credit for money that comes in, debit for money that goes out.
transaction_category: such as salary, rent, groceries, transport, utilities, entertainment, refund.
"""

STARTING_PROMPT = """\
Add a column starting_amount: what was on this customer's bank account before the first transaction, a number
with two decimals. Keep customer_id as it is, one row per customer.
"""

EMPTY_STREAMS = 3  # in a row without a usable row after which to give up
ROUNDS = 4  # in which missing starting amounts are asked for


@dataclass
class _Run:
    """What has come until now."""

    n_rows: int
    answers: Answers
    tell: Callable[[int, int], object] | None
    kept: list[pd.DataFrame] = field(default_factory=list)
    reason: str = ""

    @property
    def have(self) -> int:
        return sum(map(len, self.kept))

    def rows(self) -> pd.DataFrame:
        """Return the rows that can be used."""
        names = [name for name in COLUMNS if name != BALANCE]
        return pd.concat(self.kept, ignore_index=True) if self.kept else pd.DataFrame(columns=names)

    def take(self, found: Sorted) -> bool:
        """Keep what is needed of the usable rows; say whether there were any."""
        sound = found.sound.head(self.n_rows - self.have)
        self.reason = found.reason or self.reason
        if len(sound):
            self.kept.append(sound)
            if self.tell is not None:
                self.tell(self.have, self.n_rows)
        return bool(len(sound))


def navigate_transactions(
    prompt: str = PROMPT,
    n_rows: int = 1000,
    *,
    starting_prompt: str = STARTING_PROMPT,
    model: str | None = None,
    temperature: float = 0.7,
    top_k: int = 40,
    top_p: float = 0.95,
    chunk_size: int = 25,
    minor_units: int = 2,
    timeout: float | None = 1800.0,
    poll_interval: float = 0.5,
    progress: Callable[[int, int], object] | None = None,
    api_key: str | None = None,
    endpoint: str | None = None,
    connect_timeout: float = 10.0,
    read_timeout: float = 60.0,
    max_retries: int = 5,
    backoff: float = 1.0,
) -> pd.DataFrame:
    """Make transactions with Gretel's Navigator: rows by a prompt, starting amounts by a second one.

    Needs the extra ``gretel`` and a service that can be reached. A language model writes the rows, so they
    look like transactions but have no customer's life behind them; :func:`make_transactions` has, is free
    and needs no network.

    Parameters
    ----------
    prompt : str
        Describes the rows; they must come with ``customer_id``, ``transaction_date`` (ISO 8601),
        ``transaction_amount``, ``transaction_type`` and ``transaction_category``. Other columns are dropped.
    n_rows : int, default 1000
        How many rows; asked for in streams of at most 100.
    starting_prompt : str
        Asks to add ``starting_amount`` to a table of ``customer_id``.
    model : str, optional
        Navigator's model, by default the first that it offers.
    temperature, top_k, top_p : number
        How it samples.
    chunk_size : int, default 25
        Customers whose starting amounts are asked for at once.
    minor_units : int, default 2
        Decimals of the currency.
    timeout : float or None, default 1800
        Seconds for everything together; None for no limit.
    poll_interval : float, default 0.5
        Seconds between two questions while nothing comes.
    progress : callable, optional
        Called with the rows that have come and `n_rows`.
    api_key, endpoint : str, optional
        As for the backend ``gretel``: the key from here, ``GRETEL_API_KEY``, the client's configuration file
        or the terminal, in that order.
    connect_timeout, read_timeout, max_retries, backoff : number
        As for the backend ``gretel``.

    Returns
    -------
    pandas.DataFrame
        Exactly `n_rows` rows of the six columns, customers one after the other, each in chronological order,
        with one starting amount per customer inside exact balances.

    Raises
    ------
    ParameterError
        If an argument cannot work.
    PartialResultError
        If fewer usable rows or starting amounts come than are needed, or not in time; ``rows`` has those that
        did. No customer is ever given a starting amount that was not said.
    ServiceError
        If the service refuses or cannot be reached.
    BackendNotInstalledError
        If the extra is not installed.

    Examples
    --------
    >>> from gretel_fin_synth import check_balance, navigate_transactions
    >>> from gretel_fin_synth.testing import FakeGretel
    >>> with FakeGretel() as service:
    ...     table = navigate_transactions(
    ...         n_rows=150, endpoint=service.endpoint, api_key=service.key, poll_interval=0.01
    ...     )
    >>> len(table), check_balance(table).ok
    (150, True)
    """
    for name, text in (("prompt", prompt), ("starting_prompt", starting_prompt)):
        if not isinstance(text, str) or not text.strip():
            msg = f"{name}={text!r} cannot be used: it must be text that is not empty."
            raise ParameterError(f"{msg}\n\nHint: leave it out, and the built-in one is used")
    check_number("n_rows", n_rows, least=1, whole=True)
    check_number("chunk_size", chunk_size, least=1, most=MOST_ROWS, whole=True)
    if timeout is not None:
        check_number("timeout", timeout, above=0)
    prompting = Prompting(model, temperature, top_k, top_p, poll_interval)
    connection = Connection(
        api_key=None if api_key is None else Secret(api_key),
        endpoint=endpoint,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        max_retries=max_retries,
        backoff=backoff,
    )
    run = _Run(n_rows, Answers(check_minor_units(minor_units)), progress)
    require_client("navigate_transactions")
    service = Service(connection)
    with service.transport.within(timeout), _whole_or_partial(run):
        navigator = Navigator(service, prompting)
        _collect(navigator, prompt, run)
        starts = _starts(navigator, starting_prompt, chunk_size, run)
    return _with_balances(run.rows(), starts, minor_units)


@contextlib.contextmanager
def _whole_or_partial(run: _Run) -> Iterator[None]:
    """Let no row be lost: an error after the first rows carries them."""
    try:
        yield
    except PartialResultError:
        raise
    except ServiceError as failure:
        if not run.have:
            raise
        error = failure
    else:
        return
    raise _partial(run, f"after {run.have:,} of {run.n_rows:,} rows: {error}")


def _partial(run: _Run, what: str) -> PartialResultError:
    error = PartialResultError(f"{what}\n\nHint: error.rows has the rows that came, without balances")
    error.rows = run.rows()
    return error


def _collect(navigator: Navigator, prompt: str, run: _Run) -> None:
    """Ask for rows until there are enough that can be used."""
    empty = 0
    while run.have < run.n_rows:
        came = navigator.rows(prompt, min(run.n_rows - run.have, MOST_ROWS))
        empty = 0 if run.take(run.answers.sort(came)) else empty + 1
        if empty == EMPTY_STREAMS:
            why = run.reason or "the streams were empty"
            raise _partial(
                run,
                f"{EMPTY_STREAMS} streams in a row brought no usable row after {run.have:,} of "
                f"{run.n_rows:,} rows: {why}",
            )


def _starts(navigator: Navigator, prompt: str, chunk_size: int, run: _Run) -> dict[str, int]:
    """Ask for what each customer starts with, until every one of them has an amount."""
    wanted = sorted(run.rows()[CUSTOMER].unique())
    found: dict[str, int] = {}
    for _ in range(ROUNDS):
        missing = [name for name in wanted if name not in found]
        for first in range(0, len(missing), chunk_size):
            chunk = missing[first : first + chunk_size]
            came = navigator.rows(prompt, len(chunk), [{CUSTOMER: name} for name in chunk])
            found |= starting_amounts(came, set(chunk), run.answers.minor_units)
        if len(found) == len(wanted):
            return found
    missing = [name for name in wanted if name not in found]
    raise _partial(
        run,
        f"{len(missing):,} of {len(wanted):,} customers came without a usable {STARTING} "
        f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''})",
    )


def _with_balances(rows: pd.DataFrame, starts: dict[str, int], minor_units: int) -> pd.DataFrame:
    """Put rows in order and add balances."""
    table = rows.sort_values([CUSTOMER, DATE], kind="stable", ignore_index=True)
    codes, ids = pd.factorize(table[CUSTOMER])
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    cents = to_minor(table[AMOUNT], minor_units)
    signed = np.where((table[TYPE] == CREDIT).to_numpy(dtype=bool), cents, -cents)
    opening = np.array([starts[name] for name in ids], dtype=np.int64)
    table[BALANCE] = from_minor(running_balance(signed, first, opening), minor_units)
    return table[list(COLUMNS)]
