"""`LiquidStream`: a fitted estimator that takes its rows one by one."""

from __future__ import annotations

import copy
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from LNN.exceptions import InvalidInputError
from LNN.predicting import in_units
from LNN.reading import built
from LNN.streaming.adapting import GradientAdapter, Readout, ReadoutAdapter
from LNN.streaming.arrivals import Arrival, Arrivals
from LNN.streaming.engines import Carry, Engine, Window
from LNN.streaming.river import RiverNames
from LNN.training.device import DTYPES
from LNN.training.missing import MissingRule

MODES = ("window", "carry")
ADAPT = (None, "readout", "sgd")
# Steps that adapt="sgd" goes back by default, where a state is carried.
TRUNCATION = 32


class LiquidStream(RiverNames):
    """Predictions row by row, of one recording or of many at once.

    Made by `estimator.stream(...)`. Scaling, missing values, time and class labels are
    those of `predict`. The estimator is not changed by its streams, unless `commit` is
    called, and a stream not by a later fit.

    Parameters
    ----------
    estimator : fitted LiquidNeuralNetwork
    mode : {"window", "carry"}, default="window"
        "window": each answer is what `predict` says for this row, from the last
        `window_length` rows (of a model fitted on sequences: from all rows so far).
        "carry": the state goes on for ever, as over one long sequence; a step costs a
        few microseconds, whatever the window length.
    n : int, default=None
        Number of streams that are stepped together: rows are (n, n_features) then, and
        answers have an axis more. They share weights, and so what they learn.
    adapt : {None, "readout", "sgd"}, default=None
        How `update` learns: the read-out by recursive least squares, or all weights by
        a step of gradient descent back through the last steps.
    forgetting : float, default=0.995
        For "readout": the weight of what was learnt falls by this factor an update, so
        the last 1 / (1 - forgetting) count.
    learning_rate : float, default=None
        For "sgd"; None is that of the estimator.
    truncation : int, default=None
        For "sgd" with mode "carry": how many steps to go back; None is 32. A window
        goes back to its first row.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor
    >>> t = np.arange(200)
    >>> X, y = np.sin(0.2 * t)[:-1, None], np.sin(0.2 * t)[1:]
    >>> model = LiquidRegressor(12, window_length=8, epochs=20, random_state=0)
    >>> stream = model.fit(X[:150], y[:150]).stream()
    >>> answers = [stream.step(x) for x in X[150:]]
    >>> bool(np.allclose(answers, model.predict(X[150:]), atol=1e-5))
    True
    """

    def __init__(
        self,
        estimator: Any,
        mode: str = "window",
        n: int | None = None,
        *,
        adapt: str | None = None,
        forgetting: float = 0.995,
        learning_rate: float | None = None,
        truncation: int | None = None,
    ):
        _check_arguments(mode, n, adapt, forgetting, learning_rate, truncation)
        self.estimator, self.mode, self.n, self.adapt = estimator, mode, n, adapt
        # What was fitted, as it is now: a later fit sets other attributes.
        self._fitted = copy.copy(estimator)
        # A fit makes both anew, a partial_fit the curve.
        self._origin = estimator.network_, estimator.loss_curve_
        self._classifies = estimator.task == "classification"
        self._network = copy.deepcopy(estimator.network_).eval()
        self._readout = Readout(self._network)
        self._arrivals = Arrivals(estimator, n)
        windowed = mode == "window" and estimator._fitted_on_rows
        if truncation is not None and (adapt != "sgd" or windowed):
            raise InvalidInputError(
                f'truncation={truncation} has no effect here: it is for adapt="sgd" '
                "where a state is carried. Leave it out."
            )
        history = (truncation or TRUNCATION) if adapt == "sgd" else 0
        self._engine = self._make_engine(windowed, history)
        self._adapter = self._make_adapter(forgetting, learning_rate)
        self._last: _Last | None = None

    def _make_engine(self, windowed: bool, history: int) -> Engine:
        estimator, network = self.estimator, self._network
        rule = MissingRule.of_scaler(
            built(estimator, "missing"),
            estimator.scaler_,
            DTYPES[built(estimator, "dtype")],
            "cpu",
        )
        n, width = self._arrivals.count, len(estimator._columns.inputs)
        if windowed:
            return Window(network, rule, n, width, estimator.window_length)
        if network.pooling != "last":
            raise InvalidInputError(
                f'pooling="{network.pooling}" reads all states of a sequence, but a '
                'carried stream has the last one only. Fit with pooling="last"'
                + (', or use mode="window".' if estimator._fitted_on_rows else ".")
            )
        return Carry(network, rule, n, width, estimator.backend, history)

    def _make_adapter(self, forgetting: float, learning_rate: float | None):
        estimator = self.estimator
        objective = estimator._objective
        if self.adapt == "sgd":
            rate = learning_rate or estimator.learning_rate
            clip = estimator.clip_value, estimator.clip_by
            return GradientAdapter(self._engine, objective, rate, clip)
        if self.adapt is None:
            return None
        if built(estimator, "readout") == "motor":
            raise InvalidInputError(
                'adapt="readout" learns a linear map of all neurons, but '
                'readout="motor" has none. Use adapt="sgd".'
            )
        if objective.name not in ("squared_error", "cross_entropy"):
            raise InvalidInputError(
                f'adapt="readout" is least squares, but loss="{objective.name}" asks '
                'for something else than the mean. Use adapt="sgd".'
            )
        return ReadoutAdapter(self._readout, objective, forgetting)

    # --------------------------------------------------------------------- stepping

    def step(
        self, x: ArrayLike, *, dt: Any = None, timestamp: Any = None
    ) -> NDArray | Any:
        """Take in a row and predict.

        Parameters
        ----------
        x : array-like of shape (n_features,), Series or dict
            Laid out as a row of X in `fit`, columns of time and group included. With
            `n` streams (n, n_features), or a frame. NaN where a value is missing, if
            the model was fitted with `missing="hold"` or "mask".
        dt : float, timedelta or array-like of shape (n,), default=None
            Time since the row before: seconds for models fitted on datetimes, the time
            stamps' own unit for numbers, steps for models fitted without time. None is
            one unit, where training had equal gaps. The first row of a stream counts
            one unit whatever is given, as the first row of a recording does in `fit`.
        timestamp : number, datetime, duration or array-like of shape (n,), default=None
            Time of the row, in place of `dt`.

        Returns
        -------
        float, label or ndarray
            What `predict` gives for one row; with `n` streams, for n.

        Raises
        ------
        InvalidInputError
            As `predict`; the stream then stands where it stood before.
        """
        outputs, present = self._advance(x, dt, timestamp)
        return self._one_or_all(self._answers(outputs, present))

    def step_proba(
        self, x: ArrayLike, *, dt: Any = None, timestamp: Any = None
    ) -> NDArray:
        """Take in a row and return the probability of each class; as `step`.

        Returns
        -------
        ndarray of shape (n_classes,) or (n, n_classes)
            In the order of `estimator.classes_`.
        """
        self._require_classes("step_proba")
        outputs, _ = self._advance(x, dt, timestamp)
        return self._one_or_all(softmax(outputs, axis=-1))

    def _advance(self, x, dt, timestamp) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the network's outputs (n, O) after one more row, and the anchors."""
        arrivals = self._arrivals
        arrival: Arrival = arrivals.read(x, dt, timestamp)
        features = self._engine.advance(
            arrival.values, arrival.units, arrivals.clock.started
        )
        arrivals.accept(arrival)
        if self.adapt is not None:
            self._last = _Last(features.copy(), arrival.present)
        return self._readout.outputs(features), arrival.present

    def _answers(self, outputs: np.ndarray, present: np.ndarray | None) -> np.ndarray:
        if self._classifies:
            return self._fitted.classes_[outputs.argmax(-1)]
        return in_units(self._fitted, outputs, present)

    def _one_or_all(self, answers: np.ndarray) -> Any:
        return answers[0] if self.n is None else answers

    def _require_classes(self, what: str) -> None:
        if not self._classifies:
            raise AttributeError(
                f"{what} is for classifiers; this stream is one of a "
                f"{type(self.estimator).__name__} with task='regression'. Use step."
            )

    # --------------------------------------------------------------------- learning

    def update(self, y_true: ArrayLike) -> None:
        """Learn the truth about the last step, in the way that `adapt` says.

        The estimator is not changed before `commit`.

        Parameters
        ----------
        y_true : float, label or array-like
            As `step` returned; with `n` streams one for each. NaN (None for classes)
            where it is not known.

        Raises
        ------
        InvalidInputError
            Without `adapt`, before the first step, or twice for one step.
        NonFiniteLossError
            If there is no finite gradient; the weights are as before.
        """
        if self._adapter is None:
            raise InvalidInputError(
                "This stream does not learn. Open it with "
                'stream(adapt="readout") or adapt="sgd".'
            )
        if self._last is None:
            raise InvalidInputError(
                "update(y_true) is for the last step, once: take a step first."
            )
        goals, known = self._goals(y_true, self._last.present)
        if known.any():
            self._adapter.update(self._last.features, goals, known)
            if self.adapt == "sgd":
                self._readout = Readout(self._network)
        self._last = None

    def _goals(self, y_true: Any, present) -> tuple[np.ndarray, np.ndarray]:
        """Return targets in the network's units, and where they are known."""
        count = self._arrivals.count
        if self._classifies:
            labels = [y_true] if self.n is None else list(np.asarray(y_true, object))
            labels = [
                y.item() if isinstance(y, np.ndarray | np.generic) else y
                for y in labels
            ]
            codes = np.array([self._code(label) for label in labels])
            self._check_goal_shape(codes.shape, (count,))
            return codes, codes >= 0
        n_targets = self._fitted._n_targets
        values = np.asarray(y_true, dtype=np.float64)
        shape = (n_targets,) if self._fitted._target_ndim else ()
        full = shape if self.n is None else (count, *shape)
        self._check_goal_shape(values.shape, full)
        values = values.reshape(count, n_targets)
        if np.isinf(values).any():
            raise InvalidInputError("Expected finite y_true, got an infinite value.")
        if present is not None:
            values = values - present
        scaled = self._fitted.target_scaler_.transform_rows(values)
        return scaled, ~np.isnan(scaled).any(axis=1)

    def _check_goal_shape(self, got: tuple, expected: tuple) -> None:
        if got != expected:
            raise InvalidInputError(
                f"Expected y_true of shape {expected}, one target per stream as in "
                f"fit, got shape {got}."
            )

    def _code(self, label: Any) -> int:
        if label is None or label != label:
            return -1
        found = np.flatnonzero(self._fitted.classes_ == label)
        if len(found) != 1:
            raise InvalidInputError(
                f"Expected one of the classes {self._fitted.classes_.tolist()}, got "
                f"{label!r}. A new class needs a new fit."
            )
        return int(found[0])

    def commit(self) -> None:
        """Give the estimator the weights that this stream has learnt.

        Raises
        ------
        InvalidInputError
            If the estimator was trained since the stream was opened.
        """
        network, curve = self._origin
        trained = self.estimator
        if trained.network_ is not network or trained.loss_curve_ is not curve:
            raise InvalidInputError(
                "The estimator was trained again since this stream was opened; "
                "commit() would undo that. Open a new stream."
            )
        if self.adapt == "readout":
            self._readout.store(self._network)
        network.load_state_dict(self._network.state_dict())

    # ------------------------------------------------------------------------ state

    def reset(self, which: ArrayLike | None = None) -> LiquidStream:
        """Begin a new recording; what was learnt is kept.

        Parameters
        ----------
        which : array-like of int or bool, default=None
            Streams to reset; None is all.

        Returns
        -------
        self
        """
        chosen: Any = slice(None) if which is None else np.asarray(which)
        if which is not None and chosen.dtype.kind not in "biu":
            raise InvalidInputError(
                f"Expected numbers of streams or booleans, got {which!r}."
            )
        self._arrivals.reset(chosen)
        self._engine.reset(chosen)
        self._last = None
        return self

    def copy(self) -> LiquidStream:
        """Return a stream of the same estimator that stands where this one stands."""
        shared = (self.estimator, self._fitted, *self._origin)
        return copy.deepcopy(self, {id(part): part for part in shared})

    @property
    def state(self) -> dict[str, Any]:
        """What the stream knows of the past, as arrays; may be set again.

        Weights learnt on line are not part of it: `copy` and pickle keep those too.
        """
        clock, engine = self._arrivals.clock, self._engine
        parts = {
            "started": clock.started,
            "stamps": clock.stamps,
            "present": self._arrivals.present,
            "group": self._arrivals.group,
            **{name: getattr(engine, name) for name in engine.memory},
        }
        if isinstance(engine, Carry):
            parts["states"] = engine.states
        return copy.deepcopy(parts)

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        now = self.state
        if _shapes(now) != _shapes(state):
            raise InvalidInputError(
                "Expected the state of a stream of the same model, mode and n, with "
                f"{_shapes(now)}, got {_shapes(state)}."
            )
        given = copy.deepcopy(state)
        clock, engine = self._arrivals.clock, self._engine
        clock.started, clock.stamps = given["started"], given["stamps"]
        self._arrivals.present = given["present"]
        self._arrivals.group = given["group"]
        for name in engine.memory:
            setattr(engine, name, given[name])
        if isinstance(engine, Carry):
            engine.set_states(given["states"])
            engine.history.clear()
        self._last = None

    def _without_taking(self, step, x, dt, timestamp) -> Any:
        """Answer for a row, and stand where the stream stood before."""
        before, last = self.state, self._last
        engine = self._engine
        history = list(engine.history) if isinstance(engine, Carry) else []
        try:
            return step(x, dt=dt, timestamp=timestamp)
        finally:
            self.state, self._last = before, last
            if history:
                engine.history.extend(history)

    def __repr__(self) -> str:
        streams = "" if self.n is None else f", n={self.n}"
        adapt = "" if self.adapt is None else f", adapt={self.adapt!r}"
        owner = type(self.estimator).__name__
        return f"LiquidStream({owner}, mode={self.mode!r}{streams}{adapt})"


