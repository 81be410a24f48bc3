"""The native backend as a citizen of torch: parametrised, compiled, traced."""

import contextlib
import copy
import io
import pickle

import numpy as np
import pytest
import torch
import torch.nn.utils.prune as prune
from kernel_cases import rng
from layer_cases import (
    EDGES,
    LAYERS,
    SOME,
    WIRING,
    F,
    assert_same,
    on_torch,
    results,
)
from quick import quick
from torch._subclasses import FakeTensor, FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parametrizations

from LNN import CfC, LiquidNetwork
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell
from LNN.cells.ltc import Synapses
from LNN.kernels.native.description import description_of
from LNN.kernels.native.operators import operator_arguments
from LNN.layers import LTC
from LNN.wiring import Wiring

# ------------------------------------------------------- what is left to the torch cell


class Halved(LTCCell):
    """A cell with a step of its own."""

    def step(self, drive, state, dt, constants):
        return 0.5 * super().step(drive, state, dt, constants)


def replaced(cell):
    layer = LTC(F, WIRING, generator=rng())
    layer.cell = cell
    return layer


@pytest.mark.parametrize(
    "make",
    [
        lambda: LTC(F, WIRING, solver="rk4", generator=rng()),
        lambda: LTC(F, WIRING, solver="explicit", generator=rng()),
        lambda: CfC(F, 5, backbone_dropout=0.5, generator=rng()),
        lambda: CfC(F, 5, backbone_dropout=0.5, mixed_memory=True, generator=rng()),
        lambda: CfC(F, 5, backbone_units=4, backbone_layers=14, generator=rng()),
        lambda: LTC(F, WIRING, generator=rng()).to(torch.float16),
        lambda: CfC(F, 5, generator=rng()).to(torch.bfloat16),
        lambda: replaced(Halved(WIRING, generator=rng())),
        lambda: replaced(MixedMemoryCell(Halved(WIRING, generator=rng()))),
    ],
    ids=["rk4", "explicit", "dropout", "memory dropout", "deep", "half", "bfloat16"]
    + ["subclass", "memory subclass"],
)
def test__native__no_kernel_for_it__runs_on_torch(make, x, ran):
    layer = make()
    layer.backend = "native"
    layer(x.to(next(layer.parameters()).dtype))
    assert ran == ["torch"]


def test__subclass__own_step__is_what_runs(x):
    layer = replaced(Halved(WIRING, generator=rng()))
    plain = LTC(F, WIRING, generator=rng())
    one = x[:, :1]
    torch.testing.assert_close(layer(one)[1], 0.5 * plain(one)[1])


def test__dropout__in_training_only__leaves_native(x, ran):
    layer = CfC(F, 5, backbone_dropout=0.5, generator=rng())
    layer(x)
    layer.eval()(x)
    assert ran == ["torch", "native"]


def test__autocast__on_the_cpu__runs_on_torch(layer, x, ran):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(x)[0]
        expected = on_torch(layer)(x)[0]
    assert ran == ["torch", "torch"]
    assert torch.equal(found, expected)
    layer(x)
    assert ran[-1] == "native"


def test__environment__lnn_backend__replaces_auto(x, ran, monkeypatch):
    layer = LTC(F, WIRING, generator=rng())
    monkeypatch.setenv("LNN_BACKEND", "torch")
    layer(x)
    layer.backend = "native"
    layer(x)
    assert ran == ["torch", "native"]


# ------------------------------------------------------- cells that change after a call


def halve_the_magnitudes(linear):
    with torch.no_grad():
        linear.parametrizations.weight.original0.mul_(0.5)


def parametrize(layer):
    linear = layer.cell.backbone[0]
    parametrizations.weight_norm(linear)
    halve_the_magnitudes(linear)


def parametrize_memory(layer):
    parametrizations.weight_norm(layer.cell.input_map)
    halve_the_magnitudes(layer.cell.input_map)


def parametrize_head(layer):
    parametrizations.weight_norm(layer.cell.ff1)
    halve_the_magnitudes(layer.cell.ff1)


def pruned(layer):
    prune.l1_unstructured(layer.cell.backbone[0], "weight", amount=0.5)


def new_layer(layer):
    layer.cell.backbone[0] = torch.nn.Linear(F + 5, 7)


