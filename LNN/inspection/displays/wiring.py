"""The wiring of a layer with what training made of its synapses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.displays.needs import refuse_without_matplotlib
from LNN.inspection.names import neuron_names, output_names, read_names
from LNN.inspection.strengths import strengths_of
from LNN.layers import SequenceLayer
from LNN.network import MotorReadout
from LNN.wiring.circuit import Circuit
from LNN.wiring.plot import draw_wiring

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class WiringDisplay:
    """The wiring of a layer, drawn with trained signs and weights.

    `Wiring.plot` draws what there was before training. Here the colour of a line is the
    sign that its synapse has now, and its width the size of its weight, the thickest
    line being the strongest synapse of the inputs, or of the neurons.

    Parameters
    ----------
    wiring : Wiring
    sensory, recurrent : ndarray of shape (n_synapses,)
        Trained strengths, in the order of `wiring.sensory` and `wiring.recurrent`. Of
        an LTC conductance times reversal potential; of a CfC the weight in the value
        that the neuron goes to.
    input_names, output_names : sequence of str, default=None

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Notes
    -----
    It shows the model, not the world. A strong synapse of an input that never changes
    does nothing: see `InfluenceDisplay`. Each neuron of a CfC reads its own state too,
    which is drawn where the wiring has a synapse for it. The LSTM of mixed memory is
    not drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import WiringDisplay
    >>> X = np.sin(0.3 * np.arange(60))[:, None]
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> display = WiringDisplay.from_estimator(lnn.fit(X[:-1], X[1:, 0]))
    >>> display.sensory.shape == (lnn.wiring_.n_sensory_synapses,)
    True
    """

    def __init__(
        self,
        wiring: Circuit,
        sensory: NDArray[np.float64],
        recurrent: NDArray[np.float64],
        *,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ):
        self.wiring = wiring
        self.sensory, self.recurrent = sensory, recurrent
        self.input_names, self.output_names = input_names, output_names

    @classmethod
    def from_estimator(
        cls, model: Any, *, layer: int = 0, ax: Axes | None = None
    ) -> WiringDisplay:
        """Draw a layer of a fitted model.

        Parameters
        ----------
        model : fitted estimator, Pipeline that ends in one, or FittedModel
        layer : int, default=0
            0 reads the inputs, each further one the layer before it.
        ax : matplotlib Axes, default=None
            None is a new figure.

        Returns
        -------
        WiringDisplay

        Raises
        ------
        InvalidInputError
            If there is no such layer, or if its synapses have no weights of their own.
        """
        fitted = as_fitted(model)
        network = fitted.network
        layers = list(network.layers)
        if not -len(layers) <= layer < len(layers):
            raise InvalidInputError(
                f"Expected layer from 0 to {len(layers) - 1}, got {layer}."
            )
        layer %= len(layers)
        sensory, recurrent = (part.numpy() for part in strengths_of(layers[layer]))
        chosen = layers[layer]
        assert isinstance(chosen, SequenceLayer)  # others have no strengths
        wiring = chosen.wiring
        names = read_names(fitted, fitted.layout)
        if layer:
            before = sum(part.n_neurons for part in layers[: layer - 1])
            names = neuron_names(network)[before : before + wiring.n_inputs]
        answers = None
        last = layer == len(layers) - 1
        if last and isinstance(network.readout, MotorReadout):
            answers = [str(y) for y in output_names(fitted, network.output_size)]
        display = cls(
            wiring,
            sensory[wiring.sensory.source, wiring.sensory.target],
            recurrent[wiring.recurrent.source, wiring.recurrent.target],
            input_names=names,
            output_names=answers,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> WiringDisplay:
        """Draw on axes, or on a new figure.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None is a new figure of suitable size.

        Returns
        -------
        WiringDisplay
            Itself.
        """
        refuse_without_matplotlib()
        self.ax_: Axes = draw_wiring(
            self.wiring,
            ax,
            self.input_names,
            self.output_names,
            (self.sensory, self.recurrent),
        )
        self.figure_: Figure | SubFigure = self.ax_.figure
        return self
