"""Limits in integers: what leaves the model satisfies them, in exact arithmetic."""

import ctypes
import re
import shutil
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from constraint_cases import SMALL, TIMES, TWO, X, Y, fitted, right
from narrow_limits import NARROW_LIMITS

from LNN import LiquidRegressor
from LNN.exceptions import InvalidInputError
from LNN.export import CModel, to_c, to_spec
from LNN.export.c.compiled import find_compiler
from LNN.safety import Bounds, RateLimit

pytestmark = [
    NARROW_LIMITS,
    pytest.mark.skipif(
        next(filter(shutil.which, ("cc", "gcc", "clang")), None) is None
        or sys.platform == "win32",
        reason="needs a C compiler",
    ),
]
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow")
CHECKS = ("-Werror", "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all")
BOXES = ("bounds", "one side", "rates", "rates carried", "quantiles", "per step")
# In units of the target's scale, as for models without limits.
BOUND = 3e-3
TOLERANCE = 0.01


@pytest.mark.parametrize("name", BOXES)
def test__q15__of_a_model_with_boxes__gives_the_answers_and_flags_of_lnn(
    name, tmp_path
):
    answers, feasible, rows, _ = right(name)
    to_c(fitted(name)[0], tmp_path / "model.c", "q15")
    model = CModel(tmp_path / "model.c", options=(*STRICT, *CHECKS))
    found = model.predict(rows, timestamps=fitted(name)[2])
    scale = to_spec(fitted(name)[0]).arrays["target_scaler.scale"].max()
    # A rate limit passes on what answers before are off.
    wide = 4 * BOUND if "rate" in name or name == "per step" else BOUND
    assert np.abs(found - answers).max() < wide * scale
    assert (model.feasible == feasible.ravel()).all()


class Integers:
    """A model in integers, called as firmware does."""

    def __init__(self, model, folder):
        to_c(model, folder / "model.c", "q15", self_test=False)
        header = (folder / "model.h").read_text()
        (folder / "size.c").write_text(
            '#include "model.h"\nunsigned size_of_state(void);\n'
            "unsigned size_of_state(void) { return (unsigned)sizeof(lnn_state); }\n"
        )
        made, sources = folder / "model.so", ("model.c", "size.c")
        command = [find_compiler(), *STRICT, "-Werror", "-O1", "-shared", "-fPIC"]
        command += [*sources, "-o", str(made)]
        subprocess.run(command, cwd=folder, check=True)
        self.code = ctypes.CDLL(str(made))
        self.state = ctypes.create_string_buffer(self.code.size_of_state())

        def bits(name):
            return [
                int(b)
                for b in re.findall(
                    r"-?\d+", re.search(rf"{name} (.*?)[/\n]", header)[1]
                )
            ]

        self.of_y, (self.of_time,) = bits("LNN_Y_BITS"), bits("LNN_TIME_BITS")
        self.n = len(bits("LNN_X_BITS"))
        self.reset()

    def reset(self):
        self.code.lnn_reset(self.state)

    def step(self, x, dt):
        """Return answers as exact fractions, and the flag."""
        row, y = (ctypes.c_int32 * self.n)(*x), (ctypes.c_int32 * len(self.of_y))()
        self.code.lnn_step_q15(self.state, row, ctypes.c_int32(dt), y)
        found = [
            Fraction(own) / Fraction(2) ** b
            for own, b in zip(y, self.of_y, strict=True)
        ]
        return found, bool(self.code.lnn_feasible(self.state))


