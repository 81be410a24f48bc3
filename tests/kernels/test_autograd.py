"""Gradients of the native backend in all the ways that torch asks for them."""

import copy
import functools
import gc
import weakref

import pytest
import torch
from kernel_cases import rng
from layer_cases import (
    LAYERS,
    SOME,
    F,
    assert_same,
    on_torch,
    results,
)
from torch.utils.checkpoint import checkpoint

# ---------------------------------------------------------------------------- autograd


def test__autograd__frozen_parameters__get_no_gradient(layer, x):
    expected = results(layer, x)
    frozen = [n for n, _ in layer.named_parameters()][::2]
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_(name not in frozen)
        parameter.grad = None
    found = results(layer, x)
    assert found.keys() == expected.keys() - set(frozen)
    for name in found:
        assert torch.equal(found[name], expected[name])


def test__autograd__only_inputs_need_it__is_that_of_torch(layer, x, dt):
    layer.requires_grad_(False)
    found = []
    for one in (layer, on_torch(layer)):
        leaf = x.clone().requires_grad_()
        one(leaf, timespans=dt)[0].square().sum().backward()
        found.append(leaf.grad)
    torch.testing.assert_close(*found)


def test__autograd__nothing_needs_it__builds_no_graph(layer, x):
    assert layer(x)[0].requires_grad
    with torch.no_grad():
        assert not layer(x)[0].requires_grad
    with torch.inference_mode():
        outputs, _ = layer(x)
    layer.requires_grad_(False)
    assert not layer(x)[0].requires_grad
    assert torch.equal(layer(x)[0], outputs)


def test__autograd__parameter_changed_before_backward__is_refused(layer, x):
    outputs, _ = layer(x)
    with torch.no_grad():
        for parameter in layer.cell.parameters():
            parameter.add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        outputs.sum().backward()