def no_bias(layer):
    layer.cell.backbone[0] = torch.nn.Linear(F + 5, 7, bias=False)


def new_parameter(layer):
    layer.cell.gleak = torch.nn.Parameter(torch.full_like(layer.cell.gleak, 2.0))


def loaded(layer):
    other = {k: v * 0.5 for k, v in layer.state_dict().items() if v.is_floating_point()}
    layer.load_state_dict(other, strict=False, assign=True)


def turned():
    """As WIRING, but with the edges between neurons turned around."""
    signs = np.zeros((9, 9), dtype=int)
    signs[WIRING.recurrent.target, WIRING.recurrent.source] = WIRING.recurrent.polarity
    inputs = np.zeros((F, 9), dtype=int)
    inputs[WIRING.sensory.source, WIRING.sensory.target] = WIRING.sensory.polarity
    return Wiring.from_adjacency(signs, inputs, n_outputs=2)


def another_cell_inside(layer):
    layer.cell.cell = LTCCell(turned(), generator=rng(3))


def another_wired_cell_inside(layer):
    layer.cell.cell = WiredCfCCell(WIRING, map_edges=EDGES, generator=rng(3))


def another_kind_of_synapses(layer):
    layer.cell.recurrent = LTCCell(turned(), generator=rng(3)).recurrent


def synapses_of_its_own(layer):
    layer.cell.recurrent = Doubled(WIRING.recurrent, 9, 9, rng(3))


class Doubled(Synapses):
    """Synapses with equations of their own."""

    def currents(self, values, constants):
        return 2 * super().currents(values, constants)


def fewer_unfolds(layer):
    layer.cell.ode_unfolds = 2


def another_solver(layer):
    layer.cell.solver = "rk4"


def larger_epsilon(layer):
    layer.cell.epsilon = 1.0


def no_input_bias(layer):
    layer.cell.input_bias = None


def another_activation(layer):
    layer.cell.backbone_activation = "relu"


@pytest.mark.parametrize("called", [False, True], ids=["new", "called before"])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("CfC", parametrize),
        ("CfC", parametrize_head),
        ("memory CfC", parametrize_memory),
        ("CfC", pruned),
        ("CfC", new_layer),
        ("CfC", no_bias),
        ("CfC", another_activation),
        ("memory", another_cell_inside),
        ("memory wired", another_wired_cell_inside),
        ("LTC", another_kind_of_synapses),
        ("LTC", synapses_of_its_own),
        ("LTC", new_parameter),
        ("LTC", loaded),
        ("LTC", fewer_unfolds),
        ("LTC", another_solver),
        ("LTC", larger_epsilon),
        ("LTC", no_input_bias),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test__cell__changed__runs_as_it_is_now(name, change, called, x, native):
    layer = LAYERS[name]()
    if called:
        layer(x)
    change(layer)
    layer.backend = "torch"  # no copy: pruned modules refuse to be copied
    expected = results(layer, x)
    layer.backend = "native"
    assert_same(results(layer, x), expected, rtol=1e-4, atol=1e-5)


def test__cell__replaced_by_one_of_other_synapses__still_runs_native(x, ran):
    layer = CfC(F, WIRING, mixed_memory=True, generator=rng())
    another_wired_cell_inside(layer)
    layer(x)
    assert ran == ["native"]


def test__cell__deep_copied_after_a_call__has_weights_of_its_own(layer, x):
    expected = layer(x)[0]
    other = copy.deepcopy(layer)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    assert torch.equal(other(x)[0], expected)


def test__cell__pickled_after_a_call__is_the_same(layer, x):
    expected = layer(x)[0]
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x)[0], expected)


def test__cell__moved_between_dtypes__runs_in_each(layer, x, ran):
    layer(x)
    layer.double()(x.double())
    layer.half()(x.half())
    layer.float()(x)
    assert ran == ["native", "native", "torch", "native"]


# -------------------------------------------------------------------- layouts of memory


