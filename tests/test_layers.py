"""LTC and CfC as torch modules: shapes, state, weights, torch.func, errors."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from LNN import kernels
from LNN.cells import WiredCfCCell
from LNN.exceptions import InvalidInputError
from LNN.layers import LTC, CfC
from LNN.wiring import Wiring

N = 7


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


NCP = Wiring.ncp(3, N, 2)
DENSE_NCP = Wiring.ncp(3, N, 2, layer_recurrence=True)
LAYERS = {
    "LTC ncp": lambda s=0: LTC(3, NCP, generator=rng(s)),
    "LTC": lambda s=0: LTC(3, N, time_constants=(1, 9), generator=rng(s)),
    "LTC mixed": lambda s=0: LTC(3, NCP, mixed_memory=True, generator=rng(s)),
    "CfC": lambda s=0: CfC(3, N, backbone_units=8, generator=rng(s)),
    "CfC pure": lambda s=0: CfC(3, N, mode="pure", generator=rng(s)),
    "CfC ncp": lambda s=0: CfC(3, DENSE_NCP, generator=rng(s)),
    "CfC strict": lambda s=0: CfC(3, NCP, time_constants=(1, 9), generator=rng(s)),
    "CfC exponential": lambda s=0: CfC(3, NCP, mode="exponential", generator=rng(s)),
    "CfC mixed": lambda s=0: CfC(
        3, NCP, mode="no_gate", mixed_memory=True, proj_size=4, generator=rng(s)
    ),
}
WIRED = [name for name in LAYERS if name not in ("CfC", "CfC pure")]


@pytest.fixture(params=LAYERS)
def make(request):
    return LAYERS[request.param]


@pytest.fixture
def x():
    return torch.randn(4, 5, 3, generator=rng(7))


# ------------------------------------------------------------------------------ shapes


@pytest.mark.parametrize(
    ("name", "width"),
    [("LTC ncp", 2), ("LTC", N), ("CfC", N), ("CfC ncp", 2), ("CfC mixed", 4)],
)
def test__layer__forward__shapes(name, width, x):
    layer = LAYERS[name]()
    outputs, state = layer(x)
    assert outputs.shape == (4, 5, width)
    assert layer.output_size == width
    h = state[0] if layer.mixed_memory else state
    assert h.shape == (4, N)
    layer.return_sequences = False
    assert layer(x)[0].shape == (4, width)
    assert layer(x[0])[0].shape == (width,)


def test__layer__states__are_all_neurons_and_end_with_the_last(make, x):
    layer = make()
    states, last = layer.states(x)
    assert states.shape == (4, 5, N)
    assert torch.equal(states[:, -1], last[0] if layer.mixed_memory else last)


def test__layer__wiring__is_that_of_the_cell():
    assert LAYERS["LTC ncp"]().wiring is NCP
    assert LAYERS["CfC"]().wiring == Wiring.full(3, N)


# ----------------------------------------------------------------------------- dtypes


def test__layer__float64__all_results_float64(make, x):
    layer = make().double()
    outputs, state = layer(x.double(), timespans=torch.rand(4, 5))
    state = state if layer.mixed_memory else (state,)
    assert {t.dtype for t in (outputs, *state)} == {torch.float64}
    outputs.sum().backward()
    assert all(p.grad.dtype == torch.float64 for p in layer.parameters())


def test__layer__float32__close_to_float64(make, x):
    layer = make()
    double = copy.deepcopy(layer).double()
    expected = double(x.double())[0].float()
    torch.testing.assert_close(layer(x)[0], expected, rtol=1e-4, atol=1e-5)


def test__layer__other_dtype_than_the_weights__refused(make, x):
    with pytest.raises(InvalidInputError, match=r"inputs are torch\.float64.*Convert"):
        make()(x.double())


# ---------------------------------------------------------------------------- gradients


def test__layer__backward__every_parameter_gets_a_finite_gradient(make, x):
    layer = make()
    outputs, state = layer(x, timespans=torch.rand(4, 5, generator=rng()))
    total = outputs.square().sum()
    for part in state if layer.mixed_memory else (state,):
        total = total + part.square().sum()
    total.backward()
    for name, parameter in layer.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e6])
def test__layer__extreme_times__finite(make, x, scale):
    layer = make()
    outputs, _ = layer(x, timespans=torch.full((4, 5), scale))
    outputs.sum().backward()
    assert torch.isfinite(outputs).all()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())


# --------------------------------------------------------------------------- torch.func


def test__functional_call__other_parameters__are_really_used(make, x):
    a, b = make(0), make(1)
    parameters = dict(b.named_parameters())
    assert torch.equal(functional_call(a, parameters, (x,))[0], b(x)[0])
    assert not torch.equal(a(x)[0], b(x)[0])


def test__func_grad__loss__equals_backward(make, x):
    layer = make()

    def loss(parameters):
        return functional_call(layer, parameters, (x,))[0].square().mean()

    found = grad(loss)({k: p.detach() for k, p in layer.named_parameters()})
    loss(dict(layer.named_parameters())).backward()
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)


def test__vmap__ensemble_of_three__equals_each_model(make, x):
    models = [make(seed) for seed in range(3)]
    parameters, _ = stack_module_state(models)
    base = make()
    # Structure is shared: only parameters are stacked.
    buffers = dict(base.named_buffers())

    def run(parameters):
        return functional_call(base, (parameters, buffers), (x,))[0]

    outputs = vmap(run)(parameters)
    for model, output in zip(models, outputs, strict=True):
        torch.testing.assert_close(output, model(x)[0])
    assert not torch.allclose(outputs[0], outputs[1])


def test__vmap__irregular_time_and_lengths__gradients_of_each_sample(make, x):
    layer = make()
    dt, lengths = torch.rand(4, 5, generator=rng(8)), torch.tensor([5, 3, 1, 4])

    def loss(parameters, x, dt, length):
        given = {"timespans": dt[None], "lengths": length[None]}
        states = functional_call(layer, parameters, (x[None],), given)[0]
        return states.square().sum()

    parameters = {k: p.detach() for k, p in layer.named_parameters()}
    each = vmap(grad(loss), in_dims=(None, 0, 0, 0))(parameters, x, dt, lengths)
    for k in range(4):
        alone = grad(loss)(parameters, x[k], dt[k], lengths[k])
        for name, found in each.items():
            torch.testing.assert_close(found[k], alone[name])


def test__meta_device__time_and_lengths__give_shapes(make, x):
    layer, there = make(), make().to("meta")
    given = torch.ones(4, 5), torch.tensor([5, 3, 1, 4])
    outputs, _ = there(x.to("meta"), None, *(value.to("meta") for value in given))
    assert outputs.is_meta
    assert outputs.shape == layer(x, None, *given)[0].shape


# ------------------------------------------------------------------- weights and copies


def test__load_state_dict__other_seed__same_outputs(make, x):
    a, b = make(0), make(1)
    assert not torch.equal(a(x)[0], b(x)[0])
    b.load_state_dict(a.state_dict())
    assert torch.equal(a(x)[0], b(x)[0])


def test__load_state_dict__assign__uses_the_new_tensors(make, x):
    a, b = make(0), make(1)
    b.load_state_dict(a.state_dict(), assign=True)
    assert torch.equal(a(x)[0], b(x)[0])
    b(x)[0].sum().backward()
    assert any(p.grad is not None and p.grad.any() for p in b.parameters())


def test__meta_device__emptied_and_loaded__same_outputs(make, x):
    a = make(0)
    with torch.device("meta"):
        kind, options = type(a), {"mixed_memory": a.mixed_memory}
        if kind is CfC:
            mode = (a.cell.cell if a.mixed_memory else a.cell).mode
            options |= {"mode": mode, "proj_size": a.projection and a.output_size}
        wired = kind is LTC or isinstance(
            a.cell.cell if a.mixed_memory else a.cell, WiredCfCCell
        )
        if not wired:
            options["backbone_units"] = a.cell.backbone[0].out_features
        b = kind(3, a.wiring if wired else N, **options)
    assert all(p.is_meta for p in b.parameters())
    b.to_empty(device="cpu")
    b.load_state_dict(a.state_dict())
    assert torch.equal(a(x)[0], b(x)[0])


@pytest.mark.parametrize("name", WIRED)
def test__load_state_dict__of_another_wiring__refused(name):
    a = LAYERS[name]()
    sparse = Wiring.ncp(3, N, 2, seed=5)
    options = {"mixed_memory": a.mixed_memory}
    if isinstance(a, CfC):
        cell = a.cell.cell if a.mixed_memory else a.cell
        options |= {"mode": cell.mode, "proj_size": a.projection and a.output_size}
    b = type(a)(3, sparse, **options)
    with pytest.raises(InvalidInputError, match="belong to another wiring"):
        b.load_state_dict(a.state_dict())


def test__load_state_dict__same_synapses_in_other_layers__refused():
    sensory, recurrent = NCP.adjacency()
    one = Wiring.from_adjacency(recurrent, sensory, n_outputs=2)
    assert len(one.layers) == 1
    layer = CfC(3, one)
    with pytest.raises(InvalidInputError, match="another wiring: cell.order"):
        layer.load_state_dict(LAYERS["CfC strict"]().state_dict())


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "save"])
def test__copy__any_way__same_outputs_and_nothing_shared(make, x, way):
    layer = make(0)
    if way == "deepcopy":
        other = copy.deepcopy(layer)
    elif way == "pickle":
        other = pickle.loads(pickle.dumps(layer))
    else:
        file = io.BytesIO()
        torch.save(layer.state_dict(), file)
        file.seek(0)
        other = make(1)
        other.load_state_dict(torch.load(file, weights_only=True))
    before = layer(x)[0]
    assert torch.equal(other(x)[0], before)
    assert other.wiring == layer.wiring
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
    assert torch.equal(layer(x)[0], before)
    assert not torch.equal(other(x)[0], before)


@pytest.mark.parametrize("name", WIRED)
def test__training__everything_unfrozen__structure_intact(name, x):
    layer = LAYERS[name]()
    before = {k: b.clone() for k, b in layer.named_buffers()}
    count = sum(p.numel() for p in layer.parameters())
    for parameter in layer.parameters():
        parameter.requires_grad = True
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1, weight_decay=0.1)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = (layer(x)[0] - 0.3).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert sum(p.numel() for p in layer.parameters()) == count
    for key, buffer in layer.named_buffers():
        assert torch.equal(buffer, before[key])
    if layer.mixed_memory or name == "LTC":
        return
    one_step = copy.deepcopy(layer)
    if isinstance(layer, LTC):
        one_step.cell.ode_unfolds = 1
        sensory, recurrent = (torch.from_numpy(m != 0) for m in NCP.adjacency())
        recurrent |= torch.eye(N, dtype=torch.bool)
        allowed = torch.cat([sensory, recurrent])
    else:
        allowed = torch.from_numpy(layer.wiring.reachable_in_one_step())
    parts = torch.autograd.functional.jacobian(
        lambda x, h: one_step(x[None], h)[1],
        (x[0, 0], torch.randn(N, generator=rng(3))),
    )
    found = torch.cat(parts, dim=1).t() != 0
    assert not (found & ~allowed).any()


# --------------------------------------------------------------------------- generators


def test__generator__same_seed__same_weights_and_global_state_untouched(make):
    before = torch.get_rng_state()
    a, b, c = make(3), make(3), make(4)
    assert torch.equal(before, torch.get_rng_state())
    for (name, p), q, r in zip(
        a.named_parameters(), b.parameters(), c.parameters(), strict=True
    ):
        assert torch.equal(p, q)
        constant = p.numel() == 1 or bool((p == p.flatten()[0]).all())
        # Polarities come from the wiring.
        assert constant or name.endswith("erev") or not torch.equal(p, r), name


# ------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test__timespans__impossible__refused_naming_sample_and_step(make, x, value):
    spans = torch.rand(4, 5)
    spans[2, 3] = value
    with pytest.raises(
        InvalidInputError, match=r"^timespans\[2, 3\] is (-0.5|nan|inf)"
    ):
        make()(x, timespans=spans)


@pytest.mark.parametrize("shape", [(5, 4), (4,), (5,), (4, 5, N), (4, 5, 3), (1, 5)])
def test__timespans__wrong_shape__refused(make, x, shape):
    with pytest.raises(InvalidInputError, match=r"\(batch, time\) = \(4, 5\), got"):
        make()(x, timespans=torch.ones(shape))


def test__timespans__column_of_them__read_as_such(make, x):
    layer, spans = make(), torch.rand(4, 5)
    expected = layer(x, timespans=spans)[0]
    assert torch.equal(layer(x, timespans=spans[..., None])[0], expected)
    assert torch.equal(layer(x, timespans=spans.numpy())[0], expected)
    alone = layer(x[0], timespans=spans[0])[0]
    assert torch.equal(layer(x[:1], timespans=spans[0])[0][0], alone)


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        (torch.zeros(4, 5, 2), r"\(batch, time, 3\).*got \(4, 5, 2\)"),
        (torch.zeros(4, 0, 3), "at least one step"),
        (torch.zeros(4, 5, 3, 1), r"got \(4, 5, 3, 1\)"),
    ],
)
def test__inputs__wrong_shape__refused(make, inputs, match):
    with pytest.raises(InvalidInputError, match=match):
        make()(inputs)


def test__state__wrong_kind_or_shape__refused(make, x):
    layer = make()
    good = torch.zeros(4, N)
    wrong = good if layer.mixed_memory else (good, good)
    with pytest.raises(InvalidInputError, match="The state of this layer is"):
        layer(x, wrong)
    bad = torch.zeros(3, N)
    with pytest.raises(InvalidInputError, match=r"\(4, 7\), got \(3, "):
        layer(x, (bad, bad) if layer.mixed_memory else bad)


@pytest.mark.parametrize("widths", [(3, N + 4), (N, 4, 3)])
def test__state__of_mixed_memory_cut_elsewhere__refused(x, widths):
    with pytest.raises(InvalidInputError, match=r"The state"):
        LAYERS["LTC mixed"]()(x, tuple(torch.zeros(4, width) for width in widths))


@pytest.mark.parametrize(
    "lengths", [[5, 5, 5], [6, 1, 1, 1], [-1, 1, 1, 1], [1.5, 1.0, 2.0, 3.0]]
)
def test__lengths__wrong__refused(x, lengths):
    with pytest.raises(InvalidInputError, match="4 whole numbers from 0 to 5"):
        LAYERS["CfC"]()(x, lengths=torch.tensor(lengths))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: LTC(4, NCP), "built for 3 inputs, input_size is 4"),
        (
            lambda: LTC(3, 8.0),
            "units must be an int, an LNN.Wiring or an ncps.*got float",
        ),
        (lambda: CfC(3, True), "got bool"),
        (lambda: CfC(3, NCP, backbone_units=8), "backbone_units=8"),
        (lambda: CfC(3, NCP, backbone_dropout=0.0), "backbone_dropout=0.0"),
        (lambda: CfC(3, 8, backend="abacus"), "backend must be one of"),
        (lambda: CfC(3, 8, mode="x"), "mode must be one of"),
        (lambda: LTC(3, 8, solver="x"), "solver must be one of"),
    ],
)
def test__layer__bad_argument__refused_by_name(call, match):
    with pytest.raises(InvalidInputError, match=match):
        call()


# ----------------------------------------------------------------------------- backends


def test__backend__environment__replaces_auto_only(monkeypatch):
    monkeypatch.setenv("LNN_BACKEND", "nonsense")
    with pytest.raises(InvalidInputError, match="LNN_BACKEND must be one of"):
        kernels.resolve_backend("auto")
    assert kernels.resolve_backend("torch") == "torch"
    monkeypatch.setenv("LNN_BACKEND", "torch")
    assert kernels.resolve_backend("auto") == "torch"


@pytest.mark.quick_cases("CfC ncp")
@pytest.mark.parametrize("name", ["LTC ncp", "CfC ncp", "CfC"])
def test__export__tiny_layer__same_outputs(name, x):
    layer = LAYERS[name]().eval()
    spans = torch.rand(4, 2)
    program = torch.export.export(layer, (x[:, :2], None, spans))
    outputs = program.module()(x[:, :2], None, spans)[0]
    torch.testing.assert_close(outputs, layer(x[:, :2], None, spans)[0])


@pytest.mark.parametrize("layer", [LTC, CfC])
@pytest.mark.parametrize("shape", [(2, 4, 3), (4, 3)])
def test__layer__inputs_that_are_no_tensor__says_how_to_convert(layer, shape):
    array = np.zeros(shape)
    for inputs in (array, array.tolist()):
        with pytest.raises(InvalidInputError, match=r"torch\.as_tensor\(inputs, dtype"):
            layer(3, 8)(inputs)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: CfC(3, 8, time_constants=(1, 9)), "time_constants"),
        (lambda: CfC(3, NCP, gaps=(0.5, 1, 9)), "gaps"),
    ],
)
def test__CfC__parameter_of_the_other_kind_of_units__is_refused(make, name):
    with pytest.raises(InvalidInputError, match=f"{name}=.*has no effect on a CfC"):
        make()
