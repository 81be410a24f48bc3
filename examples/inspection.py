"""What two models look at, in some lines and pictures, and a page for each.

    python examples/inspection.py [folder]

An occupied room: light, temperature and air of every minute, is somebody there? And
patients in intensive care: what was noted at odd times, who dies? LNN_DATA_HOME is the
folder that holds occupancy/ and physionet2012/; five minutes of one core. Pictures and
pages go to the folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from LNN import LiquidClassifier
from LNN.datasets import fetch_occupancy, fetch_physionet2012
from LNN.inspection import (
    AttributionDisplay,
    ExplanationDisplay,
    InfluenceDisplay,
    NeuronActivityDisplay,
    RobustnessDisplay,
    TimeConstantDisplay,
    TreeSurrogate,
    WiringDisplay,
    check_temporal_causality,
    coupling,
    explain,
    partial_dependence,
    permutation_importance,
    report,
    smallest_change,
    time_constants,
)

PATIENTS = 700


def room(folder: Path) -> None:
    """Ask a CfC and a tree about minutes in a room."""
    data = fetch_occupancy()
    X = data.data.set_index(pd.DatetimeIndex(data.timestamps, name="time"))
    y = np.where(data.target == 1, "occupied", "vacant")
    first, second = (data.groups == k for k in (0, 1))
    how: dict[str, Any] = {"window_length": 16, "epochs": 12, "random_state": 0}
    model = LiquidClassifier(16, **how).fit(X[first], y[first])
    lstm = LiquidClassifier(16, model_type="LSTM", **how).fit(X[first], y[first])
    X, y = X[second], y[second]
    then = int(np.argmax(y == "occupied")) + 60

    print(f"The room: right in {model.score(X, y):.1%} of the minutes.")
    needed = permutation_importance(model, X, y, random_state=0)
    print("It needs", in_words(needed.names, needed.importances_mean))
    print(explain(model, X, row=then))
    print(smallest_change(model, X, row=then, n_values=3).text)
    tree = TreeSurrogate(model, max_depth=2, random_state=0).fit(X)
    print(f"A tree says the same in {tree.fidelity_:.1%}:", *tree.rules(), sep="\n  ")
    memory = np.median(time_constants(model, X).median)
    print(f"Its neurons remember for {memory:.1f} minutes, as a rule.")
    alike = coupling(model, X)
    neuron, column = np.unravel_index(
        np.nanargmax(alike.coupling), alike.coupling.shape
    )
    print(f"{alike.neurons[neuron]} goes along most with {alike.signals[column]}.")
    print("It sees the future:", not check_temporal_causality(model, X).passed)

    day = X.iloc[max(0, then - 400) : then + 400]
    keep(folder / "wiring.png", lambda: WiringDisplay.from_estimator(model))
    keep(
        folder / "activity.png",
        lambda: NeuronActivityDisplay.from_estimator(model, day),
    )
    keep(
        folder / "time_constants.png",
        lambda: TimeConstantDisplay.from_estimator(model, day),
    )
    keep(folder / "influence.png", lambda: InfluenceDisplay.from_estimator(model, day))
    keep(
        folder / "attribution.png",
        lambda: AttributionDisplay.from_estimator(model, X, rows=[then]),
    )
    keep(
        folder / "explanation.png",
        lambda: ExplanationDisplay.from_estimator(model, X, then),
    )
    keep(folder / "tree.png", tree.plot)
    keep(
        folder / "robustness.png",
        lambda: RobustnessDisplay.from_estimator(
            model, X, y, beside={"LSTM": lstm}, random_state=0, score_name="accuracy"
        ),
    )
    print(report(model, X, y, folder / "room.html", title="Is somebody in the room?"))


def patients(folder: Path) -> None:
    """Ask a CfC about patients, of whom little was noted, at odd times."""
    data = fetch_physionet2012()
    X = [pd.DataFrame(x, columns=data.feature_names) for x in data.data[:PATIENTS]]
    y = np.where(data.target[:PATIENTS] == 1, "died", "lived")
    times, cut = data.timestamps[:PATIENTS], PATIENTS * 2 // 3
    model = LiquidClassifier(24, missing="mask", epochs=12, random_state=0)
    model.fit(X[:cut], y[:cut], timestamps=times[:cut])
    X, y, times = X[cut:], y[cut:], times[cut:]

    chance = model.predict_proba(X, timestamps=times)[:, 0]
    ill = int(np.argmax(chance))
    print(f"\nPatients: {chance[ill]:.0%} for number {ill}, who {y[ill]}.")
    print(explain(model, X, row=ill, timestamps=times))
    later = partial_dependence(
        model, X[:100], feature="gap", timestamps=times[:100], grid=[1.0, 60.0, 600.0]
    )
    print("If the last entry came after 1, 60 or 600 minutes:", later.average.round(3))
    keep(
        folder / "patient.png",
        lambda: ExplanationDisplay.from_estimator(model, X, ill, timestamps=times),
    )
    page = folder / "patients.html"
    print(report(model, X, y, page, timestamps=times, title="Who dies?"))


def in_words(names: list, falls: np.ndarray) -> str:
    """Return columns by what they are worth."""
    order = np.argsort(falls)[::-1]
    return ", ".join(f"{names[k]} ({falls[k]:.3f})" for k in order)


def keep(file: Path, draw: Callable[[], Any]) -> None:
    """Draw and store a picture."""
    draw()
    plt.savefig(file, dpi=90, bbox_inches="tight")
    plt.close("all")


def main() -> None:
    """Ask about both models."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    room(folder)
    patients(folder)


if __name__ == "__main__":
    main()
