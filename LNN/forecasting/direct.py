"""The forecaster of regular time: all steps of the horizon at once, from one window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LNN.forecasting.linear_path import LinearPath
from LNN.forecasting.network_path import NetworkPath, as_steps
from LNN.forecasting.normalising import Normaliser
from LNN.forecasting.rows import Cutoffs, TrackRows, Windows

__all__ = ["DirectModel", "flat"]

# Windows that are cut at once: so many numbers are in memory at a time.
MOST_NUMBERS = 20_000_000


@dataclass(frozen=True, eq=False)
class DirectModel:
    """A linear path, and networks on what it leaves over.

    Attributes
    ----------
    window_length, horizon, patch : int
    normaliser : Normaliser
    linear : LinearPath
    network : NetworkPath or None
        None where the validation part said that it adds nothing.
    weight : float
        The part of the networks' correction that is added.
    masked : bool
        Whether the networks are told which values were seen.
    """

    window_length: int
    horizon: int
    patch: int
    normaliser: Normaliser
    linear: LinearPath
    network: NetworkPath | None
    weight: float
    masked: bool

    def predict(self, rows: TrackRows, cutoffs: Cutoffs) -> np.ndarray:
        """Return forecasts (n, horizon) in the units of the series."""
        found = np.empty((len(cutoffs.row), self.horizon))
        for chosen in self._blocks(rows, len(cutoffs.row)):
            windows = self.windows(rows, cutoffs.subset(chosen))
            found[chosen] = self.answer(windows)
        return found

    def windows(self, rows: TrackRows, cutoffs: Cutoffs) -> Windows:
        """Cut what forecasts are made from."""
        return rows.windows(cutoffs, self.window_length, self.horizon)

    def answer(self, windows: Windows) -> np.ndarray:
        """Return forecasts (n, horizon) from windows."""
        centre, scale = self.normaliser.of(windows)
        past = (windows.past - centre) / scale
        found = self.linear(flat(past, windows))
        if self.network is not None:
            found = found + self.weight * self.network(
                self.steps(past, windows), windows.times
            )
        return found * scale + centre

    def steps(self, past: np.ndarray, windows: Windows) -> np.ndarray:
        """Return normalised windows as the networks read them."""
        return as_steps(
            past,
            windows.seen,
            windows.past_inputs,
            windows.future_inputs,
            self.normaliser.told(windows),
            self.patch,
            self.masked,
            bool(windows.future_inputs.shape[2]) or windows.times is not None,
        )

    def _blocks(self, rows: TrackRows, n: int) -> list[np.ndarray]:
        columns = 1 + rows.inputs.shape[1]
        numbers = n * (self.window_length + self.horizon) * columns
        return np.array_split(np.arange(n), max(1, -(-numbers // MOST_NUMBERS)))


def flat(past: np.ndarray, windows: Windows) -> np.ndarray:
    """Return all that the linear path reads of windows, (n, n_numbers).

    An unseen input has its mean, which is 0. Where steps are not equal, it reads how
    long ago each row was when the forecast is for.
    """
    others = [windows.past_inputs, windows.future_inputs]
    parts = [np.nan_to_num(part).reshape(len(past), -1) for part in others]
    if windows.times is not None:
        parts.append(np.log1p(windows.times[:, -1:] - windows.times[:, :-1]))
    return np.concatenate([past, *parts], axis=1)
