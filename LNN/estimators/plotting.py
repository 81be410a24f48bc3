"""The pictures that an estimator draws of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from LNN._typing import Column
from LNN.estimators.fitted import as_fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from LNN.inspection.displays.activity import NeuronActivityDisplay
    from LNN.inspection.displays.wiring import WiringDisplay


class PlottingMixin:
    """Methods that draw a fitted estimator, with matplotlib."""

    def plot_wiring(self, *, layer: int = 0, ax: Axes | None = None) -> WiringDisplay:
        """Draw the wiring with trained signs and weights.

        Parameters
        ----------
        layer : int, default=0
            Number of the layer; 0 is the one that reads the inputs.
        ax : matplotlib Axes, default=None
            None is a new figure.

        Returns
        -------
        WiringDisplay
            With `ax_` and `figure_`; see `LNN.inspection.WiringDisplay`.
        """
        # Only now: inspection is loaded by those who inspect.
        from LNN.inspection.displays.wiring import WiringDisplay

        return WiringDisplay.from_estimator(as_fitted(self), layer=layer, ax=ax)

    def plot_activity(
        self,
        X: ArrayLike,
        *,
        sequence: int = 0,
        timestamps: Column | None = None,
        groups: Column | None = None,
        ax: Axes | None = None,
    ) -> NeuronActivityDisplay:
        """Draw inputs, neurons and answers over the time of a recording or sequence.

        Parameters
        ----------
        X, timestamps, groups
            As in `predict`.
        sequence : int, default=0
            Which recording or sequence of X.
        ax : matplotlib Axes, default=None
            Axes whose place the three parts take; None is a new figure.

        Returns
        -------
        NeuronActivityDisplay
            With `ax_` and `figure_`; see `LNN.inspection.NeuronActivityDisplay`.
        """
        from LNN.inspection.displays.activity import NeuronActivityDisplay

        return NeuronActivityDisplay.from_estimator(
            as_fitted(self),
            X,
            sequence=sequence,
            timestamps=timestamps,
            groups=groups,
            ax=ax,
        )
