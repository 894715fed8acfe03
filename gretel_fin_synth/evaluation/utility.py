"""Is a model trained on the synthetic table of use on real customers? Three tasks, beside training on real.

Each task is learned twice, from as many examples: once from the synthetic table, once from the real one. Both
models are tested on real customers that neither has seen, the holdout. What a guess without a model reaches
(how common each category is, the median, no order at all) is 0, what training on real data reaches is 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gretel_fin_synth.evaluation._describe import sample_customers
from gretel_fin_synth.evaluation._ranking import area
from gretel_fin_synth.evaluation._tasks import Examples, next_category, next_net_flow, overdraft
from gretel_fin_synth.evaluation.results import Concern, Score, grade_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from gretel_fin_synth.evaluation._table import Table

    Floats = NDArray[np.float64]

__all__ = ["TITLES", "Task", "share_of_skill", "utility"]

TITLES: Mapping[str, str] = {
    "next_category": "Category of the customer's next transaction",
    "next_net_flow": "Net flow of the customer's next month",
    "overdraft": "Balance below zero within 30 days",
}
"""The tasks in words."""

_MOST_EXAMPLES = 8000
_MOST_ROWS = 60_000  # of each table, whole customers
_LEAST_EXAMPLES = 50
_LEAST_EACH = 10  # examples of either answer
_LEAST_CUSTOMERS = 4
_LEAST_SKILL = 0.02  # that training on real data must have for a share of it to mean anything
_ERRORS = 2.0  # standard errors of that skill by which it must differ from none
_RESAMPLES = 100
_UNHEARD = 0.02  # chance that a model leaves for categories that it does not expect
_FAR = 0.75  # share of the skill below which the verdict speaks of it


@dataclass(frozen=True)
class Task(Score):
    """How well one task is solved; see :class:`Score` for ``score``, which is a share of the real skill.

    Attributes
    ----------
    metric : str
        What ``synthetic``, ``real`` and ``naive`` are; higher is better.
    synthetic, real, naive : float or None
        Reached by training on the synthetic table, on the real table, and without a model.
    examples, tested : int
        Examples that each model learned from, and was tested on.
    """

    metric: str = ""
    synthetic: float | None = None
    real: float | None = None
    naive: float | None = None
    examples: int = 0
    tested: int = 0


@dataclass(frozen=True, eq=False)
class _Plan:
    """How a task is learned and measured."""

    metric: str
    examples: Callable[[Sequence[Table]], list[Examples]]
    learn: Callable[[Examples, Examples, np.random.Generator], NDArray[Any]]
    measure: Callable[[NDArray[Any], Examples], float]
    naive: Callable[[Examples, Examples], float]
    two_answers: bool = False


def utility(real: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator) -> Score:
    """Train on the synthetic table, test on real customers, beside training on the real table.

    Parameters
    ----------
    real, synthetic, holdout : Table
        Tables from :func:`~gretel_fin_synth.evaluation._table.prepare`. Without a holdout, half of the real
        customers are tested on and the other half trained on; the generator may have seen both halves.
    rng : numpy.random.Generator
        Draws customers, examples and the models' randomness.

    Returns
    -------
    Score
        ``breakdown`` maps each of :data:`TITLES` to a :class:`Task`; ``score`` is the lowest of theirs, and
        ``reference`` what training on the real table reaches, 100 by definition.
        A task that cannot be learned (its answer is the same for everyone, or nothing helps to foresee it
        beyond two standard errors of the measure between samples of customers) has no score, and says why.
    """
    notes = []
    held = holdout is not None
    if holdout is None:
        notes.append(
            "Without a holdout, half of the real customers are tested on; the generator may have seen them."
        )
        if real.n_customers < 2 * _LEAST_CUSTOMERS:
            return Score(score=None, notes=(f"Not measured: there are {real.n_customers} real customers.",))
        order = rng.permutation(real.n_customers)
        real, holdout = (real.select(half) for half in np.array_split(order, 2))
    smallest = min(table.n_customers for table in (real, synthetic, holdout))
    if smallest < _LEAST_CUSTOMERS:
        return Score(score=None, notes=(f"Not measured: a table has {smallest} customers, of 4 needed.",))
    tables = [_cut(table, rng) for table in (synthetic, real, holdout)]
    parts = {name: _run(plan, tables, rng) for name, plan in _PLANS.items()}
    scores = [part.score for part in parts.values() if part.score is not None]
    score = min(scores, default=None)
    if not scores:
        notes.append("Not measured: no task can be learned from these tables; each says why.")
    return Score(
        score=score,
        grade=grade_of(score),
        reference=100.0 if scores and held else None,
        breakdown=parts,
        concerns=tuple(_concerns(parts)),
        notes=tuple(notes),
    )


def share_of_skill(synthetic: float, real: float, naive: float) -> float:
    """Return which share, 0 to 1, of what training on real data adds is there after training on synthetic.

    Examples
    --------
    >>> share_of_skill(synthetic=0.6, real=0.7, naive=0.5)
    0.5
    """
    return float(np.clip(round((synthetic - naive) / (real - naive), 12), 0.0, 1.0))


def _cut(table: Table, rng: np.random.Generator) -> Table:
    size = int(_MOST_ROWS * table.n_customers / max(len(table), 1))
    return sample_customers(table, max(size, _LEAST_CUSTOMERS), rng)


def _run(plan: _Plan, tables: Sequence[Table], rng: np.random.Generator) -> Task:
    synthetic, real, test = plan.examples(tables)
    reason = _unfit(plan, real, test)
    if reason is not None:
        return Task(score=None, metric=plan.metric, notes=(f"Not measured: {reason}.",))
    test = test.sample(_MOST_EXAMPLES, rng)
    enough = len(synthetic) >= _LEAST_EXAMPLES and not (
        plan.two_answers and len(np.unique(synthetic.label)) < 2
    )
    size = min(len(real), len(synthetic) if enough else len(real), _MOST_EXAMPLES)
    naive = plan.naive(real, test)
    train = real.sample(size, rng)
    guess = plan.learn(train, test, rng)
    by_real = plan.measure(guess, test)
    notes = []
    if not enough:
        by_synthetic = naive
        notes.append("The synthetic table has no examples to learn it from.")
    else:
        by_synthetic = plan.measure(plan.learn(synthetic.sample(size, rng), test, rng), test)
    score = None
    by_chance = _ERRORS * _standard_error(plan, guess, test)
    if by_real - naive < max(_LEAST_SKILL, by_chance):
        notes.append(
            "No score: training on real data does no better than a guess without a model"
            + (f", beyond the {by_chance:.2f} that chance explains." if by_chance > _LEAST_SKILL else ".")
        )
    else:
        score = 100.0 * share_of_skill(by_synthetic, by_real, naive)
    return Task(
        score=score,
        grade=grade_of(score),
        reference=None if score is None else 100.0,
        notes=tuple(notes),
        metric=plan.metric,
        synthetic=by_synthetic,
        real=by_real,
        naive=naive,
        examples=size,
        tested=len(test),
    )


def _standard_error(plan: _Plan, guess: NDArray[Any], test: Examples) -> float:
    """Return how far the measure strays with the customers it happens to be tested on (bootstrap)."""
    order = np.argsort(test.customer, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(test.customer[order])) + 1)
    rng = np.random.default_rng(_RESAMPLES)
    found = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate([groups[number] for number in rng.integers(0, len(groups), len(groups))])
        again = test.take(rows)
        if len(np.unique(again.label)) > 1:
            found.append(plan.measure(guess[rows], again))
    return float(np.std(found)) if found else float("inf")


def _unfit(plan: _Plan, real: Examples, test: Examples) -> str | None:
    for name, examples in (("real", real), ("holdout", test)):
        if len(examples) < _LEAST_EXAMPLES:
            return f"the {name} table gives {len(examples)} examples, of {_LEAST_EXAMPLES} needed"
        counts = np.unique(examples.label, return_counts=True)[1]
        if len(counts) < 2:
            return f"the answer is the same in all examples of the {name} table"
        if plan.two_answers and counts.min() < _LEAST_EACH:
            return f"one answer occurs {counts.min()} times in the {name} table, of {_LEAST_EACH} needed"
    return None


def _learn_categories(train: Examples, test: Examples, rng: np.random.Generator) -> NDArray[Any]:
    """Return the logarithm of the chance that the model gives to the right answer."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        n_estimators=60,
        min_samples_leaf=10,
        max_features="sqrt",
        random_state=int(rng.integers(2**31)),
        n_jobs=1,
    )
    known = _known(train)
    model.fit(train.features[:, known], train.label)
    chances = np.zeros((len(test), int(max(train.label.max(), test.label.max())) + 1))
    chances[:, model.classes_] = model.predict_proba(test.features[:, known])
    return _log_chance(chances, test)


