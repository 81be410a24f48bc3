"""Draw docu/images/architecture.png from the code, and fill docu/architecture.md.

    make architecture
    python docu/build_architecture.py --trace             files and switches of one fit
    python docu/build_architecture.py --trace CHECKOUT    the same of another checkout

An arrow is an import of one room by another, read from the syntax tree. A room is a
folder of LNN, or a module beside the folders. What was drawn is kept as text in
docu/architecture.json, and its checksum in the picture: a test compares both with the
code.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

DOCU = Path(__file__).parent
ROOT = DOCU.parent
PAGE, FACTS = DOCU / "architecture.md", DOCU / "architecture.json"
PICTURE = DOCU / "images" / "architecture.png"

# From top to bottom: a room may import rooms below it. The numbers are where in its row
# a room is drawn: data on the left, networks in the middle.
ROWS: tuple[dict[str, float], ...] = (
    {"experiments": 2.0, "peers": 3.7},
    {"front door": 0.0},
    {
        "forecasting": -4.2,
        "anomaly": -2.8,
        "streaming": -1.4,
        "inspection": 0.0,
        "safety": 1.3,
        "export": 2.4,
        "adapters": 3.7,
    },
    {"estimators": 0.0},
    {"training": -0.9},
    {"batching": -1.8},
    {"network": 0.5},
    {"models": 0.5},
    {
        "own_scale": -4.8,
        "patching": -3.5,
        "pooling": -2.3,
        "network_state": -1.0,
        "layers": 0.6,
        "baselines": 2.2,
    },
    {"kernels": 0.85},
    {"cells": 0.6},
    {"data": -1.8, "wiring": 0.6, "constraints": 2.4, "datasets": 4.4},
)
# Rooms that have no place above stand with those that use a fitted model.
ELSEWHERE = 2
# The estimator classes, what draws them and what loads them, wherever the files lie.
FRONT_DOOR = (
    "LNN",
    "LNN.LNN",
    "LNN._show_versions",
    "LNN.export.__main__",
    "LNN.loading",
    "LNN.estimators.regressor",
    "LNN.estimators.classifier",
    "LNN.estimators.plotting",
)
# Adapters that are estimators of other libraries stand above the estimators of this
# one; those that translate modules stand below.
PEERS = tuple(
    f"LNN.adapters.{name}"
    for name in ("aeon", "dask", "partitions", "ray", "river", "sktime")
)
# Every room may import these; they are not drawn.
GROUND = (
    "exceptions",
    "_among",
    "_module_list",
    "_names",
    "_plain",
    "_random",
    "_results",
    "_running",
    "_sharing",
    "_typing",
    "_version",
    "_warnings",
)

BLOCK = re.compile(r"(<!-- (imports|numbers) -->\n).*?(<!-- end -->)", flags=re.S)
ROWS_OF_DATA, EPOCHS = 300, 1


@dataclass(frozen=True)
class Trace:
    """What one fit runs through.

    Attributes
    ----------
    files : int
        Files of LNN in which a function was called.
    switches : int
        How often a call was in another file than the call before it.
    calls : int
        Calls of functions of LNN.
    given : int
        Functions that are given an estimator, but its own methods.
    private : int
        Private attributes that the fit leaves on the estimator.
    """

    files: int
    switches: int
    calls: int
    given: int
    private: int


# `--trace` on version 0.1.0 before the rooms had names, and its lines of Python.
BEFORE_TRACE = Trace(46, 564, 1774, 27, 15)
BEFORE = {
    "lines": 22549,
    "trunk": 4764,
    "longest": 695,
}


# ---------------------------------------------------------------- reading the code


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the modules of LNN by their names."""
    found = {}
    for path in sorted((root / "LNN").rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def room_of(module: str) -> str:
    """Return the room in which a module stands."""
    if module in FRONT_DOOR:
        return "front door"
    if module in PEERS:
        return "peers"
    return module.split(".")[1]


def imports_of(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of LNN that a module imports, but for its annotations."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _run(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                above = parts[: len(parts) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            inside = [f"{base}.{alias.name}" for alias in node.names]
            targets = [target if target in known else base for target in inside]
        else:
            continue
        yield from (target for target in targets if target in known)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through what runs: what stands under TYPE_CHECKING never does."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _run(child)


def edges(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the rooms that each room imports."""
    known = modules(root)
    rooms: dict[str, set[str]] = {room_of(name): set() for name in known}
    for name, path in known.items():
        rooms[room_of(name)] |= {room_of(t) for t in imports_of(name, path, known)}
    return {
        room: sorted(targets - {room, *GROUND})
        for room, targets in sorted(rooms.items())
        if room not in GROUND
    }


def places(rooms: dict[str, list[str]]) -> dict[str, tuple[float, int]]:
    """Return where rooms are drawn: across, and down in rows that are not empty."""
    there = [{room: x for room, x in row.items() if room in rooms} for row in ROWS]
    for k, room in enumerate(homeless(rooms)):
        there[ELSEWHERE][room] = min(ROWS[ELSEWHERE].values()) - 1.4 * (k + 1)
    there = [row for row in there if row]
    return {room: (x, k) for k, row in enumerate(there) for room, x in row.items()}


def homeless(rooms: dict[str, list[str]]) -> list[str]:
    """Return the rooms that ROWS has no place for."""
    return [room for room in rooms if not any(room in row for row in ROWS)]


def wrong_way(rooms: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return the imports that go up, or both ways between two rooms of one row."""
    row = {room: k for room, (_, k) in places(rooms).items()}
    return [
        (room, target)
        for room, targets in rooms.items()
        for target in targets
        if row[target] < row[room]
        or (row[target] == row[room] and room in rooms[target])
    ]


def direct(rooms: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return the imports that no chain of imports downwards implies."""
    up = set(wrong_way(rooms))
    down = {
        room: [target for target in targets if (room, target) not in up]
        for room, targets in rooms.items()
    }

    def reached(room: str) -> set[str]:
        return {t for target in down[room] for t in (target, *reached(target))}

    return [
        (room, target)
        for room, targets in down.items()
        for target in targets
        if not any(target in reached(t) for t in targets)
    ]


def checksum(rooms: dict[str, list[str]]) -> str:
    """Return what the picture carries, so that it can be told what it shows."""
    return hashlib.sha256(json.dumps(rooms).encode()).hexdigest()


# ---------------------------------------------------------------- numbers


def trace(checkout: Path) -> Trace:
    """Fit once, and count the files that calls are in and how often that changes."""
    sys.path.insert(0, str(checkout))
    import numpy as np

    import LNN

    home = str(Path(LNN.__file__).resolve().parent) + "/"
    if Path(home) != checkout / "LNN":
        raise SystemExit(f"expected LNN of {checkout}, got that in {home}")
    X = np.random.default_rng(0).normal(size=(ROWS_OF_DATA, 2))
    # The first fit imports and compiles; the second is the one that is counted.
    models = [LNN.LiquidRegressor(epochs=EPOCHS, random_state=0) for _ in range(2)]
    models[0].fit(X, X[:, 0])
    called: list[str] = []
    given = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(home):
            return
        called.append(code.co_filename)
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(
            frame.f_locals.get(name) is models[1] for name in names if name != "self"
        ):
            given.add((code.co_filename, code.co_name))

    sys.setprofile(note)
    try:
        models[1].fit(X, X[:, 0])
    finally:
        sys.setprofile(None)
    pairs = zip(["", *called], called, strict=False)
    switches = sum(before != now for before, now in pairs)
    private = sum(name.startswith("_") for name in vars(models[1]))
    return Trace(len(set(called)), switches, len(called), len(given), private)


def lines(root: Path = ROOT) -> dict[str, int]:
    """Count lines of Python: all, those of the trunk, those of the longest file."""
    counts = {
        name: len(path.read_text(encoding="utf-8").splitlines())
        for name, path in modules(root).items()
    }
    rooms = {"front door", "estimators", "streaming"}
    trunk = (n for name, n in counts.items() if room_of(name) in rooms)
    return {
        "lines": sum(counts.values()),
        "trunk": sum(trunk),
        "longest": max(counts.values()),
    }


# ---------------------------------------------------------------- picture and page


def draw(rooms: dict[str, list[str]], path: Path) -> None:
    """Draw rooms as boxes, imports as arrows, those that go up in red."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    place = {room: (x, -float(row)) for room, (x, row) in places(rooms).items()}
    left, right = (pick(x for x, _ in place.values()) for pick in (min, max))
    depth = -min(y for _, y in place.values())
    size = 1.05 * (right - left) + 2.0, 0.8 * depth + 1.0
    figure, axis = plt.subplots(figsize=size)
    axis.set(xlim=(left - 0.8, right + 0.8), ylim=(-depth - 0.5, 0.5))
    axis.axis("off")
    box = {"boxstyle": "round,pad=0.4", "fc": "#e8f0f8", "ec": "0.4"}
    boxes = {
        room: axis.text(x, y, room, ha="center", va="center", bbox=box)
        for room, (x, y) in place.items()
    }
    # Only what has been drawn once has edges that arrows can end at.
    figure.canvas.draw()
    for way, red in ((direct(rooms), False), (wrong_way(rooms), True)):
        for room, target in way:
            axis.annotate(
                "",
                place[target],
                place[room],
                arrowprops={
                    "arrowstyle": "-|>",
                    "mutation_scale": 14,
                    "connectionstyle": f"arc3,rad={0.3 if red else 0}",
                    "color": "tab:red" if red else "0.35",
                    "lw": 2.0 if red else 1.3,
                    "patchA": boxes[room].get_bbox_patch(),
                    "patchB": boxes[target].get_bbox_patch(),
                    "shrinkA": 1,
                    "shrinkB": 2,
                },
            )
    figure.savefig(
        path,
        dpi=110,
        bbox_inches="tight",
        metadata={"Description": checksum(rooms), "Software": None},
    )
    plt.close(figure)


def imports_table(rooms: dict[str, list[str]]) -> str:
    """Return what each room imports, in Markdown."""
    up = wrong_way(rooms)
    found = ["| room | imports |", "|---|---|"]
    for room, _ in sorted(places(rooms).items(), key=lambda place: place[1][1]):
        shown = (f"**{t}**" if (room, t) in up else t for t in rooms[room])
        found.append(f"| {room} | {', '.join(shown) or '-'} |")
    said = "Every arrow goes down."
    if up:
        said = "In bold, and red above: " + ", ".join(f"{a} -> {b}" for a, b in up)
        said += ". These go the wrong way."
    return "\n".join([*found, "", said])


def numbers_table(now: dict) -> str:
    """Return the numbers before and after, in Markdown."""
    was, is_now = asdict(BEFORE_TRACE), now["trace"]
    rows = [
        ("files of LNN in which one `fit` calls a function", "files"),
        ("how often it goes to another file", "switches"),
        ("calls", "calls"),
        ("functions that are given the estimator, but its methods", "given"),
        ("private attributes that a fit leaves on the estimator", "private"),
    ]
    table = ["| | before | now |", "|---|---|---|"]
    table += [f"| {text} | {was[key]:,} | {is_now[key]:,} |" for text, key in rows]
    rows = [
        ("lines of Python in `LNN/`", "lines"),
        ("of these: front door, estimators, streaming", "trunk"),
        ("longest file", "longest"),
    ]
    table += [f"| {text} | {BEFORE[key]:,} | {now[key]:,} |" for text, key in rows]
    return "\n".join(table)


def filled(text: str, facts: dict) -> str:
    """Return the page with its tables made anew."""
    tables = {
        "imports": imports_table(facts["rooms"]),
        "numbers": numbers_table(facts["numbers"]),
    }
    return BLOCK.sub(lambda m: f"{m[1]}{tables[m[2]]}\n{m[3]}", text)


def main() -> None:
    """Draw, count and write; or count another checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trace", nargs="?", const=ROOT, type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    if options.trace is not None:
        checkout = options.trace.resolve()
        print(trace(checkout), lines(checkout))
        return
    rooms = edges()
    numbers = lines() | {"trace": asdict(trace(ROOT.resolve()))}
    facts = {"rooms": rooms, "numbers": numbers}
    FACTS.write_text(json.dumps(facts, indent=1) + "\n")
    draw(rooms, PICTURE)
    PAGE.write_text(filled(PAGE.read_text(), facts))
    for room, target in wrong_way(rooms):
        print(f"goes the wrong way: {room} -> {target}")
    for room in homeless(rooms):
        print(f"has no place in ROWS of {Path(__file__).name}: {room}")


if __name__ == "__main__":
    main()