def gaps_of(random, unit, n):
    """Draw times in integers: usual ones, all but usual ones, odd and wild ones."""
    usual = round(unit)
    near = usual + random.integers(-usual // 50, usual // 50, size=n)
    odd = (usual * random.exponential(size=n)).astype(int)
    wild = random.choice([0, 1, 2, 2**31 - 1, 2**30 + 1, -1, -(2**31)], size=n)
    # Where it ends that a gap is taken for a usual one.
    edge = (usual * random.choice([1 - TOLERANCE, 1 + TOLERANCE], size=n)).astype(int)
    edge += random.integers(-6, 7, size=n)
    which = random.integers(0, 10, size=n)
    chosen = [which < 3, which < 5, which < 7, which < 9]
    return np.select(chosen, [usual, near, edge, odd], wild)


@pytest.mark.parametrize("timed", [False, True])
def test__q15__any_integers__leave_answers_inside_in_exact_arithmetic(timed, tmp_path):
    random = np.random.default_rng(0)
    model = LiquidRegressor(**SMALL)
    model.fit(X, TWO, timestamps=TIMES if timed else None)
    told = {"timestamps": TIMES} if timed else {}
    # Half of the answers are beyond a bound.
    answers = model.predict(9 * X, **told)
    low, high = np.quantile(answers, [0.25, 0.75], axis=0).tolist()
    rates = [0.37 * (b - a) for a, b in zip(low, high, strict=True)]
    limits = [RateLimit(rates), Bounds(low, high)]
    spec = to_spec(model.set_params(output_constraints=limits))
    # So that gaps are near to the usual one, and beside it.
    spec.values["clock"]["tolerance"] = TOLERANCE
    device = Integers(spec, tmp_path)
    unit, tolerance = Fraction(spec.values["clock"]["unit"]), Fraction(TOLERANCE)
    one, before = float(unit * 2**device.of_time), None
    n_moved = n_good = n_ends = 0
    for k, dt in enumerate(gaps_of(random, one, 3000).tolist()):
        if k % 50 == 0:
            device.reset()
            before = None
        x = random.integers(-(2**15), 2**15, size=device.n)
        y, good = device.step(x.tolist(), dt)
        elapsed = unit
        if timed and dt >= 0:
            elapsed = Fraction(dt) / Fraction(2) ** device.of_time
            elapsed = unit if abs(elapsed / unit - 1) <= tolerance else elapsed
        if good:
            n_good += 1
            ends = [*zip(y, low, high, device.of_y, strict=True)]
            assert all(Fraction(a) <= own <= Fraction(b) for own, a, b, _ in ends)
            n_ends += any(min(own - a, b - own) * 2**c < 1 for own, a, b, c in ends)
        if before is not None:
            moved = [abs(own - last) for own, last in zip(y, before, strict=True)]
            ways = [Fraction(rate) * elapsed for rate in rates]
            assert all(a <= b for a, b in zip(moved, ways, strict=True))
            # As near as an integer can be, where a rate holds it.
            unit_of_y = [Fraction(1) / 2**b for b in device.of_y]
            n_moved += any(
                0 < way - own < step * (1 if not timed else 2)
                for way, own, step in zip(ways, moved, unit_of_y, strict=True)
            )
        before = y
    assert n_good > 1000
    assert n_ends > 300
    assert n_moved > 300


@pytest.mark.parametrize("how", ["project", "hold"])
def test__q15__boxes_that_contradict_each_other__are_flagged(how, tmp_path):
    limits = [Bounds(49, 51), RateLimit(0.3), Bounds(high=[48.5])]
    model = LiquidRegressor(
        **SMALL, output_constraints=limits[::-1] if how == "hold" else limits
    ).set_params(on_infeasible=how)
    model.fit(X, Y)
    answers, safety = model.predict(X, return_safety=True)
    to_c(model, tmp_path / "model.c", "q15")
    device = CModel(tmp_path / "model.c", options=(*STRICT, *CHECKS))
    found = device.predict(X)
    assert not safety.feasible.any()
    assert not device.feasible.any()
    np.testing.assert_allclose(found, answers, atol=0.05)


def test__q15__self_test_of_a_model_with_limits__passes(tmp_path):
    to_c(fitted("rates carried")[0], tmp_path / "model.c", "q15")
    sources = ["self_test.c", "model.c"]
    command = [find_compiler(), *STRICT, "-Werror", *sources, "-o", "test"]
    subprocess.run(command, cwd=tmp_path, check=True)
    told = subprocess.run([tmp_path / "test"], capture_output=True, text=True).stdout
    assert told.startswith("PASS")
    assert "int lnn_feasible" in (tmp_path / "model.h").read_text()


def test__q15__rates_and_bounds_of_all_sizes__leave_answers_inside(tmp_path):
    """Rates that no answer can follow, and rates that no integer holds."""
    random = np.random.default_rng(1)
    for k, rate in enumerate((0.0, 1e-9, 1e4, 1e12, np.inf)):
        limits = [RateLimit(rate), Bounds(-1e12 if k % 2 else None, 50.0)]
        model = LiquidRegressor(**SMALL, output_constraints=limits)
        folder = tmp_path / str(k)
        folder.mkdir()
        device = Integers(model.fit(X, Y, timestamps=TIMES), folder)
        before = None
        for dt in random.integers(0, 2**31, size=60).tolist():
            x = random.integers(-(2**15), 2**15, size=device.n)
            (y,), good = device.step(x.tolist(), dt)
            assert good
            assert y <= 50
            if before is not None and rate < np.inf:
                way = Fraction(rate) * Fraction(dt) / Fraction(2) ** device.of_time
                assert abs(y - before) <= way
            before = y


def test__q15__what_is_not_sound__is_refused_by_name(tmp_path):
    for name in ("half-space", "two targets", "quadratic"):
        with pytest.raises(InvalidInputError, match="rounded to integers"):
            to_c(fitted(name)[0], tmp_path / "model.c", "q15")
    narrow = LiquidRegressor(**SMALL, output_constraints=[Bounds(50.1, 50.1)])
    with pytest.raises(InvalidInputError, match="with a number between them"):
        to_c(narrow.fit(X, Y), tmp_path / "model.c", "q15")
    raising = LiquidRegressor(
        **SMALL, output_constraints=[Bounds(0, 99)], on_infeasible="raise"
    )
    with pytest.raises(InvalidInputError, match="C has no exceptions"):
        to_c(raising.fit(X, Y), tmp_path / "model.c", "q15")
    assert not list(tmp_path.iterdir())
