"""Checks behind :class:`LNN.wiring.Wiring`: sizes, edges, layers, matrices."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from LNN.exceptions import InvalidInputError

# Three arrays: source, target, polarity.
EdgeArrays = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]


def check_edges(raw: Any, n_sources: int, n_targets: int, kind: str) -> EdgeArrays:
    """Checked, sorted and read-only edges."""
    try:
        source, target, polarity = (np.asarray(part) for part in raw)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"{kind} must be three arrays (source, target, polarity), got {raw!r}."
        ) from error
    if source.ndim != 1 or not source.shape == target.shape == polarity.shape:
        shapes = [part.shape for part in (source, target, polarity)]
        raise InvalidInputError(
            f"{kind} needs source, target and polarity of one length, got {shapes}."
        )
    for name, ids, n in (("source", source, n_sources), ("target", target, n_targets)):
        check_ids(ids, n, f"{kind} {name}")
    if not np.isin(polarity, (-1, 1)).all():
        raise InvalidInputError(
            f"{kind} polarity must be +1 or -1, got {np.unique(polarity).tolist()}. "
            "Leave out synapses that do not exist."
        )
    # One order for the same synapses: circuits are compared by their bytes, and the
    # kernels expect this one (csrc/problem.h).
    order = np.lexsort((source, target))
    source, target = source[order], target[order]
    same = (source[1:] == source[:-1]) & (target[1:] == target[:-1])
    if same.any():
        i = int(np.flatnonzero(same)[0])
        raise InvalidInputError(
            f"{kind} synapse {source[i]} -> {target[i]} is there twice; give it once."
        )
    return (
        frozen(source, np.int64),
        frozen(target, np.int64),
        frozen(polarity[order], np.int8),
    )


def check_layers(
    raw: Iterable[Any], n_neurons: int
) -> list[tuple[str, NDArray[np.int64]]]:
    """Checked layers: unique names, a partition of the neurons."""
    layers = []
    for name, neurons in raw:
        ids = np.sort(np.asarray(neurons).ravel())
        check_ids(ids, n_neurons, f"layer {name!r}")
        layers.append((str(name), frozen(ids, np.int64)))
    names = [name for name, _ in layers]
    if len(set(names)) < len(names):
        raise InvalidInputError(f"Layers need different names, got {names}.")
    members = np.concatenate([ids for _, ids in layers])
    counts = np.bincount(members, minlength=n_neurons)
    if not (counts == 1).all() or any(ids.size == 0 for _, ids in layers):
        raise InvalidInputError(
            f"Each of the {n_neurons} neurons must be in exactly one layer and no "
            f"layer empty; missing {np.flatnonzero(counts == 0).tolist()}, twice "
            f"{np.flatnonzero(counts > 1).tolist()}, sizes "
            f"{[ids.size for _, ids in layers]}."
        )
    return layers


def check_ids(ids: NDArray[Any], n: int, what: str) -> None:
    """Integers in [0, n)."""
    if not ids.size:
        return
    if ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= n:
        raise InvalidInputError(
            f"{what} must be integers from 0 to {n - 1}, got dtype {ids.dtype} from "
            f"{ids.min()} to {ids.max()}."
        )


def check_matrix(matrix: ArrayLike, what: str) -> NDArray[np.int8]:
    """A 2-D matrix of -1, 0, +1."""
    try:
        array = np.asarray(matrix)
    except ValueError as error:
        raise InvalidInputError(f"{what} is not a matrix: {error}.") from error
    if array.ndim != 2 or 0 in array.shape:
        raise InvalidInputError(
            f"{what} must be a 2-D matrix with rows and columns, got shape "
            f"{array.shape}."
        )
    if array.dtype.kind not in "biuf" or not np.isin(array, (-1, 0, 1)).all():
        odd = [v for v in np.unique(array).tolist() if v not in (-1, 0, 1)]
        raise InvalidInputError(
            f"{what} must hold -1, 0 and +1 only (polarity, not weight), got "
            f"{odd[:5]}. Use np.sign(matrix) if only the signs matter."
        )
    return array.astype(np.int8)


def refuse_sizes_of_ncps(ours: str, theirs: str, sizes: Mapping[str, Any]) -> None:
    """Refuse the arguments of an ncps wiring, which leave out the number of inputs.

    Parameters
    ----------
    ours, theirs : str
        The constructor of `Wiring`, and the class of ncps.
    sizes : mapping
        The sizes that `ours` needs, in order; None where one was not given.
    """
    given = [value for value in sizes.values() if value is not None]
    if hasattr(given[0], "adjacency_matrix"):
        raise TypeError(
            f"Wiring.{ours}() got an object of ncps, {type(given[0]).__name__}. Copy "
            "it: Wiring.from_ncps(wiring, n_inputs)."
        )
    if len(given) == len(sizes):
        return
    numbers = ", ".join(map(repr, given))
    raise TypeError(
        f"Wiring.{ours}() needs {', '.join(sizes)}, got {numbers} alone. The "
        f"{theirs}({numbers}) of ncps is Wiring.{ours}(n_inputs, {numbers}): the "
        "number of inputs comes first."
    )


def check_sizes(n_neurons: int | None, n_outputs: int | None) -> tuple[int, int]:
    """Return both sizes as ints; no number of outputs means all neurons."""
    n_neurons = positive_int(n_neurons, "n_neurons")
    n_outputs = n_neurons if n_outputs is None else n_outputs
    return n_neurons, check_n_outputs(n_outputs, n_neurons)


def check_n_outputs(n_outputs: int, n_neurons: int) -> int:
    """Refuse more outputs than neurons."""
    n_outputs = positive_int(n_outputs, "n_outputs")
    if n_outputs > n_neurons:
        raise InvalidInputError(
            "Outputs are neurons, so there can be no more of them; got "
            f"n_outputs={n_outputs} for n_neurons={n_neurons}. Use "
            f"n_neurons={n_outputs} or more, or at most {n_neurons} output(s)."
        )
    return n_outputs


def check_sparsity(
    sparsity: float, kind: str, *, low: float, high: float, closed: bool = True
) -> float:
    """Refuse a sparsity outside the interval of its kind."""
    allowed = f"from {low} to {'' if closed else 'below '}{high}"
    try:
        value = float(sparsity)
    except (TypeError, ValueError):
        value = np.nan  # which is in no interval
    if not (low <= value < high or (closed and value == high)):
        raise InvalidInputError(
            f"sparsity of a {kind!r} wiring must be a number {allowed}, got "
            f"{sparsity!r}. For all synapses use wiring='full'."
        )
    return value


def check_seed(seed: int | None, default: int) -> int:
    """Return the seed as an int; None is the default."""
    if seed is None:
        return default
    try:
        value = operator.index(seed)
    except TypeError:
        value = -1
    # The range of numpy's RandomState, which ncps seeds.
    if not 0 <= value < 2**32:
        raise InvalidInputError(
            f"seed must be None or an integer from 0 to 2**32 - 1, got {seed!r}."
        )
    return value


def positive_int(value: Any, name: str) -> int:
    """Refuse anything but a whole number of 1 or more."""
    # True has an index, 1; as a size it is a slip.
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise InvalidInputError(
            f"{name} must be an integer of at least 1, got {value!r}."
        )
    return number


def edges_of_matrix(matrix: NDArray[np.int8]) -> EdgeArrays:
    """Return the edges of a signed matrix, sorted by target."""
    # Transposed, as nonzero goes row by row.
    target, source = np.nonzero(matrix.T)
    return source, target, matrix[source, target]


def frozen(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    """Copy an array and make it read-only."""
    # A copy: the caller could write to an array that is shared.
    array = np.array(array, dtype=dtype)
    array.flags.writeable = False
    return array


def own_n_neurons(spec: Any) -> int | None:
    """Return the number of neurons that a wiring object or matrix has by itself."""
    for name in ("n_neurons", "units"):
        if hasattr(spec, name):
            return getattr(spec, name)
    return len(spec) if hasattr(spec, "__len__") else None
