"""Layers and cells as users of ncps and torch call them."""

import ncps.torch
import numpy as np
import pytest
import torch
from ncps.wirings import NCP, AutoNCP, FullyConnected, Random

from LNN import LTC, CfC, InvalidInputError, LiquidNetwork, Wiring, from_ncps
from LNN.cells import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell

LAYERS = [LTC, CfC]
WIRED = [LTCCell, WiredCfCCell]
WIRINGS = [
    lambda: AutoNCP(12, 2),
    lambda: NCP(6, 4, 2, 3, 2, 4, 2),
    lambda: FullyConnected(8, 2),
    lambda: Random(8, 2, sparsity_level=0.5),
]


@pytest.mark.parametrize("layer", LAYERS)
class TestLayer:
    def test__batch_first__true_taken_false_refused(self, layer):
        assert layer(3, 8, batch_first=True)(torch.randn(2, 5, 3))[0].shape == (2, 5, 8)
        with pytest.raises(InvalidInputError, match=r"inputs.transpose\(0, 1\)"):
            layer(3, 8, batch_first=False)

    def test__unknown_option__names_the_layer(self, layer):
        with pytest.raises(TypeError, match=rf"^{layer.__name__}\(\) got .* 'x'"):
            layer(3, 8, x=1)

    @pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
    def test__numpy_units__are_ints(self, layer, kind):
        assert layer(3, kind(8))(torch.randn(2, 5, 3))[0].shape == (2, 5, 8)

    @pytest.mark.parametrize("make", WIRINGS)
    def test__ncps_wiring__equals_the_converted_one(self, layer, make):
        theirs = make()
        made = layer(3, theirs)
        assert made.wiring == Wiring.from_ncps(theirs, 3)
        assert made(torch.randn(2, 5, 3))[0].shape == (2, 5, 2)
        assert not theirs.is_built()

    def test__implicit_param_constraints__told_to_leave_it_out(self, layer):
        with pytest.raises(TypeError, match="Leave it out: conductances"):
            layer(3, 8, implicit_param_constraints=True)

    def test__names_of_ncps__are_inputs_and_state(self, layer):
        made, x, h = layer(3, 8), torch.randn(2, 5, 3), torch.randn(2, 8)
        assert torch.equal(made(input=x, hx=h)[0], made(x, h)[0])
        with pytest.raises(InvalidInputError, match="inputs and input"):
            made(x, input=x)

    @pytest.mark.parametrize("batch", [(), (2,)])
    def test__mixed_state_as_a_list__is_the_pair(self, layer, batch):
        made = layer(3, 8, mixed_memory=True)
        x, pair = torch.randn(*batch, 5, 3), [torch.randn(*batch, 8) for _ in "hc"]
        assert torch.equal(made(x, pair)[0], made(x, tuple(pair))[0])

    def test__packed_sequence__says_how_to_unpack(self, layer):
        rnn = torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(torch.randn(2, 5, 3), [5, 4], True)
        for model in (layer(3, 8), LiquidNetwork(3, 8, 1)):
            with pytest.raises(InvalidInputError, match="pad_packed_sequence"):
                model(packed)


def test__activation__is_called_otherwise_where_there_is_one():
    with pytest.raises(TypeError, match="It is backbone_activation='relu' here"):
        CfC(3, 8, activation="relu")
    with pytest.raises(TypeError, match="'activation'. It takes: "):
        LTC(3, 8, activation="relu")


class TestCell:
    def test__names_of_ncps__are_ours(self):
        cell, x, h = CfCCell(3, 8), torch.randn(2, 3), torch.randn(2, 8)
        assert torch.equal(cell(input=x, hx=h, ts=0.5)[0], cell(x, h, 0.5)[0])
        with pytest.raises(InvalidInputError, match="state and hx"):
            cell(x, h, hx=h)

    def test__mixed_state_as_a_list__is_the_state(self):
        cell, x = MixedMemoryCell(CfCCell(3, 8)), torch.randn(2, 3)
        h, c = torch.randn(2, 8), torch.randn(2, 8)
        expected = cell(x, torch.cat([h, c], dim=-1))[1]
        assert torch.equal(cell(x, [h, c])[1], expected)
        assert torch.equal(cell(x, (h, c))[1], expected)

    def test__packed_sequence__says_how_to_unpack(self):
        rnn = torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(torch.randn(2, 5, 3), [5, 4], True)
        with pytest.raises(InvalidInputError, match="pad_packed_sequence"):
            CfCCell(3, 8)(packed)

    def test__wiring_as_hidden_size__names_the_wired_cell(self):
        for wiring in (AutoNCP(12, 2), Wiring.ncp(3, 12, 2)):
            with pytest.raises(InvalidInputError, match=r"WiredCfCCell\(wiring, 3\)"):
                CfCCell(3, wiring)

    def test__options_of_ncps__say_what_they_are(self):
        with pytest.raises(TypeError, match="It is input_size=3 here"):
            LTCCell(AutoNCP(12, 2), in_features=3)
        with pytest.raises(TypeError, match="Leave it out: conductances"):
            LTCCell(Wiring.full(3, 8), implicit_param_constraints=True)


