"""Make the pictures of the README and the gallery: ``python docs/pictures.py``, two minutes or so.

Needs ``.[local,notebooks,test]``, and chromium with chromedriver for the pictures of the report. All that is
seen in them comes from the built-in stand-in; no real person's data are used.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import gretel_fin_synth as fs

if TYPE_CHECKING:
    import pandas as pd

STATIC = Path(__file__).parent / "_static"
SEED = 7
COLOURS = {"training": "#0b6e99", "synthetic": "#d9730d", "holdout": "#6b6b6b"}


def browser(*, dark: bool, width: int, height: int) -> Any:
    """Start a headless browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={width},{height}")
    service = Service(shutil.which("chromedriver"), log_output=os.devnull)
    driver = webdriver.Chrome(options=options, service=service)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    return driver


def shoot(
    page: Path, name: str, *, dark: bool = False, width: int = 1100, height: int = 820, at: str | None = None
) -> None:
    """Take a picture of a page, from the element `at` on, and write it with few colours."""
    driver = browser(dark=dark, width=width, height=height)
    try:
        driver.get(page.as_uri())
        if at is not None:
            driver.execute_script(
                "document.querySelector(arguments[0]).scrollIntoView({behavior: 'instant'})", at
            )
        picture = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    finally:
        driver.quit()
    picture.quantize(256, kmeans=1, dither=Image.Dither.NONE).save(STATIC / name, optimize=True)


def save(figure: Any, name: str) -> None:
    """Write a figure as a small picture."""
    figure.savefig(STATIC / name, dpi=100, metadata={"Software": None})
    plt.close(figure)
    picture = Image.open(STATIC / name).convert("RGB")
    picture.quantize(64, dither=Image.Dither.NONE).save(STATIC / name, optimize=True)


def lives(tables: dict[str, pd.DataFrame]) -> Any:
    """Draw balances of three customers of the holdout and three synthetic ones."""
    figure, axes = plt.subplots(2, 3, figsize=(9, 4.2), sharex=True, layout="constrained")
    for row, name in zip(axes, ("holdout", "synthetic"), strict=True):
        busy = tables[name].groupby("customer_id").filter(lambda rows: len(rows) > 60)
        for axis, (customer, rows) in zip(row, busy.groupby("customer_id"), strict=False):
            axis.step(rows["transaction_date"], rows["account_balance"], where="post", color=COLOURS[name])
            axis.axhline(0, color="0.8", zorder=0)
            axis.set_title(f"{name}: {customer}", fontsize=10)
            axis.xaxis.set_major_formatter(mpl.dates.DateFormatter("%b"))
    figure.supylabel("account balance")
    return figure


def calendar(tables: dict[str, pd.DataFrame]) -> Any:
    """Draw shares of rows by day of the month and by weekday."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 3.2), layout="constrained", width_ratios=[2, 1], sharey=False
    )
    for place, (name, table) in enumerate(tables.items()):
        dates = table["transaction_date"].dt
        left.plot(dates.day.value_counts(normalize=True).sort_index(), color=COLOURS[name], label=name)
        week = dates.day_of_week.value_counts(normalize=True).sort_index()
        right.bar(week.index + 0.27 * (place - 1), week, 0.26, color=COLOURS[name])
    left.set(title="Share of rows by day of the month", xlabel="day")
    left.legend()
    right.set(title="By weekday", xticks=range(7), xticklabels=["M", "T", "W", "T", "F", "S", "S"])
    return figure


def amounts(tables: dict[str, pd.DataFrame]) -> Any:
    """Draw amounts by category."""
    largest = tables["training"]["transaction_category"].value_counts().index[:8]
    figure, axes = plt.subplots(2, 4, figsize=(9, 4.2), layout="constrained")
    for axis, category in zip(axes.flat, largest, strict=True):
        for name, table in tables.items():
            values = table.loc[table["transaction_category"] == category, "transaction_amount"]
            axis.plot(np.sort(values), np.linspace(0, 1, len(values)), color=COLOURS[name], label=name)
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
        axis.set_title(category, fontsize=10)
    axes.flat[0].legend(fontsize=7)
    figure.supylabel("share of amounts up to")
    return figure


def conditions(synthesizer: fs.TransactionSynthesizer) -> Any:
    """Draw what is drawn as learned, and under conditions."""
    window = {"start": "2025-01-01", "end": "2025-12-31"}
    drawn = {
        "as learned": synthesizer.sample(60, seed=SEED),
        "next year": synthesizer.sample(60, seed=SEED, **window),
        "next year, more cash": synthesizer.sample(
            60, seed=SEED, **window, where={"transaction_category": {"cash withdrawal": 0.15}}
        ),
    }
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for (name, table), colour in zip(drawn.items(), ("#6b6b6b", "#0b6e99", "#d9730d"), strict=True):
        rows = table.groupby(table["transaction_date"].dt.to_period("M").dt.to_timestamp()).size()
        axes[0].plot(rows.index, rows, color=colour, label=name, marker="o", markersize=3)
        share = table["transaction_category"].eq("cash withdrawal").mean()
        axes[1].barh(name, share, color=colour)
    axes[0].set(title="Rows by month", ylim=(0, None))
    axes[0].xaxis.set_major_formatter(mpl.dates.ConciseDateFormatter(axes[0].xaxis.get_major_locator()))
    axes[0].legend(fontsize=8)
    axes[1].set(title="Share of rows that are cash withdrawals")
    axes[1].invert_yaxis()
    return figure


def main() -> None:
    """Make all pictures."""
    mpl.use("Agg")
    STATIC.mkdir(exist_ok=True)
    real = fs.make_transactions(240, start="2024-01-01", end="2024-06-30", seed=SEED)
    train, holdout = fs.split_customers(real, 0.5, seed=SEED)
    synthesizer = fs.TransactionSynthesizer().fit(train, seed=SEED)
    synthetic = synthesizer.sample(train["customer_id"].nunique(), seed=SEED)
    tables = {"training": train, "synthetic": synthetic, "holdout": holdout}
    for draw in (lives, calendar, amounts):
        save(draw(tables), f"gallery-{draw.__name__}.png")
    save(conditions(synthesizer), "gallery-conditions.png")
    evaluation = fs.evaluate(train, synthetic, holdout=holdout)
    rng = np.random.default_rng(SEED)
    shuffled = train.apply(lambda column: rng.permutation(column.to_numpy()))
    shuffled["customer_id"] = "S" + shuffled["customer_id"]
    others = {"synthetic": evaluation, "columns shuffled": fs.evaluate(train, shuffled, holdout=holdout)}
    with tempfile.TemporaryDirectory() as folder:
        page, beside = Path(folder) / "report.html", Path(folder) / "comparison.html"
        evaluation.to_html(page)
        fs.compare_evaluations(others).to_html(beside)
        if keep := os.environ.get("KEEP_PAGES"):
            shutil.copytree(folder, keep, dirs_exist_ok=True)
        shoot(page, "report.png", height=1380)
        shoot(page, "report-dark.png", dark=True, height=1380)
        shoot(page, "report-phone.png", width=390, height=844)
        shoot(page, "report-fidelity.png", at="#fidelity")
        shoot(page, "report-attacks.png", at="#attacks")
        shoot(beside, "comparison.png")


if __name__ == "__main__":
    main()
