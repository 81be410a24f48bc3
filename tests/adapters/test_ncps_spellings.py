"""Layers and cells as users of ncps and torch call them."""

import numpy as np
import pytest
import torch

from LNN import LTC, CfC, InvalidInputError, LiquidNetwork, Wiring
from LNN.cells import CfCCell

LAYERS = [LTC, CfC]


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

    def test__ncps_wiring__equals_the_converted_one(self, layer):
        wirings = pytest.importorskip("ncps.wirings")
        theirs = wirings.AutoNCP(12, 2)
        made = layer(3, theirs)
        assert repr(made.wiring) == repr(Wiring.from_ncps(theirs, 3))
        assert made(torch.randn(2, 5, 3))[0].shape == (2, 5, 2)
        assert not theirs.is_built()

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


def test__cell__names_of_ncps__are_ours():
    cell, x, h = CfCCell(3, 8), torch.randn(2, 3), torch.randn(2, 8)
    assert torch.equal(cell(input=x, hx=h, ts=0.5)[0], cell(x, h, 0.5)[0])
