"""From the data of an evaluation to HTML. Everything that comes from data is escaped by the templates."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

from gretel_fin_synth.evaluation import attacks, discriminator, fidelity, integrity, replay, utility
from gretel_fin_synth.evaluation.registry import PLANNED
from gretel_fin_synth.evaluation.report import _charts
from gretel_fin_synth.evaluation.results import AUDIENCES, worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["framed", "notebook_html", "render", "render_template", "words"]

_PARTS = {
    "field_distribution": "Field distribution stability",
    "field_correlation": "Field correlation stability",
    "deep_structure": "Deep structure stability",
}
_TITLES: Mapping[str, str] = {
    **fidelity.TITLES,
    **integrity.TITLES,
    **attacks.TITLES,
    **discriminator.TITLES,
    **utility.TITLES,
    **replay.TITLES,
    **_PARTS,
}
_OWN_SECTION = frozenset({"sqs", "fidelity", "integrity", "replay"})
_NAV = {
    "fidelity": "Fidelity",
    "sqs": "SQS",
    "dps": "DPS",
    "discriminator": "Classifier",
}
_LEGENDS = {
    "attacks": (
        "The dot and its bar are what an attacker gains and its interval (of membership the area under "
        "the curve); the mark is chance."
    ),
    "discriminator": "The dot and its bar are the area and its interval, the mark is the holdout's.",
}
_SHORT = {"dps": "Data Privacy Score (DPS)", "attacks": "Attacks", "utility": "Utility"}
_MOST_GAPS = 6
_FRAME_HEIGHT = 820
_NONE = "\N{EN DASH}"


def render(evaluation: Mapping[str, Any]) -> str:
    """Return the report as one HTML page that needs no network.

    Parameters
    ----------
    evaluation : mapping
        What :meth:`Evaluation.to_dict` returned, or the JSON that it wrote, read back.
    """
    results = evaluation["results"]
    return render_template(
        "report.html.j2",
        evaluation=evaluation,
        untested={name: _SHORT[name] for name in PLANNED if name not in results},
        others={name: result for name, result in results.items() if name not in _OWN_SECTION},
        gaps=_gaps(results),
        panels=_panels(evaluation["pictures"]["components"]),
        difference=_difference(evaluation["pictures"]["correlation"]),
        legends=_LEGENDS,
        against={name: _against(name, evaluation["verdict"]["findings"]) for name in results},
    )


def render_template(name: str, **values: Any) -> str:
    """Return a page made by one of the templates."""
    page: str = _environment().get_template(name).render(**values)
    return page


def notebook_html(evaluation: Mapping[str, Any]) -> str:
    """Return the report for a notebook, see :func:`framed`."""
    return framed(render(evaluation))


def framed(page: str) -> str:
    """Return a page in a frame of its own, so that no style leaks in or out.

    The frame has no origin: what runs in it, which is the page's own script alone, reaches nothing outside.
    """
    return str(
        Markup(
            '<iframe title="Evaluation of a synthetic table" sandbox="allow-scripts" srcdoc="{page}" '
            'style="width:100%;height:{height}px;border:0"></iframe>'
        ).format(page=escape(str(page)), height=_FRAME_HEIGHT)
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gretel_fin_synth.evaluation.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": _score,
        "whole": lambda value: f"{value:.0f}",
        "percent": _percent,
        "count": lambda value: f"{value:,}",
        "words": words,
        "rows": _flat,
    }
    script = Markup(_script(environment))
    environment.globals |= {
        "audiences": AUDIENCES,
        "script": script,
        "script_hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "short": lambda name, title: _NAV.get(name, title),
        "interval": _charts.interval,
        "chart": _charts.chart,
        "heat": _charts.heat,
        "density": _charts.density,
        "life": _charts.life,
        "scale": _charts.scale,
    }
    return environment


def _script(environment: jinja2.Environment) -> str:
    """Return the page's own script, the only one that its security policy lets run, known by its hash."""
    loader = environment.loader
    assert loader is not None
    return loader.get_source(environment, "report.js")[0]


