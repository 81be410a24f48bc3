"""A small pool of threads for the kernels, which release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for

import torch
from joblib.parallel import get_active_backend

# Neuron updates below which more threads cost time.
WORTH_THREADS = 50_000
# Those below which a fit loses more in Python between its batches, which threads share
# one by one, than they save: twice those of a batch of the usual sizes.
WORTH_SINGLE_BATCHES = 2**17

_pools: dict[int, ThreadPoolExecutor] = {}
# A forked child has none of its parent's threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def thread_count(work: int) -> int:
    """Return how many threads a call may use: torch's number, 1 in a joblib worker.

    And 1 for little work, in neuron updates of a batch over all steps.
    """
    number = 1 if work <= WORTH_THREADS else torch.get_num_threads()
    # Asked last: it takes longer than to call the library.
    if number == 1 or get_active_backend()[0].nesting_level:
        return 1
    return number


def run_all(function: Callable[[int], None], n_tasks: int, n_threads: int) -> None:
    """Call function(0), ..., function(n_tasks - 1), on some threads at once.

    Parameters
    ----------
    function : callable
        It has to keep what it works on: a share that was queued as its thread could not
        be started may still be done when this has raised.
    n_tasks : int
    n_threads : int
        This one included.
    """
    n_threads = min(n_threads, n_tasks)
    if n_threads == 1:
        for task in range(n_tasks):
            function(task)
        return

    def share(first: int) -> None:
        for task in range(first, n_tasks, n_threads):
            function(task)

    pool, others = _pool(n_threads - 1), []
    try:
        for k in range(1, n_threads):
            others.append(pool.submit(share, k))
        share(0)
    finally:
        _wait_for_all(others)  # until then they write
    for other in others:
        other.result()


def _wait_for_all(others: list[Future]) -> None:
    """Wait, Ctrl-C or not: it is raised once all are done."""
    interrupt = None
    while True:
        try:
            wait_for(others)
            break
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is None:
        return
    try:
        raise interrupt
    finally:
        del interrupt  # its traceback holds this frame, and the memory of the pass


def _pool(size: int) -> ThreadPoolExecutor:
    if size not in _pools:
        _pools[size] = ThreadPoolExecutor(size, thread_name_prefix="LNN")
    return _pools[size]
