"""Shares of rows and columns in answers, drawn over the values themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from LNN._typing import Column
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.attribution import attribution
from LNN.inspection.passes import spans_of_answers
from LNN.inspection.places import Places, values_in_units
from LNN.wiring.plot import EXCITATORY, INHIBITORY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

KINDS = ("heatmap", "bars")
# Cells that are told to be + or - in print: so large a part of the largest one.
MARKED, MOST_CELLS = 0.25, 400
# Half of a band of the heat map that the curve of its values may take.
SWING = 0.4
MOST_TICKS = 6


class AttributionDisplay:
    """Draws what `attribution` returns.

    Of one answer the colours are the shares of each row and column, with the curve of
    the column's values over them: the middle of a band is the baseline. Of several
    answers they are the means of the shares' sizes, by steps before the answer.

    Parameters
    ----------
    attributions : ndarray of shape (n, T, F)
        NaN before the first step of shorter ones.
    names : list
        The columns.
    values : ndarray of shape (T, F), default=None
        Of one answer: what its rows and columns hold; NaN is missing.
    baseline : ndarray of shape (F,), default=None
        What they are compared with, in the same units.
    labels : list, default=None
        Of one answer: the names of the T rows.
    unit : str, default=""
        What the shares are in; empty for the unit of y.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage, or None
    bars_ : matplotlib BarContainer, or None

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import AttributionDisplay
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=9, random_state=0).fit(X, X[:, -1, 0])
    >>> display = AttributionDisplay.from_estimator(lnn, X, rows=[3])
    >>> display.image_.get_array().shape
    (2, 6)
    """

    def __init__(
        self,
        attributions: NDArray[np.float64],
        names: Sequence[Any],
        *,
        values: NDArray[np.float64] | None = None,
        baseline: NDArray[np.float64] | None = None,
        labels: Sequence[Any] | None = None,
        unit: str = "",
    ):
        self.attributions, self.names = attributions, list(names)
        self.values, self.baseline, self.labels = values, baseline, labels
        self.unit = unit
        self.image_: Any = None
        self.bars_: Any = None

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: ArrayLike,
        *,
        rows: Sequence[int] | NDArray[np.int64] | None = None,
        timestamps: Column | None = None,
        groups: Column | None = None,
        kind: str = "heatmap",
        n_columns: int = 12,
        ax: Axes | None = None,
        **how: Any,
    ) -> AttributionDisplay:
        """Compute attributions and draw them.

        Parameters
        ----------
        model, X, rows, timestamps, groups
            As in `attribution`; with one row its values are drawn too.
        kind, n_columns, ax
            As in `plot`.
        **how
            `baseline`, `output`, `step`, `tolerance` and `method` of `attribution`.

        Returns
        -------
        AttributionDisplay
        """
        given: dict[str, Any] = {"timestamps": timestamps, "groups": groups}
        found = attribution(model, X, rows=rows, **given, **how)
        details: dict[str, Any] = {}
        if rows is not None and len(rows) == 1:
            fitted, row = as_fitted(model), int(rows[0])
            sequences = fitted.read(X, **given)
            per_step = fitted.targets.per_step
            spans = spans_of_answers(sequences, [row], how.get("step", -1), per_step)
            places = Places(fitted, X, sequences, row, timestamps)
            details = {
                "values": values_in_units(sequences, spans),
                "baseline": found.baseline,
                "labels": [places.label(k) for k in found.positions[0]],
            }
        names = [
            name if isinstance(name, str) else f"column {name}" for name in found.names
        ]
        unit = _unit(as_fitted(model).targets.classes, how.get("output"))
        display = cls(found.attributions, names, unit=unit, **details)
        return display.plot(kind=kind, n_columns=n_columns, ax=ax)

    def plot(
        self, *, kind: str = "heatmap", n_columns: int = 12, ax: Axes | None = None
    ) -> AttributionDisplay:
        """Draw the shares.

        Parameters
        ----------
        kind : {"heatmap", "bars"}, default="heatmap"
            Time by columns, or one bar for each column.
        n_columns : int, default=12
            So many columns are drawn at most, those with the largest shares.
        ax : matplotlib Axes, default=None
            None makes a figure.

        Returns
        -------
        AttributionDisplay
        """
        import matplotlib.pyplot as plt

        if kind not in KINDS:
            raise InvalidInputError(f"Expected kind among {KINDS}, got {kind!r}.")
        size = np.nansum(np.abs(self.attributions), axis=(0, 1))
        shown = np.sort(np.argsort(-size, kind="stable")[:n_columns])
        if ax is None:
            height = 1.4 + 0.45 * len(shown)
            _, ax = plt.subplots(figsize=(7.0, height), layout="constrained")
        (self._draw_heat if kind == "heatmap" else self._draw_bars)(ax, shown)
        if left_out := len(self.names) - len(shown):
            told = f"{left_out} columns with smaller shares are left out"
            ax.set_xlabel(f"{ax.get_xlabel()}; {told}")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @property
    def _signed(self) -> bool:
        return len(self.attributions) == 1

    @property
    def _what(self) -> str:
        what = "share of the answer" if self._signed else "mean size of the share"
        return f"{what} ({self.unit})" if self.unit else what

    def _shares(self) -> NDArray[np.float64]:
        """Return the shares (T, F) of one answer, or the mean sizes of several."""
        if self._signed:
            return self.attributions[0]
        counted = np.isfinite(self.attributions)
        total = np.where(counted, np.abs(self.attributions), 0.0).sum(axis=0)
        return total / np.maximum(counted.sum(axis=0), 1)

    def _draw_heat(self, ax: Axes, shown: NDArray[np.int64]) -> None:
        shares = self._shares()[:, shown].T
        largest = float(np.nanmax(np.abs(shares), initial=0.0)) or 1.0
        self.image_ = ax.imshow(
            shares,
            aspect="auto",
            cmap=colours() if self._signed else "Blues",
            vmin=-largest if self._signed else 0.0,
            vmax=largest,
            interpolation="nearest",
        )
        for edge in range(1, len(shown)):
            ax.axhline(edge - 0.5, color="#999999", linewidth=0.5)
        ax.figure.colorbar(self.image_, ax=ax, label=self._what)
        ax.set_yticks(range(len(shown)), [str(self.names[f]) for f in shown])
        if self._signed:
            mark_signs(ax, shares, largest)
        if self.values is not None and self.baseline is not None:
            self._draw_values(ax, shown)
        self._name_steps(ax, shares.shape[1])

    def _draw_values(self, ax: Axes, shown: NDArray[np.int64]) -> None:
        """Draw the curve of each column about the middle of its band."""
        assert self.values is not None
        assert self.baseline is not None
        change = (self.values - self.baseline)[:, shown]
        spread = np.nanmax(np.abs(change), axis=0, initial=0.0)
        curves = np.arange(len(shown)) - SWING * change / np.where(spread, spread, 1.0)
        steps = np.arange(len(curves)) + self.attributions.shape[1] - len(curves)
        dots: dict[str, Any] = {"marker": "."} if len(steps) <= 40 else {}
        ax.plot(steps, curves, color="black", linewidth=0.9, markersize=3, **dots)
        ax.plot([], [], color="black", linewidth=0.9, label="value (middle: baseline)")
        ax.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8
        )

    def _name_steps(self, ax: Axes, n: int) -> None:
        ticks = np.arange(n - 1, -1, -max(1, -(-n // MOST_TICKS)))
        if self.labels is None:
            names = [f"{k - n + 1}" if k < n - 1 else "answer" for k in ticks]
            ax.set_xlabel("steps before the answer")
        else:
            every, day = without_date(self.labels)
            names = [every[k] for k in ticks]
            ax.set_xlabel(f"row or step{day}")
        turned = max(map(len, names)) > 8
        how: dict[str, Any] = {"rotation": 25, "ha": "right"} if turned else {}
        ax.set_xticks(ticks, names, **how)

    def _draw_bars(self, ax: Axes, shown: NDArray[np.int64]) -> None:
        by_column = np.nansum(self.attributions, axis=1)
        shares = by_column[0] if self._signed else np.abs(by_column).mean(axis=0)
        order = shown[np.argsort(-np.abs(shares[shown]), kind="stable")]
        names = [str(self.names[f]) for f in order]
        form = " {:+.2g} " if self._signed else " {:.2g} "
        self.bars_ = draw_bars(ax, names, shares[order], form)
        ax.set_xlabel(self._what)


def _unit(classes: Any, output: Any) -> str:
    """Return the unit of shares, as `attribution` chooses it; empty for that of y."""
    if classes is None:
        return ""
    if output is None:
        output = classes[1] if len(classes) == 2 else "the class that is predicted"
    return f"log odds of {output}"


def without_date(labels: Sequence[Any]) -> tuple[list[str], str]:
    """Return labels as text; of one day the times alone, and the day in brackets."""
    stamps = [label for label in labels if isinstance(label, pd.Timestamp)]
    days = {stamp.date() for stamp in stamps}
    if len(days) != 1 or len(stamps) < len(labels):
        return [str(label) for label in labels], ""
    return [f"{stamp:%H:%M:%S}" for stamp in stamps], f" ({days.pop()})"


def draw_bars(
    ax: Axes,
    names: Sequence[str],
    shares: NDArray[np.float64],
    form: str = " {:+.2g} ",
) -> Any:
    """Draw bars, the first on top, each with its number."""
    colour = np.where(shares < 0, INHIBITORY, EXCITATORY)
    bars = ax.barh(range(len(names)), shares, color=colour.tolist(), height=0.7)
    # Digits of what cannot be seen are noise, and run into the names.
    seen = np.abs(shares) >= 1e-3 * np.abs(shares).max(initial=0.0)
    texts = [form.format(s) if k else " 0 " for s, k in zip(shares, seen, strict=True)]
    ax.bar_label(bars, texts, fontsize=8)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.axvline(0, color="#444444", linewidth=0.8)
    ax.margins(x=0.25)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return bars


def mark_signs(ax: Axes, shares: NDArray[np.float64], largest: float) -> None:
    """Write + or - on the largest cells: print in grey has no other sign."""
    if shares.size > MOST_CELLS:
        return
    rows, columns = np.nonzero(np.abs(np.nan_to_num(shares)) >= MARKED * largest)
    for row, column in zip(rows, columns, strict=True):
        share = shares[row, column]
        ax.annotate(
            "+" if share > 0 else "\N{MINUS SIGN}",
            (column, row - SWING),
            color="white" if abs(share) > 0.6 * largest else "black",
            ha="center",
            va="top",
            fontsize=9,
            fontweight="bold",
        )


def colours() -> Colormap:
    """Return the colours of negative, no and positive shares."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "shares", [INHIBITORY, "#ffffff", EXCITATORY]
    )
