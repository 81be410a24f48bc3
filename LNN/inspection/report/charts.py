"""Plain SVG: points, strips of cells, and lines. Colours are the page's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from LNN.inspection.report.markup import Html, h, number

WIDTH, HEIGHT = 340, 260
LEFT, BOTTOM, EDGE = 46, 34, 8


def scatter(
    x: NDArray, y: NDArray, x_name: str, y_name: str, label: str, diagonal: bool = True
) -> Html:
    """Return points over axes of one scale."""
    both = np.concatenate([x, y])
    low, high = float(both.min()), float(both.max())
    if low == high:
        low, high = low - 1, high + 1
    ticks = nice_ticks(low, high)
    to_x = _scale(low, high, LEFT, WIDTH - EDGE)
    to_y = _scale(low, high, HEIGHT - BOTTOM, EDGE)
    dots = "".join(f"M{to_x(a):.1f} {to_y(b):.1f}h0" for a, b in zip(x, y, strict=True))
    parts = [_axes(ticks, to_x, to_y, x_name, y_name)]
    if diagonal:
        line = f"M{to_x(low):.1f} {to_y(low):.1f}L{to_x(high):.1f} {to_y(high):.1f}"
        parts.append(h("path", d=line, class_="diagonal"))
    parts.append(h("path", d=dots, class_="dots"))
    return _svg(parts, label, WIDTH, HEIGHT)


def _svg(parts: list[Html], label: str, width: float, height: float) -> Html:
    box = f"0 0 {width:g} {height:g}"
    return h("svg", parts, viewBox=box, role="img", aria_label=label, class_="chart")


def _axes(ticks: NDArray, to_x, to_y, x_name: str, y_name: str) -> Html:  # type: ignore[no-untyped-def]
    bottom, parts = HEIGHT - BOTTOM, []
    for tick in ticks:
        x, y = to_x(tick), to_y(tick)
        parts.append(h("path", d=f"M{x:.1f} {bottom}V{EDGE}", class_="grid"))
        parts.append(h("path", d=f"M{LEFT} {y:.1f}H{WIDTH - EDGE}", class_="grid"))
        text = number(tick)
        parts.append(h("text", text, x=f"{x:.1f}", y=bottom + 13, class_="middle"))
        parts.append(h("text", text, x=LEFT - 5, y=f"{y + 4:.1f}", class_="end"))
    middle = (LEFT + WIDTH - EDGE) / 2
    parts.append(h("text", x_name, x=middle, y=HEIGHT - 4, class_="middle title"))
    high = (bottom + EDGE) / 2
    turn = f"rotate(-90 11 {high:g})"
    parts.append(h("text", y_name, x=11, y=high, transform=turn, class_="middle title"))
    return h("g", parts)


def _scale(low: float, high: float, begin: float, end: float):  # type: ignore[no-untyped-def]
    return lambda value: begin + (value - low) / (high - low) * (end - begin)


def nice_ticks(low: float, high: float, n: int = 5) -> NDArray[np.float64]:
    """Return round numbers between two."""
    step = (high - low) / n
    power = 10.0 ** np.floor(np.log10(step))
    step = power * min((1, 2, 5, 10), key=lambda k: abs(k * power - step))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return np.arange(first, last + 1) * step


def strip(values: NDArray, largest: float, label: str) -> Html:
    """Return a row of cells, as dark as their values are large; NaN is left open.

    Cells of values above 0 have the colour of "raises", the others that of "lowers".
    """
    cells = [
        h(
            "rect",
            x=k,
            y=0,
            width=1.02,
            height=1,
            class_="up" if value > 0 else "down",
            fill_opacity=f"{_shade(value, largest):.3f}",
        )
        for k, value in enumerate(values)
        if np.isfinite(value) and _shade(value, largest) >= 0.005
    ]
    return h(
        "svg",
        cells,
        viewBox=f"0 0 {len(values)} 1",
        preserveAspectRatio="none",
        class_="strip",
        role="img",
        aria_label=label,
    )


def _shade(value: float, largest: float) -> float:
    return min(1.0, abs(float(value)) / largest) if largest > 0 else 0.0


def strips(values: NDArray, names: list[str], begin: str, end: str, label: str) -> Html:
    """Return a picture of time (to the right) by columns, (F, T), with its legend."""
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    lines = []
    for name, own in zip(names, values, strict=True):
        total = float(np.nansum(own))
        told = f"{name}: {number(total)} in all"
        lines.append(h("dt", name))
        lines.append(h("dd", strip(own, largest, told)))
    lines.append(h("dt", "time"))
    lines.append(h("dd", h("span", begin), h("span", end), class_="ends"))
    shown = h("dl", lines, class_="strips")
    return h("div", shown, role="group", aria_label=label)


def binned(values: NDArray, most: int) -> tuple[NDArray, int]:
    """Sum over time (the last axis) so that at most so many cells are left.

    Returns
    -------
    values : ndarray
        NaN where all that is summed is NaN.
    size : int
        Steps in a cell; the first cell may have fewer.
    """
    n = values.shape[-1]
    size = -(-n // most)
    if size <= 1:
        return values, 1
    lacking = -n % size
    wide = [(0, 0)] * (values.ndim - 1) + [(lacking, 0)]
    padded = np.pad(values, wide, constant_values=np.nan)
    parts = padded.reshape(*values.shape[:-1], -1, size)
    sums = np.nansum(parts, axis=-1)
    return np.where(np.isnan(parts).all(axis=-1), np.nan, sums), size
