"""Hooks and pruning on layers, cells and their parts, as torch means them."""

import copy
import pickle

import pytest
import torch
import torch.nn.utils.prune as prune

from LNN import LTC, CfC, InvalidInputError, LiquidNetwork, Wiring
from LNN.cells import CfCCell
from LNN.exceptions import LNNWarning

NCP = Wiring.ncp(3, 10, 2)
BACKENDS = ("torch", "native")
PARTS = {
    "backbone": ("CfC", {}, lambda layer: (layer.cell.backbone[0], "weight")),
    "second backbone": (
        "CfC",
        {"backbone_layers": 2},
        lambda layer: (layer.cell.backbone[1], "weight"),
    ),
    "head": ("CfC", {}, lambda layer: (layer.cell.ff1, "weight")),
    "memory": (
        "CfC",
        {"mixed_memory": True},
        lambda layer: (layer.cell.input_map, "weight"),
    ),
    "inside memory": (
        "CfC",
        {"mixed_memory": True},
        lambda layer: (layer.cell.cell.time_a, "weight"),
    ),
    "wired": ("wired", {}, lambda layer: (layer.cell, "ff2_recurrent")),
    "synapses": ("LTC", {}, lambda layer: (layer.cell.recurrent, "w")),
    "membrane": ("LTC", {}, lambda layer: (layer.cell, "gleak")),
}


def _layer(kind, options, backend):
    rng = torch.Generator().manual_seed(0)
    make = LTC if kind == "LTC" else CfC
    units = 6 if kind == "CfC" else NCP
    return make(3, units, backend=backend, generator=rng, **options)


def _train(layer, inputs, steps=3):
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        layer(inputs)[0].square().sum().backward()
        optimiser.step()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("part", PARTS)
def test__prune__part_of_a_cell__trains_and_stays_fresh(part, backend):
    kind, options, find = PARTS[part]
    layer = _layer(kind, options, backend)
    inputs = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    prune.l1_unstructured(*find(layer), amount=0.5)
    _train(layer, inputs)
    before = layer(inputs)[0]
    module, name = find(layer)
    original = getattr(module, f"{name}_orig")
    with torch.no_grad():
        original.add_(0.3)  # as a step of an optimiser or load_state_dict would
    after = layer(inputs)[0]
    assert not torch.equal(before, after)
    prune.remove(module, name)
    torch.testing.assert_close(layer(inputs)[0], after)


@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("part", ["backbone", "second backbone", "head", "memory"])
def test__weight_norm__old_style__trains_and_equals_plain_weights(part, backend):
    kind, options, find = PARTS[part]
    layer = _layer(kind, options, backend)
    inputs = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    module, name = find(layer)
    torch.nn.utils.weight_norm(module, name)
    _train(layer, inputs)
    outputs = layer(inputs)[0]
    torch.nn.utils.remove_weight_norm(module, name)
    torch.testing.assert_close(layer(inputs)[0], outputs)


@pytest.mark.parametrize("part", ["backbone", "head"])
def test__spectral_norm__old_style__trains(part):
    kind, options, find = PARTS[part]
    layer = _layer(kind, options, "auto")
    torch.nn.utils.spectral_norm(*find(layer))
    _train(layer, torch.randn(2, 5, 3))


def test__prune__one_step_of_a_cell__uses_the_weights_of_now():
    cell = CfCCell(3, 6, generator=torch.Generator().manual_seed(0))
    prune.l1_unstructured(cell.ff1, "weight", amount=0.5)
    inputs = torch.randn(2, 3)
    for _ in range(2):
        cell(inputs)[0].sum().backward()
    before = cell(inputs)[0]
    with torch.no_grad():
        cell.ff1.weight_orig.add_(0.3)
    assert not torch.equal(before, cell(inputs)[0])


@pytest.mark.parametrize("backend", BACKENDS)
def test__pre_hook__clamps_a_weight_in_place__runs_before_the_kernel(backend):
    layer = _layer("CfC", {}, backend)

    layer.cell.ff1.register_forward_pre_hook(_clamp)
    layer(torch.randn(2, 5, 3))
    assert layer.cell.ff1.weight.abs().max() <= 0.01


