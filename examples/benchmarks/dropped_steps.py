"""Train on sequences that lack steps at random, and read sequences that lack more.

    python examples/benchmarks/dropped_steps.py results.jsonl

Eight sets of the UCR archive (training parts, three folds; `ucr2018` in LNN_DATA_HOME).
30 % of the steps are dropped from every sequence, and the time stamps say which are
left; the held-out part is read like this, and with 60 % dropped. The LSTM gets the
elapsed time as an input. One line per fit is appended to the file, and the
means over sets and folds are printed.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np

from LNN import LiquidClassifier
from LNN.experiments.archive.changes import dropped
from LNN.experiments.archive.fitting import one_thread
from LNN.experiments.archive.lines import Fit, Lines
from LNN.experiments.archive.sets import fold_of
from LNN.experiments.archive.tables import common_of

SETS = (
    "SmoothSubspace",
    "ItalyPowerDemand",
    "SonyAIBORobotSurface2",
    "ECG200",
    "CBF",
    "PowerCons",
    "GunPoint",
    "UMD",
)
SETTINGS: dict[str, dict] = {
    "CfC": {},
    "CfC, max_step=1": {"max_step": 1.0},
    "CfC, max_step=2": {"max_step": 2.0},
    "LTC": {"model_type": "LTC"},
    "LTC, max_step=1": {"model_type": "LTC", "max_step": 1.0},
    "LSTM": {"model_type": "LSTM"},
    "LSTM, max_step=1": {"model_type": "LSTM", "max_step": 1.0},
}
SHARES = {"30 % dropped": 0.3, "60 % dropped": 0.6}


def measure(fit: Fit) -> dict[str, float]:
    """Train on sequences that lack steps, and return the accuracy on such."""
    X, y, new, truth = fold_of(fit.set, fit.fold, 3)
    seen, times = dropped(0.3, X, np.random.default_rng(fit.fold))
    model = LiquidClassifier(
        **SETTINGS[fit.model],
        early_stopping=False,
        random_state=fit.seed,
        device="cpu",
        n_jobs=1,
    )
    scores = {}
    with one_thread(), warnings.catch_warnings(action="ignore"):
        model.fit(seen, y, timestamps=times)
        for how, share in SHARES.items():
            left, at = dropped(share, new, np.random.default_rng(100 + fit.fold))
            scores[how] = model.score(left, truth, timestamps=at)
    return scores


def main() -> None:
    """Measure what the file does not hold yet, and print the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    options = parser.parse_args()
    lines = Lines(options.file)
    done = lines.read()
    for name in options.sets:
        for setting in SETTINGS:
            for fold in range(3):
                fit = Fit(name, setting, seed=fold, fold=fold)
                if fit not in done:
                    lines.append(fit, measure(fit))
    common = common_of(lines.read(), list(SETTINGS))
    print(common.basis())
    means = [common.means(how).mean() for how in SHARES]
    print(f"{'':20}{''.join(f'{how:>14}' for how in SHARES)}")
    for setting in SETTINGS:
        print(f"{setting:20}{''.join(f'{mean[setting]:14.3f}' for mean in means)}")


if __name__ == "__main__":
    main()
