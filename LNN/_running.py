"""What runs along with streams: arrays of the past, one row for each stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np


class Running:
    """Named arrays that a stream can store, set again and go back to.

    Attributes
    ----------
    past : dict of str to ndarray
        Their first axis is the streams. A step makes new arrays, as `state` hands out
        the old ones for a stream to go back to.
    """

    past: dict[str, np.ndarray]
    # What an array holds before the first row, where that is not 0.
    starts: ClassVar[Mapping[str, float]] = {}

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that hold the past."""
        return dict(self.past)

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Take arrays as `state` returns them."""
        self.past = {name: np.array(state[name]) for name in self.past}

    def set_back(self, state: Mapping[str, np.ndarray], which: np.ndarray) -> None:
        """Go back to an earlier state in some streams."""
        for name, now in self.past.items():
            now[which] = state[name][which]

    def reset(self, which: Any) -> None:
        """Forget the past of some streams."""
        for name, values in self.past.items():
            values[which] = self.starts.get(name, 0)
