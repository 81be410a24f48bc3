"""The C of a model answers as the estimator does, and compilers find nothing in it."""

import doctest
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases import CASES, fitted
from processes import finished

import LNN
from LNN.export import CModel, Spec, report, to_c, to_spec
from LNN.export.__main__ import main
from LNN.export.c.rounding import numpy_model, rounded_spec
from LNN.export.c.timeless import without_time

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
# What the others have in common with these is told by the slow tests.
FAST = ("CfC full gelu", "mask window", "walk steps", "quantiles vector", "patch mean")
MEMORIES = ("two layers memory", "GRU gates", "whole LTC", "own scale", "label")
LONGEST = 64


def written(name, folder, **how):
    if "own scale" in name:
        how["longest"] = LONGEST
    path = folder / "model.c"
    to_c(fitted(name).estimator, path, **how)
    return path


def compiled(name, folder, **how):
    return CModel(written(name, folder, **how), options=(*STRICT, "-O1"))


def difference(got, expected):
    """Return the largest difference in units of the largest answer, 1 of labels."""
    if isinstance(expected, list):
        return max(map(difference, got, expected))
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    if expected.dtype.kind in "US":
        return float((got != expected).any())
    return float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max()))


def check(name, folder, **how):
    fit, model = fitted(name), compiled(name, folder, **how)
    got = model.predict(fit.X, fit.timestamps, fit.groups)
    assert difference(got, fit.expected()) < 1e-5


@pytest.mark.parametrize("name", FAST + MEMORIES)
def test_predicts_as_the_estimator_does(name, tmp_path):
    check(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("math", ["inline", "libm"])
@pytest.mark.parametrize("name", CASES)
def test_predicts_as_the_estimator_does_in_all_cases(name, math, tmp_path):
    check(name, tmp_path, math=math)
    if math == "inline":  # the program is the same for both, and so are its answers
        assert run_self_test(tmp_path).startswith("PASS")


def check_int8(name, folder):
    """Compare with the model that has the weights which int8 left."""
    fit, model = fitted(name), compiled(name, folder, dtype="int8")
    runtime = numpy_model(rounded_spec(without_time(to_spec(fit.estimator))))
    expected = runtime.predict(fit.X, fit.gaps(), fit.starts())
    got = model.predict(fit.X, fit.timestamps, fit.groups)
    assert difference(got, expected) < 1e-5
    assert 1e-5 < model.description["difference"] < 0.1


@pytest.mark.parametrize("name", ["CfC exponential", "whole LTC", "GRU"])
def test_int8_computes_what_the_rounded_weights_say(name, tmp_path):
    check_int8(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_int8_computes_what_the_rounded_weights_say_in_all_cases(name, tmp_path):
    check_int8(name, tmp_path)
    assert run_self_test(tmp_path).startswith("PASS")


@pytest.mark.parametrize("name", ["LTC full", "whole memory", "CfC motor"])
def test_weights_are_rounded_once(name):
    once = rounded_spec(to_spec(fitted(name).estimator))
    twice = rounded_spec(once)
    for key, array in once.arrays.items():
        np.testing.assert_allclose(twice.arrays[key], array, rtol=1e-6, atol=1e-9)


def run_self_test(folder, *command):
    """Compile and run the test program of a folder; return what it says."""
    command = command or (COMPILER,)
    made = folder / "self_test"
    sources = [str(folder / "self_test.c"), str(folder / "model.c")]
    finished([*command, *STRICT, *sources, "-o", str(made), "-lm"], check=True)
    done = finished([str(made)])
    assert done.returncode == (not done.stdout.startswith("PASS"))
    return done.stdout


def test_the_self_test_tells_right_from_wrong(tmp_path):
    path = written("mask window", tmp_path, dtype="int8")
    assert run_self_test(tmp_path).startswith("PASS")
    text = path.read_text()
    start = text.index("lnn_out_w[")
    number = text.index("{\n", start) + 1
    path.write_text(text[:number] + " 99," + text[text.index(",", number) + 1 :])
    assert run_self_test(tmp_path).startswith("FAIL")


@pytest.mark.parametrize("name", ["whole label", "quantiles", "vector"])
def test_steps_as_it_predicts(name, tmp_path):
    fit, model = fitted(name), compiled(name, tmp_path)
    expected = model.predict(fit.X, fit.timestamps, fit.groups)[:5]
    gaps = np.diff(fit.timestamps[:5], prepend=np.nan)
    for _ in range(2):
        model.reset()
        got = np.array([model.step(*row) for row in zip(fit.X, gaps, strict=False)])
        assert (got == expected).all()
        assert got.shape == expected.shape


def test_the_example_of_the_class_runs():
    """Where a compiler is: doctests run where there may be none."""
    text = CModel.__doc__.replace("# doctest: +SKIP", "")
    example = doctest.DocTestParser().get_doctest(text, {}, "CModel", None, None)
    assert doctest.DocTestRunner().run(example).failed == 0
    assert len(example.examples) > 5


def test_gives_probabilities(tmp_path):
    fit, model = fitted("per step label"), compiled("per step label", tmp_path)
    got = model.predict_proba(fit.X, fit.timestamps)
    expected = fit.estimator.predict_proba(fit.X, **fit.given())
    assert difference(got, expected) < 1e-5
    with pytest.raises(ValueError, match="use predict"):
        compiled("whole", tmp_path).predict_proba(fit.X)


def test_reads_dates_and_columns_of_the_fit(tmp_path):
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 3))
    times = np.cumsum(random.uniform(30, 90, 60)).astype("timedelta64[s]")
    times = np.datetime64("2024-01-01") + times
    model = LNN.LiquidRegressor(6, window_length=None, epochs=1, random_state=0)
    model.fit(X, X[:, 0], timestamps=times)
    to_c(model, tmp_path / "model.c")
    got = CModel(tmp_path / "model.c").predict(X, times)
    assert difference(got, model.predict(X, timestamps=times)) < 1e-5
    zoned = pd.DatetimeIndex(times, tz="UTC").tz_convert("Europe/Vienna")
    assert difference(CModel(tmp_path / "model.c").predict(X, zoned), got) == 0
    assert "in seconds" in (tmp_path / "model.h").read_text()


