"""What the papers print, in the units of the tasks' metrics.

Accuracies are in percent. Models that LNN has carry LNN's names, so that a table can
set both side by side: CfC-pure is the papers' Cf-S, CfC-mixed their CfC-mmRNN, and the
LSTM of the irregular tasks their augmented LSTM (the elapsed time is an input). Others
keep their names.
Several of these numbers cannot come from the papers' public code: see the `notes` of
the tasks.

`PUBLISHED` has each model at most once a task: the number of the protocol that is
measured again here. `ELSEWHERE` has the same task in other settings, numbers of other
groups, and tasks whose data LNN does not fetch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One published number.

    Attributes
    ----------
    model : str
    mean : float
        In the unit of the task's metric.
    std : float or None
        None where none is printed.
    n : int or None
        Runs; None where they are not stated.
    source : str
        Paper and table.
    """

    model: str
    mean: float
    std: float | None
    n: int | None
    source: str


def _table(source: str, n: int | None, text: str) -> list[Result]:
    """Read lines "model mean std"; a missing std is "-"."""
    results = []
    for line in text.strip().splitlines():
        model, mean, std = line.rsplit(maxsplit=2)
        deviation = None if std == "-" else float(std)
        results.append(Result(model.strip(), float(mean), deviation, n, source))
    return results


LTC = "LTC paper (AAAI 2021), table {}"
CFC = "CfC paper (arXiv 2106.13898v2), table {}"
QUOTED = "ODE-LSTM paper (arXiv 2006.04418), as quoted in the CfC paper, table {}"
RUBANOVA = "Rubanova et al. (2019), as quoted in the LTC paper, table 5"
WAVE = "Neural wave equation (ICLR 2025), table 1"


def _ltc(table: int, text: str) -> list[Result]:
    return _table(LTC.format(table), 5, text)


def _cfc(table: int, text: str) -> list[Result]:
    return _table(CFC.format(table), 5, text)


def _quoted(table: int, text: str) -> list[Result]:
    return _table(QUOTED.format(table), 5, text)


POWER = _ltc(
    3,
    """
    LSTM        0.628  0.003
    CT-RNN      0.742  0.005
    Neural-ODE  1.254  0.149
    CT-GRU      0.586  0.003
    LTC         0.642  0.021
    """,
)

PUBLISHED: dict[str, list[Result]] = {
    "gesture": _ltc(
        3,
        """
        LSTM        64.57  0.59
        CT-RNN      59.01  1.22
        Neural-ODE  46.97  3.03
        CT-GRU      68.31  1.78
        LTC         69.55  1.13
        """,
    ),
    "occupancy": _ltc(
        3,
        """
        LSTM        93.18  1.66
        CT-RNN      94.54  0.54
        Neural-ODE  90.15  1.71
        CT-GRU      91.44  1.67
        LTC         94.63  0.17
        """,
    ),
    "smnist": _ltc(
        3,
        """
        LSTM        98.41  0.12
        CT-RNN      96.73  0.19
        Neural-ODE  97.61  0.14
        CT-GRU      98.27  0.14
        LTC         97.57  0.18
        """,
    ),
    "traffic": _ltc(
        3,
        """
        LSTM        0.169  0.004
        CT-RNN      0.224  0.008
        Neural-ODE  1.512  0.179
        CT-GRU      0.389  0.076
        LTC         0.099  0.0095
        """,
    ),
    "power": POWER,
    "power-minutes": POWER,
    "ozone": _ltc(
        3,
        """
        LSTM        0.284  0.025
        CT-RNN      0.236  0.011
        Neural-ODE  0.168  0.006
        CT-GRU      0.260  0.024
        LTC         0.302  0.0155
        """,
    ),
    "cheetah": _ltc(
        6,
        """
        LSTM        2.500  0.140
        CT-RNN      2.838  0.112
        Neural-ODE  3.805  0.313
        CT-GRU      3.014  0.134
        LTC         2.308  0.015
        """,
    ),
    "person": _ltc(
        4,
        """
        LSTM        83.59  0.40
        CT-RNN      81.54  0.33
        Latent-ODE  76.48  0.56
        CT-GRU      85.27  0.39
        LTC         85.48  0.40
        """,
    ),
    "xor-dense": [
        *_quoted(
            4,
            """
            LSTM         100.00   0.00
            CT-GRU       100.00   0.00
            RNN-decay     60.28  19.87
            Bi-RNN       100.00   0.00
            GRU-D        100.00   0.00
            Phased-LSTM   50.99   0.76
            CT-LSTM       97.73   0.08
            CT-RNN        50.42   0.12
            GRU-ODE       50.41   0.40
            ODE-LSTM     100.00   0.00
            ODE-RNN       50.47   0.06
            """,
        ),
        *_cfc(
            4,
            """
            coRNN          100.00  0.00
            Lipschitz-RNN  100.00  0.00
            LTC            100.00  0.00
            CfC-pure       100.00  0.00
            CfC-no-gate    100.00  0.00
            CfC            100.00  0.00
            CfC-mixed      100.00  0.00
            """,
        ),
    ],
    "xor-event": [
        *_quoted(
            4,
            """
            LSTM         89.71  3.48
            CT-GRU       61.36  4.87
            RNN-decay    75.53  5.28
            Bi-RNN       90.17  0.69
            GRU-D        97.90  1.71
            Phased-LSTM  80.29  0.99
            CT-LSTM      95.09  0.30
            CT-RNN       50.79  0.34
            GRU-ODE      52.52  0.35
            ODE-LSTM     98.89  0.26
            ODE-RNN      51.21  0.37
            """,
        ),
        *_cfc(
            4,
            """
            coRNN          52.89  1.25
            Lipschitz-RNN  52.84  3.25
            LTC            49.11  0.00
            CfC-pure       85.42  2.84
            CfC-no-gate    96.29  1.61
            CfC            99.42  0.42
            CfC-mixed      99.72  0.08
            """,
        ),
    ],
    "physionet": _cfc(
        5,
        """
        RNN-Impute      0.764   0.016
        RNN-dt          0.787   0.014
        RNN-decay       0.807   0.003
        GRU-D           0.818   0.008
        Phased-LSTM     0.836   0.003
        IP-Nets         0.819   0.006
        SeFT            0.795   0.015
        RNN-VAE         0.515   0.040
        ODE-RNN         0.833   0.009
        Latent-ODE-RNN  0.781   0.018
        Latent-ODE-ODE  0.829   0.004
        LTC             0.6477  0.010
        CfC-pure        0.643   0.018
        CfC-no-gate     0.840   0.003
        CfC             0.839   0.002
        CfC-mixed       0.834   0.006
        """,
    ),
    "walker2d": [
        *_quoted(
            7,
            """
            ODE-RNN      1.904  0.061
            CT-RNN       1.198  0.004
            LSTM         1.065  0.006
            CT-GRU       1.172  0.011
            RNN-decay    1.406  0.005
            Bi-RNN       1.071  0.009
            GRU-D        1.090  0.034
            Phased-LSTM  1.063  0.010
            GRU-ODE      1.051  0.018
            CT-LSTM      1.014  0.014
            ODE-LSTM     0.883  0.014
            """,
        ),
        *_cfc(
            7,
            """
            coRNN          3.241  0.215
            Lipschitz-RNN  1.781  0.013
            LTC            0.662  0.013
            Transformer    0.761  0.032
            CfC-pure       0.948  0.009
            CfC-no-gate    0.650  0.008
            CfC            0.643  0.006
            CfC-mixed      0.617  0.006
            """,
        ),
    ],
    "et-smnist": [
        *_table(
            "CfC paper (Nature MI 2022), table 4, from a summary of its text",
            None,
            """
            CfC-mixed    98.09  -
            CfC-no-gate  96.99  -
            """,
        ),
        *_table(
            "ODE-LSTM paper (arXiv 2006.04418), from a listing",
            None,
            "ODE-LSTM 95.73 -",
        ),
    ],
}

