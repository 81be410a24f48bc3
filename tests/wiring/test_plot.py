"""Drawing a wiring into axes of the caller's."""

import pytest

from LNN import Wiring


def test__plot__into_a_subfigure__dots_as_in_a_figure_of_its_size():
    # It has no height in inches of its own, from which the size of the dots follows.
    figure = pytest.importorskip("matplotlib.figure").Figure
    wiring = Wiring.ncp(n_inputs=3, n_neurons=12, n_outputs=2, seed=0)
    left, _ = figure((8, 4)).subfigures(1, 2)
    drawn = [wiring.plot(ax=place.subplots()) for place in (left, figure((4, 4)))]
    inside, alone = (ax.collections[-1].get_sizes()[0] for ax in drawn)
    assert inside == pytest.approx(alone, rel=1e-6)
