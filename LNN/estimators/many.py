"""`fit_many`: many fits on the same data, at once."""

from __future__ import annotations

import numbers
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, overload

import joblib
import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import _safe_indexing, indexable

from LNN._among import Among, Shared, Told, among, taking_part
from LNN._warnings import warn
from LNN.estimators.fit_threads import fits_in_threads, thread_number
from LNN.estimators.parameters import check_parameter
from LNN.estimators.split_groups import group_column, recordings_of_column
from LNN.exceptions import InvalidInputError

__all__ = ["fit_many"]


class Fits(Protocol):
    """Whatever has a `fit`."""

    @property
    def fit(self) -> Callable[..., Any]:
        """Learn from X and y."""


E = TypeVar("E", bound=Fits)
Grid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]

# What has one value for each sample of X, and so is split with it.
BY_SAMPLE = ("sample_weight", "timestamps", "groups")
# What changes when someone draws from it.
SOURCES = (np.random.RandomState, np.random.Generator)


@overload
def fit_many(
    estimators: E,
    X: ArrayLike,
    y: ArrayLike | None,
    param_grid: Grid | None = ...,
    *,
    cv: None = ...,
    scoring: Any = ...,
    n_jobs: int | None = ...,
    error_score: float | str = ...,
    verbose: int = ...,
    **fit_params: Any,
) -> list[E]: ...


@overload
def fit_many(
    estimators: Sequence[E],
    X: ArrayLike,
    y: ArrayLike | None,
    param_grid: Grid | None = ...,
    *,
    cv: None = ...,
    scoring: Any = ...,
    n_jobs: int | None = ...,
    error_score: float | str = ...,
    verbose: int = ...,
    **fit_params: Any,
) -> list[E]: ...


@overload
def fit_many(
    estimators: Any,
    X: ArrayLike,
    y: ArrayLike | None,
    param_grid: Grid | None = ...,
    *,
    cv: Any,
    scoring: Any = ...,
    n_jobs: int | None = ...,
    error_score: float | str = ...,
    verbose: int = ...,
    **fit_params: Any,
) -> list[dict[str, Any]]: ...


