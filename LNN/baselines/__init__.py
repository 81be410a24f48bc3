"""The models that the LTC and CfC papers compare with, by their `model_type`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from LNN._plain import takes_any_number
from LNN.baselines.base import Baseline
from LNN.baselines.ct_gru import CTGRU, PublishedCTGRU
from LNN.baselines.ct_rnn import CTRNN
from LNN.baselines.gru_d import GRUD
from LNN.baselines.neural_ode import NeuralODE
from LNN.baselines.recurrent import RECURRENT, RecurrentBaseline
from LNN.baselines.rnn_decay import RNNDecay

# Those that read the elapsed time by an equation of their own.
TIMED: dict[str, type[Baseline]] = {
    "CT-RNN": CTRNN,
    "CT-GRU": CTGRU,
    "CT-GRU-published": PublishedCTGRU,
    "Neural-ODE": NeuralODE,
    "GRU-D": GRUD,
    "RNN-decay": RNNDecay,
}
BASELINES = (*RECURRENT, *TIMED)


def baseline_class(model_type: str) -> type[Baseline]:
    """Return the class of one of the `BASELINES`."""
    return TIMED.get(model_type, RecurrentBaseline)


@takes_any_number
def make_baseline(
    model_type: str,
    input_size: int,
    n_neurons: int,
    *,
    use_time: bool = False,
    time_gates: bool = False,
    neutral: Tensor | None = None,
    time_constants: tuple[float, float] | None = None,
    generator: torch.Generator | None = None,
) -> Baseline:
    """Make a layer of one of the `BASELINES`.

    Parameters
    ----------
    model_type : str
    input_size, n_neurons : int
    use_time : bool, default=False
        For LSTM and GRU; the others know the elapsed time.
    time_gates : bool, default=False
        For LSTM and GRU, see `RecurrentBaseline`.
    neutral : Tensor of shape (F,), default=None
        For GRU-D, see there.
    time_constants : tuple of float, default=None
        For GRU-D and RNN-decay, see there.
    generator : torch.Generator, default=None
    """
    made = baseline_class(model_type)
    options: dict[str, Any] = {
        "use_time": use_time,
        "time_gates": time_gates,
        "neutral": neutral,
        "time_constants": time_constants,
    }
    taken = {name: options[name] for name in made.takes}
    kind = (model_type,) if model_type in RECURRENT else ()
    return made(*kind, input_size, n_neurons, generator=generator, **taken)


__all__ = [
    "BASELINES",
    "CTGRU",
    "CTRNN",
    "GRUD",
    "RECURRENT",
    "TIMED",
    "Baseline",
    "NeuralODE",
    "PublishedCTGRU",
    "RNNDecay",
    "RecurrentBaseline",
    "baseline_class",
    "make_baseline",
]