def test__double_backward__gradient_penalty__equals_torch(layer, x, dt):
    found = []
    for one in (layer.double(), on_torch(layer)):
        one.zero_grad()
        leaf, spans = x.double().requires_grad_(), dt.double().requires_grad_()
        outputs, _ = one(leaf, timespans=spans, lengths=torch.tensor([6, 0, 3, 1]))
        (slope,) = torch.autograd.grad(outputs.square().sum(), leaf, create_graph=True)
        slope.square().sum().backward()
        grads = {n: p.grad for n, p in one.named_parameters() if p.grad is not None}
        found.append({"inputs": leaf.grad, "timespans": spans.grad, **grads})
    assert_same(*found, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", SOME)
def test__checkpoint__gradients__have_the_same_bits(name, x, native):
    layer = LAYERS[name]()
    expected = results(layer, x)
    layer.zero_grad()
    outputs = checkpoint(lambda inputs: layer(inputs)[0], x, use_reentrant=False)
    outputs.square().sum().backward()
    for key, parameter in layer.cell.named_parameters():
        if parameter.grad is not None:
            assert torch.equal(parameter.grad, expected[f"cell.{key}"])


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("name", SOME)
def test__saved_tensors_hooks__copies__give_the_same(name, aligned, native):
    """All that is large goes through the hooks, the kernel's own record too."""
    layer = LAYERS[name]()
    x = torch.randn(32, 40, F, generator=rng(7))
    expected, seen = results(layer, x), []

    def pack(tensor):
        seen.append(tensor.dtype)
        return tensor.clone()

    def unpack(copy):
        if aligned or copy.dtype is not torch.uint8:
            return copy
        return torch.cat([copy.new_zeros(1), copy])[1:]

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        found = results(layer, x)
    assert torch.uint8 in seen
    assert_same(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test__loss__kept_after_backward__holds_no_inputs(layer, x):
    inputs = x.clone()
    held = weakref.ref(inputs)
    loss = layer(inputs)[0].sum()
    loss.backward()
    del inputs
    gc.collect()
    assert loss.grad_fn is not None
    assert held() is None


def tie_the_weights(layer):
    layer.cell.ff2.weight = layer.cell.ff1.weight


def share_the_module(layer):
    layer.cell.ff2 = layer.cell.ff1


def carried(layer, x):
    return layer(x, layer(x)[1])[0]


def timed_by_inputs(layer, x):
    return layer(x, timespans=x[..., 0].abs())[0]


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("use", [carried, timed_by_inputs])
def test__create_graph__argument_made_from_another__counts_once(name, use, x, native):
    layer, leaf = LAYERS[name]().double(), x.double().requires_grad_()
    sources = [leaf, *layer.cell.parameters()]

    def gradients(**how):
        loss = use(layer, leaf).square().sum()
        return torch.autograd.grad(loss, sources, materialize_grads=True, **how)

    torch.testing.assert_close(gradients(create_graph=True), gradients())


@pytest.mark.parametrize("tie", [tie_the_weights, share_the_module])
def test__create_graph__one_parameter_in_two_places__counts_once(tie, x, native):
    layer = LAYERS["CfC"]().double()
    tie(layer)
    weight = layer.cell.ff1.weight
    loss = layer(x.double())[0].square().sum()
    (expected,) = torch.autograd.grad(loss, weight, retain_graph=True)
    (found,) = torch.autograd.grad(loss, weight, create_graph=True)
    torch.testing.assert_close(found, expected)
    assert layer.cell.ff1.weight is layer.cell.ff2.weight is weight


@pytest.mark.parametrize("batched", ["is_grads_batched", "vmap", "jacobian"])
@pytest.mark.parametrize("name", SOME)
def test__backward__many_gradients_at_once__is_each_alone(name, batched, x, ran):
    layer, leaf = LAYERS[name]().double(), x[:2, :3].double().requires_grad_()
    outputs = layer(leaf)[0]
    each = torch.eye(outputs.numel(), dtype=leaf.dtype).view(-1, *outputs.shape)
    grad = functools.partial(torch.autograd.grad, outputs, leaf, retain_graph=True)
    if batched == "vmap":
        found = torch.vmap(lambda gradient: grad(gradient)[0])(each)
    elif batched == "is_grads_batched":
        (found,) = grad(each, is_grads_batched=True)
    else:
        found = torch.autograd.functional.jacobian(
            lambda inputs: layer(inputs)[0], leaf.detach(), vectorize=True
        )
    expected = torch.stack([grad(gradient)[0] for gradient in each])
    torch.testing.assert_close(found.view_as(expected), expected)
    assert set(ran) == {"native", "torch"}


@pytest.mark.quick_cases("wired", "LTC")
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch's own use
def test__backward__gradient_with_a_tangent__keeps_it(layer, x):
    leaf = x.double().requires_grad_()
    outputs = layer.double()(leaf)[0]
    grad = functools.partial(torch.autograd.grad, outputs, leaf, retain_graph=True)
    direction = torch.randn(outputs.shape, dtype=leaf.dtype, generator=rng(9))
    with torch.autograd.forward_ad.dual_level():
        ones = torch.ones_like(outputs)
        (found,) = grad(torch.autograd.forward_ad.make_dual(ones, direction))
        tangent = torch.autograd.forward_ad.unpack_dual(found).tangent
    torch.testing.assert_close(tangent, grad(direction)[0])  # linear in the gradient


# -------------------------------------------------------------------------- torch.func


def functional_loss(layer, x):
    def loss(parameters):
        outputs, _ = torch.func.functional_call(layer, parameters, (x,))
        return outputs.square().sum()

    return loss


def test__func__grad__equals_autograd(layer, x, ran):
    expected = results(on_torch(layer.double()), x.double())
    expected.pop("outputs")
    ran.clear()
    parameters = {n: p.detach() for n, p in layer.named_parameters()}
    found = torch.func.grad(functional_loss(layer, x.double()))(parameters)
    assert set(ran) == {"torch"}
    assert_same({n: found[n] for n in expected}, expected, rtol=1e-9, atol=1e-11)


def test__func__vmap__is_each_on_its_own(layer, x, ran):
    stacked = torch.randn(3, *x.shape, generator=rng(9))
    with torch.no_grad():
        found = torch.func.vmap(lambda one: layer(one)[0])(stacked)
        assert set(ran) == {"torch"}
        expected = torch.stack([layer(one)[0] for one in stacked])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-6)
    assert ran[-1] == "native"


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch's own use
def test__func__jvp_and_forward_mode__equal_finite_differences(layer, x):
    layer, x = layer.double(), x.double()
    direction = torch.randn(x.shape, dtype=x.dtype, generator=rng(9))
    run = lambda inputs: layer(inputs)[0]  # noqa: E731
    _, slope = torch.func.jvp(run, (x,), (direction,))
    with torch.no_grad():
        step = 1e-6 * direction
        expected = (run(x + step) - run(x - step)) / 2e-6
    torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-7)
    with torch.autograd.forward_ad.dual_level():
        outputs = run(torch.autograd.forward_ad.make_dual(x, direction))
        tangent = torch.autograd.forward_ad.unpack_dual(outputs).tangent
    torch.testing.assert_close(tangent, slope)


def test__func__functional_call__takes_the_given_weights(layer, x, ran):
    other = copy.deepcopy(layer)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
        found, _ = torch.func.functional_call(layer, dict(other.named_parameters()), x)
        assert torch.equal(found, other(x)[0])
        assert not torch.equal(found, layer(x)[0])
    assert set(ran) == {"native"}