def test__layout__not_contiguous__makes_no_difference(layer, x, dt):
    lengths = torch.tensor([6, 0, 3, 1])
    expected = results(layer, x, timespans=dt, lengths=lengths)
    state = layer.cell.zero_state(x)
    wide = torch.zeros(4, 2 * state.shape[1])[:, ::2]
    pair = tuple(wide.chunk(2, dim=-1)) if layer.mixed_memory else wide
    found = results(
        layer,
        x.transpose(0, 1).contiguous().transpose(0, 1),
        pair,
        timespans=torch.stack([dt, dt], -1)[..., 0],
        lengths=torch.stack([lengths, lengths], 1)[:, 0],
    )
    assert_same(found, expected, rtol=0, atol=0)


def test__layout__expanded_tensors__make_no_difference(layer, x):
    row, spans = x[:1], torch.full((4, 6), 0.7)
    expected = results(layer, row.repeat(4, 1, 1), timespans=spans)
    found = results(layer, row.expand(4, -1, -1), timespans=torch.tensor(0.7))
    assert_same(found, expected, rtol=0, atol=0)


def test__layout__parameters_not_contiguous__make_no_difference(x, native):
    layer = LAYERS["CfC"]()
    expected = results(layer, x)
    for linear in (layer.cell.backbone[0], layer.cell.ff1):
        turned = linear.weight.detach().t().contiguous().t()
        linear.weight = torch.nn.Parameter(turned)
    assert_same(results(layer, x), expected, rtol=0, atol=0)


# ------------------------------------------------------------------ compile and export


def count_operators(graph):
    return sum("lnn.sequence" in str(node.target) for node in graph.nodes)


