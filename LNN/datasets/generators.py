"""Generated series: chaos, sines at irregular times, a panel of faulty sensors."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from LNN._random import random_source
from LNN.exceptions import InvalidInputError

# Production, decay and exponent in the equation of Mackey and Glass.
PRODUCTION, DECAY, EXPONENT = 0.2, 0.1, 10
# Steps of the solver per unit of time, and units until the start is forgotten.
RESOLUTION, WASH_OUT = 10, 300
# Shape of the gamma distribution of gaps between irregular times: seldom near 0, with a
# deviation of 0.7 times their mean.
GAP_SHAPE = 2.0
DAY = 24.0


def make_mackey_glass(
    n_samples: int = 1000,
    *,
    tau: float = 17.0,
    horizon: int = 1,
    noise: float = 0.0,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make the series of Mackey and Glass, to be foretold `horizon` steps ahead.

    dx/dt = 0.2 x(t - tau) / (1 + x(t - tau)^10) - 0.1 x(t), solved by Runge-Kutta
    steps of 0.1 and given once a unit of time. It is chaotic from a delay of 17 on.

    Parameters
    ----------
    n_samples : int, default=1000
        Steps of the series.
    tau : float, default=17.0
        The delay, in units of time; a multiple of 0.1.
    horizon : int, default=1
        How many steps ahead the target is.
    noise : float, default=0.0
        Standard deviation of the noise on `data`; the target has none.
    random_state : int, RandomState or None, default=None
        Draws the start of the series, and the noise.

    Returns
    -------
    Bunch
        data : ndarray of shape (n_samples, 1)
        target : ndarray of shape (n_samples,)
        timestamps : ndarray of shape (n_samples,)
            0, 1, 2, ...

    Raises
    ------
    InvalidInputError
        If a parameter is out of its range.

    References
    ----------
    Mackey and Glass, Oscillation and chaos in physiological control systems, Science
    197, 1977.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN.datasets import make_mackey_glass
    >>> series = make_mackey_glass(500, horizon=5, random_state=0)
    >>> series.data.shape, series.target.shape
    ((500, 1), (500,))
    >>> bool(np.all(series.target[:-5] == series.data[5:, 0]))
    True
    """
    _require_count(n_samples=n_samples, horizon=horizon)
    _require_number(0.1, np.inf, tau=tau)
    _require_number(0.0, np.inf, noise=noise)
    random = random_source(random_state)
    series = _mackey_glass(n_samples + horizon, tau, random.uniform(0.5, 1.3))
    data = series[:n_samples, None]
    return Bunch(
        data=data + noise * random.standard_normal(data.shape),
        target=series[horizon:],
        timestamps=np.arange(n_samples, dtype=float),
    )


