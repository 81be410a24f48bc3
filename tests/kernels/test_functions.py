"""sigmoid, tanh, exp and the like of the native library, on their own."""

import numpy as np
import pytest
import torch
from scipy.special import expit

PRECISIONS = {32: np.float32, 64: np.float64}
NAMES = ("sigmoid", "tanh", "exp", "softplus", "decay")
EXACT = {
    "sigmoid": expit,
    "tanh": np.tanh,
    "exp": np.exp,
    "softplus": lambda x: np.logaddexp(0, x),
    "decay": lambda x: -np.expm1(-x),
}
SYNAPSE = 5  # the sigmoid of the LTC's synapses
GRID = np.concatenate(
    [
        np.linspace(-20, 20, 400_001),
        np.linspace(-120, 120, 100_001),
        *(sign * np.geomspace(1e-30, 100, 100_001) for sign in (-1, 1)),
    ]
)
WIDE = np.geomspace(1e-300, 708, 200_001)
# With more than 64 bits where the machine has them.
EXACT_WIDE = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "exp": np.exp,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "decay": lambda x: -np.expm1(-x),
}


def domain(name, x):
    """Return values that a function serves: exp decays, decay grows with time."""
    return {"exp": -np.abs(x), "decay": np.abs(x)}.get(name, x)


@pytest.fixture(params=PRECISIONS, ids=["float32", "float64"])
def precision(request):
    return request.param


@pytest.fixture
def apply(isa, precision):
    """A function that applies one of the library's functions to an array."""
    from LNN.kernels.native.library import load
    from LNN.kernels.native.mirror import ISAS

    def apply(name, x):
        x = np.ascontiguousarray(x, dtype=PRECISIONS[precision])
        out = np.empty_like(x)
        data = (x.ctypes.data, out.ctypes.data, len(x))
        function = NAMES.index(name) if name in NAMES else SYNAPSE
        load().functions.lnn_apply(ISAS[isa], precision, function, *data)
        return out

    return apply


@pytest.mark.parametrize("name", NAMES)
def test__function__dense_grid__is_accurate(name, apply, precision):
    x = domain(name, GRID.astype(PRECISIONS[precision]))
    exact = EXACT[name](x.astype(np.float64))
    error = np.abs(apply(name, x) - exact) / np.maximum(exact, 1)
    assert error.max() <= {32: 2e-7, 64: 4e-16}[precision]


@pytest.mark.parametrize("name", NAMES)
def test__function__near_zero__keeps_relative_precision(name, apply, precision):
    x = domain(name, GRID[np.abs(GRID) < 1].astype(PRECISIONS[precision]))
    exact = EXACT[name](x.astype(np.float64))
    error = np.abs(apply(name, x) - exact) / np.maximum(np.abs(exact), 1e-300)
    assert error.max() <= {32: 5e-7, 64: 1e-15}[precision]


def test__synapse__dense_grid__is_accurate(apply, precision):
    x = GRID.astype(PRECISIONS[precision])
    error = np.abs(apply("synapse", x) - expit(x.astype(np.float64)))
    assert error.max() <= {32: 2e-7, 64: 4e-16}[precision]


@pytest.mark.parametrize("precision", [64], indirect=True, ids=["float64"])
@pytest.mark.parametrize("name", NAMES)
def test__function__all_normal_results__are_off_by_few_units(name, apply):
    x = domain(name, np.concatenate([np.linspace(-708, 708, 300_001), WIDE, -WIDE]))
    exact = EXACT_WIDE[name](x.astype(np.longdouble))
    units = np.spacing(np.abs(exact.astype(np.float64)))
    assert (np.abs(apply(name, x) - exact) / units).max() <= 3.5


@pytest.mark.parametrize("precision", [64], indirect=True, ids=["float64"])
@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("sigmoid", [-np.inf, -1e308, -1000, 1000, 1e308, np.inf], [0, 0, 0, 1, 1, 1]),
        ("sigmoid", [5e-324, -5e-324, 1e-310, -0.0], [0.5, 0.5, 0.5, 0.5]),
        ("synapse", [-np.inf, -1e308, -1000, 1000, 1e308, np.inf], [0, 0, 0, 1, 1, 1]),
        ("tanh", [-np.inf, -1e308, -20, 20, 1e308, np.inf], [-1, -1, -1, 1, 1, 1]),
        ("tanh", [1e-310, -1e-310, 1e-300], [1e-310, -1e-310, 1e-300]),
        ("exp", [-np.inf, -1e308, -1000, -0.0, 0.0], [0, 0, 0, 1, 1]),
    ],
)
def test__function__ends_of_the_range__as_they_should_be(name, x, expected, apply):
    np.testing.assert_allclose(apply(name, np.array(x)), expected, rtol=0, atol=1e-307)


@pytest.mark.parametrize("name", NAMES)
def test__function__special_values__as_they_should_be(name, apply):
    x = domain(name, np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-40]))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        exact = EXACT[name](x)
    # softplus alone is neither 0 nor 1 nor without end there.
    rtol = 1e-7 if name == "softplus" else 0
    np.testing.assert_allclose(apply(name, x), exact, rtol=rtol, atol=1e-27)
    assert np.isnan(apply(name, np.full(3, -np.nan))).all()


def test__tanh__zeros__keep_their_sign(apply):
    assert not np.signbit(apply("tanh", np.array([0.0])))
    assert np.signbit(apply("tanh", np.array([-0.0])))


@pytest.mark.parametrize("name", NAMES)
def test__function__any_number_of_values__alike(name, apply):
    x = domain(name, np.linspace(-9, 9, 70))
    whole = apply(name, x)
    for n in (0, 1, 2, 3, 15, 16, 17, 33):
        np.testing.assert_array_equal(apply(name, x[:n]), whole[:n])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", ["lecun_tanh", "tanh", "relu", "silu", "gelu"])
def test__backbone_activation__dense_grid__as_torch(activation, dtype, isa, native):
    from LNN.cells import CfCCell
    from LNN.kernels import torch_loop

    # One unit reads the input and passes a twentieth on to f1.
    cell = CfCCell(1, 1, backbone_units=1, backbone_activation=activation).to(dtype)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.backbone[0].weight[0, 0] = 1
        cell.ff1.weight[0, 0] = 0.05
    x = torch.linspace(-30, 30, 3001, dtype=dtype)[:, None, None]
    data = (x, torch.zeros(len(x), 1, dtype=dtype), torch.zeros(len(x), 1, dtype=dtype))
    found = native.run(cell, *data, None)[1]
    expected = torch_loop.run(cell.double(), *(t.double() for t in data), None)[1]
    error = (found - expected).abs().max()
    assert error <= {torch.float32: 2e-7, torch.float64: 1e-15}[dtype]