def _log_chance(chances: Floats, test: Examples) -> Floats:
    """Return the logarithm of the chance of the right answer; no answer is held for impossible."""
    right = np.take_along_axis(chances, test.label.astype(np.int64)[:, None], axis=1)[:, 0]
    logs: Floats = np.log((1.0 - _UNHEARD) * right + _UNHEARD / chances.shape[1])
    return logs


def _learn_numbers(train: Examples, test: Examples, rng: np.random.Generator) -> NDArray[Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return _boosted(HistGradientBoostingRegressor, "predict", train, test, rng, loss="absolute_error")


def _learn_odds(train: Examples, test: Examples, rng: np.random.Generator) -> NDArray[Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return _boosted(HistGradientBoostingClassifier, "decision_function", train, test, rng, loss="log_loss")


def _boosted(
    kind: Any, answer: str, train: Examples, test: Examples, rng: np.random.Generator, *, loss: str
) -> NDArray[Any]:
    from threadpoolctl import threadpool_limits

    known = _known(train)
    with threadpool_limits(limits=1, user_api="openmp"):  # small fits: threads cost more than they save
        model = kind(
            loss=loss,
            learning_rate=0.06,
            max_iter=100,
            max_leaf_nodes=8,
            min_samples_leaf=15,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=int(rng.integers(2**31)),
        ).fit(train.features[:, known], train.label)
        guesses: NDArray[Any] = getattr(model, answer)(test.features[:, known])
    return guesses


def _known(train: Examples) -> NDArray[np.bool_]:
    """Return the features that have at least one value to learn from."""
    return np.asarray(~np.isnan(train.features).all(axis=0), dtype=np.bool_)


def _surprise_saved(logs: NDArray[Any], test: Examples) -> float:
    """Return 1 less the surprise, as a share of that of the best constant on the test examples."""
    counts = np.bincount(test.label.astype(np.int64))
    constant = _log_chance(np.tile(counts / counts.sum(), (len(test), 1)), test)
    return 1.0 - float(np.mean(logs) / np.mean(constant))


def _commonest(train: Examples, test: Examples) -> float:
    size = int(max(train.label.max(), test.label.max())) + 1
    counts = np.bincount(train.label.astype(np.int64), minlength=size)
    return _surprise_saved(_log_chance(np.tile(counts / counts.sum(), (len(test), 1)), test), test)


def _error_saved(guess: NDArray[Any], test: Examples) -> float:
    """Return 1 less the absolute error, as a share of that of the best constant on the test examples."""
    label = test.label.astype(np.float64)
    constant = float(np.abs(label - np.median(label)).sum())
    if constant == 0:
        return 0.0
    return 1.0 - float(np.abs(guess - label).sum()) / constant


def _median(train: Examples, test: Examples) -> float:
    return _error_saved(np.full(len(test), np.median(train.label.astype(np.float64))), test)


def _ranked(guess: NDArray[Any], test: Examples) -> float:
    yes = test.label.astype(np.bool_)
    return area(guess[yes], guess[~yes])


_PLANS: Mapping[str, _Plan] = {
    "next_category": _Plan(
        "surprise saved against the best constant",
        next_category,
        _learn_categories,
        _surprise_saved,
        _commonest,
    ),
    "next_net_flow": _Plan(
        "absolute error saved against the best constant", next_net_flow, _learn_numbers, _error_saved, _median
    ),
    "overdraft": _Plan(
        "area under the ROC curve", overdraft, _learn_odds, _ranked, lambda train, test: 0.5, two_answers=True
    ),
}


def _concerns(parts: Mapping[str, Task]) -> list[Concern]:
    return [
        Concern(
            f"{TITLES[name]}: a model trained on the synthetic table reaches {part.synthetic:.2f} "
            f"({part.metric}) on real customers, one trained on real data {part.real:.2f}."
        )
        for name, part in parts.items()
        if part.score is not None and part.score < 100 * _FAR
    ]