@pytest.fixture
def graphs():
    """A list, and a backend of torch.compile that leaves what it gets there."""
    torch._dynamo.reset()
    seen = []

    def keep(module, inputs):
        seen.append(module.graph)
        return torch._dynamo.lookup_backend("aot_eager")(module, inputs)

    yield seen, keep
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.parametrize("called", [False, True], ids=["new", "called before"])
def test__compile__whole_graph__is_the_same_with_one_operator(layer, called, x, graphs):
    seen, keep = graphs
    if called:
        layer(x)
    compiled = torch.compile(layer, fullgraph=True, backend=keep)
    found = results(compiled, x)
    assert [count_operators(graph) for graph in seen] == [1]
    found = {name.removeprefix("_orig_mod."): value for name, value in found.items()}
    assert_same(found, results(layer, x), rtol=0, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test__compile__lengths_and_time__are_the_same(name, x, dt, graphs, native):
    layer, (_, keep) = LAYERS[name](), graphs
    given = {"timespans": dt, "lengths": torch.tensor([6, 0, 3, 1])}
    compiled = torch.compile(layer, fullgraph=True, backend=keep)
    found = results(compiled, x, **given)
    found = {name.removeprefix("_orig_mod."): value for name, value in found.items()}
    assert_same(found, results(layer, x, **given), rtol=0, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["CfC", "LTC"])
def test__compile__network_of_two_layers__has_two_operators(
    model_type, x, graphs, native
):
    seen, keep = graphs
    network = LiquidNetwork(F, 8, 2, model_type=model_type, n_layers=2, generator=rng())
    found = torch.compile(network, fullgraph=True, backend=keep)(x)
    assert [count_operators(graph) for graph in seen] == [2]
    torch.testing.assert_close(found, network(x))


@pytest.mark.slow
def test__compile__other_batch_sizes__are_the_same(layer, graphs):
    _, keep = graphs
    compiled = torch.compile(layer, fullgraph=True, backend=keep, dynamic=True)
    with torch.no_grad():
        for batch in (4, 9, 2):
            x = torch.randn(batch, 5, F, generator=rng(batch))
            torch.testing.assert_close(compiled(x)[0], layer(x)[0])


@pytest.mark.quick_cases("wired")
def test__export__any_layer__holds_no_operator_of_the_library(traced, x):
    graph = torch.export.export(traced, (x[:, :1],), strict=False).graph
    assert count_operators(graph) == 0


@pytest.mark.quick_cases("wired")
def test__compile__lengths_out_of_range__are_cut(traced, x, graphs):
    class Ragged(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = traced

        def forward(self, inputs, lengths):
            return self.layer(inputs, lengths=lengths)[0]

    # In a graph nobody can refuse them, so that the kernel must not believe them.
    program = torch.compile(Ragged(), fullgraph=True, backend=graphs[1])
    with torch.no_grad():
        expected = program(x, torch.tensor([6, 0, 6, 1]))
        found = program(x, torch.tensor([8, -3, 7, 1]))
    torch.testing.assert_close(found, expected)


CELLS = {
    "LTC": lambda: LTCCell(WIRING, generator=rng()),
    "LTC None": lambda: LTCCell(WIRING, input_mapping=None, generator=rng()),
    "wired": lambda: WiredCfCCell(WIRING, generator=rng()),
    "wired edges": lambda: WiredCfCCell(WIRING, map_edges=EDGES, generator=rng()),
    "CfC": lambda: CfCCell(F, 5, backbone_units=6, generator=rng()),
    "CfC pure": lambda: CfCCell(F, 5, mode="pure", generator=rng()),
    "wired exponential": lambda: WiredCfCCell(
        WIRING, mode="exponential", generator=rng()
    ),
    "memory": lambda: MixedMemoryCell(LTCCell(WIRING, generator=rng())),
}


@pytest.mark.slow
@pytest.mark.parametrize(("turned", "trained"), [(False, False), (True, True)])
@pytest.mark.parametrize("name", CELLS)
def test__operator__opcheck__finds_nothing(name, turned, trained, x, dt, native):
    cell = CELLS[name]()
    description = description_of(cell)
    packed = [
        None if p is None else p.detach().clone().requires_grad_(trained)
        for p in description.pack(description.parameters(cell))
    ]
    state = cell.zero_state(x)
    if turned:
        x = x.transpose(0, 1).contiguous().transpose(0, 1)
        state = state.t().contiguous().t()
    lengths = torch.tensor([6, 0, 3, 1])
    data = (x.requires_grad_(trained), state.requires_grad_(trained), dt, lengths)
    arguments = (*data, *operator_arguments(description, packed), True)
    torch.library.opcheck(torch.ops.lnn.sequence.default, arguments)


# ------------------------------------------------------------ traces, modes, subclasses


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # checks of shapes
@pytest.mark.parametrize("trained", quick([False, True], True))
def test__jit_trace__other_inputs__are_the_same(layer, trained, x, ran):
    x = x[:, :2]  # a graph holds each step
    other = torch.randn(x.shape, generator=rng(9))
    with torch.set_grad_enabled(trained):
        traced = torch.jit.trace(layer, (x,), check_trace=False)
        assert ran == ["torch"]
        torch.testing.assert_close(traced(other)[0], layer(other)[0])
        assert ran[-1] == "native"
    torch.jit.save(traced, io.BytesIO())


@pytest.mark.quick_cases("wired-True")
@pytest.mark.parametrize("trained", [False, True])
def test__make_fx__other_inputs__are_the_same(traced, trained, x, ran):
    x = x[:, :2]
    other = torch.randn(x.shape, generator=rng(9))
    with torch.set_grad_enabled(trained):
        graph = make_fx(lambda inputs: traced(inputs)[0])(x)
        assert ran == ["torch"]
        torch.testing.assert_close(graph(other), traced(other)[0])


@pytest.mark.quick_cases("LTC-True", "wired-True", "CfC-True", "memory-True")
@pytest.mark.parametrize("inside", [False, True])
def test__fake_tensors__any_mode__have_the_right_shape(layer, inside, x, ran):
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    fake = mode.from_tensor(x)
    with torch.no_grad(), mode if inside else contextlib.nullcontext():
        outputs, _ = layer(fake)
    assert ran == ["torch"]
    assert outputs.shape == layer(x)[0].shape
    assert isinstance(outputs, FakeTensor)


class Tagged(torch.Tensor):
    """A tensor of the user's own class."""


def test__tensor_subclass__input__keeps_its_class(layer, x, ran):
    outputs, _ = layer(x.as_subclass(Tagged))
    assert type(outputs) is Tagged
    assert ran == ["native"]
    torch.testing.assert_close(outputs.as_subclass(torch.Tensor), layer(x)[0])


def test__parameters__as_inputs_and_state__run_native(x, ran):
    layer = LTC(F, WIRING, generator=rng())
    state = torch.nn.Parameter(layer.cell.zero_state(x))
    layer(torch.nn.Parameter(x), state)[0].sum().backward()
    assert ran == ["native"]
    assert state.grad.any()
