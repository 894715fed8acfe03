"""Writing measured tables into the documentation, between markers, so that they can be renewed."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import gretel_fin_synth as fs
from gretel_fin_synth._atomic import new_file

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "benchmarks.md"
GUARANTEE = PAGE.with_name("privacy_guarantee.md")


def renew(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the markers of a name, which must be in the page.

    Raises
    ------
    SystemExit
        If there is no such pair of markers.
    """
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        msg = f"{page} has no pair of lines '{begin}' and '{end}'"
        raise SystemExit(msg)
    before, rest = text.split(begin)
    body = "\n".join([*lines, "", circumstances()])
    with new_file(page) as beside:
        beside.write_text(f"{before}{begin}\n\n{body}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


def circumstances() -> str:
    """Return in a line how, when and where the figures were measured."""
    program = f"benchmarks/{Path(sys.argv[0]).name}"
    threads = os.environ.get("OMP_NUM_THREADS")
    setting = [] if threads is None else [f"OMP_NUM_THREADS={threads}"]
    command = shlex.join([*setting, "python", program, *_telling(sys.argv[1:])])
    day = datetime.now(UTC).date().isoformat()
    load = f", load average {os.getloadavg()[1]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"*`{command}`, version {fs.__version__}, {day}, Python {platform.python_version()}, "
        f"{os.cpu_count()} processors{load}.*"
    )


def _telling(arguments: list[str]) -> list[str]:
    """Leave out what no figure depends on: the file that results are written to as well, and its path."""
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument not in ("--json", "--resume") and not argument.startswith("--json="):
            kept.append(argument)
        skip = argument == "--json"
    return kept