@pytest.mark.parametrize("backend", BACKENDS)
def test__pre_hook__of_the_cell__runs_once_and_may_replace_the_inputs(backend):
    layer = _layer("CfC", {}, backend)
    inputs, calls = torch.randn(2, 5, 3), []

    def double(_, arguments):
        calls.append(len(arguments))
        return (2 * arguments[0], *arguments[1:])

    handle = layer.cell.register_forward_pre_hook(double)
    doubled = layer(inputs)[0]
    handle.remove()
    assert len(calls) == 1
    torch.testing.assert_close(doubled, layer(2 * inputs)[0])


def test__pre_hook__of_a_part_that_replaces_inputs__refused():
    layer = _layer("CfC", {}, "auto")
    layer.cell.ff1.register_forward_pre_hook(lambda _, x: (2 * x[0],))
    with pytest.raises(InvalidInputError, match="part of CfCCell, returned other"):
        layer(torch.randn(2, 5, 3))


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 3)])
def test__layer_hooks__unbatched_or_not__run_once(shape):
    layer, calls = _layer("CfC", {}, "auto"), []
    layer.register_forward_pre_hook(lambda *_: calls.append("before"))
    layer.register_forward_hook(lambda *_: calls.append("after"))
    layer(torch.randn(shape))
    assert calls == ["before", "after"]


@pytest.mark.parametrize("model_type", ["CfC", "LTC", "LSTM", "GRU-D", "CT-RNN"])
def test__hooks_of_a_network_layer__run_once_a_call(model_type):
    network, seen = LiquidNetwork(3, 8, 1, model_type=model_type, n_layers=2), []
    for layer in network.layers:
        layer.register_forward_pre_hook(lambda m, a: seen.append(a[0].shape[-1]))
        layer.register_forward_hook(lambda m, a, o: seen.append(o[0].shape[-1]))
    network(torch.randn(2, 5, 3))
    assert seen == [3, 8, 8, 8]


def test__hook_of_a_network_layer__replaces_its_outputs():
    network = LiquidNetwork(3, 8, 1)
    network.layers[0].register_forward_hook(lambda m, a, o: (0 * o[0], o[1]))
    torch.testing.assert_close(
        network(torch.randn(2, 5, 3)), network.readout[-1].bias.expand(2, 1)
    )


def test__hook_with_keywords__gets_empty_ones():
    network, seen = LiquidNetwork(3, 8, 1), []
    layer = network.layers[0]
    layer.register_forward_pre_hook(lambda m, a, k: seen.append(k), with_kwargs=True)
    layer.register_forward_hook(lambda m, a, k, o: seen.append(k), with_kwargs=True)
    network(torch.randn(2, 5, 3))
    assert seen == [{}, {}]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["CfC", "wired", "LTC"])
class TestHooksAfter:
    @pytest.mark.parametrize("every", [True, False])
    def test__hook_of_a_cell__sees_all_states_and_may_replace_them(
        self, kind, backend, every
    ):
        layer = _layer(kind, {"return_sequences": every}, backend)
        inputs, seen = torch.randn(2, 5, 3), []
        before = layer(inputs)
        handle = layer.cell.register_forward_hook(lambda m, a, o: seen.append(o))
        assert torch.equal(layer(inputs)[0], before[0])
        ((states, final),) = seen
        assert states.shape == (2, 5, layer.n_neurons)
        assert torch.equal(states[:, -1], final)
        handle.remove()
        layer.cell.register_forward_hook(lambda m, a, o: (0 * o[0], 0 * o[1]))
        assert not layer(inputs)[1].any()

    def test__backward_hook_of_a_cell__sees_the_gradients(self, kind, backend):
        layer, seen = _layer(kind, {}, backend), []
        inputs = torch.randn(2, 5, 3, requires_grad=True)
        (expected,) = torch.autograd.grad(layer(inputs)[0].sum(), inputs)
        layer.cell.register_full_backward_hook(lambda m, i, o: seen.append(i[0]))
        (gradient,) = torch.autograd.grad(layer(inputs)[0].sum(), inputs)
        torch.testing.assert_close(gradient, expected)
        (inside,) = seen
        torch.testing.assert_close(inside, expected)


