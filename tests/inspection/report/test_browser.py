"""The page in a real browser: it is whole, quiet, reachable, and answers as Python."""

import base64
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

webdriver = pytest.importorskip(
    "selenium.webdriver", reason="selenium is not installed"
)

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402


def _found(*names):
    return next((place for name in names if (place := shutil.which(name))), None)


CHROME = _found("chromium", "chromium-browser", "google-chrome")
# Where GitHub's machines have it.
DRIVER = _found("chromedriver", f"{os.environ.get('CHROMEWEBDRIVER', '')}/chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROME is None or DRIVER is None,
        reason="Chromium is not installed: apt-get install chromium chromium-driver",
    ),
]
PANELS = ["about", "quality", "columns", "wiring", "times", "examples", "live"]
WIDTHS, SCHEMES = (1280, 360), ("light", "dark")


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROME
    for argument in ("headless=new", "no-sandbox", "hide-scrollbars", "disable-gpu"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    # Rows that scroll into view while they are clicked at are missed.
    _media(driver, {"prefers-reduced-motion": "reduce"})
    yield driver
    driver.quit()


def _media(driver, features):
    named = [{"name": name, "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})


def _open(driver, path, width=1280, scheme="light"):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1}
    size["mobile"] = width < 500
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    _media(driver, {"prefers-reduced-motion": "reduce", "prefers-color-scheme": scheme})
    driver.get_log("browser")
    driver.get(Path(path).as_uri())


def _answers(driver):
    shown = driver.find_elements(By.CSS_SELECTOR, "#live-answer [data-value]")
    return [float(own.get_attribute("data-value")) for own in shown]


def _put(driver, name, value):
    """Type a number into a field, in place of what is there."""
    field = driver.find_element(By.ID, f"{name}-exact")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(repr(float(value)))


@pytest.mark.parametrize("kind", ["windows", "classes", "two layers", "ragged classes"])
def test__page__every_panel_is_drawn_without_a_word_in_the_console(
    kind, browser, pages
):
    _open(browser, pages(kind)[1])
    for name in PANELS:
        section = browser.find_element(By.ID, name)
        assert section.is_displayed()
        assert len(section.text) > 60
        assert section.size["height"] > 100
    for selector in (
        "#quality table",
        "#columns .strip rect",
        "#wiring svg.wiring .neuron circle",
        "#neuron-details svg .line",
        "#times .dot",
        "#examples .strip",
        "#live-trace svg .line",
        "#live .lamp.high, #live .lamp.low",
    ):
        assert browser.find_elements(By.CSS_SELECTOR, selector), selector
    assert browser.get_log("browser") == []
    loaded = "return performance.getEntriesByType('resource').length"
    assert browser.execute_script(loaded) == 0


@pytest.mark.parametrize(
    "kind",
    [
        "windows",
        "classes",
        "whole recordings",
        "missing values",
        "LTC",
        "two layers",
        "cube",
        "own scale",
        "patches",
        "per step",
        "two targets, quantiles",
    ],
)
def test__live__moved_inputs_and_gaps__are_answered_as_predict_does(
    kind, browser, pages
):
    own, path = pages(kind)
    _open(browser, path)
    random = np.random.default_rng(0)
    columns = browser.find_elements(By.CSS_SELECTOR, "[id^=live-column-][id$=-exact]")
    has_gap = bool(browser.find_elements(By.ID, "live-gap"))
    rows, gaps, shown = [], [], []
    for k in range(9):
        rows.append(random.normal(size=len(columns)).round(3).tolist())
        gaps.append(
            float(random.choice([1.0, 0.5, 2.25, 4.0])) if k and has_gap else 0.0
        )
        for j, value in enumerate(rows[-1]):
            _put(browser, f"live-column-{j}", value)
        if kind == "missing values" and k in (3, 4):
            field = browser.find_element(By.ID, "live-column-1-exact")
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(Keys.DELETE)
            rows[-1][1] = np.nan
        if gaps[-1]:
            _put(browser, "live-gap", gaps[-1])
        shown.append(_answers(browser))
        browser.find_element(By.ID, "live-next").click()
    expected = _predicted(own, np.array(rows), np.array(gaps))
    if len(expected) == 1:  # an answer at the end
        shown = shown[-1:]
    np.testing.assert_allclose(shown, expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(shown, axis=0).max() > 1e-4 or len(expected) == 1
    assert browser.get_log("browser") == []


def _predicted(own, rows, gaps):
    """Return what the estimator says to these rows."""
    is_rows = not isinstance(own.X, list) and np.ndim(own.X) == 2
    X = rows if is_rows else rows[None]
    if isinstance(own.X, pd.DataFrame):
        X = pd.DataFrame(rows, columns=own.X.columns[: rows.shape[1]])
        if "hour" in own.X:
            X["hour"] = gaps.cumsum()
    proba = hasattr(own.model, "classes_")
    found = np.asarray((own.model.predict_proba if proba else own.model.predict)(X))
    if not is_rows and own.model.model_.targets.per_step:
        found = found[0]
    return found.reshape(len(found), -1)


@pytest.mark.parametrize("kind", ["windows", "per step", "own scale"])
def test__live__stored_rows__are_played_and_compared_with_python(kind, browser, pages):
    _open(browser, pages(kind)[1])
    wait = WebDriverWait(browser, 30)
    browser.find_element(By.ID, "live-play").click()
    play = browser.find_element(By.ID, "live-play")
    assert play.text == "Pause"
    wait.until(lambda _: play.text == "Play")
    check = browser.find_element(By.ID, "live-check")
    assert int(check.get_attribute("data-rows")) >= 1
    assert float(check.get_attribute("data-largest")) < 1e-5
    assert "Python" in check.text
    # Once the end is reached, it starts anew.
    place = browser.find_element(By.ID, "live-row").text
    play.click()
    wait.until(lambda _: browser.find_element(By.ID, "live-row").text != place)
    play.click()
    assert browser.get_log("browser") == []


def test__keyboard__reaches_neurons_sliders_and_buttons(browser, pages):
    _open(browser, pages("windows")[1])
    seen, tags = [], set()
    for _ in range(80):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        active = browser.switch_to.active_element
        seen.append(active.get_attribute("id") or active.get_attribute("class"))
        tags.add(active.tag_name)
        if active.tag_name == "g":  # a neuron in the drawing
            before = browser.find_element(By.ID, "neuron-details").text
            name = active.get_attribute("aria-label")
            ActionChains(browser).send_keys(Keys.ARROW_UP).perform()
            other = browser.switch_to.active_element
            assert other.get_attribute("aria-label") != name
            assert other.get_attribute("aria-pressed") == "true"
            assert browser.find_element(By.ID, "neuron-details").text != before
        if seen[-1] == "live-column-0":
            before = _answers(browser)
            ActionChains(browser).send_keys(Keys.PAGE_UP, Keys.PAGE_UP).perform()
            assert _answers(browser) != before
        if seen[-1] == "live-column-2-exact":
            break
    assert seen[0] == "skip"
    assert "g" in tags
    assert {"neuron", "live-start", "live-play", "live-next"} <= set(seen)
    assert {"live-column-0", "live-column-1", "live-column-2"} <= set(seen)


def test__neuron__tapped_or_chosen__is_told(browser, pages):
    own, path = pages("windows")
    _open(browser, path, width=360)
    details = browser.find_element(By.ID, "neuron-details")
    node = browser.find_element(By.CSS_SELECTOR, '.neuron[data-node="n5"]')
    told = details.text
    node.click()
    assert node.get_attribute("aria-pressed") == "true"
    assert details.text != told
    assert "It reads" in details.text
    assert "Time constant" in details.text
    lit = browser.find_elements(By.CSS_SELECTOR, ".edges .lit")
    wiring = own.model.wiring_.recurrent
    others = (wiring.source == 5) ^ (wiring.target == 5)
    sensory = own.model.wiring_.sensory.target == 5
    assert len(lit) == others.sum() + sensory.sum()
    chosen = browser.find_element(By.ID, "neuron")
    assert chosen.get_attribute("value") == "5"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test__screenshot__fits_and_has_the_colours_of_the_reader(
    width, scheme, browser, pages, tmp_path
):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    for kind in ("classes", "two targets, quantiles"):
        _open(browser, pages(kind)[1], width, scheme)
        size = (
            "return [document.documentElement.scrollWidth, document.body.scrollHeight]"
        )
        wide, high = browser.execute_script(size)
        assert wide <= width
        clip = {"x": 0, "y": 0, "width": width, "height": high, "scale": 1}
        shot = browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
        )
        data = base64.b64decode(shot["data"])
        (tmp_path / f"{kind}-{width}-{scheme}.png").write_bytes(data)
        grey = np.asarray(image.open(io.BytesIO(data)).convert("L"), dtype=float)
        assert grey.shape == (high, width)
        assert (np.median(grey) > 200) == (scheme == "light")
        assert grey.std() > 10
