"""Neural ODE: a tanh layer as the slope of the state, solved by torchdiffeq."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from LNN._plain import takes_any_number
from LNN.baselines.base import Baseline, input_map, recurrent_map
from LNN.cells.exporting import exporting
from LNN.exceptions import InvalidInputError, MissingDependencyError

UNFOLDS = 6
# Size of the recurrent map at the start. Without a leak, an orthogonal one makes
# differences and gradients grow by up to e in every unit of time: training goes badly.
START = 0.1


class NeuralODE(Baseline):
    r"""Neural ordinary differential equation, as the LTC paper compares with it.

    .. math:: \dot h = \tanh(W x + U h + b)

    over the time elapsed before each step, with the input of that step: six steps of
    torchdiffeq's fourth-order Runge-Kutta method. There is no leak. The slope is at
    most 1, so states grow no faster than time: a long gap makes them large, never
    infinite. A gap of 0 changes nothing.

    Parameters
    ----------
    input_size, n_neurons : int
    generator : torch.Generator, default=None

    Raises
    ------
    MissingDependencyError
        Without torchdiffeq, which the extra `LNN[experiments]` installs.

    Notes
    -----
    The code of the LTC paper takes six steps of 0.1 at every sample, whatever the time
    between them, with the classical Runge-Kutta weights; torchdiffeq has the 3/8 rule,
    of the same order.

    References
    ----------
    Chen et al., Neural ordinary differential equations, NeurIPS 2018.
    Hasani et al., Liquid time-constant networks, AAAI 2021 (the comparison).
    """

    line = "dh/dt = tanh(W x + U h) over dt"

    @takes_any_number
    def __init__(
        self,
        input_size: int,
        n_neurons: int,
        *,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        _odeint()  # before any data are touched
        self.input_size, self.n_neurons = input_size, n_neurons
        self.inputs = input_map(input_size, n_neurons, 1, generator)
        recurrent = recurrent_map(n_neurons, n_neurons, 1, generator)
        self.recurrent = nn.Parameter(START * recurrent.detach())

    def advance(self, inputs: Tensor, state: Tensor, spans: Tensor) -> Tensor:
        """Return the states after every step."""
        if exporting():
            raise InvalidInputError(
                "A Neural-ODE cannot be exported: torchdiffeq looks at the values of "
                "its time grid, which an export does not have. Export another "
                'model_type, for example "CT-RNN".'
            )
        odeint = _odeint()
        # Every gap is solved over [0, 1], as each sample has its own: the slope is
        # multiplied by its length instead.
        grid = torch.arange(UNFOLDS + 1, dtype=inputs.dtype, device=inputs.device)
        grid = grid / UNFOLDS
        ends, options = grid[[0, -1]], {"grid_constructor": lambda *_: grid}
        drives, gaps = self.inputs(inputs).unbind(1), spans.unsqueeze(-1).unbind(1)
        states = []
        for drive, gap in zip(drives, gaps, strict=True):
            slope = self._slope(drive, gap)
            state = odeint(slope, state, ends, method="rk4", options=options)[1]
            states.append(state)
        return torch.stack(states, dim=1)

    def _slope(self, drive: Tensor, gap: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        weight = self.recurrent
        return lambda _, h: gap * torch.tanh(torch.addmm(drive, h, weight))


def _odeint() -> Callable:
    try:
        from torchdiffeq import odeint
    except ImportError as error:
        raise MissingDependencyError(
            'model_type="Neural-ODE" needs torchdiffeq. Install it with: '
            'pip install "LNN[experiments]".'
        ) from error
    return odeint
