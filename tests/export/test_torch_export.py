"""torch.export: one step and a fixed number of them, saved, loaded and run."""

import io
import logging

import pytest
import torch
from export_cases import (
    BATCH,
    CELLS,
    LAYERS,
    NETWORKS,
    SOME,
    WithState,
    assert_equal,
    expected,
    free_batch,
    of_cell,
    of_layer,
    of_network,
    with_lengths,
)

from LNN import CfC, LiquidNetwork, LiquidRegressor
from LNN.cells import exporting
from LNN.exceptions import InvalidInputError

# So torch says of its own LSTM and GRU.
pytestmark = pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights")

STRICT = pytest.mark.parametrize("strict", [False, True], ids=["free", "strict"])


@pytest.fixture(autouse=True)
def quiet():
    """Keep torch from logging what the tests are about."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def through_file(module, given, strict=False, shapes=None):
    """Export, save and load."""
    program = torch.export.export(
        module, (), given, dynamic_shapes=shapes, strict=strict
    )
    assert not any("lnn" in str(node.target) for node in program.graph.nodes)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file).module()


def check(module, make, steps=(), strict=False, batches=(9,)):
    """Export with a free batch, and compare at other batches."""
    given = make(module, *steps)
    loaded = through_file(module, given, strict, free_batch(given))
    for batch in batches:
        other = make(module, *steps, batch)
        assert_equal(expected(loaded, other), expected(module, other))


@pytest.mark.quick_cases("CfC")
@pytest.mark.parametrize("name", ["CfC", "LTC"])
def test__export__one_step_of_a_network__other_batches(name):
    check(NETWORKS[name](), of_network, (1,), batches=(2, BATCH, 9))


class TwoNames(torch.nn.Module):
    """A network that a module holds twice."""

    def __init__(self):
        super().__init__()
        self.network = LiquidNetwork(3, 6, 1).eval()
        self.layers = self.network.layers

    def forward(self, inputs):
        return self.network(inputs)


@pytest.mark.slow
def test__export__module_of_two_names__is_the_same():
    module, given = TwoNames(), {"inputs": torch.randn(4, 1, 3)}
    loaded = through_file(module, given)
    assert_equal(expected(loaded, given), expected(module, given))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test__export__one_step_of_every_network__other_batches(name):
    check(NETWORKS[name](), of_network, (1,), strict=True)


@pytest.mark.slow
@STRICT
@pytest.mark.parametrize("name", SOME)
def test__export__three_steps__with_state(name, strict):
    check(NETWORKS[name](), of_network, (3,), strict)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SOME, "CfC attention"])
def test__export__lengths__nothing_of_the_padding(name):
    network = NETWORKS[name]()
    given = with_lengths(of_network(network, 3), 3)
    loaded = through_file(network, given)
    other = {**given, "lengths": given["lengths"].flip(0)}
    other["inputs"] = other["inputs"].nan_to_num(0.5)
    assert_equal(expected(loaded, other), expected(network, other))


@pytest.mark.slow
@STRICT
@pytest.mark.parametrize("name", LAYERS)
def test__export__three_steps_of_a_layer__other_batches(name, strict):
    check(LAYERS[name](), of_layer, (3,), strict)


@pytest.mark.slow
@STRICT
@pytest.mark.parametrize("name", CELLS)
def test__export__cell__other_batches(name, strict):
    check(CELLS[name](), of_cell, strict=strict)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "strict"),
    [
        ("auto", True),
        pytest.param("auto", False, marks=pytest.mark.slow),
        pytest.param("torch", True, marks=pytest.mark.slow),
        pytest.param("torch", False, marks=pytest.mark.slow),
    ],
)
def test__export__fitted_estimator__network_of_its_windows(backend, strict):
    rows = torch.randn(40, 2, generator=torch.Generator().manual_seed(0)).numpy()
    model = LiquidRegressor(
        6, window_length=2, epochs=1, backend=backend, random_state=0
    ).fit(rows, rows[:, 0])
    network = model.network_.eval()
    given = {"inputs": torch.randn(4, 2, 2), "timespans": torch.rand(4, 2)}
    loaded = through_file(network, given, strict)
    assert_equal(expected(loaded, given), expected(network, given))


# ----------------------------------------------------------------------- what cannot be

FREE = {
    "Dim": torch.export.Dim("time", min=2, max=64),
    "AUTO": torch.export.Dim.AUTO,
    "DYNAMIC": torch.export.Dim.DYNAMIC,
}
WRITE = "exported with a free number of time steps.* export one step that takes a state"


def modules():
    """Return one of each loop over time."""
    lstm = WithState(model_type="LSTM").eval()
    return {
        "network": (LiquidNetwork(3, 6, 1).eval(), None),
        "on torch": (LiquidNetwork(3, 6, 1, backend="torch").eval(), None),
        "layer": (CfC(3, 6).eval(), None),
        "baseline": (LiquidNetwork(3, 6, 1, model_type="CT-RNN").eval(), None),
        "LSTM": (lstm, None),
        "LSTM with lengths": (lstm, torch.tensor([4, 2, 1])),
    }


def export_free_time(name, dim, strict):
    module, lengths = modules()[name]
    given = {"inputs": torch.randn(3, 4, 3), "timespans": torch.rand(3, 4)}
    shapes = {key: {1: FREE[dim]} for key in given}
    if lengths is not None:
        given["lengths"], shapes["lengths"] = lengths, None
    torch.export.export(module, (), given, dynamic_shapes=shapes, strict=strict)


@pytest.mark.quick_cases("network-Dim", "layer-AUTO")
@pytest.mark.parametrize("dim", FREE)
@pytest.mark.parametrize("name", modules())
def test__export__free_time__refused_by_name(name, dim):
    with pytest.raises(InvalidInputError, match=WRITE):
        export_free_time(name, dim, strict=False)


# Strict export traces for seconds: one kind of dimension with every loop, and each kind
# at least once.
@pytest.mark.quick_cases("network-AUTO")
@pytest.mark.parametrize(
    ("name", "dim"),
    [*((name, "AUTO") for name in modules()), ("network", "Dim"), ("layer", "DYNAMIC")],
)
def test__strict_export__free_time__refused_by_name(name, dim):
    # Strict export wraps what was raised; the message is in it.
    with pytest.raises(Exception, match="InvalidInputError.*" + WRITE):
        export_free_time(name, dim, strict=True)


def test__exporting__where_torch_does_not_tell__found_out():
    class Asks(torch.nn.Module):
        def forward(self, inputs):
            seen.append(exporting._exporting_in_older_torch())
            return inputs + 1

    seen = []
    Asks()(torch.zeros(2))
    torch.export.export(Asks(), (torch.zeros(2),), strict=False)
    assert seen == [False, True]


def test__export__neural_ode__refused_by_name():
    pytest.importorskip("torchdiffeq")
    network = LiquidNetwork(3, 6, 1, model_type="Neural-ODE").eval()
    with pytest.raises(InvalidInputError, match="Neural-ODE cannot be exported"):
        torch.export.export(network, (torch.randn(2, 1, 3),), strict=False)
