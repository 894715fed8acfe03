"""From the data of an evaluation to HTML. Everything that comes from data is escaped by the templates."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

from gretel_fin_synth.evaluation import attacks, discriminator, fidelity, integrity, replay, utility
from gretel_fin_synth.evaluation.registry import PLANNED
from gretel_fin_synth.evaluation.report import _charts
from gretel_fin_synth.evaluation.results import AUDIENCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["notebook_html", "render"]

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
    page: str = (
        _environment()
        .get_template("report.html.j2")
        .render(
            evaluation=evaluation,
            audiences=AUDIENCES,
            untested={name: _SHORT[name] for name in PLANNED if name not in results},
            others={name: result for name, result in results.items() if name not in _OWN_SECTION},
            gaps=_gaps(results),
            panels=_panels(evaluation["pictures"]["components"]),
            difference=_difference(evaluation["pictures"]["correlation"]),
        )
    )
    return page


def notebook_html(evaluation: Mapping[str, Any]) -> str:
    """Return the report for a notebook: a frame of its own, so that no style leaks in or out."""
    return str(
        Markup(
            '<iframe title="Evaluation of a synthetic table" sandbox srcdoc="{page}" '
            'style="width:100%;height:{height}px;border:0"></iframe>'
        ).format(page=escape(str(render(evaluation))), height=_FRAME_HEIGHT)
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
        "percent": _percent,
        "count": lambda value: f"{value:,}",
        "words": _words,
        "rows": _flat,
    }
    environment.globals |= {
        "chart": _charts.chart,
        "heat": _charts.heat,
        "density": _charts.density,
        "life": _charts.life,
        "scale": _charts.scale,
    }
    return environment


def _gaps(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the members of fidelity that lie furthest below the holdout, or without one the lowest."""
    if "fidelity" not in results:
        return []
    members = [
        {"group": _words(group), "name": _words(name), **member}
        for group, part in results["fidelity"]["breakdown"].items()
        for name, member in part["breakdown"].items()
        if member["score"] is not None
    ]
    for member in members:
        reference = 100.0 if member["reference"] is None else member["reference"]
        member["gap"] = reference - member["score"]
    members.sort(key=lambda member: -member["gap"])
    return [member for member in members[:_MOST_GAPS] if member["gap"] >= 1.0]


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
    """Yield the parts of any measure as lines of a table: name, depth, value, reference, interval."""
    for name, part in breakdown.items():
        line = {"name": _words(name), "depth": depth, "value": "", "reference": "", "interval": ""}
        if not isinstance(part, dict):
            yield {**line, "value": _plain_value(part)}
            continue
        found = _finding(part)
        if found is not None:
            yield line | found
            continue
        if "share" in part:
            line |= {"value": _percent(part["share"]), "reference": _percent(part.get("reference"))}
            if part.get("low") is not None:
                line["interval"] = f"{_percent(part['low'])} to {_percent(part['high'])}"
        elif "score" in part:
            line |= {"value": _score(part["score"]), "reference": _score(part.get("reference"))}
        yield line
        if "share" not in part and "score" not in part:
            yield from _flat(part, depth + 1)
        elif isinstance(part.get("breakdown"), dict):
            yield from _flat(part["breakdown"], depth + 1)


def _finding(part: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the cells of an attack, a classifier or a task in words; None for anything else."""
    if part.get("ranking") is not None:
        reference = part["holdout_ranking"]
        cells = _finding({"auc": part["ranking"]["auc"], **part["ranking"], "tpr": None})
        beside = {"reference": _NONE if reference is None else f"area {reference['auc']:.2f}"}
        return None if cells is None else cells | beside
    if "auc" in part:
        hits = "" if part["tpr"] is None else f", finds {_percent(part['tpr'])} at 1% false alarms"
        interval = f"{part['low']:.2f} to {part['high']:.2f}"
        return {"value": f"area {part['auc']:.2f}{hits}", "interval": interval, "reference": "area 0.50"}
    if "risk" in part:
        cells = {
            "value": f"hits {_percent(part['attack']['rate'])}",
            "interval": "ignored: hits the control too",
        }
        if part["risk"] is not None:
            cells["value"] += f", risk {_percent(part['risk'])}"
            cells["interval"] = f"risk {_percent(part['low'])} to {_percent(part['high'])}"
        return cells | {"reference": f"hits {_percent(part['control']['rate'])}"}
    if "metric" in part:
        if part["synthetic"] is None:
            return {"value": " ".join(part["notes"])}
        value = f"{part['synthetic']:.2f} ({part['metric']})"
        return {"value": value, "reference": f"{part['real']:.2f} trained on real"}
    return None


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


def _words(name: str) -> str:
    return _TITLES.get(name) or name.replace("_", " ").capitalize()
