"""Threads that fit: what joblib, and with it scikit-learn, runs fits in.

The kernels let other threads of Python run while they work. So threads fit several
models at once, and read the same data: nothing is copied or pickled.
"""

from __future__ import annotations

import contextvars
import functools
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.pool import ThreadPool
from typing import Any, TypeVar

import joblib
import sklearn
import torch
from joblib.parallel import ThreadingBackend, get_active_backend

from LNN._among import Among, Shared, Told, among, taking_part
from LNN._warnings import warn

__all__ = ["fit_side_by_side", "fits_in_threads", "thread_number"]

Fitted = TypeVar("Fitted")


@contextmanager
def fits_in_threads(n_jobs: int | None = None) -> Iterator[None]:
    """Let scikit-learn's tools fit in threads of this process, each on one core.

    Around a search, a cross-validation, a bagging or whatever else takes `n_jobs` in
    scikit-learn and has it at None. The results are those that it has by itself.

    Parameters
    ----------
    n_jobs : int, default=None
        Fits at once. None takes all cores, as -1 does, but one within a worker of
        joblib.

    Notes
    -----
    While it is open, torch has one thread in the whole process, and so have the
    kernels. With ``n_jobs=1`` everything runs as without it.

    Ctrl-C ends it when each fit is over with the epoch that it is in.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> import LNN
    >>> X = np.sin(0.2 * np.arange(100))[:, None]
    >>> model = LNN.LiquidRegressor(8, window_length=8, epochs=2, random_state=0)
    >>> search = GridSearchCV(model, {"learning_rate": [0.01, 0.02]}, cv=2)
    >>> with LNN.fits_in_threads(2):
    ...     search = search.fit(X[:-1], X[1:, 0])
    >>> sorted(search.best_params_)
    ['learning_rate']
    """
    number = thread_number(n_jobs)
    if number == 1:
        yield
        return
    backend = _FitThreads()
    with _one_thread_each(), joblib.parallel_config(backend, n_jobs=number):
        try:
            yield
        finally:
            # Ctrl-C may come where joblib does not end its calls any more.
            backend.terminate()


def thread_number(n_jobs: int | None) -> int:
    """Return how many fits run at once; 1 within a worker of joblib."""
    if n_jobs is None:
        # There, the cores have their work already.
        n_jobs = 1 if get_active_backend()[0].nesting_level else -1
    # joblib counts the cores that this process may use, and refuses 0.
    return int(ThreadingBackend().effective_n_jobs(n_jobs))


def fit_side_by_side(fits: Sequence[Callable[[], Fitted]]) -> list[Fitted]:
    """Return what each fit returns, several at once: as many as torch has threads.

    They share what they agree on. A warning of several is issued once.

    Parameters
    ----------
    fits : sequence of callable
        Each takes nothing.
    """
    shared, config = Shared(), sklearn.get_config()

    def run(fit: Callable[[], Fitted]) -> tuple[Fitted, list[Told]]:
        told: list[Told] = []
        part = replace(among() or Among(), told=told, shared=shared)
        with taking_part(part), sklearn.config_context(**config):
            return fit(), told

    number = min(thread_number(None), torch.get_num_threads(), len(fits))
    if number <= 1:
        done = [run(fit) for fit in fits]
    else:
        with fits_in_threads(number):
            done = joblib.Parallel()(joblib.delayed(run)(fit) for fit in fits)
    for warning in dict.fromkeys(told for _, those in done for told in those):
        warn(warning.message, about=warning.about)
    return [found for found, _ in done]


class _FitThreads(ThreadingBackend):
    """joblib's threads, which see what the thread that starts them sees."""

    _pool: ThreadPool | None = None
    _part = Among()

    def configure(self, n_jobs: int = 1, *args: Any, **kwargs: Any) -> int:
        """Begin a call of `joblib.Parallel`."""
        part = among() or Among()
        self._part = replace(part, stopped=threading.Event())
        # Among other things, it says how numpy is to take an overflow.
        self._context = contextvars.copy_context()
        return int(super().configure(n_jobs, *args, **kwargs))

    def _get_pool(self) -> ThreadPool:
        if self._pool is None:
            self._pool = ThreadPool(self._n_jobs, initializer=_use_one_thread)
        return self._pool

    def submit(self, func: Any, callback: Any = None) -> Any:
        """Queue a call."""
        _keep_filters(func)
        call = functools.partial(_run, self._context.copy(), self._part, func)
        queue = getattr(super(), "submit", None)
        # joblib 1.4 has the older name.
        return (queue or super().apply_async)(call, callback)

    apply_async = submit

    def terminate(self) -> None:
        """End a call of `joblib.Parallel`, or break it off."""
        # What still runs then is not wanted any more.
        self._part.stopped.set()
        pool = self._pool
        super().terminate()
        if pool is not None:
            # The pool leaves its threads running. A program that ends while one is
            # within torch aborts.
            pool.join()


def _use_one_thread() -> None:
    torch.set_num_threads(1)


def _run(context: contextvars.Context, part: Among, function: Callable) -> Any:
    def as_one() -> Any:
        with taking_part(part):
            return function()

    return context.run(as_one)


def _keep_filters(batch: Any) -> None:
    """Let scikit-learn's calls leave the warning filters as they are.

    They set those of the thread that calls them, for worker processes. Threads have
    them, and one that sets them anew takes them from the others.
    """
    for place, (function, args, kwargs) in enumerate(getattr(batch, "items", ())):
        inner, config = (getattr(function, n, None) for n in ("function", "config"))
        if inner is not None and config is not None:
            configured = functools.partial(_configured, config, inner)
            batch.items[place] = configured, args, kwargs


def _configured(
    config: dict[str, Any], function: Callable, *args: Any, **how: Any
) -> Any:
    with sklearn.config_context(**config):
        return function(*args, **how)


_lock, _open, _before = threading.Lock(), 0, 1


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Give torch one thread, and put it and the warning filters back at the end."""
    global _open, _before
    with _lock:
        # A thread that begins now would take the number of those that fit for its own.
        _before = before = _before if _open else torch.get_num_threads()
        _open += 1
        torch.set_num_threads(1)
    try:
        # Libraries change filters for a moment. In several threads, one may put back
        # what another one had changed.
        with warnings.catch_warnings():
            yield
    finally:
        with _lock:
            _open -= 1
            torch.set_num_threads(before)  # each thread has a number of its own
