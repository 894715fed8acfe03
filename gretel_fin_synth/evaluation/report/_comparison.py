"""From the data of a comparison to HTML: scores side by side, plots on top of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gretel_fin_synth.evaluation.report._render import render_template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["render_comparison"]


def render_comparison(comparison: Mapping[str, Any]) -> str:
    """Return the comparison as one HTML page that needs no network.

    Parameters
    ----------
    comparison : mapping
        What :meth:`Comparison.to_dict` returned, or the JSON that it wrote, read back.
    """
    names = comparison["names"]
    found = comparison["evaluations"]
    first = found[names[0]]
    classes = {name: f"s{place}" for place, name in enumerate(names)}
    return render_template(
        "comparison.html.j2",
        comparison=comparison,
        names=names,
        found=found,
        tables=first["tables"],
        classes=classes,
        titles={key: value["title"] for one in found.values() for key, value in one["measures"].items()},
        rows=_rows(comparison),
        groups=_groups(found, names, [name for name in names if comparison["audiences"][name]]),
        charts=_charts(found, names, classes),
    )


def _rows(comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each measure's scores, and which of them is the best."""
    usable = [name for name, who in comparison["audiences"].items() if who]
    return [
        {"measure": measure, "scores": scores, "best": _best(scores, usable)}
        for measure, scores in comparison["scores"].items()
    ]


def _best(scores: Mapping[str, float | None], usable: Sequence[str]) -> str | None:
    """Return the table that scores highest among those that somebody may have; None if they do not differ."""
    known = {name: score for name in usable if (score := scores[name]) is not None}
    if len(set(known.values())) < 2:
        return None
    return max(known, key=lambda name: known[name])


def _groups(found: Mapping[str, Any], names: list[str], usable: Sequence[str]) -> list[dict[str, Any]]:
    """Return the members of fidelity by group, with a value for each table, the holdout and the floor."""
    parts = {name: found[name]["results"].get("fidelity") for name in names}
    measured = {name: part["breakdown"] for name, part in parts.items() if part is not None}
    if not measured:
        return []
    shape = next(iter(measured.values()))
    return [
        {
            "name": group,
            "lines": [
                {"name": member, **_line(measured, names, usable, group, member)}
                for member in shape[group]["breakdown"]
            ],
        }
        for group in shape
    ]


def _line(
    measured: Mapping[str, Any], names: list[str], usable: Sequence[str], group: str, member: str
) -> dict[str, Any]:
    values = {name: part[group]["breakdown"][member] for name, part in measured.items()}
    reference = next((value["reference"] for value in values.values()), None)
    scores = {name: values[name]["score"] if name in values else None for name in names}
    return {
        "scores": scores,
        "reference": reference,
        "floor": next((value["floor"] for value in values.values()), None),
        "best": _best(scores, usable),
    }


def _charts(
    found: Mapping[str, Any], names: list[str], classes: Mapping[str, str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Lay the charts of all tables on top of each other, where they have the same bins or labels."""
    shape = found[names[0]]["pictures"]["members"]
    charts: dict[str, dict[str, dict[str, Any]]] = {}
    for group, members in shape.items():
        charts[group] = {}
        for member, chart in members.items():
            others = {name: found[name]["pictures"]["members"].get(group, {}).get(member) for name in names}
            charts[group][member] = _together(chart, others, classes)
    return charts


def _together(
    chart: Mapping[str, Any], others: Mapping[str, Any], classes: Mapping[str, str]
) -> dict[str, Any]:
    shares = {name: chart["shares"][name] for name in ("real", "holdout") if name in chart["shares"]}
    labels = chart.get("labels")
    for name, other in others.items():
        if other is None:
            continue
        values = other["shares"]["synthetic"]
        if labels is not None:
            places = {label: place for place, label in enumerate(other["labels"])}
            values = [values[places[label]] if label in places else 0.0 for label in labels]
        elif other["edges"] != chart["edges"]:
            continue
        shares[_shown(name)] = values
    return {**chart, "shares": shares, "classes": {_shown(name): of for name, of in classes.items()}}


def _shown(name: str) -> str:
    """Keep a table that is called real or holdout apart from the real one and the holdout."""
    return f"{name} (synthetic)" if name in {"real", "holdout"} else name
