"""The plots of the report as SVG: real as an area or bar, synthetic as a line or mark, holdout dashed.

Every mark that has something to say carries it as its title; the page's script shows it to a pointer and to
the arrow keys, and without the script browsers do.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from gretel_fin_synth.evaluation.report._svg import clipped, element, figure, number, step_path, text, ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markupsafe import Markup

    Shares = Mapping[str, Sequence[float]]
    Attributes = dict[str, str | float]

__all__ = ["chart", "density", "heat", "interval", "life", "scale"]

_WIDTH, _HEIGHT = 420.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 8.0, 8.0, 24.0
_UNKNOWN = "\N{EN DASH}"
_ROW, _TALL_ROW = 22.0, 32.0
_NAME, _LONG_NAME = 128.0, 22


def chart(data: Mapping[str, Any]) -> Markup:
    """Draw one chart: a histogram, columns, horizontal bars of shares, or of levels."""
    return _lying(data) if data["kind"] in {"bars", "levels"} else _upright(data)


def _upright(data: Mapping[str, Any]) -> Markup:
    shares: Shares = data["shares"]
    top = max((value for values in shares.values() for value in values), default=0.0) or 1.0
    size = len(shares["real"])
    xs = [_LEFT + (_WIDTH - _LEFT - _RIGHT) * place / size for place in range(size + 1)]
    names = _bin_names(data)
    parts = [*_share_axis(top), *_bottom_axis(data, xs)]
    if data["kind"] == "histogram":
        parts += _staircases(data, xs, top)
    else:
        parts += _marks(data, xs, top)
    parts += [
        element(
            "rect",
            {"x": left, "y": _TOP, "width": right - left, "height": _HEIGHT - _TOP - _BOTTOM, "class": "hit"},
            tooltip=_tooltip(names[place], {name: values[place] for name, values in shares.items()}),
        )
        for place, (left, right) in enumerate(pairwise(xs))
    ]
    return figure(_WIDTH, _HEIGHT, _label(data), parts)


def _label(data: Mapping[str, Any]) -> str:
    return f"{data['title']}: {', '.join(data['shares'])}; arrow keys read the values"


def _class(data: Mapping[str, Any], name: str) -> str:
    """Return the class of a table's marks: its own name, or in a comparison the one that it was given."""
    given: str = data.get("classes", {}).get(name, name)
    return given


def _others(shares: Shares) -> list[str]:
    """Return the tables in the order in which they are drawn: real, the holdout, synthetic ones on top."""
    return sorted(shares, key=lambda name: (name != "real", name != "holdout"))


def _staircases(data: Mapping[str, Any], xs: Sequence[float], top: float) -> list[Markup]:
    base, shares = _HEIGHT - _BOTTOM, data["shares"]
    parts = []
    for name in _others(shares):
        ys = [_height(value, top) for value in shares[name]]
        path = step_path(xs, ys, base if name == "real" else None)
        parts.append(
            element(
                "path", {"d": path, "class": "area real" if name == "real" else f"line {_class(data, name)}"}
            )
        )
    return parts


def _marks(data: Mapping[str, Any], xs: Sequence[float], top: float) -> list[Markup]:
    """Draw the real table as columns, the others as a level across each."""
    base, width, shares = _HEIGHT - _BOTTOM, xs[1] - xs[0], data["shares"]
    gap = min(3.0, width * 0.15)
    parts = []
    for name in _others(shares):
        for place, value in enumerate(shares[name]):
            left, y = xs[place] + gap, _height(value, top)
            if name == "real":
                box = {"x": left, "y": y, "width": width - 2 * gap, "height": base - y}
                parts.append(element("rect", {**box, "class": "area real"}))
            else:
                path = f"M{number(left)} {number(y)}H{number(left + width - 2 * gap)}"
                parts.append(element("path", {"d": path, "class": f"line {_class(data, name)}"}))
    return parts