def _gaps(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the members of fidelity that lie furthest below the holdout, or without one the lowest."""
    if "fidelity" not in results:
        return []
    members = [
        {"group": words(group), "name": words(name), **member}
        for group, part in results["fidelity"]["breakdown"].items()
        for name, member in part["breakdown"].items()
        if member["score"] is not None
    ]
    for member in members:
        reference = 100.0 if member["reference"] is None else member["reference"]
        member["gap"] = reference - member["score"]
    members.sort(key=lambda member: -member["gap"])
    return [member for member in members[:_MOST_GAPS] if member["gap"] >= 1.0]


def _against(measure: str, findings: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the narrowest audience that a measure speaks against."""
    return worst(finding["forbids"] for finding in findings if finding["measure"] == measure)


def _panels(components: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the grids of density and the largest share in any of them."""
    if components is None:
        return None
    shares = components["shares"]
    top = max((value for grid in shares.values() for row in grid for value in row), default=0.0)
    return {"shares": shares, "top": top or 1.0}


def _difference(correlation: Mapping[str, Any] | None) -> list[list[float]] | None:
    """Return synthetic minus real associations."""
    if correlation is None:
        return None
    pairs = zip(correlation["matrices"]["synthetic"], correlation["matrices"]["real"], strict=True)
    return [[left - right for left, right in zip(*rows, strict=True)] for rows in pairs]


def _flat(breakdown: Mapping[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the parts of any measure as lines of a table: name, depth, value, reference, interval, plot."""
    for name, part in breakdown.items():
        line = {"name": words(name), "depth": depth, "value": "", "reference": "", "interval": ""}
        line |= {"plot": None, "bad": False, "heading": False}
        if not isinstance(part, dict):
            yield {**line, "value": _plain_value(part)}
            continue
        found = _finding(part)
        if found is not None:
            yield line | found
            continue
        if "share" in part:
            line |= _share(part)
        elif "score" in part:
            line |= {"value": _score(part["score"]), "reference": _score(part.get("reference"))}
        else:
            line["heading"] = True
        yield line
        if line["heading"]:
            yield from _flat(part, depth + 1)
        elif isinstance(part.get("breakdown"), dict):
            yield from _flat(part["breakdown"], depth + 1)


def _share(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a count or a rate."""
    cells: dict[str, Any] = {"value": _percent(part["share"]), "reference": _percent(part.get("reference"))}
    if part.get("low") is not None:
        cells["interval"] = f"{_percent(part['low'])} to {_percent(part['high'])}"
    if "count" in part and "low" not in part:
        cells["value"] = f"{part['count']:,} of {part['of']:,}"
        cells["bad"] = bool(part["count"]) and (part["share"] or 0.0) > (part.get("reference") or 0.0)
    return cells


def _finding(part: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the cells of an attack, a classifier or a task in words; None for anything else."""
    if part.get("ranking") is not None:
        return _ranked(part["ranking"], part["holdout_ranking"], hits=False)
    if "auc" in part:
        return _ranked(part, None, hits=True)
    if "risk" in part:
        return _risk(part)
    if "metric" in part:
        if part["synthetic"] is None:
            return {"value": " ".join(part["notes"])}
        value = f"{part['synthetic']:.2f} ({part['metric']})"
        plot = (part["synthetic"], None, None, part["real"])
        return {"value": value, "reference": f"{part['real']:.2f} trained on real", "plot": plot}
    return None


def _ranked(part: Mapping[str, Any], reference: Mapping[str, Any] | None, *, hits: bool) -> dict[str, Any]:
    found = f", finds {_percent(part['tpr'])} at 1% false alarms" if hits else ""
    beside = 0.5 if reference is None else reference["auc"]
    expected = "0.50 is chance" if hits else _NONE if reference is None else f"area {beside:.2f}"
    return {
        "value": f"area {part['auc']:.2f}{found}",
        "interval": f"{part['low']:.2f} to {part['high']:.2f}",
        "reference": expected,
        "plot": (part["auc"], part["low"], part["high"], beside),
        "bad": hits and part["low"] > 0.5,
    }


def _risk(part: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "value": f"hits {_percent(part['attack']['rate'])}",
        "interval": "ignored: hits the control too",
        "reference": f"hits {_percent(part['control']['rate'])}",
    }
    if part["risk"] is None:
        return cells
    return cells | {
        "value": f"{cells['value']}, risk {_percent(part['risk'])}",
        "interval": f"risk {_percent(part['low'])} to {_percent(part['high'])}",
        "plot": (part["risk"], part["low"], part["high"], None),
        "bad": part["low"] > 0,
    }


def _plain_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return ", ".join(map(_plain_value, value))
    return _NONE if value is None else str(value)


def _score(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1f}"


def _percent(share: float | None) -> str:
    if share is None:
        return _NONE
    return "0%" if share == 0 else f"{share * 100:.1f}%" if share >= 0.0005 else "<0.1%"


def words(name: str) -> str:
    """Return a name that measures use in words."""
    return _TITLES.get(name) or name.replace("_", " ").capitalize()
