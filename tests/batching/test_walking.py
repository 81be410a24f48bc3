"""A walk cuts long gaps, and nothing else."""

import numpy as np
import pytest
import torch

from LNN.batching.walking import Walk
from LNN.data.sub_steps import MAX_SUB_STEPS, sub_steps


def test__sub_steps__any_gaps__no_step_is_longer_than_allowed():
    gaps = np.random.default_rng(0).uniform(0, 20, size=200)
    for longest in (0.3, 1.0, 2.5):
        counts = sub_steps(gaps, longest)
        whole = counts < MAX_SUB_STEPS
        assert (gaps / counts)[whole].max() <= longest * 1.0001
        # One sub-step fewer would be too long.
        fewer = np.maximum(counts - 1, 1)
        assert (gaps / fewer > longest)[counts > 1].all()


@pytest.mark.parametrize("noise", [1e-7, -1e-7])
def test__sub_steps__rounded_multiples__are_whole(noise):
    assert sub_steps(np.array([1.0, 2.0, 31.0]) + noise, 1.0).tolist() == [1, 2, 31]


def test__walk__nothing_to_cut__is_none():
    assert Walk.of(np.ones((3, 4), dtype=int), None) is None


def test__walk__ragged_batch__as_written_by_hand():
    count = np.array([[1, 3, 1], [2, 1, 9]])  # the last step of the second is padding
    walk = Walk.of(count, np.array([3, 2]))
    assert walk.step.tolist() == [[0, 1, 1, 1, 2], [0, 0, 1, 1, 1]]
    assert walk.ends.tolist() == [[1, 0, 0, 1, 1], [0, 1, 1, 0, 0]]
    assert walk.length.tolist() == [5, 3]
    spans = torch.tensor([[1.0, 3.0, 0.5], [4.0, 1.0, 7.0]])
    assert walk.cut(spans)[0].tolist() == [1, 1, 1, 1, 0.5]
    assert walk.cut(spans)[1, :3].tolist() == [2, 2, 1]
    inputs = torch.arange(6.0).reshape(2, 3, 1)
    assert walk.held(inputs)[0, :, 0].tolist() == [0, 1, 1, 1, 2]
    assert walk.held(inputs)[1, :3, 0].tolist() == [3, 3, 4]
