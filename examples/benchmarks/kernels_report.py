"""What kernels.py measured, as a table, bars, files and a plot."""

from __future__ import annotations

import csv
import datetime
import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

import LNN
from LNN.kernels.native.library import load

PEERS = ("ncps", "torch", "LSTM", "GRU")
PASSES = {False: "forward", True: "forward+backward"}


class Case(NamedTuple):
    """What is measured."""

    model: str
    wiring: str
    neurons: int
    batch: int
    steps: int
    threads: int
    backward: bool


class Ratio(NamedTuple):
    """A peer's time over ours: quartiles over pairs, and the peer's median time."""

    low: float
    median: float
    high: float
    seconds: float
    rounds: int


@dataclass(frozen=True)
class Measurement:
    """Our times for a case, and the peers'."""

    case: Case
    evaluations: int  # of synapses, per sample and step
    seconds: float  # median
    fastest: float
    ratios: dict[str, Ratio]
    skipped: dict[str, str]  # peers that were left out, and why

    def per_evaluation(self, seconds: float) -> float:
        """Return ns per synapse-evaluation."""
        return 1e9 * seconds / (self.case.batch * self.case.steps * self.evaluations)

    def fraction(self, bound: dict[str, float], seconds: float = 0) -> float | None:
        """Return the share of the machine's limit; of the fastest call if not told."""
        if self.case.model != "LTC":
            return None
        limit = bound["forward"] + self.case.backward * bound["backward"]
        reached = self.per_evaluation(seconds or self.fastest)
        return limit / self.case.threads / reached

    def line(self) -> str:
        """Return a line about the progress."""
        case = self.case
        ratios = [f"{name} {ratio.median:.3g}x" for name, ratio in self.ratios.items()]
        ratios += [f"no {name} ({why})" for name, why in self.skipped.items()]
        return (
            f"{case.model} {case.wiring} N={case.neurons} B={case.batch} "
            f"threads={case.threads} {PASSES[case.backward]}: "
            f"{1e3 * self.seconds:.3g} ms; {', '.join(ratios)}"
        )


class Growth(NamedTuple):
    """Time of a wiring, forward + backward, batch 32, one thread."""

    model: str
    wiring: str
    neurons: int
    evaluations: int
    seconds: float  # per sample and step


class Fit(NamedTuple):
    """Two regressions of time on a count: a + b count, and c count^exponent."""

    intercept: float
    slope: float
    r2: float
    exponent: float
    log_r2: float


class Report(NamedTuple):
    """All that was measured."""

    measurements: list[Measurement]
    growth: list[Growth]
    bound: dict[str, float]
    threads: list[int]

    def find(self, model: str, wiring: str, neurons: int, batch: int, backward: bool):
        """Return a measurement on one thread, or None."""
        wanted = model, wiring, neurons, batch, 1, backward
        for m in self.measurements:
            case = m.case
            if (*case[:4], case.threads, case.backward) == wanted:
                return m
        return None


# -------------------------------------------------------------------------- growth


def fit(counts: list[float], seconds: list[float]) -> Fit:
    """Regress times on counts, as they are and in logarithms."""
    x, y = np.array(counts, float), np.array(seconds)
    (slope, intercept), r2 = _regress(x, y)
    (exponent, _), log_r2 = _regress(np.log(x), np.log(y))
    return Fit(intercept, slope, r2, exponent, log_r2)


