"""Keep answers within limits, with numpy alone: copy it beside numpy_model.py.

Limits come as a spec has them (docu/spec.md). Each answer is replaced by the nearest
one that satisfies all of them, in float64.
"""

from __future__ import annotations

import numpy as np

# How dear it is to break a half-space where no point satisfies all of them.
DEARNESS = 1e8
# How far beside a constraint a point still counts as on it, beside the size of both.
TOLERANCE = 1e-7
# Beside rows of length 1 and the largest excess.
NEAR, INDEPENDENT = 1e-10, 1e-10
# What rounding leaves of a row, beside the largest price.
ROUNDED = 2e-15
KINDS = ("bounds", "rate_limit", "half_spaces")


class Limits:
    """Limits of answers, as they stand in a spec.

    Parameters
    ----------
    told : list of dict
        Each with its "kind", one of `KINDS`, and its numbers.
    on_infeasible : {"project", "hold", "raise"}
        What comes out where no answer satisfies all limits.
    n : int
        Numbers of an answer.
    """

    def __init__(self, told, on_infeasible, n):
        odd = [one["kind"] for one in told if one["kind"] not in KINDS]
        if odd:
            raise ValueError(
                f"Expected limits of {', '.join(KINDS)}, got {odd[0]!r}. A later "
                "version of LNN wrote it: take its numpy_limits.py."
            )
        self.told, self.on_infeasible, self.n = told, on_infeasible, n
        self.boxes = []  # (how, low or rate, high), in their order
        spaces = []
        for one in told:
            if one["kind"] == "bounds":
                low = self._wide(one["low"], -np.inf)
                self.boxes.append(("bounds", low, self._wide(one["high"], np.inf)))
            elif one["kind"] == "rate_limit":
                rate = self._wide(one["max_rate"], np.inf)
                self.boxes.append(("rate_limit", rate, rate))
            else:
                spaces.append(one)
        self.A, self.A_inputs = self._rows(spaces, "A", (n,))
        self.b, self.b_inputs = self._rows(spaces, "b", ())
        self.b_quadratic = self._curves(spaces)
        self.looks_back = on_infeasible == "hold" or any(
            box[0] == "rate_limit" for box in self.boxes
        )

    def _wide(self, value, none):
        """Return a number of each output; None and NaN are no bound."""
        array = np.asarray(none if value is None else value, np.float64)
        return np.broadcast_to(np.where(np.isnan(array), none, array), (self.n,))

    def _rows(self, spaces, name, tail):
        """Return the rows of all half-spaces, and how they depend on inputs."""
        if not spaces:
            return np.empty((0, *tail)), None
        rows = [np.asarray(one[name], np.float64) for one in spaces]
        slopes = [one.get(f"{name}_inputs") for one in spaces]
        if all(slope is None for slope in slopes):
            return np.concatenate(rows), None
        slopes = [None if s is None else np.asarray(s, np.float64) for s in slopes]
        n_inputs = max(s.shape[-1] for s in slopes if s is not None)
        filled = [
            np.zeros((*own.shape, n_inputs)) if slope is None else slope
            for own, slope in zip(rows, slopes, strict=True)
        ]
        return np.concatenate(rows), np.concatenate(filled)

    def _curves(self, spaces):
        """Return the quadratic parts of all offsets; None if there are none."""
        told = [one.get("b_quadratic") for one in spaces]
        if all(curve is None for curve in told):
            return None
        told = [None if c is None else np.asarray(c, np.float64) for c in told]
        size = max(c.shape[-1] for c in told if c is not None)
        return np.concatenate(
            [
                np.zeros((len(one["b"]), size, size)) if curve is None else curve
                for one, curve in zip(spaces, told, strict=True)
            ]
        )

    def keep(self, values, inputs=None, previous=None, elapsed=1.0):
        """Return the nearest answers within the limits, and which satisfy them.

        Parameters
        ----------
        values : array of shape (B, n)
            Answers as the network proposes them, in the units of y.
        inputs : array of shape (B, n_inputs), default=None
            Input columns of the rows, in the units of X.
        previous : array of shape (B, n), default=None
            Answers that were given before; NaN where there are none.
        elapsed : float or array of shape (B,)
            Time since then.

        Returns
        -------
        kept : ndarray of shape (B, n)
        feasible : ndarray of bool, shape (B,)
        """
        values = np.asarray(values, np.float64)
        low, high, apart = self._box(values, previous, elapsed)
        kept = np.minimum(np.maximum(values, low), high)
        feasible = ~apart
        if len(self.b):
            kept, good = self._in_half_spaces(values, kept, low, high, inputs)
            feasible &= good
        if not feasible.all():
            if self.on_infeasible == "raise":
                raise ArithmeticError(
                    "Expected limits that some answer satisfies, but there is none for "
                    f"row {int(np.argmin(feasible))} of those given."
                )
            if self.on_infeasible == "hold" and previous is not None:
                hold = ~feasible[:, None] & np.isfinite(previous)
                kept = np.where(hold, previous, kept)
        return kept, feasible

    def _box(self, values, previous, elapsed):
        """Return the box of each answer, and where boxes have no point in common."""
        low = np.full(values.shape, -np.inf)
        high = np.full(values.shape, np.inf)
        apart = np.zeros(len(values), dtype=bool)
        for kind, first, last in self.boxes:
            own_low, own_high = first, last
            if kind == "rate_limit":
                if previous is None:
                    continue
                # A rate without a limit has none either where no time passes.
                steps = np.reshape(elapsed, (-1, 1))
                finite = np.where(np.isinf(first), 0.0, first)
                reach = np.where(np.isinf(first), np.inf, finite * steps)
                fresh = np.isnan(previous)
                own_low = np.where(fresh, -np.inf, previous - reach)
                own_high = np.where(fresh, np.inf, previous + reach)
            apart |= ((own_low > high) | (own_high < low)).any(axis=1)
            # The part of this box that is nearest to those before it.
            low, high = (
                np.minimum(np.maximum(own_low, low), high),
                np.minimum(np.maximum(own_high, low), high),
            )
        return low, high, apart

    def _in_half_spaces(self, values, kept, low, high, inputs):
        normals = np.broadcast_to(self.A, (len(values), *self.A.shape))
        offsets = np.broadcast_to(self.b, (len(values), len(self.b)))
        if self.A_inputs is not None:
            normals = normals + np.einsum("mnf,bf->bmn", self.A_inputs, inputs)
        if self.b_inputs is not None:
            offsets = offsets + np.einsum("mf,bf->bm", self.b_inputs, inputs)
        if self.b_quadratic is not None:
            bent = np.einsum("mfg,bg->bmf", self.b_quadratic, inputs)
            offsets = offsets + np.einsum("bmf,bf->bm", bent, inputs)
        over = np.einsum("bmn,bn->bm", normals, kept) - offsets
        for row in np.flatnonzero((over > 0).any(axis=1)):
            own = normals[row], offsets[row]
            kept[row] = nearest(values[row], low[row], high[row], *own)
        over = np.einsum("bmn,bn->bm", normals, kept) - offsets
        size = np.abs(normals * kept[:, None]).sum(axis=2) + np.abs(offsets)
        return kept, (over <= TOLERANCE * (1e-3 + size)).all(axis=1)


