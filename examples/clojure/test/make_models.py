"""Fit and export the models that the tests of the Clojure library run."""

import tempfile
from pathlib import Path

import numpy as np

import LNN
from LNN.safety import Bounds, HalfSpaces, RateLimit

HERE = Path(__file__).parent
random = np.random.default_rng(0)
times = np.cumsum(random.exponential(size=300) + 0.05)
X = np.column_stack([np.sin(times), random.normal(size=300)])
y = np.roll(X[:, 0], 3) + 0.1 * X[:, 1]

gone = X.copy()
gone[random.random(X.shape) < 0.2] = np.nan
ltc = LNN.LiquidRegressor(
    6, model_type="LTC", window_length=None, missing="mask", epochs=10, random_state=0
)
cfc = LNN.LiquidClassifier(6, window_length=5, epochs=10, random_state=0)
limited = LNN.LiquidRegressor(
    4,
    window_length=None,
    epochs=5,
    random_state=0,
    output_constraints=[
        Bounds([-0.6, -0.3], 0.6),
        RateLimit([0.2, np.inf]),
        HalfSpaces([[1.0, 1.0], [-1.0, 2.0]], [0.0, 0.5], b_inputs=[[0, 0.5], [0, 0]]),
    ],
)
models = {
    "ltc": ltc.fit(gone, y, timestamps=times),
    "cfc": cfc.fit(X, np.where(y > 0, "up", "down"), timestamps=times),
    "limited": limited.fit(X, np.column_stack([y, 1 - y]), timestamps=times),
}
for name, model in models.items():
    with tempfile.TemporaryDirectory() as folder:
        (path,) = LNN.export.to_clojure(model, folder)
        (HERE / "models" / f"{name}.edn").write_text(path.read_text())