def _regress(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    line = np.polyfit(x, y, 1)
    residual = y - np.polyval(line, x)
    return line, float(1 - residual.var() / y.var())


def fits(growth: list[Growth], model: str) -> dict[str, Fit]:
    """Regress a model's times on synapse-evaluations, and on N squared."""
    points = [g for g in growth if g.model == model]
    seconds = [g.seconds for g in points]
    return {
        "synapses": fit([g.evaluations for g in points], seconds),
        "N squared": fit([g.neurons**2 for g in points], seconds),
    }


def joint_exponents(growth: list[Growth], model: str) -> tuple[float, float]:
    """Return the exponents of synapse-evaluations and of N squared, fitted together."""
    points = [g for g in growth if g.model == model]
    factors = [[g.evaluations, g.neurons**2, np.e] for g in points]
    seconds = [g.seconds for g in points]
    found = np.linalg.lstsq(np.log(factors), np.log(seconds))[0]
    return float(found[0]), float(found[1])


def growth_text(growth: list[Growth]) -> list[str]:
    """Return what the time grows with."""
    wirings = ", ".join(dict.fromkeys(g.wiring for g in growth))
    sizes = ", ".join(str(n) for n in sorted({g.neurons for g in growth}))
    lines = [
        f"time of forward + backward, B = 32, one thread, over wirings ({wirings}) "
        f"and N = {sizes}"
    ]
    for model in ("LTC", "CfC"):
        for name, f in fits(growth, model).items():
            lines.append(
                f"  wired {model} against {name:9s}  linear R^2 {f.r2:.4f}"
                f"  power law: exponent {f.exponent:.2f}, R^2 {f.log_r2:.4f}"
            )
        synapses, square = joint_exponents(growth, model)
        lines.append(
            f"  wired {model} against both       synapses^{synapses:.2f} * "
            f"(N^2)^{square:.2f}"
        )
    return lines


# ---------------------------------------------------------------------------- bars


class Bar(NamedTuple):
    """A goal and what was reached; None if it was not measured."""

    name: str
    goal: float
    reached: float | None
    note: str = ""

    def __str__(self) -> str:
        if self.reached is None:
            return f"  -     {self.name}: not measured{self.note}"
        verdict = "PASS" if self.reached >= self.goal else "MISS"
        reached = f"{self.reached:.3g} (goal {self.goal:g})"
        return f"  {verdict}  {self.name}: {reached}{self.note}"


RATIO_BARS = (
    ("LTC", "NCP", 32, True, "ncps", 100),
    ("LTC", "NCP", 32, True, "LSTM", 0.95),
    ("CfC", "NCP", 32, True, "ncps", 50),
    ("CfC", "NCP", 32, True, "LSTM", 1),
    ("LTC", "full", 32, True, "ncps", 25),
    ("CfC", "full", 32, True, "ncps", 8),
    ("LTC", "NCP", 1, False, "ncps", 100),
    ("LTC", "NCP", 1, True, "ncps", 100),
    ("LTC", "full", 1, False, "ncps", 100),
    ("LTC", "full", 1, True, "ncps", 100),
)


def ratio_bar(report: Report, model, wiring, batch, backward, peer, goal) -> Bar:
    """Return a bar on the ratio to a peer at N = 32."""
    name = f"{model} {wiring}, N = 32, B = {batch}, {PASSES[backward]}, {peer} over us"
    found = report.find(model, wiring, 32, batch, backward)
    if found is None or peer not in found.ratios:
        why = f" ({found.skipped[peer]})" if found else ""
        return Bar(name, goal, None, why)
    ratio = found.ratios[peer]
    note = f"; quartiles {ratio.low:.3g} to {ratio.high:.3g} of {ratio.rounds} pairs"
    return Bar(name, goal, ratio.median, note)


def fraction_bar(report: Report, wiring: str, neurons: int, backward: bool) -> Bar:
    """Return a bar on the fraction of the bound, B = 32."""
    goal = 0.5 if backward else 0.6
    where = f"LTC {wiring}, N = {neurons}, B = 32, {PASSES[backward]}"
    found = report.find("LTC", wiring, neurons, 32, backward)
    name = f"{where}, fraction of the bound"
    if found is None:
        return Bar(name, goal, None)
    median = found.fraction(report.bound, found.seconds)
    note = f"; {median:.3g} with our median time"
    return Bar(name, goal, found.fraction(report.bound), note)


def bars(report: Report) -> list[Bar]:
    """Return all bars."""
    found = [ratio_bar(report, *bar) for bar in RATIO_BARS]
    for wiring in ("NCP", "full"):
        for neurons in (64, 128):
            for backward in (False, True):
                found.append(fraction_bar(report, wiring, neurons, backward))
    return found


# --------------------------------------------------------------------------- table


def machine() -> dict[str, str]:
    """Return where and with what the numbers were made."""
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    versions = {name: metadata.version(name) for name in ("torch", "ncps", "numpy")}
    versions = {"LNN": LNN.__version__} | versions
    return {
        "date": now,
        "command": " ".join(["python", *sys.argv]),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "kernels": f"native, instruction set {load().isa}",
        "system": f"{platform.platform()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {text}" for name, text in versions.items()),
    }


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


COLUMNS = ("model", "wiring", "N", "B", "threads", "pass", "ms", "us/step", "ns/syn")


