"""`LiquidNeuralNetwork`, the front door: the estimator that users fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, RegressorTags, Tags
from sklearn.utils.metaestimators import available_if

from LNN._random import copied, random_source, unmoved_on_error
from LNN._typing import Column, Predictions
from LNN._warnings import ORDER_OF_ROWS
from LNN.data import SequenceSet
from LNN.data.alignment import warn_if_misaligned
from LNN.data.examples import Given, refuse_without_x_val
from LNN.data.form import DataForm
from LNN.data.training_end import TrainingEnd
from LNN.estimators import fitting
from LNN.estimators._docs import REFERENCE, documented
from LNN.estimators.attributes import FittedAttributes
from LNN.estimators.callbacks import (
    CallbackSupportMixin,
    Method,
    callback_task,
    with_callbacks,
)
from LNN.estimators.cold_start import warn_if_cold
from LNN.estimators.committing import Commit
from LNN.estimators.fit_context import with_continuation
from LNN.estimators.fitted import FittedModel, as_fitted
from LNN.estimators.fitting import Run
from LNN.estimators.halving import warn_if_halving_draws_rows
from LNN.estimators.parameters import (
    check_parameter,
    check_parameters,
    parameter_values,
)
from LNN.estimators.pickling import PicklingMixin
from LNN.estimators.piped_context import refuse_piped_context
from LNN.estimators.plotting import PlottingMixin
from LNN.estimators.scoring import scoring_name, select_counted, validation_score
from LNN.estimators.settings import Settings
from LNN.estimators.signatures import NetworkParameters
from LNN.estimators.summary import summarise
from LNN.estimators.warm_start import continue_from, refuse_rebuilding
from LNN.exceptions import InvalidInputError
from LNN.streaming import LiquidStream
from LNN.training.device import resolve_device
from LNN.training.loop import Epoch, History
from LNN.training.record import Moments
from LNN.training.reporting import Reporter


def _classifies(estimator: LiquidNeuralNetwork) -> bool:
    # A fitted model answers as what it was fitted for.
    if estimator.__sklearn_is_fitted__():
        return estimator.model_.classifies
    return estimator.task == "classification"


def _of_classes(method: Method) -> Method:
    """Hide a method where numbers are predicted; it keeps its type."""
    return available_if(_classifies)(method)


# The parameters come first: editors look no further for the constructor.
@documented
class LiquidNeuralNetwork(
    NetworkParameters,
    FittedAttributes,
    CallbackSupportMixin,
    PlottingMixin,
    PicklingMixin,
    BaseEstimator,
):
    """Liquid neural network for sequences, with `fit`, `predict` and `score`.

    LTC and CfC cells on NCP wirings, with windowing, scaling and training built in.
    2-D data are the rows of a recording in time order: row t is predicted from the
    `window_length` rows that end at t. 3-D data and lists are one sequence per sample.

    Attributes
    ----------
    model_ : FittedModel
        All that was learnt, as one immutable value; streams, exports and inspection
        take it. The other attributes are views of it. It holds the last rows of 2-D
        training data (for `context="fit"`), and so do pickles: `est.model_ =
        est.model_.without_context()` drops them.
    network_ : LiquidNetwork
        The trained torch module, on the CPU.
    wiring_ : Wiring or None
        Neurons and synapses of the last layer; None for models without wiring.
    n_parameters_ : int
        Number of trained parameters.
    n_synapses_ : int or None
        Number of synapses of all layers, sensory ones included.
    classes_ : ndarray of shape (n_classes,)
        Class labels; classification only.
    scaler_ : SequenceScaler
        Scaler of the inputs.
    target_scaler_ : SequenceScaler
        Scaler of the targets; regression only.
    time_unit_ : float
        Median gap between training rows, in seconds or units of the time stamps. It is
        the network's unit of time.
    loss_curve_ : list of float
        Training loss after each epoch.
    validation_loss_curve_ : list of float or None
        Validation loss after each epoch.
    best_loss_ : float
        Lowest training loss. Without a validation part the weights are those of that
        epoch.
    best_validation_loss_ : float or None
        Lowest validation loss. Unless `scoring` names a score, the weights are those of
        that epoch.
    validation_scores_ : list of float or None
        Score on the validation part after each epoch, if `scoring` names one.
    best_validation_score_ : float or None
        Highest validation score; the weights are those of that epoch.
    n_iter_ : int
        Epochs run.
    n_features_in_ : int
        Number of columns of X, including those of time and group.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Column names of X, if it has any.
    backend_ : str
        The backend that the network was trained on.

    References
    ----------
    Hasani et al., Liquid time-constant networks, AAAI 2021.
    Hasani et al., Closed-form continuous-time neural networks, Nature Machine
    Intelligence 2022.
    Lechner et al., Neural circuit policies, Nature Machine Intelligence 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidNeuralNetwork
    >>> t = np.arange(300)
    >>> X, y = np.sin(0.2 * t)[:-1, None], np.sin(0.2 * t)[1:]
    >>> lnn = LiquidNeuralNetwork(n_neurons=12, window_length=8, random_state=0)
    >>> lnn = lnn.fit(X[:250], y[:250], epochs=60)
    >>> bool(lnn.score(X[250:], y[250:]) > 0.9)
    True
    """

    # Links of the HTML representation: pages that ship with the package.
    _doc_link_module = "LNN"
    _doc_link_template = REFERENCE

    # ------------------------------------------------------------------ training

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        timestamps: Column | None = None,
        groups: Column | None = None,
        timestamps_val: Column | None = None,
        groups_val: Column | None = None,
        epochs: int | None = None,
        clip_value: float | None = None,
        learning_rate: float | None = None,
        n_jobs: int | None = None,
    ) -> Self:
        """Train on sequences.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), \
