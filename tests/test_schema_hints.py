"""A hint is code for the cells at hand: what it says, typed in, puts them right and loses no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import gretel_fin_synth as fs
from gretel_fin_synth.schema._guess import date_format, number_hint

if TYPE_CHECKING:
    from pathlib import Path

REAL = fs.make_transactions(6, start="2024-01-01", end="2024-03-31", seed=3)


def obeyed(frame: pd.DataFrame, *, most: int = 6) -> pd.DataFrame:
    """Do what the hints say until the table is valid, as someone would who only reads messages."""
    for _ in range(most):
        try:
            return fs.validate_transactions(frame)
        except fs.SchemaViolation as error:
            names = {"frame": frame, "pandas": pd, "numpy": np}
            for line in str(error).splitlines():
                if line.startswith("Hint: "):
                    exec(line.removeprefix("Hint: "), names)
            frame = names["frame"]
    return fs.validate_transactions(frame)


def _german(amount: float) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


@pytest.mark.parametrize("dates", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%d-%m-%Y %H:%M", "%m/%d/%Y %H:%M:%S"])
@pytest.mark.parametrize("money", ["{:,.2f}", "german", "{:.2f}"])
def test_an_export_with_other_names_dates_numbers_and_words_is_mended_by_its_hints(
    dates: str, money: str
) -> None:
    def written(amount: float) -> str:
        return _german(amount) if money == "german" else money.format(amount)

    export = pd.DataFrame(
        {
            "Account": REAL["customer_id"],
            "Booking Date": REAL["transaction_date"].dt.strftime(dates),
            "Amount": REAL["transaction_amount"].map(written),
            "Type": REAL["transaction_type"].map({"credit": " CR", "debit": "Dr."}),
            "Category": REAL["transaction_category"],
            "Balance": REAL["account_balance"].map(written),
        }
    )
    mended = obeyed(export.copy())
    pd.testing.assert_frame_equal(
        mended.astype({"transaction_date": REAL["transaction_date"].dtype}), REAL, check_dtype=False
    )
    assert fs.check_balance(mended)


MONEY = {
    "numbers": lambda amount: amount,
    "commas": lambda amount: f"{amount:,.2f}",
    "german": _german,
    "dollars": lambda amount: f"{'-' * (amount < 0)}${abs(amount):,.2f}",
    "euros": lambda amount: f"{_german(amount)}\N{NO-BREAK SPACE}EUR",
    "swiss": lambda amount: f"CHF {amount:,.2f}".replace(",", "'"),
    "plain euros": lambda amount: f"{amount:.2f} €",
}


@pytest.mark.parametrize("money", MONEY.values(), ids=MONEY)
def test_an_export_with_signed_amounts_and_no_types_is_mended_by_its_hints(money) -> None:
    signs = REAL["transaction_type"].map({"credit": 1, "debit": -1})
    export = pd.DataFrame(
        {
            "Client No": REAL["customer_id"],
            "Posting date": REAL["transaction_date"].dt.strftime("%d.%m.%Y"),
            "Amount EUR": (REAL["transaction_amount"] * signs).map(money),
            "Category": REAL["transaction_category"],
            "Balance after": REAL["account_balance"].map(money),
        }
    )
    nothing = export.iloc[[3]].assign(**{"Amount EUR": money(0.0)})
    export = pd.concat([export.iloc[:4], nothing, export.iloc[4:]], ignore_index=True)
    mended = obeyed(export, most=8)[list(REAL.columns)].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        mended.astype({"transaction_date": REAL["transaction_date"].dtype}), REAL, check_dtype=False
    )


def test_names_of_other_languages_and_blank_categories_are_mended_by_hints() -> None:
    export = pd.DataFrame(
        {
            "Kontonummer": REAL["customer_id"],
            "Buchungstag": REAL["transaction_date"].dt.strftime("%d.%m.%Y"),
            "Betrag": REAL["transaction_amount"].map(_german),
            "Soll/Haben": REAL["transaction_type"].map({"credit": "Haben", "debit": "Soll"}),
            "Catégorie": REAL["transaction_category"].mask(REAL.index == 2, " ").mask(REAL.index == 4, None),
            "Saldo": REAL["account_balance"].map(_german),
        }
    )
    mended = obeyed(export)
    assert len(mended) == len(REAL)
    assert mended["transaction_category"].iloc[[2, 4]].tolist() == ["unknown", "unknown"]
    assert mended["account_balance"].tolist() == REAL["account_balance"].tolist()


def test_a_file_is_mended_by_nothing_but_what_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    signs = REAL["transaction_type"].map({"credit": 1, "debit": -1})
    export = pd.DataFrame(
        {
            "IBAN": "DE00 " + REAL["customer_id"],
            "Buchungstag": REAL["transaction_date"].dt.strftime("%d.%m.%Y"),
            "Betrag": (REAL["transaction_amount"] * signs).map(_german),
            "Währung": "EUR",
            "Kategorie": REAL["transaction_category"].mask(REAL.index == 2, ""),
            "Saldo": REAL["account_balance"].map(_german),
        }
    )
    export.to_csv("export.csv", sep=";", index=False, encoding="cp1252")
    current, said = "export.csv", ""
    for _ in range(8):
        try:
            summary = fs.validate_files(current, progress=False)
            break
        except fs.FinSynthError as error:
            said = "\n".join([str(error), *getattr(error, "__notes__", [])])
        hints = [line[6:] for line in said.splitlines() if line.startswith("Hint: ")]
        around = [line[2:] for line in said.splitlines() if line.startswith("  frame")]
        exec("\n".join([*around[:1], *hints, *around[1:]]), {"pandas": pd})
        current = "new.csv"
    assert (summary.n_rows, summary.n_customers) == (len(REAL), 6)
    mended = pd.read_csv("new.csv")
    assert mended["account_balance"].tolist() == REAL["account_balance"].tolist()
    assert mended["Währung"].eq("EUR").all()


def test_names_that_nobody_can_guess_have_their_place_in_the_hint() -> None:
    export = REAL.rename(columns={"transaction_date": "x1", "transaction_category": "x2"})
    with pytest.raises(fs.SchemaViolation) as caught:
        fs.validate_transactions(export)
    hint = (
        "frame.rename(columns={'your dates': 'transaction_date', 'your categories': 'transaction_category'})"
    )
    assert hint in str(caught.value)
    assert str(caught.value).count("The table has") == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["31.12.2024"], "%d.%m.%Y"),
        (["12/31/2024", "01/02/2024"], "%m/%d/%Y"),
        (["01/02/2024"], "%d/%m/%Y"),
        (["1-2-24"], "%d-%m-%y"),
        (["31.12.2024 23:59:59"], "%d.%m.%Y %H:%M:%S"),
        (["31.31.2024"], None),
        (["45.01.2024"], None),
        (["31.12.2024", "12/31/2024"], None),
        (["31.12.2024", "31.12.24"], None),
        (["yesterday"], None),
        (["31.12.2024", "yesterday"], None),
        ([1, None], None),
        ([], None),
    ],
)
def test_formats_of_dates(values: list[object], expected: str | None) -> None:
    assert date_format(values) == expected


@pytest.mark.parametrize(
    ("values", "number"),
    [
        (["1,234.50"], 1234.5),
        (["-1,234,567"], -1234567),
        (["1.234,50"], 1234.5),
        (["74,0", "1.234,5"], 74.0),
        (["12,50"], 12.5),
    ],
)
def test_separators_of_numbers(values: list[str], number: float) -> None:
    frame = pd.DataFrame({"x": values})
    hint = number_hint("x", values)
    assert hint is not None
    exec(hint, {"frame": frame, "pandas": pd})
    assert frame["x"].iloc[0] == number


def test_numbers_without_separators_need_no_hint() -> None:
    assert number_hint("x", ["12.50", "n/a", 3, None]) is None
    assert number_hint("x", ["$12.50", "1.1O"]) is None
