"""Whether each neuron follows decisions of its own, by trees of all neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from LNN._random import random_source
from LNN._results import Result
from LNN._typing import Column
from LNN.estimators.fitted import as_fitted
from LNN.exceptions import InvalidInputError
from LNN.inspection.activity import activity_over
from LNN.inspection.coupling import signals_over
from LNN.inspection.surrogate import LEAST, beside, held_out, lines_of_activity

N_BINS = 20


def disentanglement_scores(
    model: Any,
    X: ArrayLike,
    signals: Any = None,
    *,
    max_depth: int = 3,
    min_samples_leaf: int | float = 10,
    random_state: int | np.random.RandomState | None = None,
    timestamps: Column | None = None,
    groups: Column | None = None,
) -> Result:
    """Score how far each neuron follows decisions that other neurons do not follow.

    For each neuron a tree is fitted from signals that people understand to its state.
    The leaf that a row falls into is the neuron's decision path there. A network is
    easy to read if the path can be told from the neuron's state, and if no other neuron
    tells the same.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
    X, timestamps, groups
        As in `predict`; of a Pipeline what its last step gets.
    signals : optional
        What the paths ask about, as in `coupling`: the state of the world, if you know
        it. None is the inputs.
    max_depth : int, default=3
    min_samples_leaf : int or float, default=10
    random_state : int, RandomState or None, default=None
        Draws the recordings that are held out, and settles ties of splits.

    Returns
    -------
    Bunch
        path_accuracy : ndarray of shape (N,)
            Of rows that are held out as in `TreeSurrogate`, the share whose path a
            classifier finds from the neuron's state alone; 1 is best.
        path_baseline : ndarray of shape (N,)
            The share of the most frequent path: what a classifier finds without.
        mutual_information_gap : float
            See `mutual_information_gap`; 1 is best.
        modularity : float
            See `modularity`; 1 is best.
        information : ndarray of shape (N, N)
            Mutual information, in nats, between the state of the neuron in the row and
            the path of the neuron in the column.
        entropy : ndarray of shape (N,)
            Of each neuron's path, in nats; 0 is a tree without any question, which
            counts in no mean.
        fidelity : ndarray of shape (N,)
            R2 of each tree on rows that are held out: a tree that does not follow its
            neuron has paths that mean little.
        neurons, signals : list

    Raises
    ------
    InvalidInputError
        If there are fewer than two neurons, or too few rows.

    Notes
    -----
    Paths, and the classifier from a neuron's state to its path, are those of Algorithm
    1 of Wang et al.; the classifier is a tree here. The gap is that of Chen et al. and
    modularity that of Ridgeway and Mozer, with the paths of all neurons for the factors
    of variation. States are counted in 20 bins of equal width. Two more measures of
    Wang et al., the concentration of decisions and the conflict between neurons' logic,
    are left out: the sources that were at hand do not define them.

    It tells of the model, not of the world.

    References
    ----------
    Wang, Xiao, Seyde, Hasani, Rus, Measuring interpretability of neural policies of
    robots with disentangled representation, CoRL 2023, arXiv 2210.06650.
    Chen, Li, Grosse, Duvenaud, Isolating sources of disentanglement in variational
    autoencoders, NeurIPS 2018.
    Ridgeway, Mozer, Learning deep disentangled embeddings with the F-statistic loss,
    NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> from LNN.inspection import disentanglement_scores
    >>> X = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0)
    >>> lnn = LiquidRegressor(8, window_length=6, epochs=3, random_state=0)
    >>> found = disentanglement_scores(lnn.fit(X, X[:, 0]), X, random_state=0)
    >>> found.path_accuracy.shape, 0 <= found.modularity <= 1
    ((8,), True)
    """
    fitted = as_fitted(model)
    sequences = fitted.read(X, timestamps=timestamps, groups=groups)
    activity = activity_over(fitted, sequences)
    names, values = signals_over(signals, sequences, activity)
    states = activity.states
    if len(states) < LEAST or states.shape[1] < 2:
        raise InvalidInputError(
            f"Expected at least {LEAST} rows and 2 neurons, got {len(states)} and "
            f"{states.shape[1]}. Pass more rows, or a model with more neurons."
        )
    random = random_source(random_state)
    lines = lines_of_activity(sequences, activity.position, activity.row)
    held = held_out(sequences, lines, random)
    learnt = beside(fitted, sequences, lines, held)
    how: dict[str, Any] = {"min_samples_leaf": min_samples_leaf}
    how["random_state"] = random.randint(2**31 - 1)
    paths = np.empty(states.shape, dtype=np.int64)
    fidelity, accuracy, baseline = np.empty((3, states.shape[1]))
    for k, state in enumerate(states.T):
        tree = DecisionTreeRegressor(max_depth=max_depth, **how)
        tree.fit(values[learnt], state[learnt])
        paths[:, k] = path = tree.apply(values)
        fidelity[k] = r2_score(state[held], tree.predict(values[held]))
        told = DecisionTreeClassifier(**how).fit(state[learnt, None], path[learnt])
        accuracy[k] = told.score(state[held, None], path[held])
        baseline[k] = np.bincount(path[held]).max() / held.sum()
    information, entropy = _information(states, paths)
    return Result(
        path_accuracy=accuracy,
        path_baseline=baseline,
        mutual_information_gap=mutual_information_gap(information, entropy),
        modularity=modularity(information[:, entropy > 0]),
        information=information,
        entropy=entropy,
        fidelity=fidelity,
        neurons=activity.neurons,
        signals=names,
    )


def mutual_information_gap(information: ArrayLike, entropy: ArrayLike) -> float:
    """Return how much more one neuron tells of a factor than the next best one does.

    ``mean over factors k of (I(z_a; v_k) - I(z_b; v_k)) / H(v_k)``, where a and b are
    the two neurons that tell most of the factor (Chen et al., 2018).

    Parameters
    ----------
    information : array of shape (n_neurons, n_factors)
        Mutual information of each neuron and each factor.
    entropy : array of shape (n_factors,)
        Of the factors; those of 0 count nothing.

    Returns
    -------
    float
        From 0, each factor is told by two neurons or by none, to 1, by one alone. NaN
        without any factor.
    """
    table, sizes = np.asarray(information, dtype=float), np.asarray(entropy)
    second, first = np.sort(table, axis=0)[-2:]
    live = sizes > 0
    if not live.any():
        return float("nan")
    return float(((first - second)[live] / sizes[live]).mean())


def modularity(information: ArrayLike) -> float:
    """Return how far each neuron tells of one factor alone.

    ``mean over neurons i of 1 - sum_{k != a} I(z_i; v_k)^2 / (I(z_i; v_a)^2 (K - 1))``,
    where a is the factor that the neuron tells most of (Ridgeway and Mozer, 2018). A
    neuron that tells of none counts 0.

    Parameters
    ----------
    information : array of shape (n_neurons, n_factors)
        Mutual information of each neuron and each factor.

    Returns
    -------
    float
        From 0, each neuron tells as much of all factors, to 1, of one. NaN with fewer
        than two factors.
    """
    squares = np.asarray(information, dtype=float) ** 2
    n_factors = squares.shape[1]
    if n_factors < 2:
        return float("nan")
    most = squares.max(axis=1)
    others = squares.sum(axis=1) - most
    tells = most > 0
    scores = np.zeros(len(squares))
    scores[tells] = 1 - others[tells] / (most[tells] * (n_factors - 1))
    return float(scores.mean())


def _information(
    states: NDArray[np.float64], paths: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mutual information of states and paths, and the paths' entropy."""
    bins = [np.digitize(z, np.histogram_bin_edges(z, N_BINS)[1:-1]) for z in states.T]
    leaves = [np.unique(path, return_inverse=True)[1] for path in paths.T]
    found = np.array([[_mutual(z, path) for path in leaves] for z in bins])
    sizes = np.array([_mutual(path, path) for path in leaves])
    # Below what rounding leaves, there is none.
    return np.where(found < 1e-12, 0.0, found), np.where(sizes < 1e-12, 0.0, sizes)


def _mutual(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Return the mutual information of small numbers, in nats."""
    width = int(b.max()) + 1
    counts = np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width)
    both = counts.reshape(-1, width) / len(a)
    alone = both.sum(axis=1, keepdims=True) * both.sum(axis=0, keepdims=True)
    seen = both > 0
    return float((both[seen] * np.log(both[seen] / alone[seen])).sum())
