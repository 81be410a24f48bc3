"""Write the reference pages that the estimators' HTML representation links to.

    make reference

The pages ship with the package (LNN/reference), so that the links work off line.
"""

from __future__ import annotations

import html
import inspect
import re
from pathlib import Path

import LNN

CLASSES = (
    *("LiquidNeuralNetwork", "LiquidRegressor", "LiquidClassifier"),
    *("LiquidForecaster", "LiquidAnomalyDetector", "LiquidStream"),
)
PAGES = Path(LNN.__file__).parent / "reference"
STYLE = """
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 sans-serif }
dt { margin-top: .8rem } dd { margin-left: 1.5rem } pre { background: #f4f4f4 }
pre { padding: .6rem; overflow-x: auto } .type::before { content: " : " }
.type { font-style: italic } code { background: #f4f4f4 }
"""


def page(cls: type) -> str:
    """Render a class's docstring as one HTML page."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    titles = list(re.finditer(r"^([A-Z][A-Za-z ]+)\n-+\n", doc, flags=re.M))
    parts = [
        f"<p>{prose(block)}</p>" for block in doc[: titles[0].start()].split("\n\n")
    ]
    for here, following in zip(titles, [*titles[1:], None], strict=True):
        text = doc[here.end() : following.start() if following else len(doc)].strip()
        render = {"Examples": code}
        render |= dict.fromkeys(("Parameters", "Methods", "Attributes"), entries)
        body = render.get(here[1], lambda t: f"<p>{prose(t)}</p>")(text)
        parts.append(f"<h2>{here[1]}</h2>\n{body}")
    call = html.escape(f"LNN.{cls.__name__}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{call}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{call}</h1>\n<p>LNN {LNN.__version__}</p>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def prose(text: str) -> str:
    """Escape text; `names` become code."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", html.escape(text, quote=False))


def code(text: str) -> str:
    """Render an example."""
    return f"<pre>{html.escape(text, quote=False)}</pre>"


def entries(text: str) -> str:
    """Render numpydoc entries; the type follows the name, as text fragments expect."""
    rows = []
    for entry in re.split(r"\n(?=\S)", text):
        head, _, body = entry.partition("\n")
        name, _, kind = head.partition(" : ")
        kind = prose(kind).replace("<code>", "").replace("</code>", "")
        rows.append(
            f'<dt><strong>{name}</strong><span class="type">{kind}</span></dt>\n'
            f"<dd>{prose(inspect.cleandoc(body))}</dd>"
        )
    return "<dl>\n" + "\n".join(rows) + "\n</dl>"


def main() -> None:
    """Write all pages."""
    for name in CLASSES:
        (PAGES / f"{name}.html").write_text(page(getattr(LNN, name)), encoding="utf-8")


if __name__ == "__main__":
    main()
