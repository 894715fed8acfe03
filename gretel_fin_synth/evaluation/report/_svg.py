"""Small helpers to write SVG: elements whose text and attributes are escaped, and scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["clipped", "element", "figure", "number", "step_path", "text", "ticks"]


def element(
    tag: str, attributes: Mapping[str, str | float], *children: Markup | str, tooltip: str = ""
) -> Markup:
    """Return one SVG element.

    Parameters
    ----------
    tag : str
        Name of the element.
    attributes : mapping of str to str or float
        Its attributes; numbers are written with two decimals at most.
    *children : Markup or str
        What is inside; plain text is escaped.
    tooltip : str
        What a pointer shows and a screen reader reads.

    Examples
    --------
    >>> str(element("rect", {"width": 2.0}, tooltip="a < b"))
    '<rect width="2"><title>a &lt; b</title></rect>'
    """
    inside = [element("title", {}, tooltip)] if tooltip else []
    pairs = "".join(f' {name}="{escape(number(value))}"' for name, value in attributes.items())
    body = Markup("").join([*inside, *(escape(child) for child in children)])
    return Markup("<{tag}{pairs}>{body}</{tag}>").format(tag=tag, pairs=Markup(pairs), body=body)


def number(value: str | float) -> str:
    """Write a coordinate shortly; text stays as it is."""
    if isinstance(value, str):
        return value
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def text(x: float, y: float, content: str, *, anchor: str = "start", name: str = "label") -> Markup:
    """Return a text element of one of the classes of the style sheet."""
    attributes: dict[str, str | float] = {"x": x, "y": y, "class": name}
    if anchor != "start":
        attributes["text-anchor"] = anchor
    return element("text", attributes, content)


def figure(width: float, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    """Wrap marks in an ``svg`` that scales with the page and has a name."""
    box = f"0 0 {number(width)} {number(height)}"
    return element("svg", {"viewBox": box, "role": "img", "aria-label": label}, *parts)


def step_path(xs: Sequence[float], ys: Sequence[float], base: float | None = None) -> str:
    """Return the path of a staircase: ``len(xs) == len(ys) + 1``; closed down to ``base`` if given."""
    moves = [f"M{number(xs[0])} {number(ys[0] if base is None else base)}"]
    if base is not None:
        moves.append(f"V{number(ys[0])}")
    for right, here, after in zip(xs[1:], ys, [*ys[1:], None], strict=True):
        moves.append(f"H{number(right)}")
        if after is not None and after != here:
            moves.append(f"V{number(after)}")
    if base is not None:
        moves.append(f"V{number(base)}Z")
    return "".join(moves)


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Return round numbers between two values.

    Examples
    --------
    >>> ticks(0, 0.23)
    [0.0, 0.1, 0.2]
    """
    if not high > low:
        return [low]
    raw = (high - low) / wanted
    power = 10.0 ** _floor_log10(raw)
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = -(-low // step)
    count = int((high - first * step) / step + 1e-9) + 1
    return [round((first + index) * step, 12) for index in range(count)]


def clipped(label: str, length: int) -> str:
    """Cut a label to a length, with an ellipsis where something went.

    Examples
    --------
    >>> clipped("outgoing transfer", 9)
    'outgoing…'
    """
    return label if len(label) <= length else label[: length - 1].rstrip() + "…"


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".split("e")[1])
