"""Dealing the synapses of a cell to the threads of a block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_THREADS = 1024
# More than this in a thread's registers leaves few for all else.
MOST_SLOTS = 4


@dataclass(frozen=True, eq=False)
class Dealt:
    """Which thread holds which synapse: `lanes` threads a neuron, `slots` a thread.

    Attributes
    ----------
    lanes, slots, threads : int
    synapse : ndarray of int64, shape (slots, threads)
        Which synapse stands in a slot; -1 in an empty one.
    """

    lanes: int
    slots: int
    threads: int
    synapse: np.ndarray

    def table(self, values: np.ndarray, empty: np.ndarray | int) -> np.ndarray:
        """Lay out a value per synapse as the slots are; `empty` holds by thread."""
        padded = np.append(values, 0)
        return np.where(self.synapse < 0, empty, padded[self.synapse]).astype(np.int32)

    def own(self) -> np.ndarray:
        """Return each thread's neuron.

        What an empty slot reads: a number that is not finite stays where it was.
        """
        return np.arange(self.threads) // self.lanes


def sizes(prefix: str, dealt: Dealt) -> dict[str, int]:
    """Return the macros by which the kernels know how synapses were dealt."""
    return {
        f"{prefix}_LANES": dealt.lanes,
        f"{prefix}_SLOTS": dealt.slots,
        f"{prefix}_THREADS": dealt.threads,
    }


def deal(owner: np.ndarray, n_neurons: int) -> Dealt:
    """Deal synapses to the threads of the neurons that own them.

    As few threads as hold them in `MOST_SLOTS` slots each, where a block has as many.

    Parameters
    ----------
    owner : ndarray of int64, shape (n_synapses,)
    n_neurons : int
        At most `MOST_THREADS`.
    """
    most = int(np.bincount(owner, minlength=n_neurons).max(initial=1))
    lanes = 1
    while lanes * MOST_SLOTS < most and lanes < 32:
        if 2 * lanes * n_neurons > MOST_THREADS:
            break
        lanes *= 2
    slots = max(1, -(-most // lanes))
    order = np.argsort(owner, kind="stable")
    first = np.searchsorted(owner[order], np.arange(n_neurons))
    nth = np.arange(len(owner)) - first[owner[order]]
    synapse = np.full((slots, n_neurons * lanes), -1, dtype=np.int64)
    synapse[nth // lanes, owner[order] * lanes + nth % lanes] = order
    return Dealt(lanes, slots, n_neurons * lanes, synapse)


def lanes_for(rows: int, columns: int, threads: int) -> int:
    """Return how many threads share a row of a dense map (csrc/dense.cuh).

    As many as there are, but no fewer than four columns for each.
    """
    lanes = 1
    while lanes < 32 and threads % (2 * lanes) == 0:
        if 2 * lanes * rows > threads or 8 * lanes > columns:
            break
        lanes *= 2
    return lanes
