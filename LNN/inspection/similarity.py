"""Whether a model still looks at the same places when its data are noisy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from LNN._random import random_source
from LNN._results import Result
from LNN._typing import Column
from LNN.data.containers import plain
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.attribution import attribution
from LNN.inspection.disturbances import Sensors
from LNN.inspection.disturbances import noise as add_noise
from LNN.inspection.recordings import (
    Recordings,
    changeable_columns,
    idle_columns,
    recordings_of_rows,
)

# The constants of Wang, Bovik, Sheikh and Simoncelli (2004).
K1, K2, SIGMA, SIZE = 0.01, 0.03, 1.5, 11


def structural_similarity(
    first: ArrayLike,
    second: ArrayLike,
    *,
    data_range: float | None = None,
    axes: Sequence[int] | None = None,
) -> float:
    """Return the structural similarity (SSIM) of two maps.

    Parameters
    ----------
    first, second : array of the same shape
        Without missing values.
    data_range : float, default=None
        Largest difference that values can have; None is that between the largest and
        the smallest of both maps.
    axes : sequence of int, default=None
        Those along which neighbours belong together, all by default. For a map of steps
        and columns it is (0,), as columns stand in no order.

    Returns
    -------
    float
        The mean over all windows: 1 for equal maps, near 0 for unrelated ones, below 0
        for opposite ones.

    Raises
    ------
    InvalidInputError
        If the shapes differ, or a value is missing.

    Notes
    -----
    ``(2 m n + C1) (2 c + C2) / ((m^2 + n^2 + C1) (s^2 + t^2 + C2))`` with means m, n,
    variances s^2, t^2 and the covariance c in windows of 11 steps, weighted by a
    Gaussian of standard deviation 1.5; C1 = (0.01 L)^2 and C2 = (0.03 L)^2 for the data
    range L. Only windows that fit are counted; along an axis that is shorter than
    eleven the window is as long as the axis, or one shorter where that is even.

    It is made for brightness, which is 0 or more. Add a number to maps that also hold
    values below 0: means of opposite sign would undo a covariance below 0.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli, Image quality assessment: from error visibility to
    structural similarity, IEEE Transactions on Image Processing 13, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN.inspection import structural_similarity
    >>> map = np.random.default_rng(0).normal(size=(30, 20))
    >>> round(structural_similarity(map, map), 6)
    1.0
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or not a.size:
        raise InvalidInputError(
            "Expected two maps of the same shape, which are not empty, got "
            f"{a.shape} and {b.shape}."
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InvalidInputError(
            "Expected maps of finite numbers, got NaN or infinite ones. Leave out the "
            "steps that one of the maps lacks."
        )
    if data_range is None:
        data_range = max(a.max(), b.max()) - min(a.min(), b.min())
    if data_range <= 0:
        return 1.0  # two maps that are the same number everywhere
    axes = range(a.ndim) if axes is None else axes
    small, smaller = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    m, n = _smooth(a, axes), _smooth(b, axes)
    variances = _smooth(a * a, axes) - m * m + _smooth(b * b, axes) - n * n
    covariance = _smooth(a * b, axes) - m * n
    above = (2 * m * n + small) * (2 * covariance + smaller)
    below = (m * m + n * n + small) * (variances + smaller)
    return float((above / below).mean())


def _smooth(x: NDArray[np.float64], axes: Sequence[int] | range) -> NDArray[np.float64]:
    """Return the weighted means of all windows that fit."""
    for axis in axes:
        size = min(SIZE, x.shape[axis] - 1 + x.shape[axis] % 2)
        away = np.arange(size) - size // 2
        weights = np.exp(-(away**2) / (2 * SIGMA**2))
        windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=axis)
        x = windows @ (weights / weights.sum())
    return x


