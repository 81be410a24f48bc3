"""Whether a model learns more from sequences that are far from each other.

    python examples/benchmarks/diversity.py

From the training part of sets of the UCR archive, n sequences are chosen: at random, or
with `select_diverse`, by their values or by the states of a model that was trained on
ten random ones. A fifth of the sequences is held out and scores the model that is
trained on those that were chosen. Then the same with one class made rare: a tenth of
its sequences are left, and what is counted is its share among those that were chosen,
and how many of the held-out ones are found. LNN_DATA_HOME is the folder that holds
ucr2018/. Four minutes of one core; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.dummy import DummyClassifier

from LNN import LiquidClassifier
from LNN.experiments.archive.sets import Sequences, fold_of
from LNN.inspection import select_diverse

SETS = ("SwedishLeaf", "FaceAll", "MedicalImages", "PowerCons")
SIZES = (15, 30, 60)
FIRST, RARE = 10, 10  # sequences, and one in so many
WAYS = ("random", "values", "states")


def model_of(X: Sequences, y: np.ndarray, seed: int) -> Any:
    """Train for as many steps, however many sequences there are."""
    if len(np.unique(y)) < 2:
        return DummyClassifier().fit(X, y)
    model = LiquidClassifier(
        32, epochs=150, batch_size=64, early_stopping=False, random_state=seed
    )
    return model.fit(X, y)


def chosen(way: str, X: Sequences, y: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return the numbers of n sequences; no class of the others is looked at."""
    order = np.random.default_rng(seed).permutation(len(X))
    if way == "random":
        return order[:n]
    if way == "values":
        return select_diverse(X, n, random_state=seed)
    first = order[:FIRST]
    # Of one class alone there is nothing to learn: then values tell.
    several = len(np.unique(y[first])) > 1
    model = model_of([X[k] for k in first], y[first], seed) if several else None
    more = select_diverse(X, n - FIRST, model=model, chosen=first, random_state=seed)
    return np.r_[first, more]


def with_a_rare_class(y: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """Return sequences of which few are of one class, and that class."""
    random = np.random.default_rng(seed)
    label = random.choice(np.unique(y))
    others = np.flatnonzero(y != label)
    own = random.permutation(np.flatnonzero(y == label))
    return np.r_[others, own[: max(1, len(own) // RARE)]], label


class Run(NamedTuple):
    """One choice of sequences, and what was learnt from it."""

    set: str
    size: int
    way: str
    seed: int
    right: float
    drawn: float
    found: float


def runs(name: str, seeds: int) -> Iterator[Run]:
    """Choose, train and score, in all ways."""
    for seed in range(seeds):
        X, y, new, truth = fold_of(name, seed, 5)
        few, label = with_a_rare_class(y, seed)
        X_few, y_few = [X[k] for k in few], y[few]
        for size in SIZES:
            for way in WAYS:
                kept = chosen(way, X, y, size, seed)
                model = model_of([X[k] for k in kept], y[kept], seed)
                right = float(model.score(new, truth))
                kept = chosen(way, X_few, y_few, size, seed)
                drawn = np.mean(y_few[kept] == label)
                model = model_of([X_few[k] for k in kept], y_few[kept], seed)
                own = [x for x, k in zip(new, truth, strict=True) if k == label]
                found = float(np.mean(model.predict(own) == label))
                yield Run(name, size, way, seed, right, float(drawn), found)


def main() -> None:
    """Print a table of means."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    seeds, began = parser.parse_args().seeds, time.perf_counter()
    print(f"{'set':15}{'n':>4}", *(f"{way:>24}" for way in WAYS))
    print(f"{'':19}", *[f"{'right':>8}{'drawn':>8}{'found':>8}"] * len(WAYS))
    results: list[Run] = []
    for name in SETS:
        results += runs(name, seeds)
        for size in SIZES:
            parts = []
            for way in WAYS:
                own = [
                    r for r in results if (r.set, r.size, r.way) == (name, size, way)
                ]
                numbers = np.mean([(r.right, r.drawn, r.found) for r in own], axis=0)
                parts.append("".join(f"{number:8.3f}" for number in numbers))
            print(f"{name:15}{size:4}", *parts, flush=True)
    by_chance = {r[:2] + r[3:4]: r for r in results if r.way == "random"}
    for way in WAYS[1:]:
        more = [(r, by_chance[r[:2] + r[3:4]]) for r in results if r.way == way]
        for size in SIZES:
            pairs = [(r, b) for r, b in more if r.size == size]
            right = np.array([r.right - b.right for r, b in pairs])
            found = np.array([r.found - b.found for r, b in pairs])
            print(
                f"n={size}, {way} less random: right {right.mean():+.3f} (better in "
                f"{np.mean(right > 0):.0%}, worse in {np.mean(right < 0):.0%}), rare "
                f"class found {found.mean():+.3f}"
            )
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
