"""A tree that stands for a model, or for a neuron, and how well it does so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from LNN._random import random_source
from LNN._typing import Column
from LNN.data import SequenceSet
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.exceptions import InvalidInputError, LowFidelityError
from LNN.inspection.activity import activity_over
from LNN.inspection.features import KINDS, Features, Lines, features_of
from LNN.inspection.names import neuron_names
from LNN.inspection.rules import percent, rules_of, text_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from LNN.inspection.displays.tree import TreeDisplay

TARGETS = ("output", "neuron")
# Blocks that a recording is cut into, and of which every fourth is held out.
N_BLOCKS, EVERY = 8, 4
HELD_OUT = 1 / EVERY
LEAST = 20


class TreeSurrogate(BaseEstimator):
    """A decision tree that imitates a model, or one of its neurons.

    It is fitted to the model's answers, not to y. Data that are held out tell how well
    the tree agrees with the model. That number, `fidelity_`, is part of everything that
    the tree shows. A tree that does not reach `min_fidelity` is not shown unless you
    insist: it would explain another model.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, or FittedModel
        It is not changed. Clones of the tree share it.
    target : {"output", "neuron"}, default="output"
        What the tree imitates: the answers, or the state of a neuron. With `anchor=`
        the answers are taken as the model learnt them: as changes from the present
        value of the target, which stands in the anchor's column.
    neuron : int or str, default=None
        For "neuron": its name or number, as in `neuron_activity`.
    output : int, default=0
        Number of the output, for a regressor with several.
    features : {"inputs", "window", "ema", "state"}, default="ema"
        What the tree may ask about, in the units of X:

        - "inputs": the values of the row that is answered;
        - "window": the values of the last `n_steps` rows, this one included; where
          there are fewer rows, the first row of the recording is repeated;
        - "ema": the values of the row, and exponential moving averages of each column
          with the time constants `spans`:
          ``a += (1 - exp(-elapsed / span)) * (x - a)``, where elapsed is the time since
          the row before. They begin at the first row of the recording, even if the
          model sees only a window of it;
        - "state": the values of the row, and the states of all neurons one step
          before. Such a tree is the most faithful one, but explains the model by its
          own neurons.

        If time is irregular, the time since the row before is a feature too.
    max_depth : int, default=4
    min_samples_leaf : int or float, default=5
        As in scikit-learn's trees.
    n_steps : int, default=8
        Rows, for "window".
    spans : sequence of float, default=(2, 5, 20)
        Time constants for "ema", in typical gaps between rows.
    min_fidelity : float, default=0.8
        The least `fidelity_` with which rules, text and plot are shown.
    random_state : int, RandomState or None, default=None
        Seed of the choice of held-out recordings, and of ties between splits.

    Attributes
    ----------
    tree_ : DecisionTreeRegressor or DecisionTreeClassifier
        Fitted to the data that are not held out.
    fidelity_ : float
        Agreement on held-out data: R2 against the model's answers (or the neuron's
        states), or the share of rows with the same class.
    baseline_ : float
        The fidelity of a tree without any question: 0, or the share of the class that
        the model names most often.
    fidelity_in_sample_ : float
        Agreement on the data that the tree was fitted to. If it is much larger than
        `fidelity_`, the tree overfits.
    n_fitted_, n_held_out_ : int
        How many rows, steps or sequences were used for each.
    feature_names_ : list of str
    with_missing_ : set of int
        The numbers of the features that have missing values.
    target_name_ : str

    Raises
    ------
    InvalidInputError
        If a parameter does not suit the model (with `window_length=1` rows are
        independent, so "window" and "ema" do not), or if there are too few rows.
    LowFidelityError
        By `rules`, `export_text` and `plot`, if the tree does not reach `min_fidelity`,
        or is no better than one without questions.

    Notes
    -----
    Neighbouring rows are alike, so they are not held out one by one. With four
    recordings or more, whole ones are held out; with fewer, each is cut into eight
    blocks, and every fourth block is held out. On both sides of a block, as many rows
    as a window has (at most half a block) are left out.

    The tree explains the model, not the world.

    References
    ----------
    Craven, Shavlik, Extracting tree-structured representations of trained networks,
    NIPS 1995.
    Wang, Xiao, Seyde, Hasani, Rus, Measuring interpretability of neural policies of
    robots with disentangled representation, CoRL 2023: trees of single neurons.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidClassifier
    >>> from LNN.inspection import TreeSurrogate
    >>> X = np.random.default_rng(0).normal(size=(400, 2))
    >>> warm = X[:, 0] > 0.5
    >>> lnn = LiquidClassifier(8, window_length=1, epochs=30, random_state=0)
    >>> tree = TreeSurrogate(
    ...     lnn.fit(X, warm), features="inputs", max_depth=1, random_state=0
    ... ).fit(X)
    >>> tree.fidelity_ > 0.9, len(tree.rules())
    (True, 2)
    """

    tree_: DecisionTreeRegressor | DecisionTreeClassifier
    fidelity_: float
    baseline_: float
    fidelity_in_sample_: float
    n_fitted_: int
    n_held_out_: int
    feature_names_: list[str]
    with_missing_: set[int]
    target_name_: str

    def __init__(
        self,
        model: Any,
        *,
        target: str = "output",
        neuron: int | str | None = None,
        output: int = 0,
        features: str = "ema",
        max_depth: int = 4,
        min_samples_leaf: int | float = 5,
        n_steps: int = 8,
        spans: Sequence[float] = (2, 5, 20),
        min_fidelity: float = 0.8,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.model = model
        self.target = target
        self.neuron = neuron
        self.output = output
        self.features = features
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.n_steps = n_steps
        self.spans = spans
        self.min_fidelity = min_fidelity
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> Self:
        """Ask the model about X, and fit the tree to what it says.

        Parameters
        ----------
        X, timestamps, groups
            As in the model's `predict`; of a Pipeline what its last step gets.
        y : ignored
            The tree imitates the model, right or wrong.

        Returns
        -------
        self
        """
        fitted = as_fitted(self.model)
        self._check(fitted)
        sequences = fitted.read(X, timestamps=timestamps, groups=groups)
        lines, answers = self._answers(fitted, sequences)
        features = self._features(fitted, sequences, lines)
        random = random_source(self.random_state)
        held = held_out(sequences, lines, random)
        learnt = beside(fitted, sequences, lines, held)
        if min(learnt.sum(), held.sum()) < LEAST / 4:
            raise InvalidInputError(
                f"Expected at least {LEAST} answers to imitate, got {len(answers)}. "
                "Pass more data: no y is needed."
            )
        makes_classes = self.target == "output" and fitted.classifies
        kind = DecisionTreeClassifier if makes_classes else DecisionTreeRegressor
        self.tree_ = kind(
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            random_state=random.randint(2**31 - 1),
        ).fit(features.values[learnt], answers[learnt])
        self.feature_names_ = features.names
        missing = np.isnan(features.values[learnt]).any(axis=0)
        self.with_missing_ = set(np.flatnonzero(missing).tolist())
        self.target_name_ = self._target_name(fitted)
        self.n_fitted_, self.n_held_out_ = int(learnt.sum()), int(held.sum())
        self.fidelity_ = self._fidelity(features.values[held], answers[held])
        self.fidelity_in_sample_ = self._fidelity(
            features.values[learnt], answers[learnt]
        )
        self.baseline_ = _without_questions(answers[held]) if makes_classes else 0.0
        self._unit = "sequences" if len(sequences) == len(answers) else "steps"
        self._unit = "rows" if sequences.layout == "rows" else self._unit
        return self

    def predict(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> NDArray:
        """Return what the tree says.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.

        Returns
        -------
        ndarray of shape (n,)
            One for each row of X or for each sequence; with answers at each step, and
            for neurons, one for each step of all sequences, one sequence after another.
        """
        check_is_fitted(self)
        fitted = as_fitted(self.model)
        sequences = fitted.read(X, timestamps=timestamps, groups=groups)
        lines = self._lines(fitted, sequences)
        return self.tree_.predict(self._features(fitted, sequences, lines).values)

    def score(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> float:
        """Return the fidelity on other data, measured as `fidelity_` is.

        Parameters
        ----------
        X, timestamps, groups
            As in `fit`.
        y : ignored

        Returns
        -------
        float
            R2 against the model's answers, or the share of rows with the same class.
        """
        check_is_fitted(self)
        fitted = as_fitted(self.model)
        sequences = fitted.read(X, timestamps=timestamps, groups=groups)
        lines, answers = self._answers(fitted, sequences)
        return self._fidelity(self._features(fitted, sequences, lines).values, answers)

    # ----------------------------------------------------------------- what it shows

    def summary(self) -> str:
        """Tell what the tree explains, and how far it can be trusted.

        Returns
        -------
        str
            A few sentences.
        """
        check_is_fitted(self)
        measure = "R2"
        if self.makes_classes:
            share = f"{percent(self.baseline_)} without any question"
            measure = f"share of the same classes ({share})"
        words = (
            f"A tree for {self.target_name_}. Fidelity {self.fidelity_:.3f}: {measure} "
            f"on {self.n_held_out_} {self._unit} that it did not see."
        )
        if self.features == "state":
            words += " It explains by the states of other neurons, one step before."
        return words + " It tells of the model, not of the world."

    def rules(self, *, despite_low_fidelity: bool = False) -> list[str]:
        """Return the way to each leaf in words, the most frequent one first.

        Parameters
        ----------
        despite_low_fidelity : bool, default=False
            Show the tree even if `fidelity_` is below `min_fidelity`.

        Returns
        -------
        list of str
            A sentence for each leaf.

        Raises
        ------
        LowFidelityError
            If the tree does not reach `min_fidelity`.
        """
        self.check_fidelity("rules", despite_low_fidelity)
        return rules_of(self.tree_, self.feature_names_, self._unit, self.with_missing_)

    def export_text(self, *, despite_low_fidelity: bool = False) -> str:
        """Return the tree as text, below a sentence that tells its fidelity.

        Parameters
        ----------
        despite_low_fidelity : bool, default=False
            As in `rules`.

        Returns
        -------
        str
            Indented lines, a question or an answer in each.
        """
        self.check_fidelity("export_text", despite_low_fidelity)
        text = text_of(self.tree_, self.feature_names_, self._unit, self.with_missing_)
        return f"{self.summary()}\n\n{text}\n"

    def plot(
        self, ax: Axes | None = None, *, despite_low_fidelity: bool = False
    ) -> TreeDisplay:
        """Draw the tree, its fidelity in the title.

        Parameters
        ----------
        ax : matplotlib axes, default=None
            None makes a figure that is large enough.
        despite_low_fidelity : bool, default=False
            As in `rules`.

        Returns
        -------
        TreeDisplay
            With `ax_` and `figure_`.
        """
        from LNN.inspection.displays.tree import TreeDisplay

        return TreeDisplay.from_estimator(
            self, ax=ax, despite_low_fidelity=despite_low_fidelity
        )

    def check_fidelity(self, method: str, despite: bool) -> None:
        """Refuse to show a tree that does not stand for the model.

        Parameters
        ----------
        method : str
            What shows it, for the message.
        despite : bool
            Let it pass.
        """
        check_is_fitted(self)
        low = self.fidelity_ < self.min_fidelity
        if despite or not (low or self.fidelity_ <= self.baseline_):
            return
        least = f"min_fidelity={self.min_fidelity:g}" if low else "baseline_"
        found = self.baseline_ if not low else self.min_fidelity
        raise LowFidelityError(
            f"Expected a tree that stands for {self.target_name_}, got a fidelity of "
            f"{self.fidelity_:.3f}, below {least} ({found:.3g}): what it explains is "
            "not what the model does. Try other features ('window', 'ema', 'state'), a "
            f"larger max_depth, or more data. {method}(despite_low_fidelity=True) "
            "shows it all the same."
        )

    # -------------------------------------------------------------------- what it asks

    def _check(self, fitted: FittedModel) -> None:
        names = (("target", TARGETS), ("features", KINDS))
        for name, known in names:
            if getattr(self, name) not in known:
                raise InvalidInputError(
                    f"Expected {name} among {known}, got {getattr(self, name)!r}."
                )
        if fitted.layout.timeless and self.features != "inputs":
            raise InvalidInputError(
                f'Expected features="inputs" for a {fitted.owner} with '
                "window_length=1, whose rows are independent of those before, got "
                f"{self.features!r}."
            )
        spans = np.asarray(self.spans, dtype=float)
        if spans.ndim != 1 or not (spans > 0).all():
            raise InvalidInputError(
                f"Expected spans as numbers above 0, got {self.spans!r}."
            )
        if self.n_steps < 1:
            raise InvalidInputError(
                f"Expected n_steps as 1 or more, got {self.n_steps!r}."
            )
        if self.target == "neuron":
            self._neuron(fitted)

    def _neuron(self, fitted: FittedModel) -> int:
        """Return the number of the neuron."""
        known = neuron_names(fitted.network)
        if isinstance(self.neuron, str) and self.neuron in known:
            return known.index(self.neuron)
        if isinstance(self.neuron, int | np.integer) and 0 <= self.neuron < len(known):
            return int(self.neuron)
        raise InvalidInputError(
            f"Expected neuron as one of {known}, or its number from 0 to "
            f"{len(known) - 1}, got {self.neuron!r}."
        )

    def _target_name(self, fitted: FittedModel) -> str:
        if self.target == "neuron":
            return f"neuron {neuron_names(fitted.network)[self._neuron(fitted)]!r}"
        several = not fitted.classifies and fitted.network.output_size > 1
        words = f"what {fitted.owner} answers"
        if several:
            words = f"output {self.output} of {fitted.owner}"
        if fitted.layout.columns.anchors is not None:
            words += ", less the anchor"
        return words

    def _answers(
        self, fitted: FittedModel, sequences: SequenceSet
    ) -> tuple[Lines, NDArray]:
        """Return where the tree has to answer, and what."""
        if self.target == "neuron":
            activity = activity_over(fitted, sequences)
            lines = lines_of_activity(sequences, activity.position, activity.row)
            return lines, activity.states[:, self._neuron(fitted)]
        outputs = fitted.outputs(sequences)
        values = fitted.values(outputs)
        if not fitted.classifies:
            values = values.reshape(len(values), -1)
            n = values.shape[1]
            if not 0 <= self.output < n:
                raise InvalidInputError(
                    f"Expected output from 0 to {n - 1}, got {self.output!r}."
                )
            values = values[:, self.output]
        return self._lines(fitted, sequences), values

    def _lines(self, fitted: FittedModel, sequences: SequenceSet) -> Lines:
        """Return where the tree has to answer."""
        if self.target == "neuron" and fitted.network.patch > 1:
            activity = activity_over(fitted, sequences)
            return lines_of_activity(sequences, activity.position, activity.row)
        last = sequences.start + sequences.length - 1
        every = np.arange(sequences.rows.n_rows)
        if sequences.whole:
            position = sequences.position_of_row
        elif sequences.layout != "rows" and (
            self.target == "neuron" or fitted.targets.per_step
        ):
            position = every
        else:
            return Lines(last, np.arange(len(sequences)))
        return Lines(position, _sample_at(sequences, position))

    def _features(
        self, fitted: FittedModel, sequences: SequenceSet, lines: Lines
    ) -> Features:
        return features_of(
            fitted,
            sequences,
            lines,
            kind=self.features,
            steps=self.n_steps,
            spans=self.spans,
        )

    def _fidelity(self, features: NDArray, answers: NDArray) -> float:
        measure = accuracy_score if self.makes_classes else r2_score
        return float(measure(answers, self.tree_.predict(features)))

    @property
    def makes_classes(self) -> bool:
        """Whether the tree answers with classes, not with numbers."""
        return isinstance(self.tree_, DecisionTreeClassifier)

    # -------------------------------------------------------------- as an estimator

    def __sklearn_clone__(self) -> TreeSurrogate:
        """Return an unfitted copy that imitates the same model, which stays fitted."""
        own = self.get_params(deep=False)
        model = own.pop("model")
        return type(self)(model, **{n: clone(v, safe=False) for n, v in own.items()})

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a tree: the model alone is none."""
        return "tree_" in vars(self)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """Return the parameters, and the fidelity of a fitted tree."""
        words = super().__repr__(N_CHAR_MAX)
        if not self.__sklearn_is_fitted__():
            return words
        return f"{words} with fidelity {self.fidelity_:.3f}"


