"""The liquid time-constant cell (LTC)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LNN._plain import takes_any_number
from LNN.cells.base import Cell, choice
from LNN.cells.names import names_of, refuse_unknown
from LNN.cells.synapses import SynapseIndex, inverse_softplus, log_uniform, uniform
from LNN.wiring import Edges, Wiring, given_wiring

SOLVERS = ("semi-implicit", "exponential", "explicit", "rk4")
MAPPINGS = ("affine", "linear", None)


class Synapses(nn.Module):
    """Conductance-based synapses: w sigmoid(sigma (x - mu)), reversal potential E.

    Parameters
    ----------
    edges : Edges
        The live synapses of one kind (sensory or recurrent).
    n_sources, n_targets : int
    generator : torch.Generator, default=None
    mu_range : tuple of float
        Where the sigmoids are centred at the start.
    """

    @takes_any_number
    def __init__(
        self,
        edges: Edges,
        n_sources: int,
        n_targets: int,
        generator: torch.Generator | None = None,
        mu_range: tuple[float, float] = (0.3, 0.8),
    ):
        super().__init__()
        n = len(edges.source)
        self.index = SynapseIndex(edges.source, edges.target, n_sources, n_targets)
        # The ranges are those of ncps.
        self.w = nn.Parameter(uniform(n, 0.001, 1.0, generator))
        self.sigma = nn.Parameter(uniform(n, 3.0, 8.0, generator))
        self.mu = nn.Parameter(uniform(n, *mu_range, generator))
        polarity = torch.tensor(edges.polarity, dtype=self.w.dtype)
        self.erev = nn.Parameter(polarity)

    def constants(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return (shift, gather, reduce), the maps that `currents` applies."""
        return self.maps(*self.per_synapse())

    def per_synapse(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return each synapse's shift -sigma mu, sigma, w E and w."""
        # A softplus, here and below, keeps conductances and capacitances positive
        # wherever training takes the parameters: the bounds of the states rest on it.
        w = F.softplus(self.w)
        return -self.sigma * self.mu, self.sigma, w * self.erev, w

    def maps(
        self, shift: Tensor, sigma: Tensor, current: Tensor, conductance: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps that `currents` applies, from what `per_synapse` returns.

        One-hot matrices in place of index gathers: both passes are then plain
        matrix products, which are fast and have the same bits on every run.
        """
        # Currents and conductances share their sigmoids: one product sums both.
        reduce = [self.index.reduce_matrix(v) for v in (current, conductance)]
        return shift, self.index.gather_matrix(sigma), torch.cat(reduce, dim=1)

    @staticmethod
    def currents(x: Tensor, constants: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Return [sum w E s, sum w s] for each target, shape (..., 2 n_targets)."""
        shift, gather, reduce = constants
        return torch.sigmoid(x @ gather + shift) @ reduce


class LTCCell(Cell):
    r"""Liquid time-constant cell.

    The state v follows, for neuron j with membrane capacitance cm, leak
    conductance gleak and synapses :math:`i \to j` of conductance w and reversal
    potential E,

    .. math::

        c_j \dot v_j = I_j - G_j v_j, \quad
        I_j = g_j v^{leak}_j + \sum_i w_{ij} E_{ij} s_{ij}, \quad
        G_j = g_j + \epsilon + \sum_i w_{ij} s_{ij}, \quad
        s_{ij} = \mathrm{sigmoid}(\sigma_{ij} (v_i - \mu_{ij})),

    where the sums run over live synapses from neurons and from inputs. The fused
    semi-implicit solver takes `ode_unfolds` steps of length h = dt / ode_unfolds:

    .. math:: v_j \leftarrow v_j + h (I_j - G_j v_j) / (c_j + h G_j)

    and the exponential one as many of the exact solution with I and G held,

    .. math:: v_j \leftarrow v_j + (1 - e^{-h G_j / c_j}) (I_j / G_j - v_j)

    so dt = 0 leaves the state exactly as it was, and every state stays between the
    smallest and largest of 0, its start, vleak and E, whatever the input and dt. The
    explicit solvers have no such bound: states explode once h is longer than about 2
    (Euler) or 2.8 (RK4) of the shortest time constant c / G.

    Parameters
    ----------
    wiring : Wiring or ncps wiring
        Which synapses exist. State column j is neuron j of the wiring.
    input_size : int, default=None
        Needed for an ncps wiring that is not built; None is what the wiring has.
    solver : {"semi-implicit", "exponential", "explicit", "rk4"}, \
default="semi-implicit"
        "explicit" (Euler) and "rk4" are for short dt only: with 6 unfolds and the
        default initial values (NCP of 32 neurons) states explode from dt = 5 on.
    ode_unfolds : int, default=6
        Solver steps per time step. At typical time steps one of "exponential" is as
        near the solution as six of "semi-implicit".
    input_mapping, output_mapping : {"affine", "linear", None}, default="affine"
        Trainable map per input, and per motor neuron.
    time_constants : tuple of float, default=None
        Range (shortest, longest), in units of dt, of the neurons' time constants
        cm / G at the start, drawn log-uniformly. None draws cm as ncps does, which
        forgets within a few steps at dt = 1.
    epsilon : float, default=1e-8
        A leak towards 0 that keeps G positive.
    generator : torch.Generator, default=None
        Source of the initial values; None is torch's global generator.
    **unknown
        Refused by name.

    References
    ----------
    Hasani et al., Liquid time-constant networks, AAAI 2021, eq. 3.
    Lechner et al., Neural circuit policies, Nature Machine Intelligence 2020.
    MacGregor, Neural and brain modeling, 1987 (the exponential solver, as neuroscience
    integrates conductance-based neurons).

    Examples
    --------
    >>> import torch
    >>> from LNN import LTCCell, Wiring
    >>> cell = LTCCell(Wiring.ncp(n_inputs=3, n_neurons=12, n_outputs=2))
    >>> outputs, state = cell(torch.randn(5, 3), dt=0.5)
    >>> outputs.shape, state.shape
    (torch.Size([5, 2]), torch.Size([5, 12]))
    """

    input_weight: nn.Parameter | None
    input_bias: nn.Parameter | None
    output_weight: nn.Parameter | None
    output_bias: nn.Parameter | None

    @takes_any_number
    def __init__(
        self,
        wiring: Wiring,
        input_size: int | None = None,
        *,
        solver: str = "semi-implicit",
        ode_unfolds: int = 6,
        input_mapping: str | None = "affine",
        output_mapping: str | None = "affine",
        time_constants: tuple[float, float] | None = None,
        epsilon: float = 1e-8,
        generator: torch.Generator | None = None,
        **unknown: Any,
    ):
        refuse_unknown(self, unknown, names_of(LTCCell))
        wiring = given_wiring(wiring, input_size, self)
        super().__init__()
        choice("solver", solver, SOLVERS)
        choice("input_mapping", input_mapping, MAPPINGS)
        choice("output_mapping", output_mapping, MAPPINGS)
        self.wiring = wiring
        self.solver, self.ode_unfolds, self.epsilon = solver, int(ode_unfolds), epsilon
        self.input_mapping, self.output_mapping = input_mapping, output_mapping
        self.input_size = wiring.n_inputs
        self.state_size = wiring.n_neurons
        self.output_size = wiring.n_outputs
        n = wiring.n_neurons
        self.sensory = Synapses(wiring.sensory, wiring.n_inputs, n, generator)
        self.recurrent = Synapses(wiring.recurrent, n, n, generator)
        self.gleak = nn.Parameter(uniform(n, 0.001, 1.0, generator))
        self.vleak = nn.Parameter(uniform(n, -0.2, 0.2, generator))
        self.cm = nn.Parameter(uniform(n, 0.4, 0.6, generator))
        if time_constants is not None:
            self._spread_time_constants(*time_constants, generator)
        self._make_mappings()

    def _make_mappings(self) -> None:
        for name, kind, size in (
            ("input", self.input_mapping, self.input_size),
            ("output", self.output_mapping, self.output_size),
        ):
            scale = nn.Parameter(torch.ones(size)) if kind else None
            shift = nn.Parameter(torch.zeros(size)) if kind == "affine" else None
            self.register_parameter(f"{name}_weight", scale)
            self.register_parameter(f"{name}_bias", shift)

    @torch.no_grad()
    def _spread_time_constants(
        self, shortest: float, longest: float, generator: torch.Generator | None
    ) -> None:
        """Set cm so that cm / G at half-open synapses is log-uniform in the range."""
        tau = log_uniform(self.state_size, shortest, longest, generator)
        conductance = F.softplus(self.gleak)
        for synapses in (self.sensory, self.recurrent):
            half_open = 0.5 * F.softplus(synapses.w)
            conductance = conductance.index_add(0, synapses.index.target, half_open)
        self.cm.copy_(inverse_softplus(tau * conductance))

    def drive(self, inputs: Tensor) -> Tensor:
        """Return the sensory part of [I, G]; it does not depend on the state."""
        if self.input_weight is not None:
            inputs = inputs * self.input_weight
        if self.input_bias is not None:
            inputs = inputs + self.input_bias
        gleak = F.softplus(self.gleak)
        # The leak depends on no state either, so it joins the drive of all steps.
        leak = torch.cat([gleak * self.vleak, gleak + self.epsilon])
        return self.sensory.currents(inputs, self.sensory.constants()) + leak

    def constants(self) -> tuple:
        """Return the membrane capacitance and the recurrent synapses' maps."""
        return F.softplus(self.cm), self.recurrent.constants()

    def step(
        self, drive: Tensor, state: Tensor, dt: Tensor, constants: tuple
    ) -> Tensor:
        """Advance by dt (B, 1) in `ode_unfolds` solver steps."""
        cm, synapses = constants
        h = dt / self.ode_unfolds

        def currents(v: Tensor) -> tuple[Tensor, ...]:
            return (drive + self.recurrent.currents(v, synapses)).chunk(2, dim=-1)

        def slope(v: Tensor) -> Tensor:
            current, conductance = currents(v)
            return (current - conductance * v) / cm

        v = state
        for _ in range(self.ode_unfolds):
            if self.solver == "semi-implicit":
                # Written as a change of v, not as eq. 3 of the paper has it: at h = 0
                # nothing is rounded, and the state stays exactly what it was.
                current, conductance = currents(v)
                v = v + h * (current - conductance * v) / (cm + h * conductance)
            elif self.solver == "exponential":
                # Not 1 - exp, which has no digits left where little time goes by.
                current, conductance = currents(v)
                gone = -torch.expm1(-h * conductance / cm)
                v = v + gone * (current / conductance - v)
            elif self.solver == "explicit":
                v = v + h * slope(v)
            else:
                k1 = slope(v)
                k2 = slope(v + 0.5 * h * k1)
                k3 = slope(v + 0.5 * h * k2)
                k4 = slope(v + h * k3)
                v = v + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return v

    def outputs(self, states: Tensor) -> Tensor:
        """Map the motor neurons, which are the first `output_size` columns."""
        motor = states[..., : self.output_size]
        if self.output_weight is None:
            return motor
        if self.output_bias is None:
            return motor * self.output_weight
        return torch.addcmul(self.output_bias, motor, self.output_weight)

    def extra_repr(self) -> str:
        """Name the wiring and the solver."""
        return f"{self.wiring!r}, solver={self.solver!r}, unfolds={self.ode_unfolds}"
