"""Models in integers answer as the estimator does, alike on all machines."""

import math
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, fitted
from processes import finished

import LNN
from LNN.export import CModel, Spec, report, to_c, to_spec
from LNN.export.__main__ import main
from LNN.export.c.source import template

COMPILER = next(filter(shutil.which, ("cc", "gcc", "clang")), None)
pytestmark = pytest.mark.skipif(
    COMPILER is None or sys.platform == "win32", reason="needs a C compiler"
)
STRICT = [
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
]
# In units of the target's scale; probabilities. The largest one of all cases is 2e-3.
BOUND = 3e-3
REFUSED = {
    "pure": 'mode="exponential"',
    "explicit": 'solver="exponential"',
    "rk4": 'solver="exponential"',
    "LSTM": 'model_type="GRU"',
    "memory": "mixed_memory=False",
    "attention": "another pooling",
    "own scale": 'scale="standard"',
    "no scale": 'scale="standard"',
}
SOME = (
    "CfC default",
    "CfC no_gate",
    "CfC exponential",
    "CfC full gelu",
    "LTC semi-implicit",
    "LTC motor",
    "GRU gates",
    "GRU regular",
    "walk patch",
    "mask whole",
    "anchors",
    "per step label",
    "pooling ragged",
)


def way_out(name):
    """Return what the refusal of a case names, None if it is written."""
    return next((told for part, told in REFUSED.items() if part in name), None)


WRITTEN = [name for name in CASES if way_out(name) is None]


def compiled(name, folder, *options):
    to_c(fitted(name).estimator, folder / "model.c", "q15")
    return CModel(folder / "model.c", options=(*STRICT, "-O1", *options))


def check(name, folder):
    checks = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
    fit, model = fitted(name), compiled(name, folder, *checks)
    got = model.predict(fit.X, fit.timestamps, fit.groups)
    expected = fit.expected()
    if isinstance(expected, list):
        got, expected = np.concatenate(got), np.concatenate(expected)
    assert got.shape == expected.shape
    if expected.dtype.kind in "US":
        assert (got == expected).all()
    else:
        scale = to_spec(fit.estimator).arrays["target_scaler.scale"].max()
        assert np.abs(got - expected).max() < BOUND * scale
    assert 0 < model.description["difference"] < BOUND


@pytest.mark.quick_cases("CfC exponential", "LTC semi-implicit", "walk patch")
@pytest.mark.parametrize("name", SOME)
def test_predicts_as_the_estimator_does(name, tmp_path):
    check(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(WRITTEN) - set(SOME)))
def test_predicts_as_the_estimator_does_in_all_cases(name, tmp_path):
    check(name, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["CfC full pure", "LTC rk4", "GRU", "LSTM", "pooling attention", "own scale"]
    + ["LTC memory", "no scale"],
)
def test_what_has_no_bound_is_refused_with_the_way_out(name, tmp_path):
    how = {"longest": 64} if "own" in name else {}
    if way_out(name) is None:
        to_c(fitted(name).estimator, tmp_path / "model.c", "q15")
        return
    with pytest.raises(LNN.InvalidInputError, match=way_out(name)) as error:
        to_c(fitted(name).estimator, tmp_path / "model.c", "q15", **how)
    assert "float32" in str(error.value)
    assert not list(tmp_path.iterdir())


def run_self_test(folder):
    """Compile and run the test program of a folder; return what it says."""
    made = folder / "self_test"
    sources = [str(folder / "self_test.c"), str(folder / "model.c")]
    finished([COMPILER, *STRICT, *sources, "-o", str(made)], check=True)
    done = finished([str(made)])
    assert done.returncode == (not done.stdout.startswith("PASS"))
    return done.stdout


def test_the_self_test_tells_a_few_bits(tmp_path):
    path = tmp_path / "model.c"
    to_c(fitted("mask window").estimator, path, "q15")
    assert run_self_test(tmp_path).startswith("PASS")
    text = path.read_text()
    start = text.index("lnn_out_w[")
    start = text.index("{\n", start) + 2
    number = re.compile(r"-?\d+").search(text, start)
    path.write_text(
        f"{text[: number.start()]}{int(number[0]) ^ 64}{text[number.end() :]}"
    )
    assert run_self_test(tmp_path).startswith("FAIL")


# Every function of the runtime that is not exact: what it is of, in units of x and y.
FUNCTIONS = {
    "tanh": (math.tanh, 4096, 32768, 2.5),
    "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), 2048, 65536, 3),
    "normal": (lambda x: (1 + math.erf(x / 2**0.5)) / 2, 4096, 65536, 2.5),
    "softplus": (lambda x: math.log1p(math.exp(x)), 2048, 65536, 3),
}
POSITIVE = {
    "gone": (lambda x: 1 - 2**-x, 65536, 65536, 2),
    "shrunk": (lambda x: x / (1 + x), 65536, 65536, 1.5),
    "log1p": (math.log1p, 65536, 2048, 0.7),
}


