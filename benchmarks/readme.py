"""Bring the README's table of peers in line with the page of benchmarks: ``python benchmarks/readme.py``."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "explanation" / "benchmarks.md"
COLUMNS = ("Q", "customers", "balance", "dynamics", "integrity", "membership", "train CPU s", "rows/CPU s")
BEGIN, END = "<!-- begin readme peers -->", "<!-- end readme peers -->"


def between(text: str, begin: str, end: str) -> str:
    return text.split(begin)[1].split(end)[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def peers() -> str:
    """Return the README's columns of the table of peers, without the tables whose balances were rebuilt."""
    names, _, *table = rows(
        between(PAGE.read_text(encoding="utf-8"), "<!-- begin peers -->", "<!-- end peers -->")
    )
    at = [0, *(names.index(column) for column in COLUMNS)]
    kept = [[row[place] for place in at] for row in table if "rebuilt" not in row[0]]
    head = [["", *COLUMNS], ["---", *["---:"] * len(COLUMNS)]]
    return "\n".join(f"| {' | '.join(row)} |" for row in [*head, *kept])


def renewed(text: str) -> str:
    """Return the README with the table as it should be."""
    return text.replace(between(text, BEGIN, END), f"\n\n{peers()}\n\n")


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
