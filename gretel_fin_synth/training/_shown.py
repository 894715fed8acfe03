"""How a synthesizer looks: one line at a prompt, a small table in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gretel_fin_synth.training.synthesizer import TransactionSynthesizer

__all__ = ["shown_as_html", "shown_as_text"]


def shown_as_text(synthesizer: TransactionSynthesizer) -> str:
    """Return the backend, what was fitted, and the guarantee if there is one."""
    fitted = synthesizer.is_fitted
    size = f", {_size(synthesizer)}" if fitted else ""
    wanted = "" if synthesizer.privacy is None else f", privacy={synthesizer.privacy!r}"
    said = f"\n{synthesizer.privacy_}" if fitted and synthesizer.privacy_ is not None else ""
    return f"TransactionSynthesizer(backend={synthesizer.backend!r}{wanted}{size}){said}"


def shown_as_html(synthesizer: TransactionSynthesizer) -> str:
    """Return what it learned, its warnings and the guarantee, as HTML without style or script of its own.

    Everything that comes from the data, names of columns and categories, is escaped.
    """
    if not synthesizer.is_fitted:
        head = f"<p><strong>TransactionSynthesizer</strong>, backend {escape(repr(synthesizer.backend))}: "
        return head + "not fitted yet; <code>fit(frame)</code> does it.</p>"
    facts = {"Backend": repr(synthesizer.backend), "Learned from": _size(synthesizer)}
    facts |= getattr(synthesizer.backend_, "learned", {})
    if synthesizer.extra_columns:
        facts["Extra columns"] = ", ".join(f"{own.name} ({own.kind})" for own in synthesizer.extra_columns)
    statement = synthesizer.privacy_
    facts["Privacy"] = (
        str(statement)
        if statement is not None
        else "no formal guarantee; TransactionSynthesizer(privacy=DifferentialPrivacy(...)) gives one"
    )
    return f"<p><strong>TransactionSynthesizer</strong></p>{_table(facts)}{_notes(synthesizer.warnings_)}"


def _size(synthesizer: TransactionSynthesizer) -> str:
    return f"{synthesizer.n_customers_:,} customers, {synthesizer.n_rows_:,} transactions"


def _table(facts: Mapping[str, str]) -> str:
    rows = (
        f'<tr><th style="text-align:left;vertical-align:top">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in facts.items()
    )
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _notes(warnings: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f"<p><strong>Warnings</strong></p><ul>{items}</ul>" if items else "<p>No warnings.</p>"