def attribution_similarity(
    model: Any,
    X: ArrayLike,
    *,
    noise: float | Sequence[float] = (0.1, 0.2, 0.5),
    n_repeats: int = 3,
    rows: Sequence[int] | NDArray[np.int64] | None = None,
    output: Any = None,
    random_state: int | np.random.RandomState | None = None,
    timestamps: Column | None = None,
    groups: Column | None = None,
    **how: Any,
) -> Result:
    """Measure how alike attributions stay when noise is added to X.

    The papers on liquid networks ask this of pictures: does the network still look at
    the road when the camera is noisy? Here the map of an answer has a row for each step
    and a column for each input.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.
    noise : float or sequence of float, default=(0.1, 0.2, 0.5)
        Gaussian, in standard deviations of each column.
    n_repeats : int, default=3
        Draws of the noise.
    rows : sequence of int, default=None
        The rows (or sequences) of X whose answers are explained; None is all.
    output : optional
        As in `attribution`. By default, of more than two classes, the one that is
        predicted without noise.
    random_state : int, RandomState or None, default=None
    **how
        Passed to `attribution`: `method=`, `baseline=`, `step=`, `tolerance=`.

    Returns
    -------
    Bunch
        similarity : ndarray of shape (n_noise, n_repeats, n)
            SSIM of each map with and without noise: 1 is the same, 0 is unrelated.
        mean : ndarray of shape (n_noise,)
        noise : ndarray of shape (n_noise,)

    Notes
    -----
    SSIM (`structural_similarity`) is taken along the steps of each column, and averaged
    over columns: these stand in no order. The smallest value of both maps is taken for
    black, the largest for white. A model that
    never looks anywhere has maps of zeros and a similarity of 1: read it beside the
    score.

    References
    ----------
    Lechner, Hasani, Amini, Henzinger, Rus, Grosu, Neural circuit policies enabling
    auditable autonomy, Nature Machine Intelligence 2, 2020.
    Farsang, Grosu, Synaptic activation and dual liquid dynamics for interpretable
    bio-inspired models, arXiv 2602.13017, 2026.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import attribution_similarity
    >>> X = np.random.default_rng(0).normal(size=(60, 6, 2))
    >>> lnn = LiquidRegressor(8, epochs=60, random_state=0).fit(X, X[:, -1, 0])
    >>> found = attribution_similarity(
    ...     lnn, X, noise=[0.05, 1.0], rows=range(8), random_state=0
    ... )
    >>> bool(found.mean[0] > found.mean[1])
    True
    """
    fitted = as_fitted(model)
    read: dict[str, Any] = {"timestamps": timestamps, "groups": groups}
    data = plain(X)
    same = _same_outputs(fitted, data, rows, output, read)

    def maps(X: Any) -> list[NDArray[np.float64]]:
        found: dict[int, NDArray[np.float64]] = {}
        for label, places, chosen in same:
            shares = attribution(
                fitted, X, rows=chosen, output=label, **read, **how
            ).attributions
            kept = [x[~np.isnan(x).all(axis=1)] for x in shares]
            numbers = range(len(kept)) if places is None else places
            found |= dict(zip(numbers, kept, strict=True))
        return [found[k] for k in sorted(found)]

    clean = maps(data)
    columns = changeable_columns(data, None, idle_columns(model))
    recordings = Recordings(data, columns, recordings_of_rows(data, groups, model))
    sensors = Sensors.of(recordings.values(), 1)
    levels = np.atleast_1d(np.asarray(noise, dtype=float))
    seeds = random_source(random_state).randint(2**31 - 1, size=n_repeats)
    similarity = np.empty((len(levels), n_repeats, len(clean)))
    for place, level in enumerate(levels):
        for repeat, seed in enumerate(seeds):
            random = np.random.RandomState(seed)
            values = add_noise(recordings.values(), level, sensors, random)
            noisy = maps(recordings.with_values(values))
            similarity[place, repeat] = [
                _alike(a, b) for a, b in zip(clean, noisy, strict=True)
            ]
    return Result(
        similarity=similarity, mean=similarity.mean(axis=(1, 2)), noise=levels
    )


def _alike(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the similarity of two maps of steps and columns, with signs."""
    black = min(first.min(), second.min())
    return structural_similarity(first - black, second - black, axes=(0,))


Numbers = Sequence[int] | NDArray[np.signedinteger] | None
Same = tuple[Any, Numbers, Numbers]


def _same_outputs(
    fitted: FittedModel, X: Any, rows: Any, output: Any, read: dict[str, Any]
) -> list[Same]:
    """Return which output is explained, of which answers, and which rows these are."""
    classes = fitted.targets.classes
    if output is not None or classes is None or len(classes) < 3:
        return [(output, None, rows)]
    if fitted.targets.per_step:
        raise InvalidInputError(
            "Expected output=, the class that is explained: with an answer at each "
            f"step it may change, got None. The classes are {classes.tolist()}."
        )
    answers = np.asarray(fitted.predict(X, **read))
    chosen = np.arange(len(answers)) if rows is None else np.asarray(rows)
    labels = answers[chosen]
    places = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    return [(label, own, chosen[own]) for label, own in places.items()]
