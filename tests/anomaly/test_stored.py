"""Pickles and skops: a detector comes back as it was."""

import pickle

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import frame, quick, wave

ODD = frame(700).set_axis(
    frame(700).index[0]
    + pd.to_timedelta(np.random.default_rng(0).exponential(size=700).cumsum(), unit="h")
)
ROWS = {
    "array": wave(700),
    "frame": frame(700),
    "zone": frame(700).tz_localize("Europe/Vienna"),
    "odd times": ODD,
    "panel": pd.concat({"a": frame(600), "b": frame(600, 1)}, names=["who", "when"]),
    "sequences": wave(640).reshape(20, 32, 1),
}


@pytest.mark.filterwarnings("ignore:The threshold is set by")
@pytest.mark.parametrize("name", ROWS)
def test__skops_and_pickle__two_classes_are_trusted__scores_are_the_same(name):
    skops = pytest.importorskip("skops.io")
    model = quick().fit(ROWS[name])
    blob = skops.dumps(model)
    unknown = skops.get_untrusted_types(data=blob)
    assert unknown == [
        "LNN.anomaly.detector.LiquidAnomalyDetector",
        "LNN.anomaly.fitted.FittedDetector",
    ]
    expected = np.asarray(model.anomaly_scores(ROWS[name]))
    for again in (
        skops.loads(blob, trusted=unknown),
        pickle.loads(pickle.dumps(model)),
    ):
        found = np.asarray(again.anomaly_scores(ROWS[name]))
        np.testing.assert_array_equal(found, expected)
        assert again.summary() == model.summary()