def fit_many(
    estimators: Any,
    X: ArrayLike,
    y: ArrayLike | None,
    param_grid: Grid | None = None,
    *,
    cv: Any = None,
    scoring: Any = None,
    n_jobs: int | None = None,
    error_score: float | str = "raise",
    verbose: int = 0,
    **fit_params: Any,
) -> list[Any]:
    """Fit many estimators to the same data, several at once.

    Each is what its own `fit` makes of it, bit for bit, with its own early stopping.
    They are fitted in threads, one core for each, and what they agree on (reading,
    checks, the split, scalers, the wiring) is done once.

    Parameters
    ----------
    estimators : estimator or sequence of estimators
        A sequence is fitted in place. Of a single one, copies are fitted that have the
        parameters of `param_grid`. Pipelines and other estimators work too.
    X, y : array-like
        As `fit` takes them; y may be None.
    param_grid : dict of str to sequence, or list of such dicts, default=None
        As in `sklearn.model_selection.GridSearchCV`: `{"random_state": range(16)}`.
        The order is that of `sklearn.model_selection.ParameterGrid`.
    cv : int, cross-validation generator or iterable, default=None
        As in `sklearn.model_selection.cross_validate`: fit a copy for each part, and
        score it. It is asked once, so that all have the same parts.
    scoring : str, callable, list or dict, default=None
        As there; None is `score`, which gets `timestamps` and `groups` too.
    n_jobs : int, default=None
        Fits at once. None takes all cores, as -1 does, but one within a worker of
        joblib.
    error_score : "raise" or float, default="raise"
        What to do if a fit fails: raise its error, with a note that says which one it
        was, or warn and go on. The score of a fit that failed is this number, and the
        estimator is what its fit has left.
    verbose : int, default=0
        1 prints a line for each fit.
    **fit_params
        For `fit`: `timestamps`, `X_val` and so on. With `cv`, `sample_weight`,
        `timestamps` and `groups` are split with X (those of a Pipeline's step too), and
        the splitter gets the groups. A model with `group_column` reads its recordings
        there: then `groups` go to the splitter alone, and without them it gets the
        labels of this column.

    Returns
    -------
    list of estimators, or of dict
        In the order of the estimators or of the grid. With `cv` a dict for each, which
        has what `cross_validate` returns: "test_score" (or "test_<name>" for several
        scores), "fit_time" and "score_time", ndarrays of shape (n_splits,), and
        "estimator", a list of the fitted ones.

    Raises
    ------
    InvalidInputError
        If estimators share a generator of random numbers, or are the same object, or
        Pipelines share a step: what each gets would depend on the others. If nothing is
        to be fitted: the grid or `cv` is empty.

    Notes
    -----
    Warnings are issued when all are fitted, each once, with the fits that gave it. A
    callback that several estimators share is called from several threads. Lines that
    estimators print (`verbose`) begin with the parameters that tell one from another.

    While it runs, torch has one thread in the whole process. With ``n_jobs=1`` fits run
    one after another on torch's threads.

    On a GPU, with the environment variable LNN_CUDA_GRAPH=1, fits of one structure take
    their epochs in lock step, in one launch for all: set `n_jobs` to the number of
    fits (docu/performance.md, "Many models in one launch"). No GPU has run this yet.

    Examples
    --------
    >>> import numpy as np
    >>> from LNN import LiquidRegressor, fit_many
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> model = LiquidRegressor(8, window_length=8, epochs=2)
    >>> seeds = fit_many(model, X[:-1], X[1:, 0], {"random_state": range(3)})
    >>> np.mean([each.predict(X) for each in seeds], axis=0).shape
    (100,)
    >>> rates = {"learning_rate": [0.01, 0.02]}
    >>> found = fit_many(model, X[:-1], X[1:, 0], rates, cv=2)
    >>> [each["test_score"].shape for each in found]
    [(2,), (2,)]
    """
    _check_error_score(error_score)
    check_parameter("fit_many", "n_jobs", n_jobs)
    candidates = _candidates(estimators, param_grid)
    parts, scorer = [Data(X, y, fit_params)], None
    fits = [Fit(model, name) for model, name in candidates]
    if cv is not None:
        first = candidates[0][0]
        models = [model for model, _ in candidates]
        parts = parts[0].split(cv, is_classifier(first), models)
        scorer = _scorer(scoring, first)
        # Those of one part follow each other: they share what is made of it.
        fits = [
            Fit(clone(model), f"{name}, split {k}", k)
            for k in range(len(parts))
            for model, name in candidates
        ]
    elif scoring is not None:
        raise InvalidInputError(
            f"scoring={scoring!r} needs cv=, which says what is scored. Pass cv=5, say."
        )
    many = Many(parts, scorer, error_score, verbose, len(fits))
    done = many.run(fits, n_jobs)
    many.tell(fits, done)
    if cv is None:
        return [fit.estimator for fit in fits]
    step = len(candidates)
    return [
        many.table(done[k::step]) | {"estimator": [f.estimator for f in fits[k::step]]}
        for k in range(step)
    ]


