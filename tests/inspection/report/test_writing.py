"""The page: one file that is HTML, loads nothing, and has data in every panel."""

import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.inspection import report
from LNN.inspection.report.data import MOST_ROWS, ReportData
from LNN.inspection.report.drawing import MOST_INPUTS
from LNN.inspection.report.panels.columns import MOST_COLUMNS
from LNN.inspection.report.panels.examples import _of_numbers
from LNN.safety import Bounds, RateLimit

KINDS = [
    "windows",
    "classes",
    "whole recordings",
    "missing values",
    "LTC",
    "LSTM",
    "full",
    "two layers",
    "cube",
    "own scale",
    "patches",
    "ragged classes",
    "per step",
    "two targets, quantiles",
]
PANELS = ["about", "quality", "columns", "wiring", "times", "examples", "live"]
VOID = {"meta", "input"}


class Read(HTMLParser):
    """What a page holds; tags that are not closed in their order are an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.scripts = [], [], {}, {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, dict(attributes).get("id")))

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        kind, name = self.open[-1] if self.open else (None, None)
        if kind == "script":
            self.scripts[name] = data
        sections = [own for tag, own in self.open if tag == "section"]
        if sections:
            self.text[sections[0]] = self.text.get(sections[0], "") + data

    @property
    def data(self):
        return json.loads(self.scripts["data"])

    def all(self, tag, word):
        return [a for t, a in self.tags if t == tag and word in a.get("class", "")]


@pytest.mark.quick_cases("windows", "ragged classes")
@pytest.mark.parametrize("kind", KINDS)
def test__report__any_kind_of_model__fills_every_panel(kind, pages):
    own, path = pages(kind)
    page = Read(path.read_text("utf-8"))
    assert [a["id"] for t, a in page.tags if t == "section"] == PANELS
    assert all(len(page.text[name]) > 60 for name in PANELS)
    n = sum(layer.n_neurons for layer in own.model.network_.layers)
    assert len(page.all("g", "neuron")) == len(page.all("span", "lamp")) == n
    neurons = page.data["neurons"]
    assert len(neurons) == n
    for neuron in neurons:
        assert len(neuron["course"]) == len(page.data["course"]["output"]) > 1
        assert len(neuron["range"]) == len(neuron["tau"]) == 3
        assert neuron["sources"]["n"] > 0 or kind == "LSTM" or not neuron["known"]
    assert len(page.all("article", "card")) >= 2
    assert "They explain the model, not the world" in page.text["examples"]
    # Every column has a strip in each picture over time, and a slider.
    assert len(page.all("svg", "strip")) >= len(page.data["live"]["columns"])
    assert sum(a.get("type") == "range" for t, a in page.tags if t == "input") >= len(
        page.data["live"]["columns"]
    )


@pytest.mark.quick_cases("cube", "ragged classes")
@pytest.mark.parametrize("kind", KINDS)
def test__report__stored_answers__are_those_of_predict(kind, pages):
    """As if a recording began with the rows of a stretch."""
    own, path = pages(kind)
    page = Read(path.read_text("utf-8"))
    classes = getattr(own.model, "classes_", None)
    predict = own.model.predict if classes is None else own.model.predict_proba
    assert len(page.data["live"]["stretches"]) >= 1
    for stretch in page.data["live"]["stretches"]:
        rows = np.array(stretch["rows"], dtype=float)
        X = rows[None]
        if not isinstance(own.X, list) and np.ndim(own.X) == 2:
            X = rows
            if isinstance(own.X, pd.DataFrame):
                X = pd.DataFrame(rows, columns=own.X.columns[: rows.shape[1]])
            if "hour" in getattr(own.X, "columns", ()):
                gaps = np.array(stretch["gaps"], dtype=float)
                X["hour"] = np.nan_to_num(gaps).cumsum()
        elif isinstance(own.X, list):
            X = [rows]
        expected = np.asarray(predict(X)).reshape(len(stretch["answers"]), -1)
        np.testing.assert_allclose(stretch["answers"], expected, rtol=0, atol=1e-5)


@pytest.mark.quick_cases("windows", "cube", "ragged classes")
@pytest.mark.parametrize("kind", KINDS)
def test__report__nothing_is_loaded(kind, pages):
    text = pages(kind)[1].read_text("utf-8")
    page = Read(text)
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "base")
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    (policy,) = [
        a["content"]
        for t, a in page.tags
        if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")
    assert "connect-src" not in policy
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert "url(" not in style
    assert "@import" not in style
    assert len(text) < 400_000


def test__report__names_that_are_html__stay_text(tmp_path):
    bad = ["</script><b>x</b>", "<!--<script>", '" onload="alert(1)']
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(80, 3)), columns=bad)
    y = pd.Series(X[bad[0]] > 0, name="<i>y</i>").map(
        {True: "<u>a</u>", False: "&amp;"}
    )
    model = LiquidClassifier(8, window_length=4, epochs=1, random_state=0).fit(X, y)
    path = report(model, X, y, tmp_path / "page.html", title="<img src=x> & </title>")
    page = Read(path.read_text("utf-8"))
    tags = [tag for tag, _ in page.tags]
    assert not {"img", "i", "u"} & set(tags)
    assert tags.count("b") == 1  # the page's own
    assert [own["name"] for own in page.data["live"]["columns"]] == bad
    assert page.data["live"]["outputs"] == ["&amp;", "<u>a</u>"]
    assert json.loads(page.scripts["model"])["input"]["names"] == bad
    (heading,) = re.findall(r"<h1>(.*?)</h1>", path.read_text("utf-8"))
    assert html.unescape(heading) == "<img src=x> & </title>"
    assert not any("onload" in a for _, a in page.tags)


@pytest.mark.slow
def test__report__equal_input__equal_page(pages, tmp_path):
    own, path = pages("windows")
    again = report(
        own.model, own.X, own.y, tmp_path / "new" / "page.html", title="windows"
    )
    assert again == tmp_path / "new" / "page.html"
    assert again.read_bytes() == path.read_bytes()
    assert re.search(r"\d{4}-\d\d-\d\dT", path.read_text("utf-8")) is None
    # What is there is written anew, as the writers of LNN.export do.
    assert report(own.model, own.X, own.y, again, title="other") == again
    assert "<h1>other</h1>" in again.read_text("utf-8")


@pytest.mark.slow
def test__report__many_rows__says_how_many_were_looked_at(tmp_path):
    X = np.random.default_rng(0).normal(size=(MOST_ROWS + 500, 2))
    y = X[:, 0]
    model = LiquidRegressor(8, window_length=3, epochs=1, random_state=0)
    model.fit(X[:200], y[:200])
    path = report(model, X, y, tmp_path / "page.html")
    page = Read(path.read_text("utf-8"))
    assert f"{MOST_ROWS:,} rows of the {MOST_ROWS + 500:,} rows" in page.text["columns"]
    assert f"{MOST_ROWS + 500:,} answers" in page.text["quality"]
    assert "held out" in page.text["quality"]


def test__report__many_columns__shows_those_that_matter(tmp_path):
    random = np.random.default_rng(0)
    X = random.normal(size=(90, 40))
    model = LiquidRegressor(8, window_length=3, epochs=8, random_state=0)
    model.fit(X, X[:, 17])
    path = report(model, X, X[:, 17], tmp_path / "page.html")
    page = Read(path.read_text("utf-8"))
    assert len(page.all("g", "input")) == MOST_INPUTS
    drawn = {a["data-node"] for a in page.all("g", "input")}
    edges = [a for t, a in page.tags if t == "path" and "data-from" in a]
    assert {a["data-from"] for a in edges if a["data-from"][0] == "i"} <= drawn
    assert f"The {MOST_COLUMNS} columns with the largest shares" in page.text["columns"]
    assert f"{40 - MOST_COLUMNS} others together" in page.text["columns"]
    assert "column 17" in page.text["columns"]
    assert "more columns keep what the stored row holds" in page.text["live"]


def test__report__scaler_of_the_caller__says_why_it_does_not_run(tmp_path):
    X = np.random.default_rng(0).normal(size=(80, 2))
    model = LiquidRegressor(
        8, window_length=3, epochs=1, random_state=0, scale=StandardScaler()
    ).fit(X, X[:, 0])
    page = Read(report(model, X, X[:, 0], tmp_path / "page.html").read_text("utf-8"))
    assert "cannot run in a page" in page.text["live"]
    assert "scaler" in page.text["live"]
    assert "model" not in page.scripts


@pytest.mark.slow
def test__report__pipeline__takes_what_its_last_step_gets(tmp_path):
    X = np.random.default_rng(0).normal(size=(80, 2))
    pipe = make_pipeline(
        StandardScaler(), LiquidRegressor(8, window_length=3, epochs=1, random_state=0)
    ).fit(X, X[:, 0])
    inner = pipe[:-1].transform(X)
    one = report(pipe, inner, X[:, 0], tmp_path / "1.html").read_bytes()
    other = report(pipe[-1], inner, X[:, 0], tmp_path / "2.html").read_bytes()
    assert one == other


def test__report__label_that_is_not_known__is_refused(pages, tmp_path):
    own, _ = pages("classes")
    y = own.y.copy()
    y.iloc[3] = "never seen"
    with pytest.raises(InvalidInputError, match="never seen"):
        report(own.model, own.X, y, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test__report__frame_with_times__names_rows_by_them(tmp_path):
    when = pd.date_range("2026-01-01", periods=200, freq="h")
    X = pd.DataFrame({"a": np.sin(0.3 * np.arange(200))}, index=when)
    y = np.cos(0.3 * np.arange(200))
    model = LiquidRegressor(6, window_length=6, epochs=20, random_state=0).fit(X, y)
    text = report(model, X, y, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Good: row 2026-01-" in text
    assert "Bad: row 2026-01-" in text
    assert '"begin":"2026-01-01 00:00:00"' in text
    assert '"end":"2026-01-09 07:00:00"' in text
    with pytest.raises(InvalidInputError, match="Expected y"):
        report(model, X, None, tmp_path / "page.html")


def test__report__time_constants__are_in_one_unit(tmp_path):
    when = pd.date_range("2026-01-01", periods=120, freq="40s")
    X = pd.DataFrame({"a": np.sin(0.3 * np.arange(120))}, index=when)
    model = LiquidRegressor(8, model_type="LTC", window_length=6, epochs=2)
    model.set_params(random_state=0).fit(X, X["a"])
    text = report(model, X, X["a"], tmp_path / "page.html").read_text("utf-8")
    caption = re.search("Time constants in ([a-z]+), the fastest", text)
    told = re.findall(r'"tau text":"[^ ]+ ([a-z]+) \(', text)
    assert len(told) == 8
    assert set(told) == {caption[1]}


def test__report__two_classes__the_answered_one_is_explained(tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 8, 2))
    y = np.where(X[:, -1, 0] > 0, "vacant", "occupied")
    model = LiquidClassifier(6, epochs=40, random_state=0).fit(X, y)
    text = report(model, X, y, tmp_path / "page.html").read_text("utf-8")
    for name in ("occupied", "vacant"):
        cards = re.findall(f"<dd>{name} \\(.*?Explained: the log odds of (\\w+)", text)
        assert cards
        assert set(cards) == {name}


@pytest.mark.parametrize("limit", [Bounds(-2, 2), RateLimit(0.1)])
def test__report__model_with_limits__leaves_shares_out_and_says_why(tmp_path, limit):
    X = np.sin(0.3 * np.arange(120))[:, None] * [1.0, 0.5]
    model = LiquidRegressor(6, window_length=6, epochs=2, random_state=0)
    model.set_params(output_constraints=[limit]).fit(X, X[:, 0])
    text = report(model, X, X[:, 0], tmp_path / "page.html").read_text("utf-8")
    assert text.count("shares would explain what its network proposes") == 2
    assert "Which columns it needs" in text
    assert "Mean |share|" not in text
    assert "No tree is grown" in text
    assert text.count('class="card good"') > 0
    assert "Explained:" not in text


def test__examples__good_ones__have_small_errors():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1))
    y = np.where(np.arange(200) % 50 == 0, 40.0, 0.1) * rng.normal(size=200)
    model = LiquidRegressor(6, window_length=2, epochs=1, random_state=0).fit(X, y)
    data = ReportData.of(model.model_, X, y, None, None)
    error = np.abs(model.predict(X) - y)
    good = [example.place for example in _of_numbers(data) if example.good]
    assert good
    assert (error[good] <= np.quantile(error, 0.25)).all()
