"""A script as users write it, with types, that passes a strict type checker (``make types``) and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import Score, Table, register_measure

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd


def payday(real: Table, synthetic: Table, holdout: Table | None, rng: np.random.Generator) -> Score:
    """Measure something of one's own."""
    del rng
    share = float(synthetic.is_credit.mean())
    reference = None if holdout is None else 100.0 * float(len(real) > 0)
    return Score(score=100.0 * min(share, 1.0), reference=reference)


def minutes(column: pd.Series[str]) -> pd.Series[float]:
    """Read a column of one's own."""
    return column.map(float)


def text(column: pd.Series[float]) -> pd.Series[str]:
    """Write it again."""
    return column.map(str)


def main(folder: Path, measures: tuple[str, ...] = ("integrity", "replay", "own")) -> tuple[str, ...]:
    """Do the whole job."""
    real: pd.DataFrame = fs.make_transactions(24, start="2024-01-01", end="2024-02-29", seed=7)
    real = fs.validate_transactions(real)
    train, holdout = fs.split_customers(real, 0.5, seed=7)
    starts: pd.DataFrame = fs.starting_amounts(train)
    balanced = fs.reconstruct_balance(train, starting_amounts=starts)
    check: fs.BalanceCheck = fs.check_balance(balanced)
    assert check.ok, check.n_breaks
    fs.register_column_kind("own", base="number", read=minutes, write=text)
    extra = fs.ExtraColumn("merchant", kind="category")
    synthesizer = fs.TransactionSynthesizer(
        extra_columns=[extra], epochs=1, without=("matching", "settling", "calibration")
    )
    synthesizer.fit(train.assign(merchant="shop"), seed=7, progress=False)
    synthesizer.save(folder / "model")
    synthesizer = fs.TransactionSynthesizer.load(folder / "model")
    synthetic: pd.DataFrame = synthesizer.sample(n_customers=12, seed=7)
    notes: list[str] = synthesizer.warnings_
    statement: fs.PrivacyStatement | None = synthesizer.privacy_
    register_measure("own", payday, title="Own", question="Is anything credited?")
    evaluation: fs.Evaluation = fs.evaluate(train, synthetic, holdout=holdout, measures=measures)
    evaluation.to_html(folder / "report.html")
    score = evaluation["own"].score
    audiences: tuple[str, ...] = evaluation.verdict.audiences
    try:
        fs.validate_transactions(real.drop(columns="customer_id"))
    except fs.SchemaViolation as error:
        cases: pd.DataFrame = error.failure_cases
        print(len(cases), notes, statement, score)
    return audiences