def cells(m: Measurement, bound: dict[str, float]) -> list[str]:
    """Return a row of the table."""
    case, fraction = m.case, m.fraction(bound)
    row = [case.model, case.wiring, case.neurons, case.batch, case.threads]
    row += ["f+b" if case.backward else "f", f"{1e3 * m.seconds:.3f}"]
    row += [f"{1e6 * m.seconds / case.steps:.2f}", f"{m.per_evaluation(m.seconds):.3f}"]
    row.append("-" if fraction is None else f"{fraction:.2f}")
    for peer in PEERS:
        ratio = m.ratios.get(peer)
        row.append("-" if ratio is None else _three(ratio))
    return [str(cell) for cell in row]


def _three(ratio: Ratio) -> str:
    low, median, high = (f"{q:.0f}" if q >= 100 else f"{q:.3g}" for q in ratio[:3])
    return f"{median} ({low}-{high})"


def table(report: Report) -> list[str]:
    """Return the table, aligned."""
    rows = [[*COLUMNS, "bound", *(f"{peer}/us (quartiles)" for peer in PEERS)]]
    rows += [cells(m, report.bound) for m in report.measurements]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(row: list[str]) -> str:
        pairs = enumerate(zip(row, widths, strict=True))
        texts = [c.ljust(w) if i in (0, 1, 5) else c.rjust(w) for i, (c, w) in pairs]
        return "  ".join(texts).rstrip()

    return [line(row) for row in rows]


NOTES = """\
ms: a call over 64 steps, median; us/step: of the whole batch; f: forward, f+b: forward
  and backward
ns/syn: per live synapse-evaluation (LTC: unfolds * recurrent + sensory; CfC: a synapse,
  its four maps counted once; CfC full: a weight of backbone or heads, likewise)
bound: share of the sigmoid's limit, fastest call against fastest window, per thread;
  "-" for a CfC, whose work is multiply-adds and not sigmoids
ncps/us, ...: a peer's time over ours ("torch": our own layer without the kernels);
  "-" where a call of the peer would take too long or keep too much memory"""


def text(report: Report) -> str:
    """Return all that is printed."""
    bound = report.bound
    both = bound["forward"] + bound["backward"]
    lines = [f"{name:10s} {value}" for name, value in machine().items()]
    lines += [
        f"threads    {', '.join(map(str, report.threads))}",
        f"bound      {bound['forward']:.3f} ns per synapse-evaluation forward, "
        f"{both:.3f} ns forward+backward, one thread",
        "",
        *table(report),
        "",
        NOTES,
        "",
        *growth_text(report.growth),
        "",
        "bars, one thread",
        *map(str, bars(report)),
    ]
    return "\n".join(lines) + "\n"


# --------------------------------------------------------------------------- files


def record(m: Measurement, bound: dict[str, float]) -> dict:
    """Return a measurement as a flat row."""
    row = m.case._asdict() | {
        "evaluations": m.evaluations,
        "seconds": m.seconds,
        "fastest_seconds": m.fastest,
        "ns_per_evaluation": m.per_evaluation(m.seconds),
        "fraction_of_bound": m.fraction(bound),
        "fraction_of_bound_median": m.fraction(bound, m.seconds),
    }
    for peer in PEERS:
        values = m.ratios[peer] if peer in m.ratios else [None] * len(Ratio._fields)
        for name, value in zip(Ratio._fields, values, strict=True):
            row[f"{peer}_{name}"] = value
        row[f"{peer}_skipped"] = m.skipped.get(peer, "")
    return row


def write(report: Report, folder: Path) -> None:
    """Print the report, and write it as text, csv, json and picture."""
    folder.mkdir(parents=True, exist_ok=True)
    printed = text(report)
    print(f"\n{printed}")
    (folder / "kernels.txt").write_text(printed)
    rows = [record(m, report.bound) for m in report.measurements]
    with (folder / "kernels.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    content = {
        "machine": machine(),
        "bound_ns": report.bound,
        "measurements": rows,
        "growth": [g._asdict() for g in report.growth],
        "fits": {
            model: {name: f._asdict() for name, f in fits(report.growth, model).items()}
            for model in ("LTC", "CfC")
        },
        "bars": [bar._asdict() for bar in bars(report)],
    }
    (folder / "kernels.json").write_text(json.dumps(content, indent=1) + "\n")