def test_frames_tell_their_times(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(60, 2)), columns=["a", "b"])
    seconds = pd.to_timedelta(np.cumsum(random.uniform(30, 90, 60)), unit="s")
    frame.insert(1, "when", pd.Timestamp("2024-01-01") + seconds)
    by_index = frame.set_index("when")
    how = {"window_length": None, "epochs": 1, "random_state": 0}
    for X, options in ((by_index, {}), (frame, {"time_column": "when"})):
        lnn = LNN.LiquidRegressor(6, **how, **options).fit(X, frame["a"])
        to_c(lnn, tmp_path / "model.c")
        model = CModel(tmp_path / "model.c")
        assert difference(model.predict(X), lnn.predict(X)) < 1e-5
        alone = model.predict(X[["a", "b"]], timestamps=frame["when"])
        assert difference(alone, model.predict(X)) == 0
        with pytest.raises(ValueError, match="irregular time, got none"):
            model.predict(frame[["a", "b"]])


def test_frames_have_the_columns_of_the_fit_in_their_order(tmp_path):
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(40, 2)), columns=["a", "b*/"])
    lnn = LNN.LiquidRegressor(6, window_length=None, epochs=1, random_state=0)
    to_c(lnn.fit(X, X["a"]), tmp_path / "model.c")
    model = CModel(tmp_path / "model.c", options=(*STRICT, "-O1"))
    assert difference(model.predict(X), lnn.predict(X)) < 1e-5
    assert difference(model.predict(X.to_numpy()), lnn.predict(X)) < 1e-5
    for wrong in (X[["b*/", "a"]], X.rename(columns={"a": "c"})):
        with pytest.raises(ValueError, match="columns of the fit in their order"):
            model.predict(wrong)