@pytest.mark.parametrize("name", [*FUNCTIONS, *POSITIVE])
def test_functions_are_exact_to_units(name, tmp_path):
    """Over all integers of 16 bits; of those that read more, over 17."""
    of, unit_x, unit_y, bound = (FUNCTIONS | POSITIVE)[name]
    given = range(-32768, 32768) if name in FUNCTIONS else range(1 << 17)
    names = ("part", "between", "odd", "tanh", name)
    text = "".join(template(f"{n}_q15") for n in dict.fromkeys(names))
    text = f"#include <stdint.h>\n#include <stdio.h>\n{text}"
    (tmp_path / "all.c").write_text(f"""{text}
int main(void)
{{
    int32_t x;
    for (x = {given[0]}; x <= {given[-1]}; x++) printf("%ld\\n", (long)lnn_{name}(x));
    return 0;
}}
""")
    made = str(tmp_path / "all")
    build = [COMPILER, "-fsanitize=undefined", str(tmp_path / "all.c"), "-o", made]
    finished(build, check=True)
    done = finished([made], check=True)
    assert not done.stderr
    got = np.array(done.stdout.split(), dtype=int)
    expected = np.array([of(x / unit_x) for x in given]) * unit_y
    assert np.abs(got - expected).max() < bound
    assert (np.diff(got) >= -2).all()


def test_slow_neurons_move(tmp_path):
    """Of 1e-4 of their way, which is soon less than a state's own unit."""
    spec = to_spec(fitted("whole regular").estimator)
    arrays = dict(spec.arrays)
    arrays["layers.0.time_a.bias"] = np.full(8, -9.0)
    for kind in ("sensory", "recurrent"):
        arrays[f"layers.0.time_a.{kind}.weight"] *= 0
    arrays["test.outputs"] = arrays["test.outputs"] * 0
    arrays["test.predictions"] = arrays["test.predictions"] * 0
    slow = Spec(spec.values, arrays)
    answers = {}
    for dtype in ("float32", "q15"):
        to_c(slow, tmp_path / "model.c", dtype)
        model = CModel(tmp_path / "model.c")
        answers[dtype] = [model.step([8.0, 3.0, 1.0]) for _ in range(8000)]
    moved = np.ptp(answers["float32"])
    assert np.abs(np.subtract(*answers.values())).max() < 0.15 * moved


@pytest.mark.slow
def test_any_integers_do_no_harm(tmp_path):
    """Values out of range are taken for the largest; nothing overflows."""
    for name in ("walk mask", "anchors", "patch", "GRU gates", "LTC full"):
        to_c(fitted(name).estimator, tmp_path / "model.c", "q15")
        (tmp_path / "wild.c").write_text("""\
#include "model.h"
int main(void)
{
    static const int32_t wild[] = {
        INT32_MIN, INT32_MAX, -INT32_MAX, 0, 1, 1 << 20, -70000
    };
    static lnn_state s;
    int32_t x[LNN_CHANNELS], y[LNN_ANSWERS];
    int i, k;
    lnn_reset(&s);
    for (i = 0; i < 3000; i++) {
        for (k = 0; k < LNN_CHANNELS; k++) x[k] = wild[(i / (k + 1) + i % 11) % 7];
        lnn_step_q15(&s, x, wild[i / 3 % 7], y);
        if (i % 500 == 0) lnn_reset(&s);
    }
    return 0;
}
""")
        checks = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
        sources = [str(tmp_path / "wild.c"), str(tmp_path / "model.c")]
        made = str(tmp_path / "wild")
        finished([COMPILER, *STRICT, *checks, *sources, "-o", made], check=True)
        finished([made], check=True)


def test_the_report_counts_integers(tmp_path):
    table = report(fitted("LTC semi-implicit").estimator, dtype="q15")
    assert table.index.tolist() == ["q15"]
    to_c(fitted("LTC semi-implicit").estimator, tmp_path / "model.c", "q15")
    (tmp_path / "size.c").write_text(
        '#include "model.h"\n#include <stdio.h>\n'
        'int main(void) { printf("%d", (int)sizeof(lnn_state)); return 0; }'
    )
    made = str(tmp_path / "size")
    finished([COMPILER, str(tmp_path / "size.c"), "-o", made], check=True)
    told = finished([made], check=True).stdout
    assert table.loc["q15", "state"] == int(told)
    assert 0 < table.loc["q15", "difference"] < BOUND


def test_the_command_writes_integers_for_a_firmware_developer(tmp_path, capsys):
    LNN.export.save(fitted("whole").estimator, tmp_path / "m.npz")
    folder = tmp_path / "out"
    assert main([str(tmp_path / "m.npz"), "--to", "c-q15", str(folder)]) == 0
    assert "lnn_step_q15" in (folder / "README.txt").read_text()
    assert run_self_test(folder).startswith("PASS")
    assert "model.c" in capsys.readouterr().out


def test_models_of_a_prefix_and_of_floats_are_told_apart(tmp_path):
    to_c(fitted("mask whole").estimator, tmp_path / "pump.c", "q15", prefix="pump")
    header = Path(tmp_path / "pump.h").read_text()
    for name in (
        "PUMP_MISSING where missing",
        "pump_step_q15",
        "PUMP_X_BITS",
        "PUMP_FLOAT",
        "PUMP_TIME_BITS",
    ):
        assert name in header
    assert "lnn_" not in header
    CModel(tmp_path / "pump.c").step([1.0, 2.0, 3.0])
    with pytest.raises(LNN.InvalidInputError, match="tables of its own"):
        to_c(fitted("whole").estimator, tmp_path / "a.c", "q15", math="libm")


def test_without_a_compiler_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-cc")
    with pytest.raises(LNN.InvalidInputError, match="how far it is off"):
        to_c(fitted("whole").estimator, tmp_path / "model.c", "q15")
