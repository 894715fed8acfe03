"""What every backend must pass: a test class to subclass. Needs the ``testing`` extra (pytest)."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import pandas as pd
import pytest

from gretel_fin_synth.balance import check_balance, starting_amounts
from gretel_fin_synth.errors import NotFittedError, ParameterError
from gretel_fin_synth.schema import AMOUNT, CATEGORY, CUSTOMER, DATE, TYPE, ExtraColumn, validate_transactions
from gretel_fin_synth.standin import make_transactions
from gretel_fin_synth.training import SampleRequest, TransactionSynthesizer, available_backends
from gretel_fin_synth.training._prepare import STARTING, prepare
from gretel_fin_synth.training.backend import Backend, get_backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["BackendContract"]

Made = TypeVar("Made")

FIT_SEED, SEED, OTHER_SEED = 11, 3, 4
N_SAMPLED, N_MORE = 8, 5
PICKLE_STARTS = tuple(b"\x80" + bytes([version]) for version in range(2, 6))


class BackendContract:
    """The life cycle of :class:`gretel_fin_synth.Backend`, promise by promise.

    Subclass it in a test file, set ``backend``, and override the fixtures whose defaults do not fit. One
    model is fitted for all tests of a subclass, two more for the tests of ``fit`` itself.

    Attributes
    ----------
    backend : str
        Name of the backend; it must be registered.
    learns_extra_columns : bool, default True
        Whether the backend learns extra columns; one that does not must say so with a ``ParameterError``.
    fits_alike : bool, default True
        Whether a table and a seed always give the same model. A service that takes no seed cannot promise
        it; what a fitted model draws is decided by the seed all the same.

    Examples
    --------
    >>> from gretel_fin_synth.testing import BackendContract
    >>> class TestEmbedded(BackendContract):
    ...     backend = "local"
    ...
    ...     @pytest.fixture
    ...     def backend_options(self):
    ...         return {"epochs": 2}
    """

    backend: ClassVar[str]
    learns_extra_columns: ClassVar[bool] = True
    fits_alike: ClassVar[bool] = True

    @pytest.fixture
    def backend_options(self) -> dict[str, Any]:
        """Options with which the backend is quick."""
        return {}

    @pytest.fixture
    def bad_options(self) -> list[dict[str, Any]]:
        """Options that the backend must refuse."""
        return [{"no_such_option": 1}]

    @pytest.fixture
    def bad_sample_options(self) -> list[dict[str, Any]]:
        """Options of ``sample`` that the backend must refuse."""
        return [{"no_such_option": 1}]

    @pytest.fixture
    def real(self) -> pd.DataFrame:
        """Make the table to learn from: 20 customers or more, with ids that can be searched for in files."""

        def table() -> pd.DataFrame:
            made: pd.DataFrame = make_transactions(40, start="2024-01-01", end="2024-03-31", seed=1)
            return made.assign(**{CUSTOMER: made[CUSTOMER].str.replace("CUST_", "IBAN-DE89-3704-")})

        return self._once("real", table).copy(deep=True)

    @pytest.fixture
    def make_synthesizer(self, backend_options: dict[str, Any]) -> Callable[..., TransactionSynthesizer]:
        """Make an unfitted synthesizer, with more arguments if given."""

        def make(**more: Any) -> TransactionSynthesizer:
            return TransactionSynthesizer(self.backend, **{**copy.deepcopy(backend_options), **more})

        return make

    @pytest.fixture
    def fitted(
        self, make_synthesizer: Callable[..., TransactionSynthesizer], real: pd.DataFrame
    ) -> TransactionSynthesizer:
        """Return a synthesizer that has learned the table."""
        return self._once("fitted", lambda: make_synthesizer().fit(real, seed=FIT_SEED, progress=False))

    @pytest.fixture
    def sampled(self, fitted: TransactionSynthesizer) -> pd.DataFrame:
        """Return some of its customers."""
        drawn: pd.DataFrame = self._once("sampled", lambda: fitted.sample(N_SAMPLED, seed=SEED))
        return drawn.copy()

    @pytest.fixture
    def many(self, fitted: TransactionSynthesizer, real: pd.DataFrame) -> pd.DataFrame:
        """Return more customers than were fitted, of another seed."""
        n = real[CUSTOMER].nunique() + N_MORE
        drawn: pd.DataFrame = self._once("many", lambda: fitted.sample(n, seed=OTHER_SEED))
        return drawn.copy()

    @classmethod
    def _once(cls, name: str, make: Callable[[], Made]) -> Made:
        """Make a thing once for all tests of a subclass; what its base made counts for the base only."""
        made: dict[str, Any] = cls.__dict__.get("_made") or {}
        if name not in made:
            made[name] = make()
            cls._made = made
        thing: Made = made[name]
        return thing

    _made: ClassVar[dict[str, Any] | None] = None

    def test_is_registered_and_a_backend(self, backend_options: dict[str, Any]) -> None:
        """The registry knows it, and it has the methods."""
        assert self.backend in available_backends()
        assert isinstance(get_backend(self.backend, backend_options), Backend)

    def test_refuses_bad_options_before_any_work(
        self,
        make_synthesizer: Callable[..., TransactionSynthesizer],
        bad_options: list[dict[str, Any]],
    ) -> None:
        """A wrong option is an error of the constructor."""
        for options in bad_options:
            with pytest.raises(ParameterError, match=next(iter(options))):
                make_synthesizer(**options)

    def test_cannot_sample_or_save_before_fit(
        self, make_synthesizer: Callable[..., TransactionSynthesizer], tmp_path: Path
    ) -> None:
        """There is nothing to sample from or to save."""
        with pytest.raises(NotFittedError, match="fit"):
            make_synthesizer().sample(1)
        with pytest.raises(NotFittedError, match="fit"):
            make_synthesizer().save(tmp_path / "model")
        assert not (tmp_path / "model").exists()

    def test_fit_starts_anew_and_leaves_its_input_alone(
        self,
        fitted: TransactionSynthesizer,
        real: pd.DataFrame,
        backend_options: dict[str, Any],
    ) -> None:
        """A second fit forgets the first; the frame is neither changed nor kept; a seed decides."""
        given = copy.deepcopy(backend_options)
        backend = get_backend(self.backend, given)
        some = real[real[CUSTOMER].isin(real[CUSTOMER].unique()[:12])]
        backend.fit(prepare(some, (), 2).table, seed=FIT_SEED + 1, progress=False)
        table = prepare(real, (), 2).table
        before = table.frame.copy(deep=True)
        backend.fit(table, seed=FIT_SEED, progress=False)
        pd.testing.assert_frame_equal(table.frame, before)
        assert given == backend_options
        table.frame[AMOUNT] = 0.01
        table.frame[CATEGORY] = "overwritten"
        request = SampleRequest(3, SEED)
        drawn = backend.sample(request)
        assert "overwritten" not in set(drawn[CATEGORY])
        if self.fits_alike:
            pd.testing.assert_frame_equal(drawn, fitted.backend_.sample(request))

    def test_fit_returns_the_synthesizer_and_lists_warnings(self, fitted: TransactionSynthesizer) -> None:
        """Warnings are text."""
        assert isinstance(fitted, TransactionSynthesizer)
        assert all(isinstance(warning, str) and warning for warning in fitted.warnings_)

    def test_extra_columns_are_learned_or_refused(
        self, make_synthesizer: Callable[..., TransactionSynthesizer], real: pd.DataFrame
    ) -> None:
        """Extra columns come back with what was seen in them; a backend that cannot do it says so in fit."""
        named = real[CUSTOMER].str[-1]
        table = real.assign(branch="branch " + named, channel=np.where(real[AMOUNT] > 50, "desk", "app"))
        extras = [ExtraColumn("branch", kind="constant"), ExtraColumn("channel")]
        synthesizer = make_synthesizer(extra_columns=extras)
        if not self.learns_extra_columns:
            with pytest.raises(ParameterError, match="branch"):
                synthesizer.fit(table, seed=FIT_SEED, progress=False)
            return
        drawn = synthesizer.fit(table, seed=FIT_SEED, progress=False).sample(4, seed=SEED)
        assert list(drawn.columns) == list(table.columns)
        assert set(drawn["branch"]) <= set(table["branch"])
        assert set(drawn["channel"]) <= set(table["channel"])
        assert drawn.groupby(CUSTOMER)["branch"].nunique().eq(1).all()

    def test_draws_as_many_customers_as_asked_for(
        self, fitted: TransactionSynthesizer, many: pd.DataFrame
    ) -> None:
        """One, or more than were fitted."""
        assert len(fitted.sample(1, seed=SEED)[CUSTOMER].unique()) == 1
        assert many[CUSTOMER].nunique() == fitted.n_customers_ + N_MORE

    def test_draws_as_many_customers_as_were_fitted_by_default(
        self, fitted: TransactionSynthesizer, real: pd.DataFrame
    ) -> None:
        """Without a count it is that of the table."""
        assert fitted.sample(seed=SEED)[CUSTOMER].nunique() == real[CUSTOMER].nunique()

    @pytest.mark.parametrize("n", [1, 97])
    def test_draws_as_many_rows_as_asked_for(
        self, fitted: TransactionSynthesizer, sampled: pd.DataFrame, n: int
    ) -> None:
        """The rows are the first ones of the same customers."""
        rows = fitted.sample(n_rows=n, seed=SEED)
        assert len(rows) == n
        shared = min(n, len(sampled))
        pd.testing.assert_frame_equal(rows.head(shared), sampled.head(shared))

    def test_gives_back_the_columns_and_dtypes_that_were_fitted(
        self, sampled: pd.DataFrame, real: pd.DataFrame
    ) -> None:
        """Names, order and dtypes."""
        pd.testing.assert_series_equal(sampled.dtypes, real.dtypes)

    def test_draws_valid_transactions(self, sampled: pd.DataFrame) -> None:
        """They pass the schema, no cell is empty, and rows count from 0."""
        validate_transactions(sampled)
        assert not sampled.isna().any(axis=None)
        assert sampled.index.equals(pd.RangeIndex(len(sampled)))

    def test_draws_customers_whole_and_in_order(self, sampled: pd.DataFrame) -> None:
        """Rows of a customer stand together, from the earliest to the latest."""
        changes = sampled[CUSTOMER].ne(sampled[CUSTOMER].shift())
        assert changes.sum() == N_SAMPLED
        steps = sampled[DATE].diff()
        assert (steps[~changes] >= pd.Timedelta(0)).all()

    def test_balances_add_up_from_one_starting_amount(
        self, fitted: TransactionSynthesizer, sampled: pd.DataFrame
    ) -> None:
        """To the minor unit, from what the backend said."""
        assert check_balance(sampled).n_breaks == 0
        drawn = fitted.backend_.sample(SampleRequest(N_SAMPLED, SEED))
        said = drawn.groupby(CUSTOMER, sort=False)[STARTING].agg(["min", "max"])
        assert said["min"].tolist() == said["max"].tolist()
        assert starting_amounts(sampled)[STARTING].tolist() == said["min"].tolist()

    def test_ids_are_new(self, sampled: pd.DataFrame, real: pd.DataFrame) -> None:
        """None of them is a real customer's."""
        assert not set(sampled[CUSTOMER]) & set(real[CUSTOMER])

    def test_draws_no_type_and_category_that_was_not_seen(
        self, many: pd.DataFrame, real: pd.DataFrame
    ) -> None:
        """Pairs of type and category are real ones."""
        seen = set(zip(real[TYPE], real[CATEGORY], strict=True))
        assert set(zip(many[TYPE], many[CATEGORY], strict=True)) <= seen

    def test_the_seed_decides_and_sampling_changes_nothing(
        self, fitted: TransactionSynthesizer, sampled: pd.DataFrame, many: pd.DataFrame
    ) -> None:
        """Another seed draws others, and the first seed then the same again."""
        columns = [DATE, AMOUNT, CATEGORY]
        assert not many[columns].head(len(sampled)).equals(sampled[columns])
        pd.testing.assert_frame_equal(fitted.sample(N_SAMPLED, seed=SEED), sampled)

    def test_a_larger_sample_begins_with_a_smaller_one(
        self, fitted: TransactionSynthesizer, sampled: pd.DataFrame
    ) -> None:
        """Of the same seed."""
        fewer = fitted.sample(3, seed=SEED)
        pd.testing.assert_frame_equal(fewer, sampled.head(len(fewer)))

    def test_customers_are_the_same_in_parts(self, fitted: TransactionSynthesizer) -> None:
        """Customers 3 and 4 of a seed do not depend on who is drawn beside them."""
        whole = fitted.backend_.sample(SampleRequest(5, SEED))
        part = fitted.backend_.sample(SampleRequest(2, SEED, first_customer=3))
        rest = whole[pd.factorize(whole[CUSTOMER])[0] >= 3].reset_index(drop=True)
        without_ids = [name for name in whole.columns if name != CUSTOMER]
        pd.testing.assert_frame_equal(part.reset_index(drop=True)[without_ids], rest[without_ids])

    def test_refuses_bad_sampling_options(
        self, fitted: TransactionSynthesizer, bad_sample_options: list[dict[str, Any]]
    ) -> None:
        """With a message that names the option."""
        for options in bad_sample_options:
            with pytest.raises(ParameterError, match=next(iter(options))):
                fitted.sample(1, seed=SEED, **options)

    def test_leaves_the_generators_of_the_process_alone(self, fitted: TransactionSynthesizer) -> None:
        """Random numbers come from generators of its own; a user's seeded program is not disturbed."""
        before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
        fitted.sample(1, seed=SEED)
        after = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
        assert before == after

    def test_a_saved_model_draws_the_same(
        self, fitted: TransactionSynthesizer, sampled: pd.DataFrame, tmp_path: Path
    ) -> None:
        """Saved, loaded, saved over again and loaded again."""
        fitted.save(tmp_path)
        loaded = TransactionSynthesizer.load(tmp_path)
        assert repr(loaded) == repr(fitted)
        assert loaded.warnings_ == fitted.warnings_
        loaded.save(tmp_path)
        again = TransactionSynthesizer.load(tmp_path)
        pd.testing.assert_frame_equal(again.sample(N_SAMPLED, seed=SEED), sampled)

    def test_a_saved_model_holds_no_pickle_and_no_customer_id(
        self, fitted: TransactionSynthesizer, real: pd.DataFrame, tmp_path: Path
    ) -> None:
        """Files that run no code when read, and that name nobody as plain text."""
        fitted.save(tmp_path)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        ids = [name.encode() for name in real[CUSTOMER].unique()]
        for path in files:
            content = path.read_bytes()
            assert path.suffix not in (".pkl", ".pickle"), path
            assert not content.startswith(PICKLE_STARTS), path
            assert not any(name in content for name in ids), path
