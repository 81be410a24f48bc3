"""HTML in which text is escaped wherever it comes from, unless it is `Html`."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def h(name: str, /, *children: Any, **attributes: Any) -> Html:
    """Return an element.

    Parameters
    ----------
    name : str
    *children : str, Html, number, None, or iterables of these
        What is not `Html` is escaped; None is left out.
    **attributes
        `class_` is "class", `data_row` is "data-row". None and False are left out.
    """
    given = "".join(
        f" {_attribute(key)}"
        if value is True
        else f' {_attribute(key)}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    inner = "".join(map(_text, children))
    void = name in ("input", "meta", "path", "circle", "rect", "line") and not inner
    return Html(
        f"<{name}{given}>"
        if void and name in ("input", "meta")
        else f"<{name}{given}/>"
        if void
        else f"<{name}{given}>{inner}</{name}>"
    )


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _text(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return html.escape(child)
    if isinstance(child, Iterable):
        return "".join(map(_text, child))
    return html.escape(str(child))


def data_block(name: str, value: Any) -> Html:
    """Return a block of JSON for the page's script."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    # A block ends at "</script" and changes at "<!--", whatever quotes are around it.
    text = text.replace("<", "\\u003c")
    return Html(f'<script type="application/json" id="{name}">{text}</script>')


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: str) -> Html:
    """Return a table whose first column names the rows; numbers stand right."""
    body = [
        h("tr", h("th", row[0], scope="row"), [_cell(value) for value in row[1:]])
        for row in rows
    ]
    titles = [h("th", title, scope="col") for title in head]
    content = [
        h("caption", caption),
        h("thead", h("tr", titles)),
        h("tbody", body),
    ]
    return scrolled(h("table", content), caption)


def _cell(value: Any) -> Html:
    if isinstance(value, Html):
        return h("td", value)
    if isinstance(value, int | float | np.number):
        return h("td", number(value), class_="number")
    return h("td", value)


def scrolled(content: Html, label: str) -> Html:
    """Let what is wider than a phone be moved, with the keyboard too."""
    return h("div", content, class_="wide", tabindex=0, role="region", aria_label=label)


def bar(value: float, largest: float, spread: float | None = None) -> Html:
    """Return a bar with its number; negative ones have another colour."""
    share = 0.0 if largest <= 0 else min(1.0, abs(value) / largest)
    kind = "bar less" if value < 0 else "bar"
    text = number(value) if spread is None else f"{number(value)} ± {number(spread)}"
    filled = h("span", class_="fill", style=f"width:{100 * share:.1f}%")
    return h(
        "span",
        h("span", filled, class_=kind, aria_hidden="true"),
        h("span", text, class_="number"),
        class_="measure",
    )


def number(value: Any) -> str:
    """Return a number as a reader wants it: three digits, and seldom an exponent."""
    if isinstance(value, int | np.integer):
        return f"{int(value):,}"
    value = float(value)
    if not math.isfinite(value):
        return "–"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        text = f"{value:,.{max(0, 2 - _power(value))}f}" if value else "0"
        return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
    return f"{value:.2e}".replace("-", "−")


def _power(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def plain_number(value: Any, digits: int = 4) -> float | None:
    """Return a short number for JSON; None where it is missing."""
    value = float(value)
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
