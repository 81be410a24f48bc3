"""Sequences of several lengths: each is explained as if it came alone."""

import numpy as np

from LNN import LiquidRegressor
from LNN.inspection import attribution


def test__attribution__only_a_short_sequence_needs_finer_parts__is_as_if_alone():
    random = np.random.default_rng(0)
    X = [random.normal(size=(n, 2)) for n in (12, 11, 4, 7, 12, 9)]
    y = np.array([x[:, 0].max() for x in X])
    model = LiquidRegressor(8, pooling="last+mean+max", epochs=3, random_state=0)
    model.fit(X, y)
    # The long one is the baseline itself, and done at once.
    flat = np.broadcast_to(model.scaler_.center_, (12, 2))
    short = 3 * random.normal(size=(5, 2))
    together = attribution(model, [flat, short], tolerance=1e-9)
    assert (together.attributions[0] == 0).all()
    alone = attribution(model, [short], tolerance=1e-9)
    np.testing.assert_allclose(together.attributions[1, -5:], alone.attributions[0])
