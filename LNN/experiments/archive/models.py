"""The models that are compared on the archive, and how each is trained.

To add one, add an entry: its options are parameters of `LiquidClassifier`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from LNN.exceptions import InvalidInputError


@dataclass(frozen=True)
class Competitor:
    """A model of the comparison.

    Attributes
    ----------
    title : str
        For tables.
    options : mapping
        Parameters of `LiquidClassifier` that are not the defaults.
    drops : bool
        Whether it trains on copies of the sequences that lack steps.
    timed : bool
        Whether it gets time stamps, in training and later.
    external : bool
        Whether it is not a model of LNN.
    seconds : float
        Of a fit of 500 optimiser steps, for each step of the sequences; about, on one
        core.
    ragged : float
        How many times longer it takes where sequences have unequal lengths.
    """

    title: str
    options: Mapping[str, Any] = field(default_factory=dict)
    drops: bool = False
    timed: bool = True
    external: bool = False
    seconds: float = 0.02
    ragged: float = 2.5


# The same inputs and the same read-out of the states for all but "liquid-patches".
POOLING: dict[str, Any] = {"pooling": "last+mean+max", "patch": 1}
LSTM = POOLING | {"model_type": "LSTM"}
# As many weights as the LSTM of 32 neurons.
GRU = POOLING | {"model_type": "GRU", "n_neurons": 37}
LTC = POOLING | {"model_type": "LTC"}
NO_WALK: dict[str, Any] = {"max_step": None}

MODELS: dict[str, Competitor] = {
    "liquid": Competitor("exponential CfC, 32 neurons, without patches", POOLING),
    "liquid-patches": Competitor(
        "the default: the same with patches of sequences of 250 steps and more",
        # On patches "auto" trains for 1,500 steps, which take no longer.
        POOLING | {"patch": "auto", "epochs": "auto"},
    ),
    "liquid-58": Competitor(
        "exponential CfC, 58 neurons (as many weights as the LSTM)",
        POOLING | {"n_neurons": 58},
        seconds=0.04,
    ),
    "liquid-mixed": Competitor(
        "exponential CfC with mixed memory, 23 neurons",
        POOLING | {"n_neurons": 23, "mixed_memory": True},
        seconds=0.032,
    ),
    "CfC-paper": Competitor("CfC as in the paper", POOLING | {"mode": "default"}),
    "LTC": Competitor("LTC, one exponential unfold (its default)", LTC, seconds=0.016),
    "LTC-paper": Competitor(
        "LTC as in the paper, six semi-implicit unfolds",
        LTC | {"solver": "semi-implicit", "ode_unfolds": 6},
        seconds=0.037,
    ),
    "LSTM": Competitor("LSTM, 32 neurons", LSTM, seconds=0.03, ragged=18),
    "GRU": Competitor("GRU, 37 neurons", GRU, seconds=0.094, ragged=6),
    "LSTM-no-walk": Competitor(
        "LSTM that knows no time (`max_step=None`)", LSTM | NO_WALK, seconds=0.03
    ),
    "GRU-no-walk": Competitor(
        "GRU that knows no time (`max_step=None`)", GRU | NO_WALK, seconds=0.094
    ),
    "LSTM-gates": Competitor(
        "LSTM with gates to the power of dt (`time_gates`, no walk)",
        LSTM | NO_WALK | {"time_gates": True},
        seconds=0.03,
    ),
    "GRU-gates": Competitor(
        "GRU with gates to the power of dt (`time_gates`, no walk)",
        GRU | NO_WALK | {"time_gates": True},
        seconds=0.094,
    ),
    "LSTM-dropping": Competitor(
        "LSTM that knows no time, trained on sequences that lack steps",
        LSTM,
        drops=True,
        timed=False,
        seconds=0.025,
    ),
    "GRU-dropping": Competitor(
        "GRU that knows no time, trained on sequences that lack steps",
        GRU,
        drops=True,
        timed=False,
        seconds=0.08,
    ),
    "LSTM-dt": Competitor(
        "LSTM that reads dt, trained on sequences that lack steps",
        LSTM,
        drops=True,
        seconds=0.025,
    ),
    "GRU-dt": Competitor(
        "GRU that reads dt, trained on sequences that lack steps",
        GRU,
        drops=True,
        seconds=0.08,
    ),
    "liquid-dropping": Competitor(
        "exponential CfC, 32 neurons, trained on sequences that lack steps",
        POOLING,
        drops=True,
    ),
    "MiniRocket": Competitor(
        "MiniRocket, 10,000 features and a ridge classifier (aeon)",
        external=True,
        seconds=0.002,
    ),
}
# Those of the benchmark, and what else may be done about time.
PLAIN = (
    *("liquid", "liquid-patches", "liquid-58", "liquid-mixed", "CfC-paper"),
    *("LTC", "LTC-paper", "LSTM", "GRU", "MiniRocket"),
)
IN_TIME = (
    *("LSTM-no-walk", "GRU-no-walk", "LSTM-gates", "GRU-gates", "LSTM-dt", "GRU-dt"),
    *("LSTM-dropping", "GRU-dropping", "liquid-dropping"),
)


def check_models(names: Iterable[str]) -> None:
    """Raise if a name is not one of `MODELS`."""
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        raise InvalidInputError(
            f"Expected models among {', '.join(MODELS)}, got {', '.join(unknown)}."
        )