@dataclass(frozen=True, eq=False)
class Data:
    """What fits train on, and what they are judged on.

    Attributes
    ----------
    X, y : array-like
    fit_params : mapping of str
    X_test, y_test : array-like, or None
    score_params : mapping of str
        For `score`.
    """

    X: Any
    y: Any
    fit_params: Mapping[str, Any]
    X_test: Any = None
    y_test: Any = None
    score_params: Mapping[str, Any] = field(default_factory=dict)

    def given_to(self, model: Any) -> Data:
        """Return what a model gets: `groups` are the splitter's if it has a column."""
        if self.X_test is None or group_column(model) is None:
            return self
        return replace(
            self,
            fit_params=_without_groups(self.fit_params),
            score_params=_without_groups(self.score_params),
        )

    def split(self, cv: Any, classifies: bool, models: list[Any]) -> list[Data]:
        """Return the parts of a cross-validation; rows are copied once for each.

        The splitter gets `groups`, or else the recordings that all models read.
        """
        from sklearn.model_selection import check_cv

        X, y = indexable(self.X, self.y)
        names = [n for n, v in self.fit_params.items() if _by_sample(n, v)]
        groups = [self.fit_params[n] for n in names if _last_part(n) == "groups"]
        groups = groups or recordings_of_column(X, [group_column(m) for m in models])
        with warnings.catch_warnings():
            # Recordings are the models' too: a splitter need not read them.
            warnings.filterwarnings("ignore", "The groups parameter is ignored")
            splits = list(
                check_cv(cv, y, classifier=classifies).split(X, y, *groups[:1])
            )
        if not splits:
            raise InvalidInputError(
                f"Expected cv with at least one split, got {cv!r}, which has none."
            )
        return [self._at(X, y, names, *split) for split in splits]

    def given(self) -> list[Any]:
        """Return what `fit` is called with."""
        return [self.X, self.y, *self.fit_params.values()]

    def _at(
        self, X: Any, y: Any, names: list[str], train: np.ndarray, test: np.ndarray
    ) -> Data:
        # A Pipeline's `score` takes none of its steps' parameters.
        judged = [n for n in names if n in ("timestamps", "groups")]
        fit_params = dict(self.fit_params)
        fit_params |= {n: _safe_indexing(fit_params[n], train) for n in names}
        return Data(
            _safe_indexing(X, train),
            _rows_of(y, train),
            fit_params,
            _safe_indexing(X, test),
            _rows_of(y, test),
            {n: _safe_indexing(self.fit_params[n], test) for n in judged},
        )


def _rows_of(y: Any, rows: np.ndarray) -> Any:
    """Return rows of y; a forecaster or a detector may have none."""
    return None if y is None else _safe_indexing(y, rows)


def _by_sample(name: str, value: Any) -> bool:
    return value is not None and _last_part(name) in BY_SAMPLE


def _without_groups(params: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in params.items() if _last_part(n) != "groups"}


def _last_part(name: str) -> str:
    """Return the name of a parameter without the steps of a Pipeline before it."""
    return name.rpartition("__")[2]


@dataclass(frozen=True, eq=False)
class Fit:
    """One fit: of what, on which part of the data, and its name for messages."""

    estimator: Any
    name: str
    part: int = 0


@dataclass(eq=False)
class Done:
    """What came of a fit.

    Attributes
    ----------
    error : Exception or None
    told : list of Told
        Its warnings.
    scores : mapping of str to float
        "score" or, for several, their names; empty where nothing was scored.
    fit_time, score_time : float
        In seconds.
    """

    error: Exception | None = None
    told: list[Told] = field(default_factory=list)
    scores: Mapping[str, float] = field(default_factory=dict)
    fit_time: float = 0.0
    score_time: float = 0.0


