"""What goes to MiniRocket's process and comes back, with a stand-in for its class."""

from __future__ import annotations

import inspect
import io
import os
import sys

import numpy as np
import pytest

from LNN.exceptions import LNNError, MissingDependencyError
from LNN.experiments.archive import minirocket, minirocket_worker
from LNN.experiments.archive.fitting import measure, parts_of
from LNN.experiments.archive.lines import Fit, Lines
from LNN.experiments.commands import main

FIT = Fit("Ragged", "MiniRocket", 3)


class Nearest:
    """Predicts the class of the nearest sequence."""

    def __init__(self, n_kernels, random_state=None, n_jobs=1):
        self.seed = random_state

    def fit(self, X, y):
        assert X.dtype == np.float32
        assert X.ndim == 3
        assert X.shape[1] == 1
        self.X, self.y = X, y
        return self

    def predict(self, X):
        distances = ((X[:, None] - self.X[None]) ** 2).sum(axis=(2, 3))
        return self.y[distances.argmin(axis=1)]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment whose Python is this one, with a stand-in of aeon."""
    folder = tmp_path / "environment"
    python = minirocket.python_of(folder)
    python.parent.mkdir(parents=True)
    module = folder / "aeon" / "classification" / "convolution_based.py"
    module.parent.mkdir(parents=True)
    source = inspect.getsource(Nearest)
    module.write_text(
        f"import numpy as np\n\n{source}\nMiniRocketClassifier = Nearest\n"
    )
    python.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="{folder}"\nexec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setenv(minirocket.VARIABLE, str(folder))
    minirocket.worker.cache_clear()
    yield folder
    minirocket.worker.cache_clear()


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test__measure__in_the_other_process__has_accuracy_and_no_log_loss(environment):
    result = measure(FIT, ("clean", "30 % missing"))
    assert result["n"] == 24
    assert result["clean"] == result["right"] / 24 > 0.8
    assert result["30 % missing"] > 0.6
    assert result["seconds"] >= 0
    assert "log loss" not in result
    # The same process goes on.
    assert measure(FIT, ("clean",))["clean"] == result["clean"]


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test__worker__process_that_ends__is_an_error_that_says_what_to_do(environment):
    (environment / "aeon" / "classification" / "convolution_based.py").write_text("1/0")
    with pytest.raises(LNNError, match="status 1.*Make its environment again"):
        minirocket.worker()


def test__serve__a_line_of_two_files__is_answered(tmp_path, monkeypatch, capsys):
    given, answer = tmp_path / "given.npz", tmp_path / "answer.npz"
    X = np.arange(40, dtype=np.float32).reshape(4, 1, 10)
    y = np.array([5, 5, 6, 7])
    np.savez(given, X=X, y=y, seed=1, **{"new clean": X[1:] + 0.1, "new half": X[:1]})
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{given}\t{answer}\n"))
    minirocket_worker.serve(Nearest)
    assert capsys.readouterr().out.split() == ["ready", "done"]
    with np.load(answer) as found:
        assert found["new clean"].tolist() == [5, 6, 7]
        assert found["new half"].tolist() == [5]
        assert found["seconds"] >= 0


def test__table__ragged_sequences__are_stretched_between_their_time_stamps():
    X = [np.array([[0.0], [4.0], [8.0]]), np.array([[1.0], [3.0]])]
    times = [np.array([0.0, 1.0, 4.0]), np.array([5.0, 9.0])]
    table = minirocket._table(X, times, 5)
    expected = [[0, 4, 16 / 3, 20 / 3, 8], [1, 1.5, 2, 2.5, 3]]
    np.testing.assert_allclose(table[:, 0], expected, rtol=1e-6)
    assert table.flags.c_contiguous


def test__run__without_the_environment__makes_the_other_fits(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv(minirocket.VARIABLE, str(tmp_path / "nowhere"))
    words = ["run", "--tasks", "ucr", "--sets", "Equal", "--n-jobs", "1"]
    words += ["--models", "LTC", "MiniRocket", "--results", str(tmp_path)]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "MiniRocket is left out" in said
    assert minirocket.COMMAND in said
    lines = Lines(tmp_path / "archive" / "ucr.jsonl").read()
    assert [fit.model for fit in lines] == ["LTC"]
    minirocket.worker.cache_clear()
    with pytest.raises(MissingDependencyError, match="nowhere"):
        minirocket.worker()


def test__environment__by_default__is_where_downloads_go(tmp_path, monkeypatch):
    monkeypatch.delenv(minirocket.VARIABLE, raising=False)
    monkeypatch.setattr(minirocket, "download_homes", lambda: [tmp_path])
    assert minirocket.environment() == tmp_path / minirocket.FOLDER


@pytest.mark.slow
def test__measure__real_archive_and_environment__is_as_good_as_published(
    data_home, monkeypatch
):
    if minirocket.missing():
        pytest.skip(minirocket.missing())
    monkeypatch.setenv("LNN_DATA_HOME", str(data_home))
    minirocket.worker.cache_clear()
    fit = Fit("GunPoint", "MiniRocket", 0)
    assert measure(fit, ("clean", "half rate"))["clean"] > 0.97
    assert len(parts_of(fit)[0]) == 50