class ModelLimits:
    """Limits of the answers of a model, row after row.

    Parameters
    ----------
    spec : dict
        As docu/spec.md has it, with `constraints`.
    arrays : dict of str to ndarray
    """

    def __init__(self, spec, arrays):
        told = []
        for k, one in enumerate(spec["constraints"]["limits"]):
            prefix = f"constraints.{k}."
            own = {
                name.removeprefix(prefix): array
                for name, array in arrays.items()
                if name.startswith(prefix)
            }
            told.append({"kind": one["kind"], **own})
        self.n = spec["answer"]["n_targets"]
        how = spec["constraints"]["on_infeasible"]
        self.limits = Limits(told, how, self.n)
        self.unit = spec["clock"]["unit"]
        self.feasible = np.ones(0, dtype=bool)
        self.reset(1)

    def reset(self, n, streams=slice(None)):
        """Forget answers; n is how many streams there are, None leaves that."""
        if n is not None:
            self.before = np.full((n, self.n), np.nan)
        self.before[streams] = np.nan

    def step(self, answers, rows, units):
        """Return the answers to one row of each stream, within the limits.

        Parameters
        ----------
        answers : array of shape (n, ...)
        rows : array of shape (n, F)
            In the units of X.
        units : array of shape (n,)
            Time since the row before, in units of the clock.
        """
        kept, self.before, self.feasible = self._kept(answers, rows, self.before, units)
        return kept

    def begin(self):
        """Forget which answers were feasible."""
        self.feasible = np.ones(0, dtype=bool)

    def sequence(self, answers, rows, gaps, in_units):
        """Return the answers to rows (T, F) of a recording; add to `feasible`.

        `in_units` makes units of the clock of gaps, which are None where time is left
        out; nothing goes before the first row, and its gap is not read.
        """
        known = np.full(len(rows), np.nan)
        if gaps is not None:
            known[1:] = np.asarray(gaps, np.float64)[-len(rows) :][1:]
        units = in_units(known)
        if not self.limits.looks_back:
            kept, _, good = self._kept(answers, rows, None, units)
            self.feasible = np.concatenate([self.feasible, good])
            return kept
        before, found = np.full((1, self.n), np.nan), []
        for k in range(len(rows)):
            one = slice(k, k + 1)
            kept, before, good = self._kept(answers[one], rows[one], before, units[one])
            self.feasible = np.concatenate([self.feasible, good])
            found.append(kept)
        return np.concatenate(found)

    def _kept(self, answers, rows, before, units):
        flat = by_level(answers, self.n)
        own = before if self.limits.looks_back else None
        kept, feasible = self.limits.keep(flat, rows, own, units * self.unit)
        good = feasible.reshape(len(answers), -1).all(axis=1)
        # A copy: the caller gets the answers, and may change them.
        after = kept.copy() if own is not None else before
        return as_before(kept, np.shape(answers), self.n), after, good


