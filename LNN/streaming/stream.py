"""`LiquidStream`: a fitted model that takes its rows one by one."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import Bunch

from LNN._plain import takes_any_number
from LNN._typing import Row
from LNN.constraints.output import Safety
from LNN.data.containers import plain
from LNN.estimators.committing import publisher_of
from LNN.estimators.fitted import (
    FittedModel,
    as_fitted,
    continuation_of,
)
from LNN.exceptions import InfeasibleError, InvalidInputError
from LNN.network import LiquidNetwork
from LNN.streaming.adapting import Adapter, GradientAdapter, Readout, ReadoutAdapter
from LNN.streaming.arguments import check_arguments, refuse_idle, refuse_steps_before
from LNN.streaming.arrivals import Arrival, Arrivals
from LNN.streaming.engines import Carry, StreamEngine, Window
from LNN.streaming.fit_context import start_at_end_of_fit
from LNN.streaming.limits import StreamLimits
from LNN.streaming.river import RiverNames
from LNN.streaming.targets import goals_of
from LNN.training.forking import prepare_for_fork
from LNN.training.parameter_vector import gradients_recorded

FORGETTING = 0.995
# Steps that adapt="sgd" goes back by default, where a state is carried.
TRUNCATION = 32


class LiquidStream(RiverNames):
    """Predictions row by row, of one recording or of many at once.

    Made by `estimator.stream(...)`. Scaling, missing values, time and class labels are
    handled as in `predict`. Only `commit` changes the estimator, and a later fit does
    not change the stream.

    Parameters
    ----------
    fitted : FittedModel, fitted estimator, or Pipeline that ends in one
    mode : {"window", "carry"}, default="window"
        "window": each answer equals that of `predict` for this row, computed from the
        last `window_length` rows (from all rows so far, if the model was fitted on
        sequences or on whole recordings).
        "carry": the state is carried from row to row, as over one long sequence; a step
        takes a few microseconds, whatever the window length.
    n : int, default=None
        Number of streams that are stepped together. Rows are then of shape (n,
        n_features), and answers have a first axis of length n. All streams share their
        weights, and so what they learn.
    adapt : {None, "readout", "sgd"}, default=None
        How `update` learns: "readout" fits the read-out by recursive least squares;
        "sgd" changes all weights by a step of gradient descent, back through the last
        steps.
    forgetting : float, default=None
        For "readout": earlier updates are weighted down by this factor at each update,
        so that about the last 1 / (1 - forgetting) updates count. None is 0.995.
    learning_rate : float, default=None
        For "sgd"; None is that of the estimator.
    truncation : int, default=None
        For "sgd" with mode "carry": how many steps to go back; None is 32. A window
        goes back to its first row.
    context : array-like or DataFrame of shape (n_rows, n_features), or "fit", \