def _without_questions(answers: NDArray) -> float:
    return float(np.unique(answers, return_counts=True)[1].max() / len(answers))


def _sample_at(sequences: SequenceSet, position: NDArray) -> NDArray[np.int64]:
    return np.searchsorted(sequences.start, position, side="right") - 1


def lines_of_activity(sequences: SequenceSet, position: NDArray, row: NDArray) -> Lines:
    """Return the lines of `neuron_activity`."""
    if sequences.layout == "rows" and not sequences.whole:
        return Lines(position, row)
    return Lines(position, _sample_at(sequences, position))


def held_out(
    sequences: SequenceSet, lines: Lines, random: np.random.RandomState
) -> NDArray[np.bool_]:
    """Return which lines are held out: whole recordings, or blocks of time.

    Parameters
    ----------
    sequences : SequenceSet
    lines : Lines
    random : numpy.random.RandomState
    """
    recording = sequences.recording[lines.position]
    numbers = np.unique(recording)
    if len(numbers) >= EVERY:
        order = random.permutation(numbers)
        size = np.bincount(recording, minlength=numbers.max() + 1)[order]
        # The first ones that hold a quarter of all lines.
        n = 1 + int(np.searchsorted(np.cumsum(size), HELD_OUT * len(recording)))
        return np.isin(recording, order[: min(n, len(order) - 1)])
    held = np.zeros(len(recording), dtype=bool)
    for number in numbers:
        own = np.flatnonzero(recording == number)
        own = own[np.argsort(lines.position[own], kind="stable")]
        block = np.arange(len(own)) * N_BLOCKS // len(own)
        held[own[block % EVERY == EVERY - 1]] = True
    return held


def beside(
    fitted: FittedModel,
    sequences: SequenceSet,
    lines: Lines,
    held: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return which lines the tree learns from: none next to a block that is held out.

    Parameters
    ----------
    fitted : FittedModel
    sequences : SequenceSet
    lines : Lines
    held : ndarray of bool
        As from `held_out`.
    """
    recording = sequences.recording
    if len(np.unique(recording[lines.position])) >= EVERY:
        return ~held
    per_block = len(held) // (N_BLOCKS * len(np.unique(recording[lines.position])))
    gap = min((fitted.layout.window_length or LEAST) - 1, per_block // 2)
    taken = np.zeros(len(recording), dtype=np.int64)
    taken[lines.position[held]] = 1
    total = np.concatenate([[0], np.cumsum(taken)])
    first = np.maximum(lines.position - gap, 0)
    last = np.minimum(lines.position + gap + 1, len(recording))
    return total[last] == total[first]