(n_samples, n_timesteps, n_features), or list of (n_timesteps_i, n_features)
            2-D: rows in time order. A DatetimeIndex gives the time stamps, a MultiIndex
            (recording, time) the recordings too.
        y : array-like
            One target per row of 2-D data. Else one per sequence, or one per step:
            (n_samples, n_timesteps), (n_samples, n_timesteps, n_outputs) or a list;
            steps whose target is NaN are not trained on.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 is the same as having the sample twice; with a weight of 0,
            its y is not read.
        X_val, y_val, sample_weight_val : array-like, default=None
            Validation data for early stopping, in place of a part of X.
        timestamps : array-like of shape (n_samples,) or (n_samples, n_timesteps), \
or list, default=None
            Numbers, datetimes or durations.
        groups : array-like of shape (n_samples,), default=None
            Recording of each row (or sequence). Windows never cross recordings.
        timestamps_val, groups_val : array-like, default=None
            The same for `X_val`.
        epochs, clip_value, learning_rate, n_jobs : default=None
            Override the parameters of the same name, for this call.

        Returns
        -------
        self

        Raises
        ------
        InvalidInputError
            A ValueError that says what was expected, what came and what to do.
        NonFiniteLossError
            If the loss becomes NaN or infinite. The best weights so far are kept; a fit
            that fails in its first epoch changes nothing.
        """
        # Check: whatever can be refused is refused before any work is done.
        settings = self._settings(
            epochs=epochs,
            clip_value=clip_value,
            learning_rate=learning_rate,
            n_jobs=n_jobs,
        )
        given = Given(X, y, sample_weight, timestamps, groups)
        held_out = Given(X_val, y_val, sample_weight_val, timestamps_val, groups_val)
        refuse_without_x_val(held_out)
        known = self._known() if self.warm_start else None
        random = random_source(self.random_state)
        # Read and split: time and scales are learnt from the part that trains.
        training, validation, form = fitting.read_parts(
            given, held_out, settings, known, random
        )
        # Scale and build, unless training goes on with what there is.
        if known is None:
            model = fitting.build(training, form, settings, random)
        else:
            model = continue_from(known, training, form, settings).with_fresh_curves()
        # Train and publish: only now does the estimator change.
        plan = fitting.make_plan(settings, training, model.network)
        score = validation_score(model, self.scoring, validation)
        run = Run(model, training, validation, plan, settings, random, score)
        self._train(run, given)
        self._remember_end(given, form)
        self.model_ = with_continuation(self.model_, training.sequences)
        return self

    @with_callbacks
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
    ) -> Self:
        """Train one epoch on more data, from where training stopped.

        The first call fits the scalers to its data, as `fit` does. Later calls keep the
        scalers, the classes and the state of the optimiser. After a `fit` without
        `warm_start` the optimiser starts anew.

        Parameters
        ----------
        X, y, sample_weight, timestamps, groups
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes, if y of the first call does not have them all.

        Returns
        -------
        self
        """
        settings = self._settings()
        given = Given(X, y, sample_weight, timestamps, groups)
        known = self._known()
        random = random_source(self.random_state)
        # Later calls continue the sequence of random numbers: that of the caller's own
        # RandomState, or a copy of the one that the known model has stored.
        is_callers = random is self.random_state
        if not is_callers and known is not None and known.record.random is not None:
            random = copied(known.record.random)
        stored = None if is_callers else random
        with unmoved_on_error(random, unless=lambda: self._model() is not known):
            return self._train_on(given, classes, settings, known, random, stored)

    def _train_on(
        self,
        given: Given,
        classes: ArrayLike | None,
        settings: Settings,
        known: FittedModel | None,
        random: np.random.RandomState,
        stored: np.random.RandomState | None,
    ) -> Self:
        """Train one epoch with `random`; store a random source for the next call."""
        training = fitting.read_training(given, settings, known, classes)
        form = fitting.form_of(training, settings, known)
        training = fitting.in_chunks(training, settings)
        if known is None:
            model = fitting.build(training, form, settings, random)
        else:
            model = continue_from(known, training, form, settings)
        model = model.with_random(stored)
        # How many epochs will follow is unknown, so no schedule applies.
        plan = fitting.make_plan(settings, training, model.network)
        plan = replace(plan, epochs=1, lr_schedule=None, keep_last=True)
        run = Run(model, training, None, plan, settings, random)
        self._train(run, given)
        if vars(self).get("_training_end") is not None:  # not after it has warned
            self._remember_end(given, form)
        self.model_ = with_continuation(self.model_, training.sequences, known)
        return self

    def _settings(self, **overrides: Any) -> Settings:
        """Check the parameters, before any work is done, and keep them as they are."""
        owner, values = type(self).__name__, parameter_values(self)
        check_parameters(owner, values)
        for name, value in overrides.items():
            if value is not None:
                check_parameter(f"{owner}.fit", name, value)
        resolve_device(self.device)
        return Settings(owner, values, **overrides)

    def _known(self) -> FittedModel | None:
        """Return the model that training goes on with, if there is one."""
        known = self._model()
        if known is not None:
            refuse_rebuilding(known, parameter_values(self))
        return known

    def _remember_end(self, given: Given, form: DataForm) -> None:
        """Keep where the training rows ended; see `_warn_if_cold`."""
        self._training_end = TrainingEnd.of(given, form.layout, form.clock.unit)

    def _model(self) -> FittedModel | None:
        return vars(self).get("model_")

    def _train(self, run: Run, given: Given) -> Self:
        """Train, and publish the model however training ends.

        Before the first epoch is over there is nothing to publish: a fit that fails
        until then leaves the estimator as it was.
        """
        task = callback_task(self, given, run.plan.epochs)
        history, listeners = History(), [self.callback]
        if task is not None:
            listeners.append(task.after_epoch)

        published = self._model()

        def publish(epoch: Epoch | None = None, moments: Moments | None = None) -> None:
            nonlocal published
            if self._model() is not published:
                raise InvalidInputError(
                    "A callback trained the estimator, or committed a stream to it, "
                    "while it was being fitted: the fit would undo that. Do it after "
                    "the fit."
                )
            record = run.record_after(history, scoring_name(self.scoring))
            record = replace(record, moments=moments)
            self.model_ = published = replace(run.model, record=record)

        # Callbacks look at the estimator, so the model is published before they run.
        report = Reporter(self.verbose, [publish, *listeners], run.plan.epochs)
        try:
            moments = fitting.train_model(run, report, history)
        except BaseException:
            if history.loss:
                publish()  # moments that led to a failure are forgotten
            raise
        finally:
            report.close()
        # Moments belong to the last weights, not to the best ones that are kept, and
        # are twice as large.
        goes_on = self.warm_start or run.plan.keep_last
        publish(moments=moments if goes_on else None)
        if task is not None:
            task.end()
        return self

    # --------------------------------------------------------------- predictions

    def predict(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        context: ArrayLike | str | None = None,
        return_safety: bool = False,
    ) -> Predictions:
        """Predict targets or classes.

        Parameters
        ----------
        X : array-like
            As in `fit`. 2-D data get one prediction per row, from the rows up to it.
        timestamps, groups : array-like, default=None
            As in `fit`; a model that was fitted without time takes no `timestamps`.
        context : array-like of shape (n_rows, n_features) or "fit", default=None
            Rows that came just before X (`window_length` or more), so that the first
            predictions see as much history as the rest. 2-D data of one recording
            only; `timestamps` must begin with those of these rows. "fit" uses the last
            rows of the last `fit` or `partial_fit` (of its X, including the validation
            part, not of `X_val`): each recording continues the one of the same name,
            new ones start without history. `timestamps` and `groups` are then those of
            X only.
        return_safety : bool, default=False
            Whether to return also what `output_constraints` did to each prediction.

        Returns
        -------
        predictions : ndarray or list of ndarray
            In the units and the layout of the y given to `fit`; several quantiles are
            a last axis. Lists give lists where there is a prediction per step.
        safety : Safety
            Only with `return_safety`. In the layout of the predictions: `feasible`,
            whether a prediction satisfies all constraints, and `correction`, what was
            added to the network's own.
        """
        model, outputs, sequences = self._run(X, timestamps, groups, context)
        call = model.answers_and_safety if return_safety else model.answers
        return call(outputs, sequences)

    @_of_classes
    def predict_proba(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        context: ArrayLike | str | None = None,
    ) -> Predictions:
        """Predict the probability of each class.

        Parameters
        ----------
        X, timestamps, groups, context
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Per step (n_samples, n_timesteps, n_classes), or a list.
        """
        model, outputs, sequences = self._run(X, timestamps, groups, context)
        return model.probabilities(outputs, sequences)

    @_of_classes
    def predict_log_proba(
        self,
        X: ArrayLike,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        context: ArrayLike | str | None = None,
    ) -> Predictions:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X, timestamps, groups, context
            As in `predict`.

        Returns
        -------
        ndarray or list of ndarray
            As `predict_proba`; -inf where a probability is 0.
        """
        found = self.predict_proba(
            X, timestamps=timestamps, groups=groups, context=context
        )
        with np.errstate(divide="ignore"):
            if isinstance(found, list):
                return [np.log(block) for block in found]
            return np.log(found)

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        timestamps: Column | None = None,
        groups: Column | None = None,
        context: ArrayLike | str | None = None,
    ) -> float:
        """Return R2 (regression) or accuracy (classification).

        With `loss="quantile"`, D2 of the pinball loss, averaged over the levels: R2
        with this loss in place of the squared error.

        Parameters
        ----------
        X, timestamps, groups, context
            As in `predict`.
        y : array-like
            As in `fit`; steps without a target do not count.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
        """
        predicted = self.predict(
            X, timestamps=timestamps, groups=groups, context=context
        )
        warn_if_misaligned(X, y, sample_weight=sample_weight)
        model = self.model_
        return model.objective.score(
            *select_counted(model.targets.per_step, y, predicted, sample_weight)
        )

    def _run(
        self,
        X: ArrayLike,
        timestamps: Column | None,
        groups: Column | None,
        context: ArrayLike | str | None,
    ) -> tuple[FittedModel, NDArray[np.float64], SequenceSet]:
        """Return the model, the outputs of its network for X, and X as it read it."""
        refuse_piped_context(context)
        model = as_fitted(self)
        how = {"timestamps": timestamps, "groups": groups, "context": context}
        sequences = model.read(X, **how)
        outputs = model.outputs(sequences)
        self._warn_if_cold(X, how)
        return model, outputs, sequences

    def _warn_if_cold(self, X: ArrayLike, how: dict[str, Any]) -> None:
        """Warn once after a fit if X continues its rows, but context= was not given."""
        end, options = vars(self).get("_training_end"), self.model_.layout.options
        if warn_if_cold(end, type(self).__name__, X, how, options):
            self._training_end = None

    def stream(
        self,
        mode: str = "window",
        n: int | None = None,
        *,
        adapt: str | None = None,
        forgetting: float | None = None,
        learning_rate: float | None = None,
        truncation: int | None = None,
        context: ArrayLike | str | None = None,
        guard: bool = False,
    ) -> LiquidStream:
        """Open a stream: predictions row by row, and learning on the way.

        Parameters
        ----------
        mode, n, adapt, forgetting, learning_rate, truncation, context, guard
            As in `LiquidStream`: "window" answers as `predict` does, "carry" hands the
            state on from row to row; `adapt` lets the stream learn.

        Returns
        -------
        LiquidStream
        """
        options: dict[str, Any]
        options = {"adapt": adapt, "forgetting": forgetting, "context": context}
        options |= {"learning_rate": learning_rate, "truncation": truncation}
        options["guard"] = guard
        model = as_fitted(self)
        return LiquidStream(model, mode, n, publish=Commit(self), **options)

    def summary(self) -> str:
        """Describe the fitted model: data, time, wiring, size, training.

        Returns
        -------
        str
            A few lines; `print(model.summary())`.
        """
        return summarise(as_fitted(self))

    # ---------------------------------------------------------- scikit-learn's view

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a trained network."""
        return "model_" in vars(self)

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator; what it is depends on `task`."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        if self.task == "classification":  # what the next fit, a clone's, will be
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags()
        else:
            tags.estimator_type = "regressor"
            tags.regressor_tags = RegressorTags()
            tags.target_tags.multi_output = True
        return tags

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy; searches make one for each fit."""
        other: Self = super().__sklearn_clone__()
        drawn = warn_if_halving_draws_rows(self.window_length)
        if drawn or ORDER_OF_ROWS in vars(self).get("_told_about", ()):
            other.__dict__["_told_about"] = (ORDER_OF_ROWS,)
        return other