def _mackey_glass(n_steps: int, tau: float, start: float) -> np.ndarray:
    """Solve from a constant past, and return one value a unit of time."""
    delay, h = round(tau * RESOLUTION), 1 / RESOLUTION
    # Plain floats: numpy's would make the loop five times as slow.
    x = [start] * (delay + 1)
    for _ in range((WASH_OUT + n_steps) * RESOLUTION):
        past, next_past = x[-delay - 1], x[-delay]
        # Runge and Kutta's middle lies between two known values of the past.
        gain = [_production(p) for p in (past, (past + next_past) / 2, next_past)]
        k1 = gain[0] - DECAY * x[-1]
        k2 = gain[1] - DECAY * (x[-1] + h / 2 * k1)
        k3 = gain[1] - DECAY * (x[-1] + h / 2 * k2)
        k4 = gain[2] - DECAY * (x[-1] + h * k3)
        x.append(x[-1] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return np.array(x[delay::RESOLUTION])[-n_steps:]


def _production(past: float) -> float:
    return PRODUCTION * past / (1 + past**EXPONENT)


def make_irregular_sine(
    n_samples: int = 200,
    n_steps: int = 40,
    *,
    noise: float = 0.1,
    frequencies: tuple[float, float] = (0.05, 0.2),
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make noisy sines seen at irregular times; the target is their frequency.

    How fast a sequence is sampled differs as much as the frequencies do: whoever does
    not read the time stamps knows turns a step, but not turns a unit of time.

    Parameters
    ----------
    n_samples : int, default=200
        Number of sequences.
    n_steps : int, default=40
        Steps of each.
    noise : float, default=0.1
        Standard deviation of the noise on values of amplitude 1.
    frequencies : tuple of two floats, default=(0.05, 0.2)
        Least and largest frequency, in turns a unit of time.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    Bunch
        data : ndarray of shape (n_samples, n_steps, 1)
        target : ndarray of shape (n_samples,)
            Frequencies, drawn evenly.
        timestamps : ndarray of shape (n_samples, n_steps)
            From 0; the gaps of a sequence are gamma distributed (shape 2), their mean
            is drawn from 0.5 to 2 units, as often below as above 1.

    Raises
    ------
    InvalidInputError
        If a parameter is out of its range.

    Examples
    --------
    >>> from LNN.datasets import make_irregular_sine
    >>> sines = make_irregular_sine(20, 30, random_state=0)
    >>> sines.data.shape, sines.target.shape, sines.timestamps.shape
    ((20, 30, 1), (20,), (20, 30))
    """
    _require_count(n_samples=n_samples, n_steps=n_steps)
    _require_number(0.0, np.inf, noise=noise)
    low, high = frequencies
    if not 0 < low <= high:
        raise InvalidInputError(
            "Expected frequencies as two positive numbers, the smaller first, got "
            f"{frequencies}."
        )
    random = random_source(random_state)
    frequency = random.uniform(low, high, n_samples)
    phase = random.uniform(0, 1, n_samples)
    pace = 2.0 ** random.uniform(-1, 1, (n_samples, 1))
    gaps = pace * random.gamma(GAP_SHAPE, 1 / GAP_SHAPE, (n_samples, n_steps))
    time = np.cumsum(gaps, axis=1) - gaps[:, :1]
    values = np.sin(2 * np.pi * (frequency[:, None] * time + phase[:, None]))
    values += noise * random.standard_normal(values.shape)
    return Bunch(data=values[:, :, None], target=frequency, timestamps=time)


def make_sensor_panel(
    n_groups: int = 4,
    n_steps: int = 500,
    n_sensors: int = 3,
    *,
    drift: float = 0.5,
    dropouts: float = 0.05,
    missing: float = 0.1,
    noise: float = 0.1,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Make recordings of machines whose sensors drift, fall silent and lose values.

    Each machine has a load that wanders about a daily rhythm. Each sensor follows the
    load with a lag of its own, and drifts. The target is the load.

    Parameters
    ----------
    n_groups : int, default=4
        Number of machines.
    n_steps : int, default=500
        Hours that each is recorded, before rows are dropped.
    n_sensors : int, default=3
    drift : float, default=0.5
        Standard deviation of how far sensors have drifted at the end, where the load
        has one of about 1.
    dropouts : float, default=0.05
        Share of the rows that are not there, for hours in turn: their time stamps are
        missing.
    missing : float, default=0.1
        Share of single values that are NaN.
    noise : float, default=0.1
        Standard deviation of the noise on the sensors.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    Bunch
        data : DataFrame of shape (n, n_sensors)
            n is `n_groups * n_steps` less the rows that fell out.
        target : ndarray of shape (n,)
        groups : ndarray of int, shape (n,)
            The machine, 0 to `n_groups - 1`.
        timestamps : ndarray of datetime64[ns], shape (n,)
            About an hour apart, and up to ten minutes off.
        feature_names : list of str

    Raises
    ------
    InvalidInputError
        If a parameter is out of its range.

    Examples
    --------
    >>> from LNN.datasets import make_sensor_panel
    >>> panel = make_sensor_panel(2, 100, random_state=0)
    >>> panel.data.columns.tolist()
    ['sensor_0', 'sensor_1', 'sensor_2']
    >>> len(panel.data) < 200, bool(panel.data.isna().to_numpy().any())
    (True, True)
    """
    _require_count(n_groups=n_groups, n_steps=n_steps, n_sensors=n_sensors)
    _require_number(0.0, np.inf, drift=drift, noise=noise)
    _require_number(0.0, 0.9, dropouts=dropouts, missing=missing)
    random = random_source(random_state)
    size = (n_groups, n_steps)
    hours = np.arange(n_steps) + random.uniform(-1 / 6, 1 / 6, size)
    load = _load(hours, random)
    values = _sensors(load, n_sensors, random)
    slope = drift * random.standard_normal((n_groups, 1, n_sensors))
    values += slope * np.linspace(0, 1, n_steps)[:, None]
    values += noise * random.standard_normal(values.shape)
    values[random.uniform(size=values.shape) < missing] = np.nan
    kept = _kept(size, dropouts, random)
    names = [f"sensor_{k}" for k in range(n_sensors)]
    start = np.datetime64("2024-01-01", "ns")
    return Bunch(
        data=pd.DataFrame(values[kept], columns=names),
        target=load[kept],
        groups=np.nonzero(kept)[0],
        timestamps=start + (hours[kept] * 3600).round().astype("timedelta64[s]"),
        feature_names=names,
    )


def _load(hours: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Return a daily rhythm with a wandering part, (n_groups, n_steps)."""
    phase = random.uniform(0, DAY, (len(hours), 1))
    load = np.sin(2 * np.pi * (hours + phase) / DAY)
    wander = 0.3 * random.standard_normal(hours.shape)
    for step in range(1, hours.shape[1]):
        wander[:, step] += 0.9 * wander[:, step - 1]
    return load + wander


def _sensors(
    load: np.ndarray, n_sensors: int, random: np.random.RandomState
) -> np.ndarray:
    """Follow the load with lags of 1 to 6 hours, (n_groups, n_steps, n_sensors)."""
    gain = random.uniform(0.5, 1.5, n_sensors) * random.choice([-1, 1], n_sensors)
    share = 1 - np.exp(-1 / random.uniform(1, 6, n_sensors))
    values = np.empty((*load.shape, n_sensors))
    state = load[:, :1] * gain
    for step in range(load.shape[1]):
        state = state + share * (load[:, step, None] * gain - state)
        values[:, step] = state
    return values


def _kept(
    size: tuple[int, int], dropouts: float, random: np.random.RandomState
) -> np.ndarray:
    """Return which rows are there: silence begins at random and lasts 5 hours or so."""
    going_on = 0.8
    # As many silences begin as end when this share of the rows is silent.
    begins = dropouts * (1 - going_on) / (1 - dropouts)
    chance = random.uniform(size=size)
    silent = np.zeros(size, dtype=bool)
    for step in range(1, size[1]):
        silent[:, step] = chance[:, step] < np.where(
            silent[:, step - 1], going_on, begins
        )
    return ~silent


def _require_count(**values: int) -> None:
    for name, value in values.items():
        if not isinstance(value, Integral) or value < 1:
            raise InvalidInputError(
                f"Expected {name} as an integer of at least 1, got {value!r}."
            )


def _require_number(low: float, high: float, **values: float) -> None:
    for name, value in values.items():
        if not isinstance(value, Real) or not low <= value <= high:
            raise InvalidInputError(
                f"Expected {name} as a number from {low:g} to {high:g}, got {value!r}."
            )
