"""The report in a real browser: no errors, plots drawn, tabs, tooltips, keys, phone, dark, paper."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from evaluation_frames import crowd

import gretel_fin_synth as fs

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

CHROME = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROME is None or DRIVER is None,
    reason="no browser: install chromium and chromium-driver (apt-get install chromium chromium-driver)",
)
EVIL = "<script>alert(1)</script>"
LISTENS = """
    window.caught = [];
    addEventListener('error', event => caught.push(event.message));
    addEventListener('securitypolicyviolation', event => caught.push(event.violatedDirective));
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report with hostile names, and a comparison, as files."""
    folder = tmp_path_factory.mktemp("pages")
    real, synthetic, holdout = crowd(60, 0), crowd(60, 1, prefix="S"), crowd(60, 2, prefix="H")
    for table in (real, synthetic, holdout):
        table["transaction_category"] = table["transaction_category"].replace("groceries", EVIL)
        table["channel"] = np.where(np.arange(len(table)) % 3, "branch", EVIL)
    found = {
        EVIL: fs.evaluate(real, synthetic, holdout=holdout, measures=MEASURES),
        "copy": fs.evaluate(real, real, holdout=holdout, measures=MEASURES),
    }
    found[EVIL].to_html(folder / "report.html")
    fs.compare_evaluations(found).to_html(folder / "comparison.html")
    return folder


MEASURES = ("integrity", "replay", "fidelity", "sqs", "attacks")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROME
    profile = tmp_path_factory.mktemp("profile")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER, log_output=os.devnull))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTENS})
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, pages):
    def at(page="report.html", *, width=1280, scheme="light"):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"media": "", "features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )
        browser.get((pages / page).as_uri())
        return browser

    return at


def run(driver, script, *arguments):
    return driver.execute_script(script, *arguments)


@pytest.mark.parametrize("page", ["report.html", "comparison.html"])
def test_it_opens_without_an_error_and_draws_every_plot(opened, page):
    driver = opened(page)
    assert driver.get_log("browser") == []
    assert run(driver, "return window.caught") == []
    plots = run(
        driver,
        """return [...document.querySelectorAll('svg')].map(plot => {
            plot.closest('.away')?.classList.remove('away');
            const box = plot.getBoundingClientRect();
            return [box.width, box.height, plot.querySelectorAll('path,rect,circle').length];
        })""",
    )
    assert len(plots) > 20
    assert all(width > 50 and height > 15 and marks > 0 for width, height, marks in plots)


@pytest.mark.parametrize("page", ["report.html", "comparison.html"])
def test_a_name_that_is_a_script_is_shown_and_not_run(opened, pages, page):
    driver = opened(page)
    assert EVIL in run(driver, "return document.body.innerText")
    assert run(driver, "return document.scripts.length") == 1
    assert run(driver, "return document.querySelectorAll('main script').length") == 0
    added = "const s = document.createElement('script'); s.textContent = 'window.ran = true';"
    run(driver, f"{added} document.body.append(s)")
    assert run(driver, "return window.ran") is None  # the policy lets no other script run
    assert any("script-src" in each for each in run(driver, "return window.caught"))
    assert (pages / page).stat().st_size < 3_000_000


def test_tabs_show_one_panel_and_obey_the_arrow_keys(opened):
    from selenium.webdriver.common.keys import Keys

    driver = opened()
    panels = "[...document.querySelectorAll('#fidelity [role=tabpanel]')]"
    shown = f"return {panels}.filter(panel => panel.offsetHeight).length"
    tabs = driver.find_elements("css selector", "#fidelity [role=tab]")
    assert [tab.find_element("css selector", "span").text for tab in tabs] == [
        "Amounts",
        "Calendar",
        "Categories and sequences",
        "Customers",
        "Balance",
        "Dynamics",
    ]
    assert run(driver, shown) == 1
    run(driver, "arguments[0].click()", tabs[3])
    assert run(driver, shown) == 1
    assert driver.find_element("id", "fidelity-customers").is_displayed()
    run(driver, "arguments[0].focus()", tabs[3])
    tabs[3].send_keys(Keys.ARROW_RIGHT)
    assert driver.find_element("id", "fidelity-balance").is_displayed()
    assert tabs[4] == driver.switch_to.active_element
    tabs[4].send_keys(Keys.HOME)
    assert driver.find_element("id", "fidelity-amounts").is_displayed()
    assert [tab.get_attribute("aria-selected") for tab in tabs] == ["true"] + ["false"] * 5


def test_a_pointer_and_the_arrow_keys_read_the_values(opened):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    driver = opened()
    plot = driver.find_element("css selector", "#fidelity-amounts figure:nth-of-type(2) svg:last-of-type")
    run(driver, "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", plot)
    tooltip = driver.find_element("css selector", ".tooltip")
    places = itertools.cycle((0, 3))

    def points(_):
        """Move the pointer, again and again: a busy browser misses one move, or draws a little later."""
        ActionChains(driver).move_to_element_with_offset(plot, next(places), 0).perform()
        return tooltip.is_displayed()

    WebDriverWait(driver, 20).until(points)
    assert "real" in tooltip.text
    assert "synthetic" in tooltip.text
    assert "holdout" in tooltip.text
    run(driver, "arguments[0].focus({focusVisible: true})", plot)
    plot.send_keys(Keys.HOME)
    first = tooltip.text
    plot.send_keys(Keys.ARROW_RIGHT)
    assert tooltip.text != first
    plot.send_keys(Keys.ESCAPE)
    assert not tooltip.is_displayed()


def test_the_keyboard_reaches_the_verdict_first_and_every_tab_list(opened):
    from selenium.webdriver.common.keys import Keys

    driver = opened()
    driver.find_element("tag name", "body").send_keys(Keys.TAB)
    assert driver.switch_to.active_element.get_attribute("href").endswith("#verdict")
    stops = run(
        driver,
        "return [...document.querySelectorAll('[role=tablist]')]"
        ".map(list => list.querySelectorAll('[tabindex=\"0\"]').length)",
    )
    assert stops
    assert set(stops) == {1}


@pytest.mark.parametrize("page", ["report.html", "comparison.html"])
def test_a_phone_scrolls_in_one_direction(opened, page):
    driver = opened(page, width=360)
    assert run(driver, "return document.documentElement.scrollWidth") <= 360
    size = run(driver, "return parseFloat(getComputedStyle(document.body).fontSize)")
    assert size >= 15


def test_text_is_readable_in_light_and_dark(opened):
    for scheme in ("light", "dark"):
        driver = opened(scheme=scheme)
        pairs = run(
            driver,
            """const style = getComputedStyle(document.documentElement);
            const value = name => style.getPropertyValue(name).trim();
            return [['--ink', '--paper'], ['--soft', '--paper'], ['--soft', '--ground'],
                    ['--good', '--good-ground'], ['--warn', '--warn-ground'], ['--bad', '--bad-ground']]
                .map(pair => pair.map(value))""",
        )
        assert all(contrast(*pair) >= 4.5 for pair in pairs), (scheme, pairs)
        ground = run(driver, "return getComputedStyle(document.body).backgroundColor")
        assert (sum(json.loads(ground[3:].replace("(", "[").replace(")", "]"))) < 200) == (scheme == "dark")


def contrast(one, other):
    """Return the contrast of two colours as the Web Content Accessibility Guidelines define it."""
    lights = []
    for colour in (one, other):
        parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        lights.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(lights) / min(lights)


def test_paper_shows_all_panels_and_no_controls(opened):
    driver = opened(scheme="dark")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = (
        "return [...document.querySelectorAll('[role=tabpanel]')].filter(panel => !panel.offsetHeight).length"
    )
    assert run(driver, hidden) == 0
    assert not driver.find_element("tag name", "nav").is_displayed()
    assert not any(each.is_displayed() for each in driver.find_elements("css selector", ".tablist"))
    assert run(driver, "return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF")


def test_without_its_script_everything_is_there(opened):
    driver = opened()
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.refresh()
        panels = driver.find_elements("css selector", "#fidelity [data-tab]")
        assert len(panels) == 6
        assert all(panel.is_displayed() for panel in panels)
        assert driver.find_elements("css selector", "#fidelity svg title")
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_notebook_frame_works_and_reaches_nothing(browser, pages, tmp_path):
    real, synthetic = crowd(40, 0), crowd(40, 1, prefix="S")
    shown = fs.evaluate(real, synthetic, measures=["fidelity"])._repr_html_()
    Path(tmp_path / "notebook.html").write_text(f"<!doctype html><title>n</title>{shown}", encoding="utf-8")
    browser.get((tmp_path / "notebook.html").as_uri())
    browser.switch_to.frame(0)
    try:
        assert len(browser.find_elements("css selector", "#fidelity [role=tab]")) == 6
        assert (
            run(browser, "try { return parent.document.title } catch (e) { return 'kept out' }") == "kept out"
        )
    finally:
        browser.switch_to.default_content()