ELSEWHERE: dict[str, list[Result]] = {
    # Windows and split of Rubanova et al., then those of the ODE-LSTM paper.
    "person": [
        *_table(
            RUBANOVA,
            None,
            """
            RNN-dt                79.7  0.3
            RNN-decay             80.0  1.0
            GRU-D                 80.6  0.7
            RNN-VAE               34.3  4.0
            Latent-ODE (D enc)    83.5  1.0
            ODE-RNN               82.9  1.6
            Latent-ODE (C enc)    84.6  1.3
            """,
        ),
        *_ltc(5, "LTC 88.2 0.5"),
        *_table(
            WAVE,
            5,
            """
            RNN-decay    78.74  3.65
            Bi-RNN       82.86  1.17
            GRU-D        82.52  0.86
            Phased-LSTM  83.34  0.59
            CT-RNN       82.32  0.83
            ODE-RNN      75.03  1.87
            ODE-LSTM     83.77  0.58
            CT-GRU       83.93  0.86
            GRU-ODE      82.80  0.61
            CT-LSTM      83.42  0.69
            CDR-NDE      87.54  0.34
            Neural-wave  93.62  0.38
            """,
        ),
    ],
    "walker2d": [
        # Its own model sees the next input, which is the target: not comparable.
        *_table(
            WAVE,
            5,
            """
            RNN-decay    1.44  0.01
            Bi-RNN       1.09  0.01
            GRU-D        1.14  0.01
            Phased-LSTM  1.10  0.01
            CT-RNN       1.25  0.03
            ODE-RNN      1.88  0.05
            ODE-LSTM     0.91  0.02
            CT-GRU       1.22  0.01
            GRU-ODE      1.08  0.01
            CT-LSTM      1.03  0.02
            CDR-NDE      0.97  0.04
            Neural-wave  0.11  0.01
            """,
        ),
    ],
    "har": _ltc(
        3,
        """
        LSTM        95.85  0.29
        CT-RNN      95.73  0.47
        Neural-ODE  97.26  0.10
        CT-GRU      96.16  0.39
        LTC         95.67  0.575
        """,
    ),
    "imdb": _cfc(
        6,
        """
        HiPPO-LagT   88.0  0.2
        HiPPO-LegS   88.0  0.2
        LMU          87.7  0.1
        LSTM         87.3  0.4
        GRU          86.2  -
        ReLU-GRU     84.8  -
        Skip-LSTM    86.6  -
        expRNN       84.3  0.3
        RNN          67.4  7.7
        coRNN        86.7  0.3
        LTC          61.8  6.1
        CfC-pure     81.7  0.5
        CfC-no-gate  87.5  0.1
        CfC          85.9  0.9
        CfC-mixed    88.3  0.1
        """,
    ),
}
