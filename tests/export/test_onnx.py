"""torch.onnx.export: files that onnxruntime runs, with the outputs of the network."""

import io
import logging

import pytest
import torch
from export_cases import (
    CELLS,
    LAYERS,
    NETWORKS,
    SOME,
    F,
    assert_equal,
    expected,
    flat,
    free_batch,
    of_cell,
    of_layer,
    of_network,
    with_lengths,
)

from LNN import CfC, LiquidNetwork, LiquidRegressor
from LNN.exceptions import InvalidInputError

runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

pytestmark = [
    # torch's own exporter calls what torch deprecates,
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning"),
    # and says so where axes share a name, as the batches of all inputs do;
    pytest.mark.filterwarnings("ignore:# The axis name. batch:UserWarning"),
    # this it says of its own LSTM and GRU.
    pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights"),
]


@pytest.fixture(autouse=True)
def quiet():
    """Keep torch from logging what it does."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def session_of(module, given, shapes=None):
    """Export, save and load."""
    program = torch.onnx.export(
        module, kwargs=given, dynamic_shapes=shapes, dynamo=True, verbose=False
    )
    file = io.BytesIO()
    program.save(file)
    return runtime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])


def outputs(session, given):
    """Run a file on what a module takes."""
    names = [node.name for node in session.get_inputs()]
    tensors = [value.numpy() for value in flat(given)]
    found = session.run(None, dict(zip(names, tensors, strict=True)))
    return [torch.as_tensor(values) for values in found]


def check(module, make, steps=(), batches=(2, 9)):
    """Export with a free batch, and compare at other batches."""
    given = make(module, *steps)
    session = session_of(module, given, free_batch(given))
    for batch in batches:
        other = make(module, *steps, batch)
        assert_equal(outputs(session, other), expected(module, other))


@pytest.mark.slow
def test__onnx__one_step_of_a_layer__other_batches():
    check(CfC(F, 4).eval(), of_layer, (1,))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SOME, "CfC pure", "CT-RNN"])
def test__onnx__one_step_of_a_network__other_batches(name):
    check(NETWORKS[name](), of_network, (1,))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CfC exponential", "LTC memory", "LSTM"])
def test__onnx__three_steps_of_a_network__with_state(name):
    network = NETWORKS[name]()
    given = of_network(network, 3)
    session = session_of(network, given)
    assert_equal(outputs(session, given), expected(network, given))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CfC attention", "LTC memory", "GRU"])
def test__onnx__lengths__nothing_of_the_padding(name):
    network = NETWORKS[name]()
    given = with_lengths(of_network(network, 3), 3)
    session = session_of(network, given)
    assert_equal(outputs(session, given), expected(network, given))


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test__onnx__three_steps_of_a_layer__other_batches(name):
    check(LAYERS[name](), of_layer, (3,))


@pytest.mark.slow
@pytest.mark.parametrize("name", CELLS)
def test__onnx__cell__other_batches(name):
    check(CELLS[name](), of_cell)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model_type", "backend"),
    [("CfC", "auto"), ("LTC", "auto"), ("LTC", "torch"), ("LSTM", "auto")],
)
def test__onnx__fitted_estimator__network_of_its_windows(model_type, backend):
    rows = torch.randn(40, 2, generator=torch.Generator().manual_seed(0)).numpy()
    model = LiquidRegressor(
        6,
        model_type=model_type,
        window_length=3,
        epochs=1,
        backend=backend,
        random_state=0,
    ).fit(rows, rows[:, 0])
    network = model.network_.eval()
    given = {"inputs": torch.randn(4, 3, 2), "timespans": torch.rand(4, 3)}
    if model_type == "LSTM":  # does not read the time
        del given["timespans"]
    session = session_of(network, given)
    assert_equal(outputs(session, given), expected(network, given))


@pytest.mark.slow  # fast for torch.export alone: test_torch_export.py
@pytest.mark.parametrize("time", [torch.export.Dim("time"), torch.export.Dim.AUTO])
def test__onnx__free_time__refused_by_name(time):
    network = LiquidNetwork(F, 6, 1).eval()
    given = {"inputs": torch.randn(3, 4, F)}
    with pytest.raises(torch.onnx.OnnxExporterError, match="free number of time") as e:
        session_of(network, given, {"inputs": {1: time}})
    assert isinstance(e.value.__cause__, InvalidInputError)