class _Last:
    """What `update` needs of the last step."""

    def __init__(self, features: np.ndarray, present: np.ndarray | None):
        self.features, self.present = features, present


def _shapes(state: dict[str, Any]) -> dict[str, Any]:
    """Return the shapes of a state's arrays; those that may be None do not count."""
    optional = ("stamps", "present", "group")
    return {
        name: [a.shape for a in value] if isinstance(value, list) else value.shape
        for name, value in state.items()
        if name not in optional
    }


def _check_arguments(mode, n, adapt, forgetting, learning_rate, truncation) -> None:
    def refuse(name: str, words: str, got: Any) -> None:
        raise InvalidInputError(
            f"The {name!r} parameter of stream must be {words}. Got {got!r} instead."
        )

    def is_count(value: Any) -> bool:
        return isinstance(value, Integral) and not isinstance(value, bool) and value > 0

    if mode not in MODES:
        refuse("mode", 'one of "window", "carry"', mode)
    if n is not None and not is_count(n):
        refuse("n", "None or an int >= 1", n)
    if adapt not in ADAPT:
        refuse("adapt", 'one of None, "readout", "sgd"', adapt)
    if not (isinstance(forgetting, Real) and 0 < forgetting <= 1):
        refuse("forgetting", "a number in (0, 1]", forgetting)
    positive = isinstance(learning_rate, Real) and learning_rate > 0
    if learning_rate is not None and not positive:
        refuse("learning_rate", "None or a number > 0", learning_rate)
    if truncation is not None and not is_count(truncation):
        refuse("truncation", "None or an int >= 1", truncation)