@pytest.mark.parametrize("cell", WIRED)
class TestWiringOfACell:
    @pytest.mark.parametrize("make", WIRINGS)
    def test__of_ncps__built_or_not__equals_the_converted_one(self, cell, make):
        fresh, built = make(), make()
        built.build(3)
        expected = Wiring.from_ncps(make(), 3)
        for made in (cell(fresh, 3), cell(fresh, input_size=3), cell(built)):
            assert made.wiring == expected
            assert made(torch.randn(5, 3))[0].shape == (5, 2)
        assert not fresh.is_built()

    def test__of_ncps__not_built_and_no_size__says_the_line(self, cell):
        line = rf"{cell.__name__}\(wiring, 3\)"
        with pytest.raises(InvalidInputError, match=line):
            cell(AutoNCP(12, 2))

    @pytest.mark.parametrize("first", [3, "AutoNCP", None])
    def test__in_second_place_or_absent__says_the_line(self, cell, first):
        line = rf"before the number of inputs: {cell.__name__}\(wiring, 3\)"
        with pytest.raises(InvalidInputError, match=line):
            cell(first, AutoNCP(12, 2))

    def test__of_another_size__refused(self, cell):
        built = AutoNCP(12, 2)
        built.build(4)
        for wiring in (built, Wiring.ncp(4, 12, 2)):
            with pytest.raises(InvalidInputError, match="4"):
                cell(wiring, 3)


class Around(torch.nn.Module):
    """A module of the caller's own around a layer."""

    def __init__(self, layer):
        super().__init__()
        self.rnn = layer


THEIRS = {
    "LTC": lambda: ncps.torch.LTC(3, AutoNCP(12, 2)),
    "mixed LTC": lambda: ncps.torch.LTC(3, AutoNCP(12, 2), mixed_memory=True),
    "wired CfC": lambda: ncps.torch.CfC(3, AutoNCP(12, 2)),
    "CfC": lambda: ncps.torch.CfC(3, 12, proj_size=2),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("theirs", THEIRS)
class TestWeights:
    """An ncps `state_dict` loaded into what is ours."""

    def test__into_a_layer_or_network__names_the_adapter(self, theirs, strict):
        weights = THEIRS[theirs]().state_dict()
        for ours in (LTC(3, 12), CfC(3, AutoNCP(12, 2)), LiquidNetwork(3, 12, 2)):
            with pytest.raises(InvalidInputError, match=r"LNN.from_ncps\(module\)"):
                ours.load_state_dict(weights, strict=strict)

    def test__into_a_module_around_a_layer__names_the_adapter(self, theirs, strict):
        weights = Around(THEIRS[theirs]()).state_dict()
        for ours in (Around(CfC(3, 12)), LiquidNetwork(3, 12, 2)):
            with pytest.raises(InvalidInputError, match=r"LNN.from_ncps\(module\)"):
                ours.load_state_dict(weights, strict=strict)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("theirs", ["LTC", "wired CfC"])
def test__weights_of_a_wired_cell_of_ncps__name_the_adapter(theirs, strict):
    weights = THEIRS[theirs]().rnn_cell.state_dict()
    with pytest.raises(InvalidInputError, match=r"LNN.from_ncps\(module\)"):
        LTCCell(Wiring.full(3, 12)).load_state_dict(weights, strict=strict)


def test__weights_of_an_unwired_cell_of_ncps__load_and_compute_the_same():
    theirs, ours = ncps.torch.CfC(3, 8), CfC(3, 8)
    ours.cell.load_state_dict(theirs.rnn_cell.state_dict())
    x = torch.randn(2, 5, 3)
    torch.testing.assert_close(ours(x)[0], from_ncps(theirs)(x)[0])


def test__encoder_of_ncps__keeps_its_own_weights():
    made = [
        LiquidNetwork(2, 8, 1, encoder=ncps.torch.LTCCell(AutoNCP(12, 2), 3))
        for _ in "ab"
    ]
    made[1].load_state_dict(made[0].state_dict())
    assert torch.equal(made[0].encoder.gleak, made[1].encoder.gleak)
