"""Wirings that are drawn at random, by the same draws as those of ncps.

A seed gives the synapses that `ncps.wirings.AutoNCP` and `Random` give, and ncps need
not be there. The circuit is that of Lechner et al., Neural circuit policies enabling
auditable autonomy, Nature Machine Intelligence 2020, with the sizes of AutoNCP.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drawn", "draw_ncp", "draw_random"]

Signs = NDArray[np.int8]
# Excitatory and inhibitory synapses are as frequent in an NCP; elsewhere two to one.
EVEN, MOSTLY_EXCITATORY = (-1, 1), (-1, 1, 1)


class Drawn(NamedTuple):
    """Signed synapses.

    Attributes
    ----------
    sensory : ndarray of shape (n_inputs, n_neurons)
    recurrent : ndarray of shape (n_neurons, n_neurons)
    layers : dict of str
        The neurons of each layer, in the order of evaluation; none is one layer.
    """

    sensory: Signs
    recurrent: Signs
    layers: dict[str, range]


def draw_ncp(
    n_inputs: int, n_neurons: int, n_outputs: int, sparsity: float, seed: int
) -> Drawn:
    """Draw a neural circuit policy: inputs -> inter -> command -> motor neurons."""
    random = np.random.RandomState(seed)
    n_command = max(int(0.4 * (n_neurons - n_outputs)), 1)
    n_inter = n_neurons - n_outputs - n_command
    density = 1.0 - sparsity
    to_each_inter, to_each_command = (
        max(int(n * density), 1) for n in (n_inter, n_command)
    )
    motor, command, inter = np.split(
        np.arange(n_neurons), [n_outputs, n_outputs + n_command]
    )
    sensory = np.zeros((n_inputs, n_neurons), dtype=np.int8)
    recurrent = np.zeros((n_neurons, n_neurons), dtype=np.int8)
    # In this order ncps draws from its generator.
    sensory[:, inter] = _connected(random, n_inputs, n_inter, to_each_inter)
    recurrent[np.ix_(inter, command)] = _connected(
        random, n_inter, n_command, to_each_command
    )
    for _ in range(max(int(n_command * density * 2), 1)):
        source, target = command[_one(random, command)], command[_one(random, command)]
        recurrent[source, target] = EVEN[_one(random, EVEN)]
    # Motor neurons choose what they read.
    recurrent[np.ix_(command, motor)] = _connected(
        random, n_outputs, n_command, to_each_command
    ).T
    layers = {"inter": inter, "command": command, "motor": motor}
    return Drawn(
        sensory, recurrent, {k: range(ids[0], ids[-1] + 1) for k, ids in layers.items()}
    )


def _connected(
    random: np.random.RandomState, n: int, n_others: int, each: int
) -> Signs:
    """Connect each of n with `each` of the others, (n, n_others); none is left out."""
    synapses = np.zeros((n, n_others), dtype=np.int8)
    for one in range(n):
        for other in _some(random, n_others, each):
            synapses[one, other] = EVEN[_one(random, EVEN)]
    # Those that nobody chose get what is usual among the others.
    usual = min(max(n * each // n_others, 1), n)
    for other in np.flatnonzero(~synapses.any(axis=0)).tolist():
        for one in _some(random, n, usual):
            synapses[one, other] = EVEN[_one(random, EVEN)]
    return synapses


# `RandomState.choice` spends most of its time on its arguments, and a wiring takes
# hundreds of draws. These draw the same.


def _one(random: np.random.RandomState, of: Sized) -> int:
    """Return the place of what ``random.choice(of)`` would return."""
    return int(random.randint(len(of)))


def _some(random: np.random.RandomState, n: int, size: int) -> list[int]:
    """Return what ``random.choice(n, size, replace=False)`` would."""
    return random.permutation(n)[:size].tolist()


def draw_random(n_inputs: int, n_neurons: int, sparsity: float, seed: int) -> Drawn:
    """Draw a share ``1 - sparsity`` of all synapses."""
    random = np.random.default_rng(seed)
    recurrent = _drawn(random, n_neurons, n_neurons, sparsity, draws=1)
    # ncps draws the sign of a sensory synapse twice, and keeps the second one.
    sensory = _drawn(random, n_inputs, n_neurons, sparsity, draws=2)
    return Drawn(sensory, recurrent, {})


def _drawn(
    random: np.random.Generator, n: int, n_others: int, sparsity: float, draws: int
) -> Signs:
    count = int(np.round(n * n_others * (1 - sparsity)))
    chosen = random.choice(n * n_others, size=count, replace=False)
    signs = random.choice(MOSTLY_EXCITATORY, size=(count, draws))
    synapses = np.zeros(n * n_others, dtype=np.int8)
    synapses[chosen] = signs[:, -1]
    return synapses.reshape(n, n_others)
