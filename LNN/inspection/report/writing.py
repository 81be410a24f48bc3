"""Writing the page: panels in order, and what makes them one file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from LNN._typing import Column
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.markup import Html, data_block, h
from LNN.inspection.report.panel import Panel, Subject
from LNN.inspection.report.panels.about import about
from LNN.inspection.report.panels.columns import columns
from LNN.inspection.report.panels.examples import examples
from LNN.inspection.report.panels.live import live
from LNN.inspection.report.panels.quality import quality
from LNN.inspection.report.panels.times import times
from LNN.inspection.report.panels.wiring import wiring

# Nothing is loaded from anywhere, even if a script were to ask for it.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)


def report(
    model: Any,
    X: ArrayLike,
    y: Any,
    path: Any,
    *,
    timestamps: Column | None = None,
    groups: Column | None = None,
    title: str | None = None,
) -> Path:
    """Write a page about a fitted model: one HTML file that needs nothing else.

    It shows what the model is, how good it is on X and y beside trivial answers, which
    columns and steps it looks at, its wiring with trained weights, its time constants,
    and good and bad answers with their explanation. In the last panel the model itself
    runs: inputs can be moved, and neurons light up.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, y
        Data that the model has not seen, as `score` takes them; of a Pipeline what its
        last step gets.
    path : str or path
        Written anew if it is there.
    timestamps, groups
        As in `predict`.
    title : str, default=None
        Heading of the page.

    Returns
    -------
    Path
        The file.

    Notes
    -----
    Scores are of all data. Slow panels look at 4000 rows in a row or at 400 sequences
    at most, drawn by a fixed seed, and say so. Equal models and data make equal pages.
    Stretches of X are stored in the page: send it to those alone who may see the data.
    Models that `LNN.export.to_js` refuses have no live panel. For models with
    `output_constraints` the shares of columns and steps are left out, as `explain`
    refuses them: they would explain what the network proposes, not the answer.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import report
    >>> X = np.sin(0.3 * np.arange(80))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> lnn = lnn.fit(X[:50], X[1:51, 0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = report(lnn, X[50:-1], X[51:, 0], folder + "/report.html")
    ...     page.name, page.stat().st_size < 300_000
    ('report.html', True)
    """
    fitted = as_fitted(model)
    if y is None:
        raise InvalidInputError(
            "Expected y, the true answers that those of the model are held against, "
            "got None. Pass it as score takes it."
        )
    data = ReportData.of(fitted, X, y, timestamps, groups)
    text = page(Subject(fitted, data), title or f"Report on a {fitted.owner}")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def page(subject: Subject, title: str) -> str:
    """Return the page as text."""
    wired = wiring(subject)
    records = wired.data["neurons"]
    lively, model = live(subject, [own["name"] for own in records])
    panels = [
        about(subject),
        quality(subject),
        columns(subject),
        wired,
        times(subject, records),
        examples(subject),
        lively,
    ]
    head = [
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", http_equiv="Content-Security-Policy", content=POLICY),
        h("title", title),
        h("style", Html(_asset("page.css"))),
    ]
    body = [
        h("a", "Skip to the contents", href="#main", class_="skip"),
        h("header", h("h1", title), _contents(panels)),
        h("main", [panel.html() for panel in panels], id="main"),
        h(
            "footer",
            h("p", "Made by LNN.inspection.report. Nothing here loads from the net."),
        ),
        *_scripts(panels, model),
    ]
    document = h("html", h("head", head), h("body", body), lang="en")
    return f"<!doctype html>\n{document}\n"


def _contents(panels: list[Panel]) -> Html:
    links = [h("li", h("a", panel.title, href=f"#{panel.name}")) for panel in panels]
    return h("nav", h("ul", links), aria_label="Contents")


def _scripts(panels: list[Panel], model: str | None) -> list[Html]:
    known = {name: value for panel in panels for name, value in panel.data.items()}
    names = ["page.js", "wiring.js"]
    blocks = [data_block("data", known)]
    parts = [_asset(name) for name in names]
    if model is not None:
        text = model.replace("<", "\\u003c")
        blocks.append(
            Html(f'<script type="application/json" id="model">{text}</script>')
        )
        runtime = files("LNN.export.js").joinpath("model.js").read_text("utf-8")
        parts = [runtime, *parts, _asset("live.js")]
    # One module: exports of the runtime are names for the scripts after it.
    return [*blocks, h("script", Html("\n".join(parts)), type="module")]


def _asset(name: str) -> str:
    return files("LNN.inspection.report").joinpath(name).read_text("utf-8")