def _lying(data: Mapping[str, Any]) -> Markup:
    """Draw the real table as horizontal bars, the others as marks across; long names stand above."""
    shares: Shares = data["shares"]
    known = [value for values in shares.values() for value in values if value is not None]
    low, top = min([0.0, *known]), max([0.0, *known])
    top = top if top > low else low + 1.0
    above = max((len(label) for label in data["labels"]), default=0) > _LONG_NAME
    row, left = (_TALL_ROW, 6.0) if above else (_ROW, _NAME)
    height = _TOP + row * len(data["labels"]) + _BOTTOM
    wide = _WIDTH - left - _RIGHT - 6
    write = _writer(data.get("unit", "percent"))

    def x_of(value: float) -> float:
        return left + wide * (value - low) / (top - low)

    parts: list[Markup] = []
    for mark in ticks(low, top):
        path = f"M{number(x_of(mark))} {_TOP}V{number(height - _BOTTOM)}"
        parts.append(element("path", {"d": path, "class": "grid" if mark else "axis"}))
        parts.append(_placed(x_of(mark), height - 8, write(mark)))
    for place, label in enumerate(data["labels"]):
        y = _TOP + row * place
        values = {name: shares[name][place] for name in _others(shares)}
        if above:
            parts.append(text(left, y + 12, clipped(label, 62)))
        else:
            parts.append(text(left - 6, y + 14, clipped(label, 20), anchor="end"))
        parts += _row_marks(data, values, x_of, y + (15 if above else 3), row - (19 if above else 6))
        box: Attributes = {"x": 0.0, "y": y, "width": _WIDTH, "height": row, "class": "hit"}
        parts.append(element("rect", box, tooltip=_tooltip(label, values, write)))
    return figure(_WIDTH, height, _label(data), parts)


def _row_marks(
    data: Mapping[str, Any],
    values: Mapping[str, float | None],
    x_of: Callable[[float], float],
    y: float,
    height: float,
) -> list[Markup]:
    parts = []
    for name, value in values.items():
        if value is None:
            continue
        if name == "real":
            first, last = sorted((x_of(0.0), x_of(value)))
            box: Attributes = {"x": first, "y": y, "width": last - first, "height": height}
            parts.append(element("rect", {**box, "class": "area real"}))
        else:
            path = f"M{number(x_of(value))} {number(y - 1)}V{number(y + height + 1)}"
            parts.append(element("path", {"d": path, "class": f"line {_class(data, name)}"}))
    return parts


def _writer(unit: str) -> Callable[[float], str]:
    """Return how values of a unit are written."""
    writers: dict[str, Callable[[float], str]] = {"percent": _percent, "money": _amount, "number": _decimal}
    return writers[unit]


def _decimal(value: float) -> str:
    return f"{value:.2f}"


def heat(title: str, columns: Sequence[str], matrix: Sequence[Sequence[float]]) -> Markup:
    """Draw a square matrix of numbers from -1 to 1."""
    size = len(columns)
    left, top, cell = 112.0, 8.0, min(46.0, 240.0 / size)
    parts = []
    for row, name in enumerate(columns):
        parts.append(text(left - 6, top + cell * (row + 0.5) + 4, clipped(_bare(name), 16), anchor="end"))
        for column, other in enumerate(columns):
            value = matrix[row][column]
            x, y = left + cell * column, top + cell * row
            sign = "plus" if value >= 0 else "minus"
            box: Attributes = {
                "x": x,
                "y": y,
                "width": cell - 1,
                "height": cell - 1,
                "class": sign,
            }
            box["fill-opacity"] = 0.06 + 0.94 * min(1.0, abs(value))
            shown = f"{value:.2f}".replace("-0.00", "0.00")
            parts.append(element("rect", box, tooltip=f"{name} → {other}: {shown}"))
            if cell > 24:
                shade = "cell strong" if abs(value) > 0.7 else "cell"
                parts.append(text(x + cell / 2, y + cell / 2 + 4, shown, anchor="middle", name=shade))
    bottom = top + cell * size + 12
    for column, name in enumerate(columns):
        x = left + cell * (column + 0.5)
        turned: Attributes = {"x": x, "y": bottom, "class": "label", "text-anchor": "end"}
        turned["transform"] = f"rotate(-38 {number(x)} {number(bottom)})"
        parts.append(element("text", turned, clipped(_bare(name), 16)))
    return figure(left + cell * size + 10, bottom + 50, title, parts)


