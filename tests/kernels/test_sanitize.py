"""Random problems for the C sources under sanitizers; `make sanitize` runs far more."""

import shutil
from itertools import pairwise

import numpy as np
import pytest
from fuzzing import ARRAYS, QUICK, RACES, SANITIZE, build, run

pytestmark = pytest.mark.slow


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"there is no {program} here")


@pytest.mark.parametrize(
    ("compiler", "flags", "count"),
    [
        ("gcc", SANITIZE, 700),
        ("gcc", (*SANITIZE, *ARRAYS), 150),
        ("clang", SANITIZE, 200),
        ("gcc", RACES, 200),
    ],
    ids=["gcc", "arrays", "clang", "races"],
)
def test__library__sanitizers__find_nothing(compiler, flags, count, tmp_path):
    need(compiler)
    run(build(tmp_path, compiler, flags), count, seed=1, timeout=240)


def test__library__valgrind__finds_nothing(tmp_path):
    need("gcc", "valgrind")
    program = build(tmp_path, "gcc", (*QUICK, "-DLNN_FUZZ_UNDEFINED"))
    before = ("valgrind", "-q", "--error-exitcode=9")
    run(program, 30, seed=2, before=before, timeout=240)


def test__library__on_arm__gives_the_same_numbers(tmp_path):
    compiler = "aarch64-linux-gnu-gcc"
    emulators = ("qemu-aarch64", "qemu-aarch64-static")
    emulator = next(filter(shutil.which, emulators), emulators[0])
    need("gcc", compiler, emulator)
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    programs = (
        (build(here, "gcc", QUICK), ()),
        (build(there, compiler, (*QUICK, "-static")), (emulator,)),
    )
    printed = [
        run(program, 200, 3, "print", before=before, timeout=240).splitlines()
        for program, before in programs
    ]
    for lines in zip(*printed, strict=True):
        (precision, *norms), (other, *norms_there) = (line.split() for line in lines)
        assert precision == other
        # One machine rounds products before they are added, the other does not.
        limit = {"32": 1e-3, "64": 1e-8}[precision]
        expected, found = np.array(norms, float), np.array(norms_there, float)
        assert (np.abs(found - expected) <= limit * expected.max()).all()


def test__fuzz__seeds__draw_different_problems(tmp_path):
    need("gcc")
    program = build(tmp_path, "gcc", QUICK)
    printed = [run(program, 5, seed, "print") for seed in (1, 2, 3)]
    assert all(first != second for first, second in pairwise(printed))
