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


def test__plot__inhibitory_synapses__differ_by_dashes_and_in_grey():
    figure = pytest.importorskip("matplotlib.figure").Figure
    collections = pytest.importorskip("matplotlib.collections")
    wiring = Wiring.ncp(n_inputs=2, n_neurons=12, n_outputs=1, seed=0)
    ax = wiring.plot(ax=figure((6, 4)).subplots())
    lines = [c for c in ax.collections if isinstance(c, collections.LineCollection)]
    greys = {True: set(), False: set()}
    for drawn in lines:
        for style, colour in zip(
            drawn.get_linestyles(), drawn.get_colors(), strict=True
        ):
            grey = float(colour[:3] @ [0.299, 0.587, 0.114])
            greys[style[1] is None].add(round(grey, 3))  # solid or not
    (solid,), (dashed,) = greys.values()
    assert dashed - solid > 0.2
