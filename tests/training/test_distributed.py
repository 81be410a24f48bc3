"""Processes that train one model together end with that of a single process."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import threading
from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest
import ranks as fits
import torch
from processes import finished

import LNN
from LNN import InvalidInputError, data_parallel
from LNN.estimators import fitting
from LNN.training import loop
from LNN.training.distributed import ALONE, Ranks, ranks_here, speaks_here

SCRIPT = Path(fits.__file__)
ROOT = SCRIPT.parents[2]


def free_port():
    with socket.socket() as held:
        held.bind(("localhost", 0))
        return held.getsockname()[1]


def environment(**more):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | more


def run(folder, size):
    """Run the fits in processes of their own; return what each has left."""
    how = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port())}
    done = finished(
        [sys.executable, str(SCRIPT), str(folder)],
        env=environment(WORLD_SIZE=str(size), **how),
    )
    assert not done.returncode, done.stdout + done.stderr
    return [
        pickle.loads((Path(folder) / f"{rank}.pickle").read_bytes())
        for rank in range(size)
    ]


@pytest.fixture(
    scope="module", params=[2, pytest.param(3, marks=pytest.mark.slow)], ids="{}".format
)
def left(request, tmp_path_factory):
    """What each process has left of all fits."""
    return run(tmp_path_factory.mktemp("ranks"), request.param)


@pytest.mark.parametrize("name", fits.FITS)
def test__fit__processes_together__learn_what_one_learns(name, left):
    curves, weights = left[0]["found"][name]
    expected, theirs = fits.result(fits.FITS[name]())
    single = name == "single precision"
    close = {"rtol": 2e-3, "atol": 2e-4} if single else {"rtol": 1e-6, "atol": 1e-9}
    for curve, values in expected.items():
        np.testing.assert_allclose(curves[curve], values, **close, err_msg=curve)
    assert len(expected["loss"])
    for key, values in theirs.items():
        np.testing.assert_allclose(weights[key], values, **close, err_msg=key)


@pytest.mark.parametrize("name", [*fits.FITS, *fits.TOGETHER])
def test__fit__processes_together__end_with_the_same_bits(name, left):
    first, *others = (each["found"][name] for each in left)
    assert others
    for other in others:
        for ours, theirs in zip(first, other, strict=True):
            assert ours.keys() == theirs.keys()
            for key, values in ours.items():
                assert values.tobytes() == theirs[key].tobytes()


def test__early_stopping__processes_together__stop_before_the_last_epoch(left):
    curves, _ = left[0]["found"]["stops early"]
    assert 2 < len(curves["loss"]) < 60


def test__dropout__processes_together__draw_other_masks_than_one(left):
    _, weights = left[0]["found"]["dropout"]
    _, alone = fits.result(fits.TOGETHER["dropout"]())
    assert any(not np.allclose(weights[k], v, rtol=1e-6) for k, v in alone.items())


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("seed", "pass the same random_state"),
        ("targets", "Expected the data to be the same"),
        ("rows", "Expected the data to be the same"),
        ("epochs", "Expected the training to be the same"),
        ("validation", "Expected the validation data to be the same"),
    ],
)
def test__fit__processes_that_differ__are_refused_in_each(case, words, left):
    for each in left:
        assert words in each["refused"][case]


def test__callback__one_process_wants_to_stop__all_stop(left):
    assert [each["epochs"] for each in left] == [2] * len(left)


def test__verbose__processes_together__the_first_prints(left):
    first, *others = (each["printed"] for each in left)
    assert first.count("epoch") == fits.HOW["epochs"]
    assert not any(others)


@pytest.mark.slow
def test__example__torchrun__saves_the_model_of_one_process(tmp_path):
    files = [str(tmp_path / name) for name in ("together.npz", "alone.npz")]
    script = [str(ROOT / "examples" / "data_parallel.py"), "--epochs", "2", "--save"]
    for size, file in zip((2, 1), files, strict=True):
        launch = [sys.executable, "-m", "torch.distributed.run"]
        launch += ["--nproc_per_node", str(size), "--master_port", str(free_port())]
        done = finished(
            [*launch, *script, file],
            env=environment(),
            check=True,
        )
        assert done.stdout.count("epoch") == done.stdout.count("R2") * 2 == 2
    together, alone = (LNN.load(file).loss_curve_ for file in files)
    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test__data_parallel__without_torchrun__says_how_to_start(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    words = "torchrun --nproc_per_node"
    with pytest.raises(InvalidInputError, match=words), data_parallel():
        pass
    assert ranks_here() is ALONE


def test__data_parallel__group_of_the_caller__is_used_and_left_alone(tmp_path):
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        with data_parallel() as ranks:
            assert ranks_here() == ranks == Ranks(0, 1)
            # Threads that fit side by side must not add their gradients up.
            context, found = copy_context(), []
            ask = lambda: found.append((ranks_here(), speaks_here()))  # noqa: E731
            thread = threading.Thread(target=lambda: context.run(ask))
            thread.start()
            thread.join()
            assert found[0][0] is ALONE
            assert found[0][1]
        assert ranks_here() is ALONE
        assert torch.distributed.is_initialized()
    finally:
        torch.distributed.destroy_process_group()


class Half(Ranks):
    """One of two processes, whose other one says nothing."""

    def add(self, tensor):
        pass

    def agreed(self, value, device):
        return value

    def settle(self, tensors):
        pass

    def refuse_others(self, prints):
        pass


def test__fit__processes_share_batches__no_graph_takes_whole_steps(monkeypatch):
    """It would train on the batches of its process alone, and tell nobody."""

    def refuse(*_):
        raise AssertionError("a graph of a step adds no gradients up")

    monkeypatch.setattr(loop, "resident_step", refuse)
    monkeypatch.setattr(fitting, "ranks_here", lambda: Half(0, 2))
    assert len(fits.FITS["sequences"]().loss_curve_) == fits.HOW["epochs"]
    monkeypatch.setattr(fitting, "ranks_here", lambda: ALONE)
    with pytest.raises(AssertionError, match="adds no gradients up"):
        fits.FITS["sequences"]()


@pytest.mark.parametrize("n", [0, 1, 2, 5, 64])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test__part__of_all_processes__is_every_sample_once(n, size):
    order = np.random.default_rng(0).permutation(n)
    parts = [Ranks(rank, size).part(order) for rank in range(size)]
    assert np.concatenate(parts).tolist() == order.tolist()
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
