"""What runtimes in other languages are given, and how their answers are compared."""

import math

import numpy as np

# A fit of each kind of cell, reading, rule and answer, for the tests that are not slow.
SOME = (
    "CfC exponential",
    "CfC full gelu",
    "CfC full pure",
    "LTC semi-implicit",
    "LTC rk4",
    "GRU gates",
    "LSTM gates",
    "two layers memory",
    "pooling attention",
    "pooling ragged",
    "per step label",
    "mask whole",
    "quantiles vector",
    "anchors",
    "walk patch",
    "own scale patch",
)


def plain(value):
    """Return nested lists of numbers, None where one is missing."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def streams(spec, n=2):
    """Return the first test vectors: rows, gaps, and the answers to them."""
    arrays = spec.arrays
    expected = arrays["test.predictions"][:n]
    classes = spec.values["answer"]["classes"]
    if classes is not None:
        expected = np.array(classes)[expected.astype(int)]
    rows = zip(arrays["test.inputs"][:n], arrays["test.gaps"][:n], strict=True)
    return [{"rows": x, "dt": dt} for x, dt in rows], expected


def assert_same(got, expected):
    """Compare answers: labels, or numbers to 1e-5 of the largest."""
    if isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    elif np.asarray(expected).dtype.kind in "US":
        assert list(np.ravel(got)) == list(np.ravel(expected))
    else:
        scale = max(1.0, np.abs(expected).max())
        assert np.shape(got) == np.shape(expected)
        np.testing.assert_allclose(got, expected, atol=1e-5 * scale, rtol=0)