class Many:
    """Runs fits and tells of them.

    Parameters
    ----------
    parts : list of Data
    scorer : callable or None
        Takes an estimator and a part, and returns scores by name; None does not score.
    error_score : "raise" or float
    verbose : int
    n_fits : int
    """

    def __init__(
        self,
        parts: list[Data],
        scorer: Callable[[Any, Data], Mapping[str, float]] | None,
        error_score: float | str,
        verbose: int,
        n_fits: int,
    ):
        self._parts, self._scorer, self._error_score = parts, scorer, error_score
        self._verbose, self._n_fits = verbose, n_fits
        # What a Pipeline's step returns may be written into by the next fit.
        own = [given for part in parts for given in part.given()]
        self._shared, self._config = Shared(own), sklearn.get_config()
        self._lock, self._n_done, self._broken_off = threading.Lock(), 0, False

    def run(self, fits: list[Fit], n_jobs: int | None) -> list[Done]:
        """Run all fits; raise the first error, if errors are to be raised."""
        number = min(thread_number(n_jobs), len(fits))
        if number == 1:
            done = [self._run_one(fit) for fit in fits]
        else:
            with fits_in_threads(number):
                work = (joblib.delayed(self._run_one)(fit) for fit in fits)
                done = joblib.Parallel()(work)
        failed = [each.error for each in done if each.error is not None]
        if failed and (self._raises or len(failed) == len(fits)):
            raise failed[0]
        return done

    @property
    def _raises(self) -> bool:
        return self._error_score == "raise"

    def _run_one(self, fit: Fit) -> Done:
        done, beside = Done(), among() or Among()
        if self._broken_off or beside.stopped.is_set():
            return done
        part = replace(beside, name=fit.name, told=done.told, shared=self._shared)
        # scikit-learn's settings are of one thread.
        with taking_part(part), sklearn.config_context(**self._config):
            try:
                self._fit_and_score(fit, done)
            except Exception as error:
                error.add_note(f"It was raised in the fit of {fit.name}.")
                done.error = error
        if done.error is not None and self._raises:
            self._broken_off = True
            part.stopped.set()
        self._report(fit, done)
        return done

    def _fit_and_score(self, fit: Fit, done: Done) -> None:
        data = self._parts[fit.part].given_to(fit.estimator)
        start = time.perf_counter()
        try:
            fit.estimator.fit(data.X, data.y, **data.fit_params)
        finally:
            done.fit_time = time.perf_counter() - start
        if self._scorer is not None:
            start = time.perf_counter()
            done.scores = self._scorer(fit.estimator, data)
            done.score_time = time.perf_counter() - start

    def _report(self, fit: Fit, done: Done) -> None:
        with self._lock:
            self._n_done += 1
            number = self._n_done
        if not self._verbose:
            return
        words = [f"{name} {value:.6g}" for name, value in done.scores.items()]
        loss = getattr(fit.estimator, "best_loss_", None)
        if done.error is not None:
            words = [f"failed: {type(done.error).__name__}"]
        elif not words and loss is not None:
            words = [f"{fit.estimator.n_iter_} epochs, loss {loss:.6g}"]
        words.append(f"{done.fit_time:.2f} s")
        print(f"[{number}/{self._n_fits}] {fit.name}: {', '.join(words)}")

    def tell(self, fits: list[Fit], done: list[Done]) -> None:
        """Issue the warnings of the fits, each once, with the fits that gave it."""
        givers: dict[str, list[str]] = {}
        for fit, each in zip(fits, done, strict=True):
            for told in dict.fromkeys(each.told):
                givers.setdefault(told.message, []).append(fit.name)
        for message, names in givers.items():
            warn(f"{message} ({self._which(names)})")
        errors = [(f.name, d.error) for f, d in zip(fits, done, strict=True) if d.error]
        if errors:
            listed = "; ".join(f"{n}: {type(e).__name__}: {e}" for n, e in errors)
            warn(f"{len(errors)} of {len(fits)} fits failed. {listed}")

    def _which(self, names: list[str]) -> str:
        if len(names) == self._n_fits:
            return "each fit" if len(names) > 1 else names[0]
        return "; ".join(names)

    def table(self, done: list[Done]) -> dict[str, Any]:
        """Return times and scores as `cross_validate` does."""
        names = list(dict.fromkeys(n for each in done for n in each.scores))
        missing = self._error_score
        found: dict[str, Any] = {
            "fit_time": np.array([each.fit_time for each in done]),
            "score_time": np.array([each.score_time for each in done]),
        }
        for name in names or ["score"]:
            found[f"test_{name}"] = np.array(
                [each.scores.get(name, missing) for each in done]
            )
        return found


def _scorer(scoring: Any, model: Any) -> Callable[[Any, Data], Mapping[str, float]]:
    """Return what scores an estimator, as scikit-learn's `scoring` says."""
    if scoring is None:

        def by_itself(fitted: Any, data: Data) -> Mapping[str, float]:
            found = fitted.score(data.X_test, data.y_test, **data.score_params)
            return {"score": found}

        return by_itself
    from sklearn.metrics import check_scoring

    scorer = check_scoring(model, scoring=scoring)

    def by_scorer(fitted: Any, data: Data) -> Mapping[str, float]:
        found = scorer(fitted, data.X_test, data.y_test)
        return found if isinstance(found, dict) else {"score": found}

    return by_scorer


