"""`python -m LNN.export`."""

import numpy as np
import pytest
from cases import fitted

import LNN
from LNN.export.__main__ import main
from LNN.export.numpy_model import Model


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_writes_the_model_and_what_runs_it(ending, tmp_path, capsys):
    fit, path, folder = fitted("whole"), tmp_path / f"m.{ending}", tmp_path / "out"
    LNN.export.save(fit.estimator, path)
    assert main([str(path), "--to", "numpy", str(folder)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == ["model.npz", "numpy_model.py"]
    assert "model.npz" in capsys.readouterr().out
    model = Model(folder / "model.npz")
    got = model.predict(fit.X, fit.gaps(), fit.starts())
    np.testing.assert_allclose(got, fit.expected(), atol=1e-4)
    # Rows of the training data, which `context="fit"` needs, stay at home.
    assert not [name for name in np.load(folder / "model.npz") if "model" in name]


def test_says_why_a_model_runs_in_python_alone(tmp_path, capsys):
    X = np.random.default_rng(0).normal(size=(30, 2))
    path = tmp_path / "m.npz"
    model = LNN.LiquidRegressor(4, model_type="GRU-D", window_length=4, epochs=1)
    LNN.export.save(model.fit(X, X[:, 0]), path)
    assert main([str(path), "--to", "numpy", str(tmp_path)]) == 1
    assert "GRUD" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"LNN\.export\.save"):
        Model(path)


def test_refuses_another_file(tmp_path, capsys):
    path = tmp_path / "m.npz"
    path.write_bytes(b"nothing")
    assert main([str(path), "--to", "numpy", str(tmp_path)]) == 1
    assert main([str(tmp_path / "no.npz"), "--to", "numpy", str(tmp_path)]) == 1
    with pytest.raises(SystemExit):
        main([str(path), "--to", "tape", str(tmp_path)])
    assert "invalid choice" in capsys.readouterr().err
