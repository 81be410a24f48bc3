"""Pong: the expert wins, clones see what the page says, and lost frames are held."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("ale_py", reason="pip install LNN[atari]")

from atari import (
    ACTIONS,
    DOWN,
    LENGTH,
    MODELS,
    SETTINGS,
    SKIP,
    STILL,
    UP,
    Clone,
    Expert,
    Pong,
    fit,
    network_of,
    play,
    record,
    returned,
)

AS_TRAINED = SETTINGS[0]


@pytest.mark.slow
def test__expert__a_minute__hits_nearly_all_balls_and_chance_does_not():
    expert = play("expert", AS_TRAINED, games=2, frames=3600, seed=0)
    chance = play("random", AS_TRAINED, games=2, frames=3600, seed=0)
    assert returned(expert) > 85
    assert returned(chance) < 40
    assert expert.won - expert.lost > chance.won - chance.lost + 10


def test__expert__ball_on_its_way__meets_it_after_it_was_thrown_back():
    # 10 to the right and 30 down in a frame: at 188 after 4 frames, 20 below the wall.
    expert = Expert()
    arrival = expert.arrival(np.array([148.0, 104, 100]), np.array([10.0, 30, 0]))
    assert arrival == pytest.approx(204 - 20 - expert.aside)
    assert expert.act(np.array([100.0, 74, 100]), 1) in (UP, DOWN)  # to the middle
    assert expert.act(np.array([148.0, 104, 177.5 - 6.5 - 7]), SKIP) in ACTIONS


def test__expert__stands_right_and_no_ball__stays():
    expert = Expert()
    at_rest = np.array([0.0, 0.0, expert.middle - 6.5])
    assert expert.act(at_rest, 3) == STILL
    assert expert.act(at_rest, 3) == STILL
    assert expert.act(at_rest + [0, 0, 50], 3) == UP


def test__pong__same_seed__same_game():
    one, two, other = Pong(1), Pong(1), Pong(2)
    for pong in (one, two, other):
        for step in range(200):
            pong.step(UP if step % 7 < 3 else DOWN, SKIP)
    np.testing.assert_array_equal(one.frame(), two.frame())
    assert not np.array_equal(one.frame(), other.frame())


def test__pong__frame__shows_ball_and_paddle_where_the_memory_says():
    pong = Pong(0)
    while not (pong.memory[1] and 60 < pong.memory[0] < 180):
        pong.step(STILL, 1)
    frame = pong.frame()
    assert frame.shape == (40, 40)
    assert frame.dtype == np.float32
    x, y, paddle = pong.memory
    # The field begins 34 lines below the top of the screen; a square has 4 lines.
    ball = frame[int((y - 12 - 34) // 4), int((x - 49 + 0.5) // 4)]
    assert ball > 0.05
    assert frame[int((paddle - 5.5 - 34) // 4), 35] > 0.2
    assert frame.min() > -0.7
    assert frame.max() <= 1


def test__record__disturbed__says_what_the_expert_would_do():
    shown = record(0, 600)
    assert shown.frames.shape == (200, 40, 40)
    assert set(np.unique(shown.actions)) == {0, 1, 2}


@pytest.mark.parametrize("name", MODELS)
def test__clone__lost_frame__action_held_and_time_counted(name):
    network = network_of(name, seed=0).eval()
    rng = np.random.default_rng(0)
    frames = rng.random((5, 2, 40, 40), dtype=np.float32)
    lost, never = np.array([True, False]), np.array([True, True])
    clone, other = Clone(network, 2), Clone(network, 2)
    clone.act(frames[0], 1.0, never)
    held = clone.act(frames[1], 1.0, lost)
    clone.act(frames[2], 1.0, never)
    # The second game alone, with the frame that was lost left out.
    other.act(frames[0], 1.0, never)
    before = other.actions
    other.act(frames[2], 2.0, never)
    assert held[1] == before[1]
    parts = [c.state for c in (clone, other)]
    while isinstance(parts[0], tuple):
        parts = [part[0] for part in parts]
    torch.testing.assert_close(parts[0][..., 1, :], parts[1][..., 1, :])


@pytest.mark.slow
def test__fit__few_frames__learns_to_agree():
    shown = [record(seed, 5 * SKIP * LENGTH) for seed in range(8)]
    frames = torch.from_numpy(np.stack([r.frames for r in shown]))[:, :, None]
    actions = torch.from_numpy(np.stack([r.actions for r in shown]))

    def agrees(network):
        with torch.no_grad():
            outputs = network(frames, timespans=1.0)
        return float((outputs.argmax(-1) == actions).float().mean())

    fitted = fit("CfC, NCP", shown * 2, seed=0)
    common = actions.flatten().bincount().max() / actions.numel()
    assert agrees(fitted) > common + 0.1
