"""What a backend is, and the registry that finds one by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from gretel_fin_synth._secrets import hide, reveal
from gretel_fin_synth.errors import BackendError, BackendNotInstalledError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from gretel_fin_synth.schema import ExtraColumn

__all__ = [
    "Backend",
    "SampleRequest",
    "TrainingTable",
    "available_backends",
    "get_backend",
    "register_backend",
]


@dataclass(frozen=True)
class TrainingTable:
    """What a backend is trained on.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (rows, 6 or more)
        ``customer_id``, ``transaction_date``, ``transaction_amount``, ``transaction_type``,
        ``transaction_category``, ``starting_amount`` (one per customer), then the extra columns. Customers
        are contiguous, each in chronological order; index 0, 1, ...
    extra_columns : tuple of ExtraColumn
        The extra columns and their kinds.
    minor_units : int
        Decimals of the currency.
    """

    frame: pd.DataFrame
    extra_columns: tuple[ExtraColumn, ...] = ()
    minor_units: int = 2


@dataclass(frozen=True)
class SampleRequest:
    """What is asked of a backend.

    Parameters
    ----------
    n_customers : int
        How many new customers.
    seed : int
        Decides everything that is random.
    first_customer : int, default 0
        Number of the first of them: customers ``first_customer`` to ``first_customer + n_customers - 1`` of a
        seed are the same whether asked for at once or in parts.
    options : dict
        Further options of ``TransactionSynthesizer.sample`` that the user gave; a backend refuses what it
        does not know with a ``ParameterError``.
    """

    n_customers: int
    seed: int
    first_customer: int = 0
    options: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Backend(Protocol):
    """A way to learn a table of transactions and to draw new customers.

    Life cycle: the factory makes an instance from the user's options and checks them, without work and
    without network; ``fit`` learns and may be called again, which starts anew; ``sample`` may then be called
    any number of times and does not change the state; ``save`` writes everything that ``sample`` needs into a
    folder that exists and is empty; ``load``, on a fresh instance, reads it back. A backend never sees
    balances: the facade turns them into starting amounts before, and rebuilds them after. It must neither
    change nor keep the frame it is given.

    The facade gives customers new ids, checks the result against the schema and adds balances, so a backend
    returns rows as in :class:`TrainingTable`, the extra columns included, with any labels as ids, customers
    contiguous, dates in order. Random numbers come from generators made from the seed it is given and from
    nowhere else.

    Interrupted by the user (``KeyboardInterrupt``) or left by its service (``ServiceError``), ``fit`` passes
    that on. If there is a state worth sampling from all the same, it first sets an attribute ``is_usable`` to
    True, and the facade keeps the backend. A backend with a service may have an attribute ``report``, which
    users see as ``report_``. A backend may have an attribute ``learned``, a dict of text to text, which
    notebooks show with the synthesizer: what it learned, in words.

    A test class that every backend must pass is :class:`gretel_fin_synth.testing.BackendContract`.

    Attributes
    ----------
    warnings : list of str
        What a user must know of the last ``fit``, ``sample`` or ``load``: filters, dropped categories, too
        few customers.

    Examples
    --------
    >>> from gretel_fin_synth import Backend, available_backends
    >>> "local" in available_backends()
    True
    """

    warnings: list[str]

    def fit(self, table: TrainingTable, *, seed: int, progress: bool | None) -> None:
        """Learn from a table; ``progress`` is whether to show progress, None for "on a terminal"."""

    def sample(self, request: SampleRequest) -> pd.DataFrame:
        """Draw new customers; the columns of the training table."""

    def save(self, directory: Path) -> None:
        """Write the learned state into an existing empty folder."""

    def load(self, directory: Path) -> None:
        """Read what ``save`` wrote."""


BackendFactory = Callable[..., Backend]


def _local(**options: Any) -> Backend:
    try:
        import_module("torch")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        msg = "backend 'local' needs torch.\n\nHint: pip install 'gretel-fin-synth[local]'"
        raise BackendNotInstalledError(msg) from error
    backend: Backend = import_module("gretel_fin_synth.training.local").LocalBackend(**options)
    return backend


def _gretel(**options: Any) -> Backend:
    backend: Backend = import_module("gretel_fin_synth.training.gretel.backend").GretelBackend(**options)
    return backend


_FACTORIES: dict[str, BackendFactory] = {"local": _local, "gretel": _gretel}


def register_backend(name: str, factory: BackendFactory) -> None:
    """Make a backend known under a name.

    Parameters
    ----------
    name : str
        What users write as ``TransactionSynthesizer(backend=name)``; an own backend may replace a known one.
    factory : callable
        Called with the user's options as keyword arguments; returns a :class:`Backend`. Import heavy packages
        inside it.

    Raises
    ------
    ParameterError
        If the name is no text or the factory cannot be called.

    Examples
    --------
    >>> from gretel_fin_synth import available_backends, register_backend
    >>> register_backend("mine", lambda **options: MyBackend(**options))
    >>> "mine" in available_backends()
    True
    """
    if not isinstance(name, str) or not name.strip():
        msg = f"a backend's name must be text that is not empty, not {name!r}."
        raise ParameterError(f"{msg}\n\nHint: register_backend('mine', MyBackend)")
    if not callable(factory):
        msg = f"the factory of backend {name!r} must be callable, not {factory!r}."
        raise ParameterError(f"{msg}\n\nHint: register_backend({name!r}, MyBackend), the class itself")
    _FACTORIES[name] = factory


def available_backends() -> list[str]:
    """Return the names of the known backends, sorted.

    A name is listed whether or not the extra that it needs is installed.

    Examples
    --------
    >>> from gretel_fin_synth import available_backends
    >>> "local" in available_backends()
    True
    """
    return sorted(_FACTORIES)


def get_backend(name: str, options: dict[str, Any]) -> Backend:
    """Make a backend by name.

    Raises
    ------
    ParameterError
        If the name or an option is not known.
    BackendNotInstalledError
        If its extra is missing.
    BackendError
        If the factory made something that is no backend.
    """
    if not isinstance(name, str) or name not in _FACTORIES:
        known = ", ".join(repr(known) for known in available_backends())
        msg = f"unknown backend {name!r}; the known ones are {known}."
        near = get_close_matches(str(name), available_backends(), 1)
        hint = f"TransactionSynthesizer({near[0]!r})" if near else f"register_backend({name!r}, factory)"
        raise ParameterError(f"{msg}\n\nHint: {hint}")
    factory = _FACTORIES[name]
    _check_call(name, factory, hide(options))
    backend: Any = factory(**reveal(options))
    if not isinstance(backend, Backend):
        wanted = ("fit", "sample", "save", "load", "warnings")
        missing = [attribute for attribute in wanted if not hasattr(backend, attribute)]
        msg = f"the factory of backend {name!r} made a {type(backend).__name__} without {', '.join(missing)}."
        raise BackendError(f"{msg}\n\nHint: see gretel_fin_synth.Backend for what a backend has")
    return backend


def _check_call(name: str, factory: BackendFactory, options: dict[str, Any]) -> None:
    """Refuse options that the factory's signature has no place for."""
    try:
        expected = signature(factory)
    except ValueError:  # written in C, without a signature
        return
    try:
        expected.bind(**options)
    except TypeError as error:
        msg = f"backend {name!r} cannot be made with the options {options!r}: {error}."
        raise ParameterError(f"{msg}\n\nHint: it takes {name}{expected}") from error
