"""Train on sequences that lack steps at random, and read sequences that lack more.

    python examples/benchmarks/dropped_steps.py results.jsonl

Eight sets of the UCR archive (training parts, three folds; `ucr2018` in LNN_DATA_HOME).
30 % of the steps are dropped from every sequence, and the time stamps say which are
left; the held-out part is read like this, and with 60 % dropped. The LSTM gets the
elapsed time as an input. One line per set and setting is appended to the file, and the
means are printed.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import torch
from development import lines_of, part_of
from sklearn.model_selection import StratifiedKFold

from LNN import LiquidClassifier

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
KEPT = {"30 % dropped": 0.7, "60 % dropped": 0.4}


def thinned(X: list[np.ndarray], kept: float, seed: int) -> tuple[list, list]:
    """Return sequences that lack steps, and the times of those that are left."""
    random = np.random.default_rng(seed)
    left = [
        np.sort(random.choice(len(x), max(2, int(kept * len(x))), replace=False))
        for x in X
    ]
    return [x[k] for x, k in zip(X, left, strict=True)], [1.0 * k for k in left]


def measure(name: str, setting: str) -> dict:
    """Return the mean accuracy over three folds."""
    X, y = part_of(name, "train")
    folds = StratifiedKFold(3, shuffle=True, random_state=0).split(y, y)
    scores: dict[str, list[float]] = {how: [] for how in KEPT}
    for fold, (training, held_out) in enumerate(folds):
        seen, times = thinned([X[k] for k in training], 0.7, seed=fold)
        model = LiquidClassifier(
            **SETTINGS[setting],
            early_stopping=False,
            random_state=fold,
            device="cpu",
            n_jobs=1,
        )
        with warnings.catch_warnings(action="ignore"):
            model.fit(seen, y[training], timestamps=times)
            for how, kept in KEPT.items():
                new, at = thinned([X[k] for k in held_out], kept, seed=100 + fold)
                scores[how].append(model.score(new, y[held_out], timestamps=at))
    means = {how: float(np.mean(found)) for how, found in scores.items()}
    return {"set": name, "setting": setting, **means}


def main() -> None:
    """Measure what the file does not hold yet, and print the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    done = {(r["set"], r["setting"]) for r in lines_of(options.file)}
    for name in options.sets:
        for setting in SETTINGS:
            if (name, setting) not in done:
                result = measure(name, setting)
                with options.file.open("a") as file:
                    file.write(json.dumps(result) + "\n")
    lines = lines_of(options.file)
    print(f"{'':20}{''.join(f'{how:>14}' for how in KEPT)}")
    for setting in SETTINGS:
        rows = [r for r in lines if r["setting"] == setting]
        means = [np.mean([r[how] for r in rows]) for how in KEPT]
        print(f"{setting:20}{''.join(f'{mean:14.3f}' for mean in means)}")


if __name__ == "__main__":
    main()