def by_level(values, n):
    """Return values (B, n) or, for quantiles level by level, (B x levels, n)."""
    flat = np.asarray(values, np.float64).reshape(len(values), n, -1)
    return flat.transpose(0, 2, 1).reshape(-1, n)


def as_before(flat, shape, n):
    """Undo `by_level`, of values of this shape."""
    levels = max(1, len(flat) // max(1, shape[0]))
    split = flat.reshape(shape[0], levels, n).transpose(0, 2, 1)
    return np.ascontiguousarray(split).reshape(shape)


def nearest(y, low, high, normals, offsets):
    """Return the nearest point to y in a box and in half-spaces.

    Where there is none, the point of the box that breaks the half-spaces least.

    Parameters
    ----------
    y, low, high : ndarray of shape (n,)
    normals : ndarray of shape (m, n)
    offsets : ndarray of shape (m,)
    """
    length = np.sqrt((normals**2).sum(axis=1))
    tells = length > 0  # a row of zeros says nothing about the point
    rows, ends = normals[tells] / length[tells, None], offsets[tells] / length[tells]
    u = np.minimum(np.maximum(y, low), high)
    free = low < high  # other numbers have no choice
    ends = ends - rows[:, ~free] @ u[~free]
    rows, y, low, high = rows[:, free], y[free], low[free], high[free]
    unit = np.eye(len(y))
    below, above = np.isfinite(low), np.isfinite(high)
    sides = np.concatenate([rows, -unit[below], unit[above]])
    ends = np.concatenate([ends, -low[below], high[above]])
    excess, gram = sides @ y - ends, sides @ sides.T
    prices = _prices(gram, excess)
    # Prices beyond measure hold rows that all but contradict each other.
    if prices is None or prices.max(initial=0.0) > DEARNESS * (1 + np.abs(y).max()):
        soft = np.zeros(len(ends))
        soft[: len(rows)] = 1 / DEARNESS
        prices = _prices(gram + np.diag(soft), excess)
    if prices is not None:  # else numbers overflow
        u[free] = np.minimum(np.maximum(y - prices @ sides, low), high)
    return u


def _prices(gram, excess):
    """Return the prices >= 0 at which no row is exceeded; None if there are none.

    Rows are added one by one, the worst first, and dropped where their price falls to
    0 (Goldfarb and Idnani, Mathematical Programming 27, 1983).
    """
    prices, held = np.zeros(len(excess)), list[int]()
    if not len(excess):
        return prices
    size = np.abs(excess).max(initial=0.0)
    for _ in range(50 + 10 * len(excess)):
        over = excess - gram @ prices
        over[held] = 0.0
        worst = int(over.argmax())
        if not over[worst] > NEAR * size + ROUNDED * prices.max():
            # Once more at a stroke: steps add up their rounding.
            prices[held] = np.linalg.solve(gram[np.ix_(held, held)], excess[held])
            return prices
        while True:
            others = gram[np.ix_(held, held)], gram[held, worst]
            share = np.linalg.solve(*others) if held else np.empty(0)
            own = gram[worst, worst] - others[1] @ share
            falling = share > 0
            ends = np.full(len(held), np.inf)
            ends[falling] = prices[held][falling] / share[falling]
            last = int(ends.argmin()) if held else 0
            until = ends[last] if held else np.inf
            full = np.inf
            if own > INDEPENDENT:
                full = (excess[worst] - gram[worst] @ prices) / own
            step = min(until, full)
            if not np.isfinite(step):
                return None
            prices[held] -= step * share
            prices[worst] += step
            if full <= until:
                held.append(worst)
                break
            prices[held.pop(last)] = 0.0
    return None
