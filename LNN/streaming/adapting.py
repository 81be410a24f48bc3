"""Learning online: the read-out by recursive least squares, or all weights by SGD."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from scipy.linalg import solve
from torch import nn

from LNN.exceptions import NonFiniteLossError
from LNN.network import LiquidNetwork, MotorReadout
from LNN.streaming.engines import StreamEngine
from LNN.training.losses import Loss
from LNN.training.optimisers import clip_gradient
from LNN.training.parameter_vector import ParameterVector

# How much the information matrix knows of each weight when a stream begins, and what
# forgetting always leaves of that. Features are states, of order 1.
PRIOR, FLOOR = 1.0, 0.1


class Readout:
    """The network's last map, in double precision.

    Parameters
    ----------
    network : LiquidNetwork

    Attributes
    ----------
    weight : ndarray of shape (O, N)
    bias : ndarray of shape (O,)
    """

    def __init__(self, network: LiquidNetwork):
        head = network.readout
        if isinstance(head, MotorReadout):
            gain, bias = _array(head.weight), _array(head.bias)
            # Motor neurons are the first ones, each with an output of its own.
            self.weight = np.zeros((len(gain), network.layers[-1].n_neurons))
            np.fill_diagonal(self.weight, gain)
        else:
            dense = _dense(network)
            self.weight, bias = _array(dense.weight), _array(dense.bias)
        self.bias = bias

    def outputs(self, features: np.ndarray) -> np.ndarray:
        """Map features (n, N) to outputs (n, O)."""
        return features @ self.weight.T + self.bias

    def store(self, network: LiquidNetwork) -> None:
        """Write the (dense) map into a network."""
        dense = _dense(network)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(self.weight))
            dense.bias.copy_(torch.from_numpy(self.bias))


def _dense(network: LiquidNetwork) -> nn.Linear:
    """Return the linear map of a dense read-out."""
    head = network.readout[-1] if isinstance(network.readout, nn.Sequential) else None
    assert isinstance(head, nn.Linear)
    return head


class Adapter(ABC):
    """Changes weights when the truth about the last step becomes known."""

    @abstractmethod
    def update(
        self, features: np.ndarray, goals: np.ndarray, known: np.ndarray
    ) -> None:
        """Learn from the last step.

        Parameters
        ----------
        features : ndarray of shape (n, N)
            What the read-out read.
        goals : ndarray of shape (n, K), or (n,) of class codes
            In the network's units.
        known : ndarray of bool, shape (n,)
            Which streams have a goal.
        """


class ReadoutAdapter(Adapter):
    """Recursive least squares with forgetting, on the information matrix.

    With features f (and a constant 1), errors e and forgetting factor l, each step is

        A  <-  l A + (1 - l) floor I + c f f'
        W  <-  W + e (A^-1 f)'

    which for floor = 0 is the usual recursion with P = A^-1. The floor bounds the
    covariance: where a feature does not vary, old information fades, and P would grow
    without limit (wind-up). The loss gives e and c, a bound of its curvature: for
    classes e is the label less the probability, and c = 1/2.

    References
    ----------
    Haykin, Adaptive Filter Theory, ch. 10 (recursive least squares).
    """

    def __init__(self, readout: Readout, objective: Loss, forgetting: float):
        self.readout, self.forgetting = readout, forgetting
        assert objective.curvature is not None  # a stream refuses other losses
        self.objective, self.curvature = objective, objective.curvature
        self.information = PRIOR * np.eye(readout.weight.shape[1] + 1)

    def update(
        self, features: np.ndarray, goals: np.ndarray, known: np.ndarray
    ) -> None:
        """Learn from the last step."""
        features, goals = features[known].astype(np.float64), goals[known]
        if not (np.isfinite(features).all() and np.isfinite(goals).all()):
            raise NonFiniteLossError(
                "The stream's last step or its truth is not finite; the weights are as "
                "before. Check the row and y_true."
            )
        outputs = self.readout.outputs(features)
        error = self.objective.errors(outputs, goals)
        features = np.column_stack([features, np.ones(len(features))])
        weighted = features.T * self.objective.weights(goals)
        keep = self.forgetting
        a = keep * self.information
        a += self.curvature * weighted @ features
        a.flat[:: len(a) + 1] += (1 - keep) * FLOOR
        # Solved anew: the floor changes A in all directions, so the few rows of an
        # update do not lead from one P = A^-1 to the next.
        change = solve(a, weighted @ error, assume_a="pos").T
        # Nothing is kept before all of it has worked.
        self.information = a
        self.readout.weight += change[:, :-1]
        self.readout.bias += change[:, -1]


class GradientAdapter(Adapter):
    """One step of gradient descent on all weights, back through the last steps."""

    def __init__(
        self,
        engine: StreamEngine,
        objective: Loss,
        rate: float,
        clip: tuple[float | None, str],
    ):
        self.engine, self.objective = engine, objective
        self.rate, (self.clip_value, self.clip_by) = rate, clip

    def update(
        self, features: np.ndarray, goals: np.ndarray, known: np.ndarray
    ) -> None:
        """Learn from the last step."""
        network = self.engine.network
        # A new vector each time, given up at the end: copies and pickles of a stream
        # between updates hold plain parameters.
        parameters = ParameterVector(network)
        try:
            loss = self._loss(network, np.flatnonzero(known), goals[known])
            gradient = parameters.gradient(loss)
            clip_gradient(gradient, self.clip_value, self.clip_by)
            changed = parameters.vector.sub(gradient, alpha=self.rate)
            finite = bool(torch.isfinite(changed).all())
            if finite:
                parameters.vector.copy_(changed)
        finally:
            parameters.release()
        if not finite:
            raise NonFiniteLossError(
                f"The loss of the stream's last step is {float(loss.detach())} or has "
                "no finite gradient; the weights are as before. Check y_true, or lower "
                "the learning_rate of the stream."
            )
        self.engine.weights_changed()

    def _loss(
        self, network: LiquidNetwork, streams: np.ndarray, goals: np.ndarray
    ) -> torch.Tensor:
        """Return the mean loss of the last step, back to where the engine goes."""
        # Truncated back-propagation through time: the state before the first of these
        # steps is taken as a constant.
        arguments = self.engine.replay(streams)
        outputs = network(**arguments)
        if network.return_sequences:
            lengths = arguments.get("lengths")
            last = -1 if lengths is None else lengths - 1
            one = torch.arange(len(outputs), device=outputs.device)
            outputs = outputs[one, last]
        goal = torch.from_numpy(goals)
        if goal.is_floating_point():
            goal = goal.to(outputs.dtype)
        ones = outputs.new_ones(len(outputs))
        target, weight = self.objective.without_gaps(goal, ones)
        count = len(outputs) * self.objective.n_terms
        return self.objective.total(outputs, target, weight) / count


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy().copy()