def density(title: str, shares: Sequence[Sequence[float]], top: float, name: str) -> Markup:
    """Draw a grid of shares; ``shares[column][row]``, the first row at the bottom."""
    size = len(shares)
    cell = 240.0 / size
    parts = [element("rect", {"x": 0.0, "y": 0.0, "width": 240.0, "height": 240.0, "class": "frame"})]
    for column, values in enumerate(shares):
        for row, value in enumerate(values):
            if value <= 0:
                continue
            box: Attributes = {"x": cell * column, "y": 240.0 - cell * (row + 1)}
            box |= {"width": cell + 0.2, "height": cell + 0.2, "class": f"dot {name}"}
            box["fill-opacity"] = 0.08 + 0.92 * math.sqrt(value / top)
            parts.append(element("rect", box))
    return figure(240.0, 240.0, title, parts)


def life(data: Mapping[str, Any]) -> Markup:
    """Draw the balance of one synthetic customer over time."""
    width, height, left, top, bottom = 300.0, 130.0, 46.0, 8.0, 22.0
    dates, days, balances = data["dates"], data["days"], data["balances"]
    low, high = min(0.0, *balances), max(0.0, *balances)
    high = high if high > low else low + 1.0
    span = max(1, days[-1] - days[0])

    def y_of(value: float) -> float:
        share: float = (value - low) / (high - low)
        return top + (height - top - bottom) * (1.0 - share)

    xs = [left + (width - left - 8) * (day - days[0]) / span for day in days]
    parts = []
    for mark in ticks(low, high, 3):
        name = "axis" if mark == 0 else "grid"
        parts.append(element("path", {"d": f"M{left} {number(y_of(mark))}H{width - 8}", "class": name}))
        parts.append(text(left - 5, y_of(mark) + 4, _amount(mark), anchor="end"))
    path = step_path([*xs, width - 8], [y_of(value) for value in balances])
    parts.append(element("path", {"d": path, "class": "line synthetic"}))
    parts += [text(left, height - 6, dates[0]), text(width - 8, height - 6, dates[-1], anchor="end")]
    label = f"Balance of synthetic customer {data['customer']}, {dates[0]} to {dates[-1]}"
    return figure(width, height, label, parts)


def scale(value: float | None, reference: float | None, floor: float | None, label: str) -> Markup:
    """Draw a value on a line from 0 to 100, with marks for the floor and the holdout."""
    width, height, pad, middle = 220.0, 22.0, 7.0, 11.0

    def x_of(score: float) -> float:
        return pad + (width - 2 * pad) * min(100.0, max(0.0, score)) / 100.0

    parts = [element("path", {"d": f"M{pad} {middle}H{width - pad}", "class": "track"})]
    said = [label]
    if floor is not None:
        parts.append(element("path", {"d": f"M{number(x_of(floor))} 5V17", "class": "mark floor"}))
        said.append(f"floor {floor:.1f}")
    if reference is not None:
        parts.append(element("path", {"d": f"M{number(x_of(reference))} 2V20", "class": "mark holdout"}))
        said.append(f"holdout {reference:.1f}")
    if value is not None:
        parts.append(element("circle", {"cx": x_of(value), "cy": middle, "r": 5.5, "class": "dot synthetic"}))
        said.insert(1, f"synthetic {value:.1f}")
    tip = ", ".join(said)
    box: Attributes = {"x": 0.0, "y": 0.0, "width": width, "height": height, "class": "hit"}
    return figure(width, height, tip, [*parts, element("rect", box, tooltip=tip)])


def interval(
    value: float | None, low: float | None, high: float | None, reference: float | None, label: str
) -> Markup:
    """Draw a share from 0 to 1 with its interval, and a mark for what chance or the holdout gives."""
    width, height, pad, middle = 220.0, 22.0, 7.0, 11.0

    def x_of(share: float) -> float:
        return pad + (width - 2 * pad) * min(1.0, max(0.0, share))

    parts = [element("path", {"d": f"M{pad} {middle}H{width - pad}", "class": "track"})]
    if low is not None and high is not None:
        path = f"M{number(x_of(low))} {middle}H{number(max(x_of(high), x_of(low) + 1))}"
        parts.append(element("path", {"d": path, "class": "span synthetic"}))
    if reference is not None:
        parts.append(element("path", {"d": f"M{number(x_of(reference))} 2V20", "class": "mark holdout"}))
    if value is not None:
        parts.append(element("circle", {"cx": x_of(value), "cy": middle, "r": 4.5, "class": "dot synthetic"}))
    box: Attributes = {"x": 0.0, "y": 0.0, "width": width, "height": height, "class": "hit"}
    return figure(width, height, label, [*parts, element("rect", box, tooltip=label)])


