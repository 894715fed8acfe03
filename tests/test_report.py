from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from evaluation_frames import crowd

import gretel_fin_synth as fs
from gretel_fin_synth.evaluation import Score, register_measure, unregister_measure
from gretel_fin_synth.evaluation.report import notebook_html, render
from gretel_fin_synth.evaluation.report._svg import clipped, element, number, step_path, ticks

EVIL = "<script>alert(1)</script>"
VOID = {"meta", "link", "br", "hr", "img", "input"}
BUILT_IN = ("integrity", "replay", "fidelity", "sqs")


class Page(HTMLParser):
    """Collects tags, ids, links and text; fails on tags that do not match."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.ids, self.links, self.open, self.text, self.scripts = [], [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        values = dict(attrs)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open[-1:] == ["script"] else self.text).append(data)

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def trio():
    return crowd(60, 0), crowd(60, 1, prefix="S"), crowd(60, 2, prefix="H")


@pytest.fixture(scope="module")
def html(trio):
    return fs.evaluate(trio[0], trio[1], holdout=trio[2], measures=BUILT_IN).to_html()


def test_sections_in_order(html):
    assert [attrs["id"] for attrs in Page(html).named("section")] == [
        "verdict",
        "scores",
        "look",
        "integrity",
        "replay",
        "fidelity",
        "sqs",
        "plots",
    ]


def only_script(page):
    """Return the text of the page's own script, of which there is one, without attributes."""
    assert page.named("script") == [{}]
    return page.scripts[0]


def test_nothing_is_loaded_and_no_script_but_its_own_can_run(html):
    page = Page(html)
    script = only_script(page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert all(link.startswith("#") for link in page.links)
    assert all(link[1:] in page.ids for link in page.links)
    assert "http" not in re.sub(r'http-equiv="[^"]*"', "", html)
    assert "url(" not in html
    assert "@import" not in html
    policy = next(attrs["content"] for attrs in page.named("meta") if "http-equiv" in attrs)
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert "innerHTML" not in script
    assert "eval" not in script
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]


def test_it_is_small(html):
    assert len(html.encode()) < 1_000_000


def test_it_can_be_read_without_seeing(html):
    page = Page(html)
    assert page.named("html")[0]["lang"] == "en"
    assert all(attrs.get("aria-label") for attrs in page.named("svg"))
    assert len(page.named("h1")) == 1
    assert len(page.ids) == len(set(page.ids))
    assert all("scope" in attrs for attrs in page.named("th"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_it_adapts_to_dark_phone_and_paper(html):
    for query in ("prefers-color-scheme: dark", "max-width: 640px", "@media print"):
        assert query in html
    assert 'name="viewport"' in html


def test_every_plot_is_sound_svg(html):
    plots = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(plots) > 40
    for plot in plots:
        for mark in ElementTree.fromstring(plot).iter():
            numbers = [
                value for key, value in mark.attrib.items() if key in {"x", "y", "width", "height", "d"}
            ]
            assert not any("nan" in value or "inf" in value for value in numbers)
            assert not any(
                value.startswith("-") for key, value in mark.attrib.items() if key in {"width", "height"}
            )


def test_every_score_stands_beside_its_reference(html, trio):
    evaluation = fs.evaluate(trio[0], trio[1], holdout=trio[2], measures=BUILT_IN)
    text = " ".join(Page(html).text)
    for result in evaluation.results.values():
        assert f"Holdout {result.reference:.1f}" in text
    for title in ("Data Privacy Score (DPS)", "Attacks", "Utility"):
        assert title in text
    assert "Not tested" in text


def test_names_from_data_are_shown_not_run(trio):
    real, synthetic, holdout = (table.copy() for table in trio)
    for table in (real, synthetic, holdout):
        table["transaction_category"] = table["transaction_category"].replace("groceries", EVIL)
        table["customer_id"] = table["customer_id"] + '"><img src=x onerror=alert(1)>'
        table[EVIL] = np.where(np.arange(len(table)) % 2, EVIL, "fine")
    synthetic.loc[0, "transaction_category"] = EVIL + " unseen"
    evaluation = fs.evaluate(real, synthetic, holdout=holdout, measures=BUILT_IN)
    for html in (evaluation.to_html(), evaluation._repr_html_()):
        page = Page(html)
        assert page.named("script") in ([], [{}])
        assert not page.named("img")
        assert EVIL not in html
    page = Page(evaluation.to_html())
    assert any(EVIL in text for text in page.text)
    assert any(f"{EVIL} unseen" in text for text in page.text)


def test_a_measure_of_ones_own_is_shown_and_escaped(trio):
    def odd(real, synthetic, holdout, rng):
        parts = {"inner": Score(score=12.5, reference=50.0), EVIL: {"deep": [1.0, EVIL]}}
        return Score(score=None, breakdown=parts, notes=(EVIL,))

    register_measure("odd", odd, title=EVIL, question=EVIL)
    try:
        html = fs.evaluate(trio[0], trio[1], measures=["odd"]).to_html()
    finally:
        unregister_measure("odd")
    page = Page(html)
    assert EVIL not in html
    assert only_script(page)
    assert "12.5" in " ".join(page.text)


def test_the_page_can_be_made_from_the_json(trio, tmp_path, html):
    evaluation = fs.evaluate(trio[0], trio[1], holdout=trio[2], measures=BUILT_IN)
    evaluation.to_json(tmp_path / "report.json")
    assert render(json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))) == html


def test_writing_leaves_nothing_half_done(trio, tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("before", encoding="utf-8")
    evaluation = fs.evaluate(trio[0], trio[1], measures=["sqs"])
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        evaluation.to_html(target)
    assert target.read_text(encoding="utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    monkeypatch.undo()
    text = evaluation.to_html(target)
    assert target.read_text(encoding="utf-8") == text


def test_notebooks_get_a_frame_of_its_own(trio):
    evaluation = fs.evaluate(trio[0], trio[1], measures=["sqs"])
    shown = evaluation._repr_html_()
    page = Page(shown)
    assert [tag for tag, _ in page.tags] == ["iframe"]
    assert page.named("iframe")[0]["srcdoc"] == evaluation.to_html()
    assert page.named("iframe")[0]["sandbox"] == "allow-scripts"  # of no origin: it reaches nothing
    assert shown == notebook_html(evaluation.to_dict())


def test_pictures_of_real_tables_show_no_single_customer(trio):
    real = trio[0].copy()
    real.loc[0, "transaction_category"] = "a hospital"
    real.loc[0, "transaction_amount"] = 987_654.0
    evaluation = fs.evaluate(real, trio[1], measures=["sqs"])
    html = evaluation.to_html()
    assert "hospital" not in html
    assert not re.search("98[0-9]k|987", html)
    assert not any(customer in html for customer in real["customer_id"].unique())


def test_svg_helpers():
    assert (
        str(element("text", {"x": 1.0}, EVIL)) == '<text x="1">&lt;script&gt;alert(1)&lt;/script&gt;</text>'
    )
    assert number(-0.001) == "0"
    assert number(12.3456) == "12.35"
    assert number(100.0) == "100"
    assert step_path([0, 1, 2], [5, 6]) == "M0 5H1V6H2"
    assert step_path([0, 1], [5], base=9) == "M0 9V5H1V9Z"
    assert ticks(0, 1000) == [0, 250, 500, 750, 1000]
    assert ticks(5, 5) == [5]
    assert clipped("abcdef", 4) == "abc…"
