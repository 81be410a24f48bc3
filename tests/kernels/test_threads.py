"""Same bits for any number of threads and workers, and nobody hangs."""

import concurrent.futures
import gc
import hashlib
import os
import signal
import time
import warnings
import weakref

import joblib
import numpy as np
import pytest
import torch
from kernel_cases import KINDS, make_problem, random_cell, rng, solve

from LNN.cells import LTCCell, MixedMemoryCell
from LNN.kernels.native import call, threads
from LNN.kernels.native import problem as problems
from LNN.kernels.native.description import description_of
from LNN.wiring import Wiring


def bits(native, problem):
    """A digest of all results and gradients."""
    answer = solve(native, problem)
    digest = hashlib.sha256()
    for tensors in answer:
        for name in sorted(tensors):
            digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture(params=[*KINDS, "memory"])
def problem(request):
    if request.param == "memory":
        wiring = Wiring.ncp(3, 10, 1)
        cell = MixedMemoryCell(LTCCell(wiring, generator=rng()), generator=rng())
    else:
        cell = random_cell(np.random.default_rng(1), request.param, 3, 12)
    return make_problem(cell, 257, 5, ragged=True)


@pytest.fixture(autouse=True)
def _always_threads(monkeypatch):
    monkeypatch.setattr(threads, "WORTH_THREADS", 0)


def test__threads__any_number__same_bits(problem, isa, native, set_threads):
    found = set()
    for n_threads in (1, 2, 3, 1, 5):
        set_threads(n_threads)
        found |= {bits(native, problem) for _ in range(2)}
    assert len(found) == 1


def test__threads__float64__same_bits(problem, native, set_threads):
    found = set()
    for n_threads in (1, 2, 3):
        set_threads(n_threads)
        found.add(bits(native, problem.to(torch.float64)))
    assert len(found) == 1


@pytest.mark.parametrize("batch", [2, 7, 8])
def test__threads__small_batches__same_bits(batch, native, set_threads):
    cell = LTCCell(Wiring.ncp(3, 20, 2), generator=rng())
    problem = make_problem(cell, batch, 9, ragged=True)
    found = set()
    for n_threads in (1, 2, 3):
        set_threads(n_threads)
        found.add(bits(native, problem))
    assert len(found) == 1


def test__threads__of_the_caller__same_bits(problem, native, set_threads):
    set_threads(2)
    expected = bits(native, problem)
    copies = [problem.to(torch.float32) for _ in range(6)]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        found = set(pool.map(lambda copy: bits(native, copy), copies))
    assert found == {expected}


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test__joblib__workers__same_bits_on_one_thread(
    backend, n_jobs, problem, native, set_threads
):
    set_threads(2)
    expected = bits(native, problem)

    def work(copy, digest=bits, module=native, count=threads.thread_count):
        return digest(module, copy), count(10**6)

    jobs = [joblib.delayed(work)(problem.to(torch.float32)) for _ in range(3)]
    found = joblib.Parallel(n_jobs, backend=backend)(jobs)
    assert {digest for digest, _ in found} == {expected}
    if n_jobs > 1:
        assert {count for _, count in found} == {1}


def test__thread_count__outside_joblib__is_that_of_torch(set_threads):
    for n_threads in (1, 2, 3):
        set_threads(n_threads)
        assert threads.thread_count(10**6) == n_threads
        assert threads.thread_count(0) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test__fork__after_threaded_call__does_not_hang(problem, native, set_threads):
    set_threads(2)
    expected = bits(native, problem)
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a process with threads forks is the test
        child = os.fork()
    if not child:
        try:
            os.write(write, bits(native, problem).encode())
        finally:
            os._exit(0)
    os.close(write)
    deadline = time.monotonic() + 30
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the forked child hangs")
        time.sleep(0.01)
    with os.fdopen(read) as pipe:
        assert pipe.read() == expected


def test__run_all__error_in_a_task__is_raised():
    def fail(task):
        if task == 3:
            raise ZeroDivisionError

    for n_threads in (1, 2, 4):
        with pytest.raises(ZeroDivisionError):
            threads.run_all(fail, 4, n_threads)


def test__run_all__any_number__does_each_task_once():
    for n_tasks in (1, 2, 7):
        for n_threads in (1, 2, 3, 9):
            done = []
            threads.run_all(done.append, n_tasks, n_threads)
            assert sorted(done) == list(range(n_tasks))


@pytest.mark.skipif(os.name == "nt", reason="the signal would wait as well")
@pytest.mark.parametrize("times", [1, 3])
def test__run_all__interrupted__waits_for_all_threads(times, interrupts):
    done = []

    def work(task):
        if task == 1:
            for _ in range(times):
                time.sleep(0.05)
                os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
        done.append(task)

    with pytest.raises(KeyboardInterrupt):
        threads.run_all(work, 2, 2)
    assert done == [0, 1]


def test__run_all__thread_that_cannot_start__waits_for_the_others(monkeypatch):
    done = []

    def work(task):
        time.sleep(0.1)
        done.append(task)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:

        class Full:
            def submit(self, function, first):
                if first == 2:
                    raise RuntimeError("can't start new thread")
                return pool.submit(function, first)

        monkeypatch.setattr(threads, "_pool", lambda size: Full())
        with pytest.raises(RuntimeError, match="new thread"):
            threads.run_all(work, 3, 3)
        assert done == [1]


@pytest.mark.slow
@pytest.mark.parametrize("interrupted", ["forward", "backward"])
def test__interrupted_pass__late_thread__finds_all_memory(
    interrupted, native, monkeypatch
):
    problem = make_problem(LTCCell(Wiring.ncp(3, 8, 1), generator=rng()), 9, 4)
    structure = [weakref.ref(array) for array in description_of(problem.cell).structure]
    kept, late = [], []
    passes = iter(("forward", "backward"))
    memory, address, run_all = problems.Memory, problems.address, threads.run_all

    def remember(made):
        if made is not None:
            kept.append(weakref.ref(made))
        return made

    def interrupt(function, n_tasks, n_threads):
        if next(passes) == interrupted:
            late.append((function, n_tasks))
            raise KeyboardInterrupt
        run_all(function, n_tasks, n_threads)
        kept.clear()

    monkeypatch.setattr(call, "Memory", lambda size: remember(memory(size)))
    monkeypatch.setattr(call, "address", lambda t: address(remember(t)))
    monkeypatch.setattr(threads, "run_all", interrupt)
    with pytest.raises(KeyboardInterrupt):
        solve(native, problem)
    monkeypatch.undo()
    del problem
    gc.collect()
    assert len(kept) >= 3
    assert all(ref() is not None for ref in (*structure, *kept))
    ((function, n_tasks),) = late
    threads.run_all(function, n_tasks, 2)
