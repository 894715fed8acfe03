"""What a notebook shows of a synthesizer: what it learned, its warnings, and nothing that runs."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from documentation import CUT_SHORT
from training_backends import BootstrapBackend

import gretel_fin_synth as fs
from gretel_fin_synth.training._words import kinds_in_words

if TYPE_CHECKING:
    import pandas as pd

HOSTILE = '<img src=x onerror="alert(1)">&'


class Collector(HTMLParser):
    """Collects tags and text; nothing in the text may have become a tag."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def collected(page: str) -> Collector:
    found = Collector()
    found.feed(page)
    found.close()
    return found


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    table = fs.make_transactions(12, start="2024-01-01", end="2024-02-29", seed=1)
    return table.assign(transaction_category=HOSTILE + table["transaction_category"])


def test_before_fit_it_says_what_to_do() -> None:
    synthesizer = fs.TransactionSynthesizer()
    assert not synthesizer.is_fitted
    assert "fit(frame)" in collected(synthesizer._repr_html_()).text


def test_the_embedded_backend_shows_days_categories_warnings_and_that_nothing_is_guaranteed(table) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    extra = table.assign(**{f"shop{HOSTILE}": "a"})
    columns = [fs.ExtraColumn(f"shop{HOSTILE}")]
    synthesizer = fs.TransactionSynthesizer(extra_columns=columns, **CUT_SHORT).fit(extra, seed=1)
    page = synthesizer._repr_html_()
    seen = collected(page)
    assert set(seen.tags) == {"p", "strong", "table", "tbody", "tr", "th", "td", "ul", "li"}
    assert f"12 customers, {len(table):,} transactions" in seen.text
    assert "2024-01-01 to 2024-02-29" in seen.text
    assert f"shop{HOSTILE} (category)" in seen.text
    assert f"category: {HOSTILE}" in seen.text or f"categories: {HOSTILE}" in seen.text
    assert "no formal guarantee" in seen.text
    assert all(warning in seen.text for warning in synthesizer.warnings_)
    assert len(page) < 5_000


def test_a_guarantee_is_stated() -> None:
    pytest.importorskip("opendp", reason="opendp is not installed")
    table = fs.make_transactions(60, start="2024-01-01", end="2024-02-29", seed=1)
    synthesizer = fs.TransactionSynthesizer(privacy=fs.DifferentialPrivacy(epsilon=50.0)).fit(table, seed=1)
    seen = collected(synthesizer._repr_html_())
    assert str(synthesizer.privacy_) in seen.text
    assert "no formal guarantee" not in seen.text
    assert "Days" in seen.text


def test_a_backend_of_others_needs_to_say_nothing_and_may_say_more(table, monkeypatch) -> None:
    fs.register_backend("shown", BootstrapBackend)
    synthesizer = fs.TransactionSynthesizer("shown").fit(table, seed=1)
    assert "12 customers" in collected(synthesizer._repr_html_()).text
    monkeypatch.setattr(synthesizer.backend_, "learned", {"Method": "<b>rows</b>"}, raising=False)
    seen = collected(synthesizer._repr_html_())
    assert "b" not in seen.tags
    assert "<b>rows</b>" in seen.text


def test_many_categories_are_counted_and_the_first_of_them_named() -> None:
    words = kinds_in_words([("debit", f"c{number:02}") for number in range(40)])
    assert words["Credits"] == "none"
    assert words["Debits"].startswith("40 categories: c00, c01")
    assert words["Debits"].endswith("and 28 more")
