"""From rows to a fitted model: split in time, linear path, network on what it leaves.

The first round trains on the early part and is judged on the late one, which chooses
the penalty of the linear path, when the network stops and how much of it is added. The
second fits the linear path to all rows: the latest ones tell most about the future.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from LNN.forecasting.baselines import naive, season_ago
from LNN.forecasting.direct import DirectModel, flat
from LNN.forecasting.linear_path import LinearPath
from LNN.forecasting.network_path import NetworkPath, Part
from LNN.forecasting.normalising import Normaliser, spread
from LNN.forecasting.plan import ForecastPlan
from LNN.forecasting.rows import Cutoffs, TrackRows, Windows
from LNN.forecasting.splitting import MOST_VALIDATION, MOST_WINDOWS, split, thinned

__all__ = ["Judged", "learn"]

# Windows whose own spread is so small a part of the usual one are mostly constant: what
# follows them would be endless in units of it, and rule the linear path.
LEAST_SPREAD = 0.02
WEIGHTS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Judged:
    """How well the model of the first round forecast the validation part.

    Attributes
    ----------
    errors : dict of str to float
        Mean absolute error in units of the local spread, of each method.
    residuals : ndarray of shape (n, horizon)
        (truth - forecast) / local spread; NaN where the truth is unseen.
    """

    errors: dict[str, float]
    residuals: np.ndarray


def learn(
    rows: TrackRows, plan: ForecastPlan, random: np.random.RandomState
) -> tuple[DirectModel, Judged]:
    """Fit the model to all rows; say how it did on later ones when it had not."""
    early, late = split(rows, plan)
    normaliser = _normaliser(rows, early, plan)
    masked = rows.times is not None or bool(np.isnan(rows.inputs).any() or rows.n_known)
    masked = masked or not _all_seen(rows, Cutoffs.joined([early, late]), plan)
    seeds = tuple(random.randint(2**31 - 1, size=plan.n_seeds).tolist())
    options = {**plan.options, "missing": "mask" if masked else "error"}
    blank = LinearPath.none(1, plan.at_once)
    model = DirectModel(
        plan.window_length,
        plan.at_once,
        plan.patch,
        normaliser,
        blank,
        None,
        0.0,
        masked,
    )
    # Several answers make one forecast of the whole horizon.
    each = plan.horizon // plan.at_once
    judging = thinned(late, MOST_VALIDATION).each_ahead(each)
    early, late = (
        thinned(part.each_ahead(each), MOST_WINDOWS) for part in (early, late)
    )
    first = _first_round(model, rows, early, judging, plan, options, seeds)
    judged = _judge(first, rows, judging, plan)
    everything = Cutoffs.joined([early, late])
    return _second_round(first, rows, everything), judged


def _all_seen(rows: TrackRows, cutoffs: Cutoffs, plan: ForecastPlan) -> bool:
    if np.isfinite(rows.values[rows.begin[0] : rows.end[-1]]).all():
        return True
    windows = rows.windows(cutoffs, plan.window_length, plan.horizon)
    return bool(windows.seen.all())


def _normaliser(rows: TrackRows, early: Cutoffs, plan: ForecastPlan) -> Normaliser:
    """Learn the size and the usual spread of each target from the rows that train."""
    last = {int(t): int(r) for t, r in zip(early.track, early.row, strict=True)}
    used = [rows.values[rows.begin[t] : last[t] + plan.horizon] for t in last]
    sizes = np.nanstd(np.concatenate(used), axis=0)
    sizes = np.where(sizes > 0, sizes, 1.0)
    some = thinned(early, MOST_VALIDATION)
    windows = rows.windows(some, plan.window_length, 0)
    local = spread(windows.past, plan.season)[:, 0]
    usual = np.ones(rows.n_targets)
    for k in np.unique(windows.column):
        usual[k] = np.median(local[windows.column == k])
    return Normaliser(plan.anchor, plan.scale, plan.season, sizes, usual)


@dataclass(frozen=True, eq=False)
class _Part:
    """Windows with what came after, in units of the windows.

    Attributes
    ----------
    windows : Windows
    past, goals : ndarray of shape (n, window_length), (n, horizon)
        Unseen goals are NaN.
    filled : ndarray of shape (n, horizon)
        Goals with lines between those that were seen: for training alone.
    weights : ndarray of shape (n,)
        0 where no goal was seen.
    """

    windows: Windows
    past: np.ndarray
    goals: np.ndarray
    filled: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, model: DirectModel, rows: TrackRows, cutoffs: Cutoffs) -> _Part:
        windows = model.windows(rows, cutoffs)
        centre, scale = model.normaliser.of(windows)
        goals = (rows.goals(cutoffs, model.horizon) - centre) / scale
        past = (windows.past - centre) / scale
        weights = model.normaliser.weights(windows)
        weights = weights * np.isfinite(goals).any(axis=1)
        return cls(windows, past, goals, _between(goals), weights)

    def to_learn(
        self, steps: np.ndarray, goals: np.ndarray, kept: np.ndarray | None = None
    ) -> Part:
        """Return what the network learns from: windows that count."""
        chosen = self.weights > 0
        chosen = chosen if kept is None else chosen & kept
        times = self.windows.times
        own = None if times is None else times[chosen]
        return steps[chosen], goals[chosen], self.weights[chosen], own

    def without_constant(self, season: int) -> np.ndarray:
        """Return which windows move enough to be learnt from."""
        size = spread(self.windows.past, season)[:, 0]
        return size >= LEAST_SPREAD * _medians(size, self.windows.column)


def _medians(size: np.ndarray, column: np.ndarray) -> np.ndarray:
    found = np.zeros(int(column.max()) + 1)
    for k in np.unique(column):
        found[k] = np.median(size[column == k])
    return found[column]


def _between(goals: np.ndarray) -> np.ndarray:
    """Fill in unseen goals by lines between those that were seen."""
    bad = np.flatnonzero(np.isnan(goals).any(axis=1))
    if not len(bad):
        return goals
    goals, steps = goals.copy(), np.arange(goals.shape[1])
    for row in bad:
        seen = np.isfinite(goals[row])
        goals[row] = np.interp(steps, steps[seen], goals[row, seen]) if any(seen) else 0
    return goals


def _first_round(
    model: DirectModel,
    rows: TrackRows,
    early: Cutoffs,
    late: Cutoffs,
    plan: ForecastPlan,
    options: Mapping[str, Any],
    seeds: tuple[int, ...],
) -> DirectModel:
    """Train on the early part; the late one chooses penalty, epochs and weight."""
    training, later = (_Part.of(model, rows, part) for part in (early, late))
    kept = training.without_constant(plan.season)
    inputs, late_inputs = (flat(p.past, p.windows) for p in (training, later))
    linear = LinearPath.none(inputs.shape[1], plan.at_once)
    if plan.linear:
        linear = LinearPath.choose(
            (inputs[kept], training.filled[kept], training.weights[kept]),
            (late_inputs, later.goals, later.weights),
        )
    if not seeds:
        return replace(model, linear=linear)
    steps, late_steps = (model.steps(p.past, p.windows) for p in (training, later))
    late_linear = linear(late_inputs)
    network = NetworkPath.fit(
        training.to_learn(steps, training.filled - linear(inputs), kept),
        later.to_learn(late_steps, later.filled - late_linear),
        options,
        seeds,
    )
    weight = 1.0
    if plan.linear:
        correction = network(late_steps, later.windows.times)
        weight = _best_weight(correction, late_linear, later, late, plan.horizon)
    if not weight:
        return replace(model, linear=linear)
    return replace(model, linear=linear, network=network, weight=weight)


def _best_weight(
    correction: np.ndarray,
    linear: np.ndarray,
    later: _Part,
    cutoffs: Cutoffs,
    horizon: int,
) -> float:
    """Return how much of the networks' correction to add, by the validation part.

    It is the part whose gain is largest after its standard error is taken off: what may
    be chance is left out. Forecasts that share rows are one observation.
    """
    blocks = np.stack([cutoffs.track, cutoffs.row // horizon], axis=1)
    _, owner = np.unique(blocks, axis=0, return_inverse=True)
    alone = _mean_errors(linear, later)
    best, weight = 0.0, 0.0
    for part in WEIGHTS:
        gain = alone - _mean_errors(linear + part * correction, later)
        means = np.bincount(owner, gain) / np.bincount(owner)
        certain = gain.mean() - means.std() / np.sqrt(max(1, len(means) - 1))
        if certain > best:
            best, weight = certain, part
    return weight


def _mean_errors(found: np.ndarray, later: _Part) -> np.ndarray:
    """Return the weighted mean absolute error of each forecast (n,)."""
    seen = np.isfinite(later.goals)
    errors = np.where(seen, np.abs(found - later.goals), 0.0).sum(axis=1)
    return errors / np.maximum(seen.sum(axis=1), 1) * later.weights


def _second_round(first: DirectModel, rows: TrackRows, cutoffs: Cutoffs) -> DirectModel:
    """Fit the linear path to all windows, with the penalty that was chosen.

    The networks stay as the validation part has found them: trained on all windows
    nothing says when to stop, and on no set did that gain anything.
    """
    if first.linear.alpha is None:
        return first
    part = _Part.of(first, rows, cutoffs)
    kept = part.without_constant(first.normaliser.season)
    inputs, weights = flat(part.past, part.windows), part.weights[kept]
    path = LinearPath.fit(inputs[kept], part.filled[kept], weights, first.linear.alpha)
    return replace(first, linear=path)


def _judge(
    model: DirectModel, rows: TrackRows, late: Cutoffs, plan: ForecastPlan
) -> Judged:
    windows, steps = model.windows(rows, late), plan.at_once
    goals, past = rows.goals(late, steps), windows.past
    size = model.normaliser.local_spread(windows)
    answers: dict[str, np.ndarray] = {"naive": naive(past, steps)}
    if windows.times is None:
        answers["seasonal naive"] = season_ago(rows, late, past, steps, plan.season)
    if plan.linear:
        answers["linear path alone"] = replace(model, network=None).answer(windows)
    answers["LiquidForecaster"] = model.answer(windows)
    errors = {
        name: float(np.nanmean(np.abs(found - goals) / size))
        for name, found in answers.items()
    }
    residuals = (goals - answers["LiquidForecaster"]) / size
    return Judged(errors, residuals.reshape(-1, plan.horizon))