# ------------------------------------------------------------------- what is fitted


def _candidates(estimators: Any, grid: Grid | None) -> list[tuple[Any, str]]:
    """Return what is to be fitted, and what tells one from another."""
    if hasattr(estimators, "fit"):
        return _of_grid(estimators, {} if grid is None else grid)
    if grid is not None:
        raise InvalidInputError(
            "Expected one estimator with param_grid, got a sequence. Pass the "
            "estimator whose parameters the grid sets, or leave param_grid out."
        )
    many = list(estimators)
    if not many or not all(hasattr(each, "fit") for each in many):
        raise InvalidInputError(
            f"Expected an estimator or a sequence of estimators, got {estimators!r}. "
            "Pass fit_many([model, other], X, y), or fit_many(model, X, y, param_grid)."
        )
    _refuse_shared(many)
    return list(zip(many, _names(many), strict=True))


def _of_grid(model: Any, grid: Grid) -> list[tuple[Any, str]]:
    from sklearn.model_selection import ParameterGrid

    found = []
    for parameters in ParameterGrid(grid):
        # Values may be estimators, which no two fits may share.
        own = clone(model).set_params(**clone(parameters, safe=False))
        name = ", ".join(f"{k}={v!r}" for k, v in parameters.items())
        found.append((own, name or type(model).__name__))
    if not found:
        raise InvalidInputError(
            f"Expected param_grid with at least one combination, got {grid!r}. Leave "
            "it out to fit one copy as it is."
        )
    return found


def _names(models: list[Any]) -> list[str]:
    """Return names of estimators, with the parameters in which they differ."""
    values = [{k: repr(v) for k, v in _parameters(m).items()} for m in models]
    differing = [
        key for key in values[0] if len({each.get(key, "") for each in values}) > 1
    ]
    found = []
    for number, each in enumerate(values):
        own = ", ".join(f"{key}={each[key]}" for key in differing if key in each)
        found.append(f"model {number}" + (f" ({own})" if 0 < len(own) < 80 else ""))
    return found


def _parameters(model: Any) -> dict[str, Any]:
    """Return the parameters of an estimator, and of those in it."""
    return model.get_params() if hasattr(model, "get_params") else {}


def _refuse_shared(models: list[Any]) -> None:
    """Refuse estimators of which one changes what another one gets."""
    owner: dict[int, int] = {}
    for number, model in enumerate(models):
        drawn = [v for v in _parameters(model).values() if isinstance(v, SOURCES)]
        sources = [*_fitted_in_place(model), *drawn]
        for source in {id(v): v for v in sources}.values():
            other = owner.setdefault(id(source), number)
            if other == number:
                continue
            raise InvalidInputError(
                f"Expected estimators of their own, but models {other} and {number} "
                f"share {source!r}: what one of them gets would depend on the other. "
                "Pass copies (sklearn.base.clone), and whole numbers as random_state."
            )


def _fitted_in_place(model: Any) -> Iterator[Any]:
    """Return an estimator, and those that its `fit` fits without copying them."""
    if isinstance(model, FrozenEstimator):
        return
    yield model
    steps: Sequence[tuple[str, Any]] = ()
    if isinstance(model, Pipeline):
        steps = model.steps
    elif isinstance(model, FeatureUnion):
        steps = model.transformer_list
    for _, step in steps:
        if hasattr(step, "fit"):  # and is not "passthrough"
            yield from _fitted_in_place(step)


def _check_error_score(error_score: Any) -> None:
    number = isinstance(error_score, numbers.Real) and not isinstance(error_score, bool)
    if error_score != "raise" and not number:
        raise InvalidInputError(
            "error_score must be 'raise' or a number that failed fits get as their "
            f"score, got {error_score!r}. Use 'raise' or numpy.nan."
        )