def _share_axis(top: float) -> list[Markup]:
    parts = []
    for mark in ticks(0.0, top, 3):
        y = _height(mark, top)
        path = f"M{_LEFT} {number(y)}H{_WIDTH - _RIGHT}"
        parts.append(element("path", {"d": path, "class": "grid" if mark else "axis"}))
        parts.append(text(_LEFT - 5, y + 4, _percent(mark), anchor="end"))
    return parts


def _bottom_axis(data: Mapping[str, Any], xs: Sequence[float]) -> list[Markup]:
    y = _HEIGHT - 8
    if data["kind"] == "histogram":
        return [_placed(x, y, label) for x, label in _number_ticks(data, xs)]
    labels = data["labels"]
    every = max(1, math.ceil(len(labels) / (5 if max(map(len, labels)) > 5 else 16)))
    return [
        text((xs[place] + xs[place + 1]) / 2, y, labels[place], anchor="middle")
        for place in range(0, len(labels), every)
    ]


def _number_ticks(data: Mapping[str, Any], xs: Sequence[float]) -> list[tuple[float, str]]:
    """Return where round numbers lie under a histogram, on its own scale."""
    edges = data["edges"]
    if data["scale"] == "log":
        powers = range(math.ceil(math.log10(edges[0])), math.floor(math.log10(edges[-1])) + 1)
        marks, (low, high) = [10.0**power for power in powers], (math.log(edges[0]), math.log(edges[-1]))
        shares = [(math.log(mark) - low) / (high - low) for mark in marks]
    else:
        marks = ticks(edges[0], edges[-1])
        middle = 0.5 if data["whole"] and edges[1] - edges[0] == 1 else 0.0
        marks = [mark for mark in marks if mark + middle <= edges[-1]]
        shares = [(mark + middle - edges[0]) / (edges[-1] - edges[0]) for mark in marks]
    width = xs[-1] - xs[0]
    return [(xs[0] + width * share, _amount(mark)) for mark, share in zip(marks, shares, strict=True)]


def _placed(x: float, y: float, label: str) -> Markup:
    anchor = "start" if x < _LEFT + 8 else "end" if x > _WIDTH - 24 else "middle"
    return text(x, y, label, anchor=anchor)


def _bin_names(data: Mapping[str, Any]) -> list[str]:
    if data["kind"] != "histogram":
        return list(data["labels"])
    edges = data["edges"]
    if data["whole"]:
        pairs = [(low, high - 1) for low, high in pairwise(edges)]
        names = [_amount(low) if low == high else f"{_amount(low)} to {_amount(high)}" for low, high in pairs]
    else:
        names = [f"{_amount(low)} to {_amount(high)}" for low, high in pairwise(edges)]
    if data["cumulative"]:
        return [f"up to {_amount(high)}" for high in edges[1:]]
    if len(names) > 1:
        names[0], names[-1] = f"{names[0]} or less", f"{names[-1]} or more"
    return names


def _tooltip(
    name: str, values: Mapping[str, float | None], write: Callable[[float], str] | None = None
) -> str:
    shown = write or (lambda value: _percent(value, 1))
    parts = [f"{table} {_UNKNOWN if value is None else shown(value)}" for table, value in values.items()]
    return f"{name}: {', '.join(parts)}"


def _height(value: float, top: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - value / top)


def _percent(share: float, decimals: int | None = None) -> str:
    value = share * 100
    if decimals is None:
        decimals = 0 if value == 0 or (value >= 1 and abs(value - round(value)) < 1e-6) else 1
    return f"{value:.{decimals}f}%"


def _amount(value: float) -> str:
    """Write a number shortly: 1200 as 1.2k."""
    size = abs(value)
    for limit, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if size >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}" if size < 100 else f"{value:.0f}"


def _bare(name: str) -> str:
    """Drop the prefix that all columns of a transaction table have."""
    return name.removeprefix("transaction_").removeprefix("account_")