default=None
        Rows that came just before the stream. They are read as by `step`, without
        answers. Their time stamps are in the index of a frame or in the time column.
        With `n` streams, an array of shape (n_rows, n, n_features). "fit" continues the
        training data, as in `predict`; for a single stream of one recording.
    guard : bool, default=False
        Whether `doubts` tells how a row differs from those of training. Answers do not
        change. With adapt="sgd" states are not judged, as their bounds depend on the
        weights.
    publish : callable, default=None
        Called by `commit` with the new model. None sets it as `model_` of the estimator
        that `fitted` is or contains, if there is one.

    Methods
    -------
    step(x, dt=, timestamp=)
        Take in a row and predict.
    step_proba(x, dt=, timestamp=)
        The same, with the probability of each class.
    update(y_true)
        Learn the truth about the last step, if `adapt` says how.
    commit()
        Give the estimator the weights that were learnt; return the model with them.
    reset(which=None)
        Begin a new recording, in all streams or some.
    copy()
        Return a stream that stands where this one stands.
    predict_one(x), predict_proba_one(x), learn_one(x, y)
        What river calls them: only `learn_one` takes the row in.

    Attributes
    ----------
    model : FittedModel
        The model that the stream was opened with, or that it committed last.
    safety : Safety
        What `output_constraints` did to the last answer; `update` learns from the
        network's own output. The first answer of a stream, also after `context`, is not
        limited in its rate, as there is none before it.
    doubts : Bunch
        What `LNN.safety.guard` says of the last step.
    state : dict of str to ndarray
        What the stream remembers of the rows so far: copies, which can be stored and
        assigned to a stream again.
    classes_ : ndarray of shape (n_classes,)
        Class labels; classification only.

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

    @takes_any_number
    def __init__(
        self,
        fitted: Any,
        mode: str = "window",
        n: int | None = None,
        *,
        adapt: str | None = None,
        forgetting: float | None = None,
        learning_rate: float | None = None,
        truncation: int | None = None,
        context: ArrayLike | str | None = None,
        guard: bool = False,
        publish: Callable[[FittedModel], None] | None = None,
    ):
        check_arguments(mode, n, adapt, forgetting, learning_rate, truncation)
        refuse_steps_before(fitted)
        model = as_fitted(fitted)
        self.model, self.mode, self.n, self.adapt = model, mode, n, adapt
        self._publish = publisher_of(fitted) if publish is None else publish
        with gradients_recorded():  # the copy may be trained, whatever is switched off
            self._network = copy.deepcopy(model.network).eval()
        self._readout = Readout(self._network)
        self._arrivals = Arrivals(model, n)
        windowed = mode == "window" and model.layout.in_rows and not model.layout.whole
        refuse_idle(adapt, windowed, forgetting, learning_rate, truncation)
        # Only learning by gradients goes back over steps that were taken.
        history = (truncation or TRUNCATION) if adapt == "sgd" else 0
        self._engine = self._make_engine(windowed, history)
        self._adapter = self._make_adapter(forgetting, learning_rate)
        self._last: _Last | None = None
        self._guard: Guard | None = None
        if guard:
            # Imported here: few streams guard, and `import LNN` should stay quick.
            from LNN.safety.guarding import Guard

            self._guard = Guard(model, adapt != "sgd")
        self._limits = StreamLimits.of(model, self._arrivals.count)
        self._seen: tuple[Any, ...] | None = None
        if isinstance(context, str):
            self._go_on(context)
        elif context is not None:
            # The gap to the first row of a window is all that it keeps from before.
            engine = self._engine
            kept = engine.length + 1 if isinstance(engine, Window) else None
            self._take_in(context, kept)

    def _take_in(self, context: Any, kept: int | None) -> None:
        """Go through the last rows of what came before."""
        context = plain(context)
        framed = isinstance(context, pd.DataFrame)
        table: Any = context if framed else np.asarray(context)
        if table.ndim != (2 if self.n is None else 3):
            raise InvalidInputError(
                "Expected context of shape (n_rows, n_features), with n streams "
                f"(n_rows, n, n_features), got shape {table.shape}. Pass rows that "
                "came before, as arrays of that shape or, for one stream, a frame."
            )
        for row in range(0 if kept is None else max(0, len(table) - kept), len(table)):
            try:
                self._advance(table.iloc[[row]] if framed else table[row], None, None)
            except InvalidInputError as error:
                raise InvalidInputError(
                    f"In row {row} of context: {error} Where such rows have no time of "
                    "their own, call step for each in place of context=."
                ) from error
        self._last = self._seen = None  # nothing was answered yet
        if self._limits is not None:
            self._limits.reset(slice(None))

    def _go_on(self, context: str) -> None:
        """Begin where training ended."""
        known = continuation_of(self.model, context)
        if known is None:
            return  # rows are independent of each other
        if len(known) != 1 or self.n is not None:
            raise InvalidInputError(
                'Expected one stream of one recording for context="fit", got '
                f"n={self.n} of a model fitted on {len(known)} recording(s). Pass the "
                "rows that came before as context=."
            )
        start_at_end_of_fit(known, self._arrivals, self._engine)

    def _make_engine(self, windowed: bool, history: int) -> StreamEngine:
        prepare_for_fork()
        model, network = self.model, self._network
        preparation, n = model.preparation, self._arrivals.count
        layout = model.layout
        length = layout.window_length
        if windowed and length is not None:
            return Window(network, preparation, n, layout.n_channels, length)
        self._refuse_pooling(network.pooling)
        self._refuse_front(network)
        backend = model.parameters["backend"]
        return Carry(network, preparation, n, layout.n_channels, backend, history)

    def _refuse_pooling(self, pooling: str) -> None:
        """Raise if a carried stream cannot pool as the model was fitted to."""
        if pooling != "last" and self.model.layout.in_rows:
            raise InvalidInputError(
                f'pooling="{pooling}" reads all states of a window, but a carried '
                'stream has no window. Fit with pooling="last", or use mode="window".'
            )
        if pooling == "attention":
            raise InvalidInputError(
                'pooling="attention" weighs all states of a sequence, but a carried '
                "stream does not keep them. Fit with another pooling."
            )
        if pooling != "last" and self.adapt == "sgd":
            raise InvalidInputError(
                f'adapt="sgd" learns from the last steps, but pooling="{pooling}" '
                'reads all of them. Use adapt="readout", or fit with pooling="last".'
            )

    def _refuse_front(self, network: LiquidNetwork) -> None:
        """Raise if what stands before the layers cannot run along."""
        if network.own_scale is not None:
            raise InvalidInputError(
                'scale="sequence" looks at whole sequences, but a carried stream has '
                'seen no more than the rows so far. Fit with scale="standard".'
            )
        if network.patching is not None and self.model.layout.in_rows:
            raise InvalidInputError(
                f"patch={network.patch} cuts a window from its first row on, but a "
                'carried stream has no window. Fit with patch=1, or use mode="window".'
            )
        if network.patching is not None and self.adapt == "sgd":
            raise InvalidInputError(
                'adapt="sgd" learns from the last steps, but patches read rows before '
                'them too. Use adapt="readout", or fit with patch=1.'
            )

    def _make_adapter(
        self, forgetting: float | None, learning_rate: float | None
    ) -> Adapter | None:
        parameters, objective = self.model.parameters, self.model.objective
        if self.adapt == "sgd":
            rate = learning_rate or parameters["learning_rate"]
            clip = parameters["clip_value"], parameters["clip_by"]
            return GradientAdapter(self._engine, objective, rate, clip)
        if self.adapt is None:
            return None
        if parameters["readout"] == "motor":
            raise InvalidInputError(
                'adapt="readout" learns a linear map of all neurons, but '
                'readout="motor" has none. Use adapt="sgd".'
            )
        if objective.curvature is None:
            raise InvalidInputError(
                f'adapt="readout" is least squares, but loss="{objective.name}" asks '
                'for something else than the mean. Use adapt="sgd".'
            )
        return ReadoutAdapter(self._readout, objective, forgetting or FORGETTING)

    # --------------------------------------------------------------------- stepping

    def step(self, x: Row, dt: Any = None, *, timestamp: Any = None) -> NDArray | Any:
        """Take in a row and predict.

        Parameters
        ----------
        x : array-like of shape (n_features,), Series or dict
            A row as in the X of `fit`, including columns of time and group. With `n`
            streams (n, n_features), or a frame. NaN is a missing value, if the model
            was fitted with `missing="hold"` or "mask".
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
            As `predict`, also if the network's answer is not finite. The stream is then
            as it was before the call.
        """
        outputs, present = self._advance(x, dt, timestamp)
        if self._limits is not None:
            return self._one_or_all(self._limits.answers())
        return self._one_or_all(self.model.values(outputs, present))

    def step_proba(self, x: Row, dt: Any = None, *, timestamp: Any = None) -> NDArray:
        """Take in a row and return the probability of each class.

        Parameters
        ----------
        x, dt, timestamp
            As in `step`.

        Returns
        -------
        ndarray of shape (n_classes,) or (n, n_classes)
            In the order of `classes_`.
        """
        self._require_classes("step_proba")
        outputs, _ = self._advance(x, dt, timestamp)
        return self._one_or_all(self.model.objective.probabilities(outputs))

    def _advance(
        self, x: Any, dt: Any, timestamp: Any
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the network's outputs (n, O) after one more row, and the anchors."""
        arrivals = self._arrivals
        arrival: Arrival = arrivals.read(x, dt, timestamp)
        # Taken first: whether an answer is finite is known only after the step.
        past = self._engine.past()
        features = self._engine.advance(
            arrival.values, arrival.units, arrivals.clock.started
        )
        outputs = self._readout.outputs(features)
        # A sum is finite if all are, and much cheaper to look at.
        if not math.isfinite(outputs.sum()):
            self._check_finite(outputs, past)
        if self._limits is not None:
            values = self.model.proposals(outputs, arrival.present)
            try:
                self._limits.keep(values, arrival)
            except InfeasibleError:
                self._engine.go_back(past)
                raise
        if self._guard is not None:
            # Judged when asked for, which takes longer than many a step. Copies, as
            # callers and steppers write into the same memory again.
            states = self._engine.last_states()
            self._seen = arrival.inputs.copy(), arrival.units, states
        arrivals.accept(arrival)
        # Kept until the truth comes, which may be much later; a copy, as a stepper
        # writes its next state into the same memory.
        if self.adapt is not None:
            self._last = _Last(features.copy(), arrival.present)
        return outputs, arrival.present

    @property
    def safety(self) -> Safety:
        """What `output_constraints` made of the last answer.

        Returns
        -------
        Safety
            `feasible` (bool, with `n` streams an array) and `correction`, which has the
            shape of an answer.
        """
        if self._limits is None:
            raise InvalidInputError(
                f"safety is about output_constraints, and this {self.model.owner} has "
                "none. Fit with output_constraints=[...]."
            )
        return Safety(*(self._one_or_all(part) for part in self._limits.told()))

    @property
    def doubts(self) -> Bunch:
        """How the last row is unlike those of training, as `LNN.safety.guard` says."""
        if self._guard is None or self._seen is None:
            raise InvalidInputError(
                "doubts is about the last step of a stream that guards: open it with "
                "stream(guard=True) and take a step first."
            )
        inputs, units, states = self._seen
        guard = self._guard
        share = guard.saturated(torch.from_numpy(states))
        saturated = None if share is None else share.numpy()
        gaps = guard.gaps(np.broadcast_to(units, len(inputs)))
        found = guard.judged(guard.outside(inputs), gaps, saturated)
        if self.n is None:
            for name in ("outside", "gap", "saturated", "flagged"):
                if found[name] is not None:
                    found[name] = found[name][0]
        return found

    def _check_finite(self, outputs: np.ndarray, past: Any) -> None:
        """Refuse a row whose answer is not finite, and undo its step."""
        good = np.isfinite(outputs).all(axis=1)
        if good.all():
            return
        self._engine.go_back(past)
        bad = int(np.argmin(good))
        which = "" if self.n is None else f"[{bad}]"
        place = f"stream {bad}" if which else "this row"
        hint = f" reset({which}) begins anew after a long gap."
        raise self.model.not_finite_error(outputs[bad], place, hint)

    def _one_or_all(self, answers: np.ndarray) -> Any:
        return answers[0] if self.n is None else answers

    def _require_classes(self, what: str, instead: str = "step") -> NDArray:
        classes = self.model.targets.classes
        if classes is None:
            raise AttributeError(
                f"{what} is for classifiers; this stream is one of a "
                f"{self.model.owner} with task='regression'. Use {instead}."
            )
        return classes

    @property
    def classes_(self) -> NDArray:
        """The labels of the classes, in the order of `step_proba`."""
        return self._require_classes("classes_")

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
        goals, known = goals_of(self.model, self.n, y_true, self._last.present)
        # The truth about a row that was before a reset comes too late for that stream.
        known &= self._last.current
        if known.any():
            with gradients_recorded():
                self._adapter.update(self._last.features, goals, known)
            if self.adapt == "sgd":
                # It is a copy of the network's last map, which has changed as well.
                self._readout = Readout(self._network)
        self._last = None

    def commit(self) -> FittedModel:
        """Give the estimator the weights that this stream has learnt.

        Returns
        -------
        FittedModel
            The model with these weights. A stream that was opened on a FittedModel
            only returns it.

        Raises
        ------
        InvalidInputError
            If the estimator was trained or committed to since the stream was opened,
            or if the stream does not learn.
        """
        if self._adapter is None:
            raise InvalidInputError(
                "This stream does not learn, so there is nothing to commit. Open it "
                'with stream(adapt="readout") or adapt="sgd".'
            )
        if self.adapt == "readout":
            # Learnt in double precision; only what is committed is rounded.
            self._readout.store(self._network)
        known = self.model.continuation
        with gradients_recorded():  # what is committed may be trained later
            learnt = replace(
                self.model,
                network=copy.deepcopy(self._network),
                continuation=known and known.of_other_weights(),
            )
        if self._publish is not None:
            self._publish(learnt)
        self.model = learnt
        return learnt

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
        chosen = np.ones(self._arrivals.count, dtype=bool)
        if which is not None:
            chosen = self._which(which)
        self._arrivals.reset(chosen)
        self._engine.reset(chosen)
        if self._limits is not None:
            self._limits.reset(chosen)
        if self._last is not None:
            self._last.current &= ~chosen
        if chosen.all():
            self._last = self._seen = None
        return self

    def _which(self, which: Any) -> np.ndarray:
        """Return which streams are meant as booleans."""
        count, given = self._arrivals.count, np.asarray(which)
        chosen = np.zeros(count, dtype=bool)
        if not given.size:
            return chosen
        if given.dtype.kind == "b" and given.shape == (count,):
            return given
        whole = given.dtype.kind in "iu" and given.ndim <= 1
        if not whole or (given < -count).any() or (given >= count).any():
            raise InvalidInputError(
                f"Expected numbers of streams below {count}, or {count} booleans, got "
                f"{which!r}."
            )
        chosen[given] = True
        return chosen

    def copy(self) -> LiquidStream:
        """Return a stream of the same model that continues from where this one is.

        Returns
        -------
        LiquidStream
            Steps and updates of one do not affect the other.
        """
        # The model never changes: both streams may have it.
        shared: dict[int, Any] = {id(self.model): self.model}
        if self._publish is not None:
            shared[id(self._publish)] = copy.copy(self._publish)
        with gradients_recorded():
            return copy.deepcopy(self, shared)

    @property
    def _answered(self) -> dict[str, NDArray]:
        """The answers before, where constraints look back."""
        return {} if self._limits is None else self._limits.state()

    @property
    def state(self) -> dict[str, NDArray]:
        """What the stream knows of the past: copies of arrays, to store and set again.

        Weights learnt online are not part of it: `copy` and pickle keep those too.
        """
        parts = {**self._arrivals.state(), **self._engine.state(), **self._answered}
        return {name: np.array(value) for name, value in parts.items()}

    @state.setter
    def state(self, state: dict[str, ArrayLike]) -> None:
        given = {name: np.array(value) for name, value in dict(state).items()}
        needed = {name: np.shape(a) for name, a in self._engine.state().items()}
        needed["started"] = (self._arrivals.count,)
        needed |= {name: array.shape for name, array in self._answered.items()}
        got = {name: given[name].shape for name in needed if name in given}
        if got != needed or not set(given) <= {*needed, *self._arrivals.optional}:
            shapes = {name: value.shape for name, value in given.items()}
            raise InvalidInputError(
                "Expected the state of a stream of the same model, mode and n, with "
                f"{needed}, got {shapes}."
            )
        self._arrivals.set_state(given)
        self._engine.set_state(given)
        if self._limits is not None:
            self._limits.set_state(given)
        self._last = self._seen = None  # the last step belongs to another past

    def _without_taking(
        self, step: Callable[..., Any], x: Any, dt: Any, timestamp: Any
    ) -> Any:
        """Answer for a row, then go back to before it."""
        engine, arrivals = self._engine, self._arrivals
        before, past, last = self.state, engine.past(), (self._last, self._seen)
        kept = None if self._limits is None else self._limits.past()
        try:
            return step(x, dt=dt, timestamp=timestamp)
        finally:
            arrivals.set_state(before)
            engine.go_back(past)
            self._last, self._seen = last
            if self._limits is not None and kept is not None:
                self._limits.go_back(kept)

    def __repr__(self) -> str:
        streams = "" if self.n is None else f", n={self.n}"
        adapt = "" if self.adapt is None else f", adapt={self.adapt!r}"
        return f"LiquidStream({self.model.owner}, mode={self.mode!r}{streams}{adapt})"


class _Last:
    """What `update` needs of the last step."""

    def __init__(self, features: np.ndarray, present: np.ndarray | None):
        self.features, self.present = features, present
        self.current = np.ones(len(features), dtype=bool)  # not reset since
