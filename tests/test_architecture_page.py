"""docu/architecture.md and its picture show what the code imports."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REMEDY = "run: make architecture"


@pytest.fixture(scope="module")
def build():
    path = ROOT / "docu" / "build_architecture.py"
    spec = importlib.util.spec_from_file_location("build_architecture", path)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def facts(build):
    return json.loads(build.FACTS.read_text())


@pytest.fixture(scope="module")
def edges(build):
    return build.edges()


def write(root, files):
    """Write the modules of a small LNN."""
    for name, code in files.items():
        path = root / "LNN" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)


def test__facts__imports__are_those_of_the_code(edges, facts):
    assert facts["rooms"] == edges, REMEDY


def test__page__tables__are_those_of_the_facts(build, facts):
    text = build.PAGE.read_text()
    assert build.filled(text, facts) == text, REMEDY


def test__picture__checksum__is_that_of_the_facts(build, facts):
    assert build.checksum(facts["rooms"]).encode() in build.PICTURE.read_bytes(), REMEDY


def test__rows__every_room__has_a_place(build, edges):
    assert build.homeless(edges) == [], "give it a place in ROWS"


def test__page__rooms_to_look_in__exist(build):
    named = re.findall(r"`(LNN/[\w/.]+)`", build.PAGE.read_text())
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test__edges__forms_of_import__are_all_read(build, tmp_path):
    files = {
        "cells/ltc.py": "import LNN.wiring.plot",
        "kernels/native/run.py": "from ...cells.ltc import LTCCell",
        "training/loop.py": "def run():\n    from LNN import batching",
        "batching/__init__.py": "",
        "wiring/plot.py": "from LNN.exceptions import InvalidInputError",
        "exceptions.py": "",
        "data/rows.py": "if TYPE_CHECKING:\n    from LNN.cells.ltc import LTCCell",
    }
    write(tmp_path, files)
    assert build.edges(tmp_path) == {
        "batching": [],
        "cells": ["wiring"],
        "data": [],
        "kernels": ["cells"],
        "training": ["batching"],
        "wiring": [],
    }


def test__wrong_way__up_and_both_ways_in_a_row__are_found(build):
    rooms = {"layers": ["baselines"], "baselines": ["layers"], "cells": ["layers"]}
    assert set(build.wrong_way(rooms)) == {
        ("layers", "baselines"),
        ("baselines", "layers"),
        ("cells", "layers"),
    }


def test__direct__import_that_a_chain_implies__is_left_out(build):
    rooms = {"kernels": ["cells", "wiring"], "cells": ["wiring"], "wiring": []}
    assert build.direct(rooms) == [("kernels", "cells"), ("cells", "wiring")]


def test__draw__room_without_a_place__is_drawn(build, tmp_path):
    rooms = {"cells": ["attic"], "attic": []}
    assert build.homeless(rooms) == ["attic"]
    build.draw(rooms, tmp_path / "picture.png")
    assert build.checksum(rooms).encode() in (tmp_path / "picture.png").read_bytes()


def test__numbers_table__now_and_before__stand_side_by_side(build):
    now: dict = {"trace": dict.fromkeys(("files", "calls", "given", "private"), 2)}
    now["trace"]["switches"] = 3
    now |= {"lines": 10, "trunk": 11, "longest": 12}
    assert "| 564 | 3 |" in build.numbers_table(now)