@pytest.mark.parametrize("model_type", ["CfC", "LTC", "LSTM", "GRU-D", "CT-RNN"])
def test__backward_hook_of_a_network_layer__runs_and_may_scale(model_type):
    network, seen = LiquidNetwork(3, 8, 1, model_type=model_type, n_layers=2), []
    inputs = torch.randn(2, 5, 3, requires_grad=True)
    (before,) = torch.autograd.grad(network(inputs).sum(), inputs)

    def double(_, of_inputs, of_outputs):
        seen.append((of_inputs[0].shape[-1], of_outputs[0].shape[-1]))
        return (2 * of_inputs[0], *of_inputs[1:])

    for layer in network.layers:
        layer.register_full_backward_hook(double)
    (after,) = torch.autograd.grad(network(inputs).sum(), inputs)
    assert seen == [(8, 8), (3, 8)]
    torch.testing.assert_close(after, 4 * before)


INPUTS = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
CALLED = ["backbone", "second backbone", "head", "memory", "inside memory"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("part", CALLED)
class TestHooksOfParts:
    def test__hook_after_a_part__sees_every_step_and_may_replace(self, part, backend):
        kind, options, find = PARTS[part]
        layer, seen = _layer(kind, options, backend), []
        (module, _), before = find(layer), layer(INPUTS)[0]
        handle = module.register_forward_hook(lambda m, a, o: seen.append(o))
        torch.testing.assert_close(layer(INPUTS)[0], before)
        # What reads the inputs alone is called once, with all steps.
        assert sum(len(o.flatten(0, -2)) for o in seen) == 2 * 5
        assert layer.stepper(backend, 1, torch.float32) is None
        handle.remove()
        handle = module.register_forward_hook(lambda m, a, o: 0 * o)
        assert not torch.equal(layer(INPUTS)[0], before)
        handle.remove()
        assert torch.equal(layer(INPUTS)[0], before)

    def test__backward_hook_of_a_part__sees_gradients_that_stay(self, part, backend):
        kind, options, find = PARTS[part]
        layer, seen = _layer(kind, options, backend), []
        module, name = find(layer)
        weight, inputs = getattr(module, name), INPUTS.clone().requires_grad_()
        layer(inputs)[0].sum().backward()
        expected, weight.grad = weight.grad, None
        module.register_full_backward_hook(lambda m, i, o: seen.append(o[0]))
        layer(inputs)[0].sum().backward()
        torch.testing.assert_close(weight.grad, expected)
        assert sum(len(o.flatten(0, -2)) for o in seen) == 2 * 5

    def test__weight_norm__new_style__trains_and_equals_plain(self, part, backend):
        kind, options, find = PARTS[part]
        layer = _layer(kind, options, backend)
        module, name = find(layer)
        before = layer(INPUTS)[0]
        torch.nn.utils.parametrizations.weight_norm(module, name)
        torch.testing.assert_close(layer(INPUTS)[0], before)
        _train(layer, INPUTS)
        outputs = layer(INPUTS)[0]
        assert not torch.equal(outputs, before)
        torch.nn.utils.parametrize.remove_parametrizations(module, name)
        torch.testing.assert_close(layer(INPUTS)[0], outputs)


def test__part_that_was_replaced__its_hooks_run():
    layer, seen = _layer("CfC", {}, "native"), []
    other = torch.nn.Linear(128, 6)
    other.register_forward_pre_hook(lambda *_: seen.append("head"))
    first = torch.nn.Linear(9, 128)
    first.register_forward_pre_hook(lambda *_: seen.append("backbone"))
    layer(INPUTS)
    layer.cell.ff1 = other
    layer(INPUTS)
    layer.cell.backbone[0] = first
    layer(INPUTS)
    assert seen == ["head", "backbone", "head"]


def _clamp(module, _):
    module.weight.data.clamp_(-0.01, 0.01)


def test__copy_and_pickle_of_a_cell_with_hooks__run_their_own():
    layer = _layer("CfC", {}, "native")
    layer(INPUTS)
    layer.cell.ff1.register_forward_pre_hook(_clamp)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        other(INPUTS)
        assert other.cell.ff1.weight.abs().max() <= 0.01
    assert layer.cell.ff1.weight.abs().max() > 0.01


@pytest.mark.parametrize("where", ["layer", "cell"])
def test__stepper_of_streams__steps_aside_for_hooks(where):
    layer = _layer("CfC", {}, "native")
    assert layer.stepper("native", 1, torch.float32) is not None
    hooked = layer if where == "layer" else layer.cell
    handle = hooked.register_forward_hook(lambda *_: None)
    assert layer.stepper("native", 1, torch.float32) is None
    handle.remove()
    assert layer.stepper("native", 1, torch.float32) is not None


class TestStateAsTimespans:
    @pytest.mark.parametrize("steps", [5, 8])
    @pytest.mark.parametrize("start", [torch.zeros, torch.randn])
    def test__state_in_second_place__refused_by_name(self, start, steps):
        network = LiquidNetwork(3, 8, 1)
        with pytest.raises(InvalidInputError, match=r"state=\(h,\)"):
            network(torch.randn(4, steps, 3), start(4, 8))

    @pytest.mark.parametrize("wrap", [tuple, list])
    def test__states_as_returned__refused_by_name(self, wrap):
        network, inputs = LiquidNetwork(3, 8, 1), torch.randn(4, 8, 3)
        _, state = network(inputs, return_state=True)
        with pytest.raises(InvalidInputError, match=r"state=\(h,\)"):
            network(inputs, wrap(state))

    def test__state_with_an_axis_of_layers__refused_by_name(self):
        network = LiquidNetwork(3, 8, 1)
        with pytest.raises(InvalidInputError, match=r"state=\(h,\)"):
            network(torch.randn(4, 6, 3), torch.zeros(1, 4, 8))

    @pytest.mark.parametrize("method", ["__call__", "features", "states"])
    def test__time_spans_with_as_many_steps_as_neurons__by_name_only(self, method):
        run, inputs = getattr(LiquidNetwork(3, 8, 1), method), torch.randn(4, 8, 3)
        spans = torch.rand(4, 8)
        spans[0] = 0
        expected = run(inputs, timespans=spans)  # silent
        with pytest.warns(LNNWarning, match=r"timespans=.* or state=") as caught:
            outputs = run(inputs, spans)
        torch.testing.assert_close(outputs, expected)
        assert [one.filename for one in caught] == [__file__]

    def test__time_spans_by_position_that_are_no_state__silent(self):
        network = LiquidNetwork(3, 8, 1)
        network(torch.randn(4, 6, 3), torch.rand(4, 6))
        inputs, spans = torch.randn(4, 8, 3), torch.rand(4, 8)
        network(inputs, spans[..., None])
        network(inputs, 0.5)
        network(inputs, spans, state=(torch.zeros(4, 8),))

    @pytest.mark.parametrize(
        "strict", [False, pytest.param(True, marks=pytest.mark.slow)]
    )
    def test__time_spans_by_position__compile_and_export_in_silence(self, strict):
        network = LiquidNetwork(3, 8, 1, backend="torch").eval()
        inputs, spans = torch.randn(4, 2, 3), torch.rand(4, 2)
        expected = network(inputs, timespans=spans)
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(inputs, spans), expected)
        program = torch.export.export(network, (inputs, spans), strict=strict)
        torch.testing.assert_close(program.module()(inputs, spans), expected)

    @pytest.mark.parametrize("mixed", [False, True])
    def test__state_of_one_layer__taken_bare(self, mixed):
        network = LiquidNetwork(3, 8, 1, mixed_memory=mixed)
        inputs = torch.randn(4, 6, 3)
        _, state = network(inputs, return_state=True)
        assert torch.equal(
            network(inputs, state=state[0]), network(inputs, state=state)
        )
        assert torch.equal(
            network(inputs, state=list(state)), network(inputs, state=state)
        )

    def test__states_of_fewer_layers__refused(self):
        network = LiquidNetwork(3, 8, 1, n_layers=2)
        with pytest.raises(InvalidInputError, match="each of the 2 layer"):
            network(torch.randn(4, 6, 3), state=torch.zeros(4, 8))

    def test__time_spans_as_state_of_a_layer__refused_by_name(self):
        with pytest.raises(InvalidInputError, match=r"by name: timespans="):
            CfC(3, 8)(torch.randn(4, 6, 3), torch.rand(4, 6))