def test_steps_take_durations_and_no_gap_below_0(tmp_path):
    random = np.random.default_rng(0)
    X = random.normal(size=(40, 2))
    gaps = random.choice([1, 2, 5], 40).astype("m8[h]")
    times = np.datetime64("2024-01-01") + np.cumsum(gaps)
    lnn = LNN.LiquidRegressor(6, window_length=None, epochs=1, random_state=0)
    for stamps, dated in ((times, True), (np.cumsum(gaps).astype(float), False)):
        to_c(lnn.fit(X, X[:, 0], timestamps=stamps), tmp_path / "model.c")
        model = CModel(tmp_path / "model.c")
        for wrong in (-1.0, "x", times[0]):
            with pytest.raises(ValueError, match="Expected dt as a number >= 0"):
                model.step(X[0], dt=wrong)
        if not dated:
            with pytest.raises(ValueError, match="after a fit with numbers"):
                model.step(X[0], dt=gaps[0])
            continue
        right = lnn.predict(X, timestamps=times)
        for own in (gaps.astype("m8[ns]"), pd.to_timedelta(gaps), gaps.astype(object)):
            model.reset()
            found = [model.step(x, dt=gap) for x, gap in zip(X, own, strict=True)]
            assert difference(found, right) < 1e-5


def test_columns_of_the_fit_tell_time_and_recordings(tmp_path):
    """Equal gaps in the fit, holes later: a column counts, or is refused."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(60, 2)), columns=["a", "b"])
    frame.insert(1, "site", np.repeat([3, 8], 30))
    frame["when"] = np.tile(np.arange(30.0), 2)
    how = {"time_column": "when", "group_column": "site", "window_length": 4}
    lnn = LNN.LiquidRegressor(6, epochs=1, random_state=0, **how)
    lnn.fit(frame, frame["a"])
    to_c(lnn, tmp_path / "model.c", self_test=False)
    model = CModel(tmp_path / "model.c")
    later = frame[(frame["when"] % 5 != 2)]
    inputs, when, site = later[["a", "b"]], later["when"], later["site"]
    expected = lnn.predict(later)
    assert difference(model.predict(later), expected) < 1e-5
    assert difference(model.predict(later.to_numpy()), expected) < 1e-5
    assert difference(model.predict(inputs, when, site), expected) < 1e-5
    assert difference(model.predict(inputs), expected) > 1e-4
    with pytest.raises(ValueError, match="Leave timestamps= out"):
        model.predict(later, timestamps=when)
    with pytest.raises(ValueError, match="Leave groups= out"):
        model.predict(later, groups=site)
    with pytest.raises(ValueError, match="one level in its index"):
        model.predict(later.set_index(["site", "when"]))
    header = (tmp_path / "model.h").read_text()
    (tmp_path / "model.h").write_text(header.replace('"time": 3, "group": 1, ', ""))
    with pytest.raises(ValueError, match="write it again with to_c"):
        CModel(tmp_path / "model.c").predict(later)


@pytest.mark.parametrize("as_array", [False, True])
def test_a_column_of_dates_is_the_time(tmp_path, as_array):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(40, 2)), columns=["a", "b"])
    frame["when"] = pd.Timestamp("2026") + pd.to_timedelta(
        np.cumsum(random.uniform(30, 90, 40)), unit="s"
    )
    lnn = LNN.LiquidRegressor(6, window_length=4, epochs=1, time_column="when")
    lnn.fit(frame, frame["a"])
    to_c(lnn, tmp_path / "model.c", self_test=False)
    X = frame.to_numpy() if as_array else frame
    assert (
        difference(CModel(tmp_path / "model.c").predict(X), lnn.predict(frame)) < 1e-5
    )


def test_time_after_a_fit_without_is_refused(tmp_path):
    X = np.sin(0.3 * np.arange(40))[:, None]
    lnn = LNN.LiquidRegressor(4, window_length=3, epochs=1).fit(X, X[:, 0])
    to_c(lnn, tmp_path / "model.c", self_test=False)
    with pytest.raises(ValueError, match="Expected no timestamps"):
        CModel(tmp_path / "model.c").predict(X, timestamps=np.arange(40))


def test_several_models_fit_into_one_program_of_c_plus_plus(tmp_path):
    """Names of the user's keep their spelling, whatever the prefix is."""
    X, folder = np.random.default_rng(0).normal(size=(40, 2)), str(tmp_path)
    labels = np.where(X[:, 0] > 0, "lnn_up */ ??/ \\ é", 'LNN_"down"\t\x01😀')
    one = LNN.LiquidClassifier(4, window_length=3, epochs=1).fit(X, labels)
    to_c(one, f"{folder}/a.c", prefix="first", self_test=False)
    to_c(fitted("whole").estimator, f"{folder}/b.c", prefix="second", self_test=False)
    assert set(CModel(f"{folder}/a.c").predict(X)) <= set(labels)
    main_text = """\
#include "a.h"
#include "b.h"
#include <cstdio>
int main() {
    first_state s; second_state t;
    static const char *const labels[] = FIRST_LABELS;
    float x[3] = {0}, y[FIRST_ANSWERS], z[SECOND_ANSWERS];
    first_reset(&s); second_reset(&t);
    first_step(&s, x, 1, y); second_step(&t, x, 1, z);
    std::printf("%s|%s", labels[0], labels[1]);
}
"""
    (tmp_path / "main.cpp").write_text(main_text)
    compile_and_link = f"""
cd {folder} && mkdir cpp && cp a.c cpp/a.cpp &&
{COMPILER} {" ".join(STRICT)} -c a.c b.c &&
g++ -Wall -Wextra -Werror -I. -c cpp/a.cpp -o cpp.o &&
g++ -Wall -Wextra -Werror main.cpp a.o b.o -o main && ./main"""
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    done = finished(compile_and_link, shell=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("|") == sorted(set(labels))


def test_the_command_writes_a_folder_for_a_firmware_developer(tmp_path, capsys):
    LNN.export.save(fitted("whole").estimator, tmp_path / "m.npz")
    folder = tmp_path / "out"
    assert main([str(tmp_path / "m.npz"), "--to", "c", str(folder)]) == 0
    names = {"model.h", "model.c", "self_test.c", "README.txt"}
    assert {path.name for path in folder.iterdir()} == names
    assert run_self_test(folder).startswith("PASS")
    assert "model.c" in capsys.readouterr().out


def test_the_page_for_firmware_compiles(tmp_path):
    page = Path(__file__).parents[2] / "docu" / "edge.md"
    (code,) = re.findall(r"```c\n(.*?)```", page.read_text(), flags=re.DOTALL)
    written("whole label", tmp_path)
    (tmp_path / "firmware.c").write_text(f"""{code}
void start(void);
void on_sample(const float *sensors, float seconds_since_last);
static const char *const labels[] = LNN_LABELS;
int main(void)
{{
    const float sensors[LNN_CHANNELS] = {{1.0f}};
    start();
    on_sample(sensors, 1.0f);
    return labels[0][0] != 'd';
}}
""")
    options = [option for option in STRICT if option != "-Wshadow"]
    sources = [str(tmp_path / name) for name in ("firmware.c", "model.c")]
    made = str(tmp_path / "firmware")
    finished([COMPILER, *options, *sources, "-o", made], check=True)
    assert finished([made]).returncode == 0


def test_the_report_counts(tmp_path):
    table = report(fitted("LTC semi-implicit").estimator, compiler=COMPILER)
    spec = to_spec(fitted("LTC semi-implicit").estimator)
    layer, arrays = spec.values["layers"][0], spec.arrays
    recurrent = len(arrays["layers.0.recurrent.source"])
    sigmoids = layer["unfolds"] * recurrent + len(arrays["layers.0.sensory.source"])
    assert table.loc["float32", "calls"] == 6 * sigmoids  # rows of the window
    # A ring of 6 rows of 3 numbers and a gap; where it begins, how full it is, a flag.
    assert table.loc["float32", "state"] == 4 * (6 * 4 + 3)
    assert (table["tables"] < table["flash"]).all()
    assert table.loc["int8", "tables"] < table.loc["float32", "tables"]
    assert table.loc["int8", "difference"] > table.loc["float32", "difference"]


@pytest.mark.parametrize(
    ("name", "how", "told"),
    [
        ("own scale", {}, "longest"),
        ("whole", {"dtype": "int4"}, "'float32', 'int8', 'q15'"),
        ("whole", {"math": "fast"}, "'inline', 'libm'"),
        ("whole", {"prefix": "2nd"}, "names in C"),
        ("whole", {"prefix": None}, "names in C"),
        ("whole", {"path": "model.cpp"}, "ends in"),
        ("whole", {"path": "no/model.c"}, "folder that is there"),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(name, how, told, tmp_path):
    how = {"path": "model.c", **how}
    how["path"] = tmp_path / how["path"]
    with pytest.raises(LNN.InvalidInputError, match=told):
        to_c(fitted(name).estimator, **how)
    assert not list(tmp_path.iterdir())


def test_numbers_beyond_float32_are_refused(tmp_path):
    spec = to_spec(fitted("whole").estimator)
    arrays = {**spec.arrays, "scaler.center": np.zeros(3)}
    arrays["scaler.scale"] = np.full(3, 1e-45)
    with pytest.raises(LNN.InvalidInputError, match="float32 can hold"):
        to_c(Spec(spec.values, arrays), tmp_path / "model.c")


def test_columns_that_float32_cannot_tell_apart_are_refused(tmp_path):
    wave = np.sin(0.3 * np.arange(200))
    how = {"window_length": 4, "epochs": 1, "random_state": 0}
    path = tmp_path / "model.c"
    for x, y in ((1e7, 0), (0, 1e7)):
        far = LNN.LiquidRegressor(4, **how).fit(wave[:, None] + x, wave + y)
        with pytest.raises(LNN.InvalidInputError, match=r"float32.*1e\+07"):
            to_c(far, path)
    # Of one that is merely far the self-test expects no more than float32 holds.
    X = wave[:, None] + 3e4
    to_c(LNN.LiquidRegressor(4, **how).fit(X, wave), path)
    assert run_self_test(tmp_path).startswith("PASS")
    assert 1e-3 < CModel(path).description["difference"] < 1e-2


def test_labels_may_look_like_the_places_of_a_template(tmp_path):
    labels = np.array(["$labels", "$channels", "$described", "lnn_step"])
    X = np.sin(0.3 * np.arange(200))[:, None]
    how = {"window_length": 3, "epochs": 1, "random_state": 0}
    lnn = LNN.LiquidClassifier(4, **how).fit(X, np.resize(labels, 200))
    to_c(lnn, tmp_path / "model.c", self_test=False)
    model = CModel(tmp_path / "model.c")
    assert model.description["classes"] == sorted(labels)
    np.testing.assert_array_equal(model.predict(X), lnn.predict(X))


def test_wrong_data_are_refused(tmp_path):
    model = compiled("own scale", tmp_path)
    with pytest.raises(ValueError, match="larger longest"):
        model.predict(np.zeros((1, LONGEST + 1, 3)), [np.arange(LONGEST + 1)])
    with pytest.raises(ValueError, match="3 columns"):
        model.predict(np.zeros((1, 4, 2)))
    with pytest.raises(ValueError, match="finite"):
        model.step([0.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="one a row"):
        model.predict(np.zeros((1, 4, 3)), [[1.0, 2.0]])
    with pytest.raises(ValueError, match="irregular time, got none"):
        model.predict(np.zeros((1, 4, 3)))
    with pytest.raises(ValueError, match="rows of numbers"):
        model.predict([[["a", "b", "c"]]])
    with pytest.raises(ValueError, match="before"):
        model.predict(np.zeros((1, 2, 3)), [[2.0, 1.0]])
    with pytest.raises(ValueError, match="float32 can hold"):
        model.step([0.0, 1e39, 0.0])
    with pytest.raises(ValueError, match="float32 can hold"):
        model.step([0.0, 0.0, 0.0], dt=np.inf)
    with pytest.raises(ValueError, match="Expected numbers, as in the fit"):
        model.predict(np.zeros((1, 2, 3)), [pd.date_range("2024", periods=2)])


def test_groups_are_one_a_row(tmp_path):
    X = np.sin(0.3 * np.arange(40))[:, None]
    lnn = LNN.LiquidRegressor(4, window_length=3, epochs=1).fit(X, X[:, 0])
    to_c(lnn, tmp_path / "model.c", self_test=False)
    with pytest.raises(ValueError, match="40 groups, one a row"):
        CModel(tmp_path / "model.c").predict(X, groups=[0, 1])


def test_a_missing_compiler_and_a_broken_file_are_told(tmp_path):
    path = written("whole", tmp_path)
    with pytest.raises(LNN.InvalidInputError, match="C compiler"):
        CModel(path, compiler="no-such-cc")
    path.write_text(path.read_text().replace("void lnn_step", "void step("))
    with pytest.raises(LNN.InvalidInputError, match="refused model.c"):
        CModel(path)
    path.with_suffix(".h").write_text("int x;")
    with pytest.raises(LNN.InvalidInputError, match="to_c wrote"):
        CModel(path)
