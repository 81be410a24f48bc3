"""The tasks cut and part their data as they say; the sound protocols are sound."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from LNN import LiquidClassifier, LiquidRegressor, datasets
from LNN.datasets.uci import GESTURE_ROWS
from LNN.exceptions import InvalidInputError
from LNN.experiments.metrics import METRICS
from LNN.experiments.task import PROTOCOLS, Part, TaskData, loader
from LNN.experiments.tasks import (
    TASKS,
    cheetah,
    gesture,
    mnist,
    occupancy,
    ozone,
    person,
    physionet,
    power,
    traffic,
    walker2d,
    xor,
)
from LNN.experiments.tasks._windows import (
    Recording,
    cut,
    drawn,
    every_start,
    in_time,
    paper_starts,
    scored_once,
    sound_data,
)

# The tasks that read files: modules of those that load quickly, and the others.
QUICK = {
    "cheetah": cheetah,
    "gesture": gesture,
    "occupancy": occupancy,
    "ozone": ozone,
    "traffic": traffic,
    "power": power,
    "power-minutes": power,
    "person": person,
}
SLOW = ("walker2d", "smnist", "et-smnist", "physionet")
FOLDERS = {
    "power-minutes": "power",
    "smnist": "mnist",
    "et-smnist": "mnist",
    "physionet": "physionet2012",
}
GENERATED = ("xor-dense", "xor-event")
COUNTS = {
    ("cheetah", "published"): (970, 485, 970),
    ("gesture", "published"): (455, 60, 90),
    ("gesture", "sound"): (646, 42, 104),
    ("occupancy", "published"): (7315, 812, 1549),
    ("occupancy", "sound"): (812, 51, 389),
    ("ozone", "published"): (471, 62, 93),
    ("ozone", "sound"): (355, 12, 23),
    ("traffic", "published"): (9033, 1204, 1806),
    ("traffic", "sound"): (3796, 127, 191),
    ("power", "published"): (811, 107, 161),
    ("power", "sound"): (3235, 108, 162),
    ("power-minutes", "published"): (875, 116, 174),
    ("power-minutes", "sound"): (3493, 117, 175),
    ("person", "published"): (771, 102, 153),
    ("person", "sound"): (726, 178, 156),
}
SLOW_COUNTS = {
    ("walker2d", "published"): (9684, 1272, 1937),
    ("smnist", "published"): (54000, 6000, 10000),
    ("et-smnist", "published"): (54000, 6000, 10000),
    ("physionet", "published"): (2880, 320, 800),
    ("physionet", "sound"): (2560, 640, 800),
    ("xor-dense", "published"): (90000, 10000, 10000),
    ("xor-event", "published"): (90000, 10000, 10000),
}


@pytest.fixture
def load(data_home, monkeypatch):
    """Loads a task's protocol of the whole data; skips the test without them."""
    monkeypatch.setenv("LNN_DATA_HOME", str(data_home))

    def loaded(name: str, protocol: str) -> TaskData:
        skip_without(data_home, name)
        return TASKS[name].load(protocol)

    return loaded


@pytest.fixture
def load_any(request, any_home, monkeypatch):
    """Loads a quick task's protocol of excerpts; in slow tests of the whole data too.

    Afresh: what `Task.load` remembers may be of the other data.
    """
    monkeypatch.setenv("LNN_DATA_HOME", str(any_home))
    if request.node.callspec.params["any_home"] == "excerpt":
        monkeypatch.setattr(datasets, "fetch_gesture", made_gestures)

    def loaded(name: str, protocol: str) -> TaskData:
        skip_without(any_home, name)
        if protocol == "sound" and TASKS[name].sound_is_published:
            protocol = "published"
        of = {"power": ["hours"], "power-minutes": ["minutes"]}
        return getattr(QUICK[name], protocol)(*of.get(name, []))

    return loaded


def made_gestures():
    """Recordings long enough for windows: seven of them would be a large excerpt."""
    random = np.random.RandomState(0)
    groups = np.repeat(np.arange(7), 165)
    names = list(GESTURE_ROWS)
    return Bunch(
        data=pd.DataFrame(random.standard_normal((len(groups), 32))),
        target=random.choice(list(gesture.PHASES), len(groups)),
        groups=groups,
        group_names=names,
    )


def skip_without(data_home, name):
    folder = data_home / FOLDERS.get(name, name)
    if name not in GENERATED and not folder.is_dir():
        pytest.skip(f"real data: no folder {folder}")
    if name == "person" and len(datasets.fetch_person().data) > 20_000:
        pytest.skip("counts are of the first tenth of the file, the whole file is here")


def parts_of(data):
    return data.train, data.validation, data.test


# ------------------------------------------------------------------- descriptions


@pytest.mark.parametrize("name", TASKS)
def test__task__described__fields_fit_together(name):
    task = TASKS[name]
    assert task.name == name
    assert task.metric in METRICS
    assert task.kind == ("regression" if task.metric == "mse" else "classification")
    protocols = PROTOCOLS[:1] if task.sound_is_published else PROTOCOLS
    assert tuple(task.notes) == protocols
    kind = LiquidRegressor if task.kind == "regression" else LiquidClassifier
    assert set(task.settings) <= set(kind().get_params())
    assert (name in QUICK) + (name in SLOW) + (name in GENERATED) == 1


def test__load__unknown_protocol__says_which_there_are():
    with pytest.raises(InvalidInputError, match='"published" or "sound"'):
        TASKS["cheetah"].load("official")


def test__loader__called_twice__loads_once():
    calls = []

    def published():
        calls.append(1)
        return TaskData(None, None, None)

    load = loader(published)
    assert load("published") is load("sound")
    assert len(calls) == 1


def test__part__take__keeps_what_belongs_together():
    X, y = [np.full((k + 1, 2), k) for k in range(4)], np.arange(4)
    part = Part(X, y, [np.arange(k + 1) for k in range(4)])
    taken = part.take(np.array([3, 1]))
    assert [len(x) for x in taken.X] == [len(t) for t in taken.timestamps] == [4, 2]
    assert taken.y.tolist() == [3, 1]
    assert Part(np.zeros((4, 2, 1)), y).take(np.array([0])).timestamps is None


# ------------------------------------------------------------------- windows


def test__paper_starts__last_window_fits__is_forgotten():
    # 4 fits too (rows 4 to 7): range(0, n - length) stops before it.
    assert paper_starts(8, 4, 2).tolist() == [0, 2]
    assert paper_starts(4, 4, 2).tolist() == []


def test__every_start__stride_does_not_divide__last_window_ends_at_the_end():
    assert every_start(11, 4, 3).tolist() == [0, 3, 6, 7]
    assert every_start(10, 4, 3).tolist() == [0, 3, 6]
    assert every_start(4, 4, 3).tolist() == [0]


def test__every_start__recording_shorter_than_a_window__is_refused():
    with pytest.raises(InvalidInputError, match="at least 4 rows, got one of 3"):
        every_start(3, 4, 1)


@pytest.mark.parametrize("n", [4, 7, 8, 9])
def test__scored_once__any_length__each_row_has_one_target(n):
    rows = np.arange(n, dtype=float)
    part = scored_once(Recording(rows[:, None], rows.copy()), 4)
    assert np.sort(part.y[~np.isnan(part.y)]).tolist() == rows.tolist()
    known = ~np.isnan(part.y)
    assert (part.X[..., 0][known] == part.y[known]).all()


def test__drawn__papers_seed__parts_are_disjoint_and_complete():
    windows = Part(np.zeros((605, 2, 1)), np.arange(605))
    data = drawn(windows, 23489)
    numbers = [part.y for part in parts_of(data)]
    assert [len(n) for n in numbers] == [455, 60, 90]
    assert np.sort(np.concatenate(numbers)).tolist() == list(range(605))
    order = np.random.RandomState(23489).permutation(605)
    assert numbers[1].tolist() == order[:60].tolist()


def test__in_time__hundred_rows__follow_one_another():
    assert in_time(100) == (slice(0, 75), slice(75, 85), slice(85, 100))


def test__sound_data__other_parts_differ__training_rows_set_the_scale():
    rows = np.array([[0.0, 5.0], [2.0, 5.0], [0.0, 5.0], [2.0, 5.0]])
    learnt, other = Recording(rows, np.zeros(4)), Recording(100 * rows, np.zeros(4))
    data = sound_data([learnt], [other], [other], steps=2, stride=1)
    assert np.unique(data.train.X[..., 0]).tolist() == [-1, 1]
    assert not data.train.X[..., 1].any()
    assert data.test.X[..., 0].max() == 199


# ------------------------------------------------------------------- published


@pytest.mark.parametrize(("name", "protocol"), COUNTS)
def test__load__quick_task__counts_as_documented(load, name, protocol):
    data = load(name, protocol)
    assert tuple(map(len, parts_of(data))) == COUNTS[name, protocol]
    check_layout(TASKS[name], data)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "protocol"), SLOW_COUNTS)
def test__load__slow_task__counts_as_documented(load, name, protocol):
    data = load(name, protocol)
    assert tuple(map(len, parts_of(data))) == SLOW_COUNTS[name, protocol]
    check_layout(TASKS[name], data)


def check_layout(task, data):
    """Shapes agree, time goes on, and every class is in every part."""
    per_step = task.settings["return_sequences"]
    for part in parts_of(data):
        assert len(part.X) == len(part.y)
        assert part.X[0].dtype == np.float32
        lengths = [len(x) for x in part.X]
        if per_step:
            assert [len(y) for y in part.y] == lengths
        if part.timestamps is not None:
            assert [len(t) for t in part.timestamps] == lengths
            assert all((np.diff(t) >= 0).all() for t in part.timestamps)
        if task.settings.get("missing") != "mask":
            assert np.isfinite(np.concatenate(list(part.X[:100]))).all()
    if task.kind == "classification":
        classes = [set(np.unique(known(part.y))) for part in parts_of(data)]
        assert classes[0] == classes[1] == classes[2]


def known(y):
    y = np.asarray(y, dtype=float)
    return y[~np.isnan(y)]


def test__timestamps__per_protocol__given_where_time_is_irregular(load_any):
    timed = {
        (name, protocol)
        for name, protocol in COUNTS
        if load_any(name, protocol).test.timestamps is not None
    }
    assert timed == {("traffic", "sound"), ("person", "sound")}


@pytest.mark.parametrize(
    ("name", "share"), [("gesture", 0.761), ("traffic", 1.0), ("ozone", 1.0)]
)
def test__published__random_windows__leak_as_much_as_is_said(load, name, share):
    data = load(name, "published")
    assert leaked(data.train, data.test) == pytest.approx(share, abs=5e-4)


def test__published_occupancy__validation_leaks__test_does_not(load_any):
    data = load_any("occupancy", "published")
    assert leaked(data.train, data.validation) == 1.0
    # Two rows in a thousand are the same by chance.
    assert leaked(data.train, data.test) < 0.002


def leaked(train, test):
    """Share of rows that also stand, number by number, in training windows."""
    width = train.X.shape[-1]
    seen = {row.tobytes() for row in train.X.reshape(-1, width)}
    return np.mean([row.tobytes() in seen for row in test.X.reshape(-1, width)])


def test__published_cheetah__targets__are_the_next_inputs(load_any):
    for part in parts_of(load_any("cheetah", "published")):
        assert (part.y[:, :-1] == part.X[:, 1:]).all()


def test__published_gesture__all_windows__are_whitened_together(load_any):
    X = np.concatenate([part.X for part in parts_of(load_any("gesture", "published"))])
    np.testing.assert_allclose(X.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(X.std(axis=(0, 1)), 1, atol=1e-5)


def test__published_ozone__unknown_readings__are_nought_before_scaling(load_any):
    data = load_any("ozone", "published")
    bunch = datasets.fetch_ozone("eighthr")
    X = bunch.data.fillna(0.0).to_numpy()
    nought = np.float32(-X.mean() / X.std())
    share = np.mean([np.equal(part.X, nought).mean() for part in parts_of(data)])
    assert share > bunch.data.isna().to_numpy().mean() / 2


def test__published_traffic__features__as_in_the_papers_code(load_any):
    X = load_any("traffic", "published").train.X
    assert not X[..., 0].any()
    assert X[..., 1].std() > 4  # kelvin, not scaled
    assert np.unique(X[..., traffic.PAPER_WEEKDAY]).tolist() == list(range(7))
    # 24 hours, but the sine is the same before and after noon.
    assert len(np.unique(np.round(X[..., traffic.PAPER_NOON], 5))) == 13


def test__published_power__inputs__hold_the_current(load_any):
    train = load_any("power", "published").train
    current = train.X[..., power.INTENSITY].ravel()
    assert np.corrcoef(current, train.y.ravel())[0, 1] > 0.998


@pytest.mark.slow
def test__published_walker__kept_frames__targets_are_the_next_frames(load):
    data = load("walker2d", "published")
    for part in parts_of(data):
        gap = np.diff(part.timestamps, axis=1)
        assert gap.min() == 1
        assert (gap == 1).mean() == pytest.approx(walker2d.KEPT, abs=0.006)
        following = gap == 1
        assert (part.y[:, :-1][following] == part.X[:, 1:][following]).all()
    assert leaked(data.train, data.test) < 0.001


@pytest.mark.slow
@pytest.mark.parametrize("event", [True, False])
def test__xor__runs_of_bits__give_the_parity(event):
    train = TASKS["xor-event" if event else "xor-dense"].load("sound").train
    for k in range(0, len(train), 97):
        bits = train.X[k][:, 0]
        runs = np.ones(len(bits))
        if event:
            # A step is the first bit of a run, or the last bit of all.
            time = train.timestamps[k]
            assert 1 == time[0] <= time[-1] <= 31
            assert (bits[1:-1] != bits[:-2]).all()
            runs = np.append(np.diff(time), 1)
        assert (bits * runs).sum() % 2 == train.y[k]


@pytest.mark.slow
def test__smnist__last_tenth_of_training_images__validates(load):
    data = load("smnist", "published")
    bunch = datasets.fetch_smnist()
    assert (data.validation.y == bunch.target[54000:60000]).all()
    expected = bunch.data[60000:].astype(np.float32) / 255
    assert np.array_equal(data.test.X, expected)


@pytest.mark.slow
def test__et_smnist__events__give_the_image_back(load):
    test = load("et-smnist", "published").test
    images = datasets.fetch_smnist().data[60000:].reshape(10000, -1)
    assert (mnist.images_of_events(test) == (images > 128)).all()
    assert max(map(len, test.X)) < 256


@pytest.mark.slow
def test__published_physionet__scaled_over_all_patients__gaps_stay(load):
    data = load("physionet", "published")
    values = np.concatenate([x for part in parts_of(data) for x in part.X])
    raw = np.concatenate(datasets.fetch_physionet2012().data)
    low, high = np.nanmin(raw, axis=0), np.nanmax(raw, axis=0)
    np.testing.assert_allclose(np.nanmin(values, axis=0), 0)
    # As the papers' code: less the least, divided by the largest.
    np.testing.assert_allclose(np.nanmax(values, axis=0), (high - low) / high, 1e-6)
    assert np.isnan(values).sum() == np.isnan(raw).sum() > 0
    hours = np.concatenate(data.test.timestamps)
    np.testing.assert_allclose(hours / 0.016, np.round(hours / 0.016), atol=1e-6)
    assert all((np.diff(t) > 0).all() for t in data.test.timestamps)


@pytest.mark.slow
def test__sound_physionet__parts__have_the_same_share_of_deaths(load):
    shares = [part.y.mean() for part in parts_of(load("physionet", "sound"))]
    np.testing.assert_allclose(shares, 0.1385, atol=0.001)


# ------------------------------------------------------------------- sound

# A column of each set of rows that may carry the number of the row instead.
NUMBERED = {
    "gesture": ("fetch_gesture", 0),
    "occupancy": ("fetch_occupancy", 0),
    "ozone": ("fetch_ozone", 0),
    "traffic": ("fetch_traffic", "temp"),
    "power": ("fetch_power", 0),
    "power-minutes": ("fetch_power", 0),
    "person": ("fetch_person", "x"),
}
# Where this column is among the inputs.
PLACE = {"traffic": 0, "power": 1, "power-minutes": 1, "person": 4}


def with_column(monkeypatch, name, values):
    """Replace a column of what is fetched by values(number of rows)."""
    fetcher, column = NUMBERED[name]
    fetch = getattr(datasets, fetcher)

    def fetched(*args, **kwargs):
        bunch = fetch(*args, **kwargs)
        frame = bunch.data.copy()
        column_name = frame.columns[column] if isinstance(column, int) else column
        frame[column_name] = values(len(frame))
        bunch.data = frame
        return bunch

    monkeypatch.setattr(datasets, fetcher, fetched)


@pytest.fixture
def numbered(request, load_any, monkeypatch):
    """The sound protocol of a task, with the row's number in each row."""
    name = request.param
    with_column(monkeypatch, name, lambda n: 1.0 + np.arange(n))
    data = load_any(name, "sound")
    place = PLACE.get(name, 0)
    rows = [part.X[..., place] for part in parts_of(data)]
    # Scaling keeps the order: numbers of rows are ranks.
    ranks = pd.Series(np.concatenate([r.ravel() for r in rows])).rank(method="dense")
    numbers = np.split(ranks.to_numpy(int), np.cumsum([r.size for r in rows])[:-1])
    return data, [n.reshape(r.shape) for n, r in zip(numbers, rows, strict=True)]


numbered_tasks = pytest.mark.parametrize("numbered", NUMBERED, indirect=True)


@numbered_tasks
def test__sound__rows_of_parts__are_disjoint(numbered):
    _, (train, validation, test) = numbered
    assert not np.isin(test, train).any()
    assert not np.isin(validation, train).any()
    assert not np.isin(test, validation).any()


@numbered_tasks
def test__sound__rows_held_out__are_scored_once(numbered):
    data, numbers = numbered
    for part, rows in zip(parts_of(data)[1:], numbers[1:], strict=True):
        y = part.y.reshape(rows.shape)
        scored = rows[~np.isnan(y)]
        assert len(scored) == len(np.unique(scored))
        # At most the last row of a part, and rows before a gap, have no next value.
        lost = len(np.unique(rows)) - len(scored)
        assert 0 <= lost <= (10 if data.train.X.shape[-1] == 7 else 0)


@numbered_tasks
def test__sound__rows_of_a_window__follow_one_another(numbered):
    _, numbers = numbered
    for rows in numbers:
        span = np.ptp(rows, axis=1) - (rows.shape[1] - 1)
        # Rows of "person" are put into the order of time: a few change places.
        assert ((span >= 0) & (span <= 2)).all()
        assert (span == 0).mean() > 0.98


@pytest.mark.parametrize("numbered", ["gesture", "occupancy", "person"], indirect=True)
def test__sound__windows__lie_in_one_recording(numbered, request):
    name = request.node.callspec.params["numbered"]
    groups = getattr(datasets, NUMBERED[name][0])().groups
    _, numbers = numbered
    # All rows are used, so ranks count them.
    assert max(rows.max() for rows in numbers) == len(groups)
    for rows in numbers:
        owners = groups[rows - 1]
        assert (owners == owners[:, :1]).all()


@pytest.mark.parametrize(
    ("name", "tested"),
    [
        ("gesture", lambda b: np.isin(b.groups, (2, 6))),
        ("occupancy", lambda b: b.groups > 0),
        ("ozone", lambda b: pd.DatetimeIndex(b.timestamps).year > 2002),
        ("power", lambda b: np.arange(len(b.target)) >= 0.85 * len(b.target)),
        ("person", lambda b: b.groups == "A03"),
    ],
)
def test__sound__test_rows_change__training_inputs_do_not(
    load_any, monkeypatch, name, tested
):
    data = load_any(name, "sound")
    fetcher, column = NUMBERED[name]
    bunch = getattr(datasets, fetcher)(*(["hours"] if name == "power" else []))
    chosen = tested(bunch)
    frame = bunch.data
    before = frame.iloc[:, column] if isinstance(column, int) else frame[column]
    with_column(monkeypatch, name, lambda n: np.where(chosen, 1e3, before))
    changed = load_any(name, "sound")
    assert (changed.train.X == data.train.X).all()
    assert (changed.validation.X == data.validation.X).all()
    assert (changed.test.X != data.test.X).any()


def test__sound_gesture__recordings_to_test__are_whole_and_others(load):
    names = gesture.SOUND_LEARNT + gesture.SOUND_TESTED
    assert sorted(names) == ["a1", "a2", "a3", "b1", "b3", "c1", "c3"]
    scored = [known(part.y).size for part in parts_of(load("gesture", "sound"))[1:]]
    # The last fifth of a1, a2, b1, b3 and c1, each rounded up; all of a3 and c3.
    assert scored == [349 + 252 + 214 + 284 + 222, 1830 + 1444]


def test__sound_ozone__years__are_parted_in_time(load):
    data = load("ozone", "sound")
    # 2002 has 356 rows and 10 ozone days; 2003 and 2004 have 730 and 29.
    validation, test = known(data.validation.y), known(data.test.y)
    assert (validation.size, validation.sum()) == (356, 10)
    assert (test.size, test.sum()) == (730, 29)


def test__mended_traffic__rows__are_hours_in_order(load):
    load("traffic", "sound")
    table = traffic.mended()
    assert len(table) == 40575
    assert table.index.is_monotonic_increasing
    assert table.index.is_unique
    assert table["temp"].min() > 200
    assert table["rain_1h"].max() < 100
    assert table["holiday"].sum() == 53
    assert not table.isna().any().any()
    days = [c for c in table.columns if c.startswith("weekday")]
    assert (table[days].sum(axis=1) == 1).all()


def test__sound_traffic__windows__span_no_long_hole(load_any):
    for part in parts_of(load_any("traffic", "sound")):
        assert np.diff(part.timestamps, axis=1).max() <= 7 * 24


@pytest.mark.parametrize("name", ["power", "power-minutes"])
def test__sound_power__target__is_the_next_present_value(load_any, name):
    train = load_any(name, "sound").train
    following = train.X[:, 1:, 0]
    y = train.y[:, :-1, 0]
    there = ~np.isnan(y)
    np.testing.assert_allclose(y[there], following[there], atol=1e-5)
    assert there.mean() > 0.99


def test__power_forecast__gap_and_end__have_no_target():
    time = pd.to_datetime(["2007-01-01 00:00", "2007-01-01 00:01", "2007-01-01 00:05"])
    power_drawn = np.array([1.0, 2.0, 3.0])
    minute = power.INTERVAL["minutes"]
    rows = power.forecast(np.zeros((3, 6)), power_drawn, time, minute)
    np.testing.assert_array_equal(rows.y[:, 0], [2, np.nan, np.nan])
    assert rows.X[:, 0].tolist() == [1, 2, 3]


def whole_person():
    """As the whole file: five persons, 40 reports each, in E05 all of class 0."""
    names = np.repeat(["A01", "B01", "C01", "D01", "E01", "E05"], 40)
    n = len(names)
    target = np.where(names == "E05", "lying", "walking")
    frame = pd.DataFrame({"tag_identificator": person.TAGS[0], "x": 0.0}, range(n))
    time = pd.to_datetime(np.arange(n), unit="s").to_numpy()
    return Bunch(
        data=frame.assign(y=0.0, z=np.arange(n, dtype=float)),
        target=target,
        groups=names,
        timestamps=time,
    )


def test__person__whole_file__sound_by_person_and_published_forgets_the_last(
    monkeypatch,
):
    monkeypatch.setattr(datasets, "fetch_person", whole_person)
    data = person.sound()
    scored = [known(part.y).size for part in parts_of(data)]
    # Windows of 32 every 8 rows: two of each training recording.
    assert scored == [3 * 2 * 32, 40, 80]
    # One window of each recording but the last, whose class is therefore not seen.
    published = np.concatenate([part.y for part in parts_of(person.published())])
    assert published.shape == (5, 32)
    assert (published == person.CLASSES["walking"]).all()


def test__sound_person__time__is_in_seconds(load_any):
    train = load_any("person", "sound").train
    gap = np.diff(train.timestamps, axis=1)
    # Reports come every 27 ms or a multiple of that.
    assert 0.02 < np.median(gap) < 0.06


@pytest.mark.parametrize("name", [*QUICK])
def test__estimator__head_of_a_task__fits_and_scores(load_any, name):
    task = TASKS[name]
    data = load_any(name, "published" if task.sound_is_published else "sound")
    spread = np.linspace(0, len(data.train) - 1, 40).astype(int)
    learnt = data.train.take(spread)
    test = data.test.take(np.arange(len(data.test))[:10])
    kind = LiquidRegressor if task.kind == "regression" else LiquidClassifier
    model = kind(4, epochs=1, random_state=0, early_stopping=False, **task.settings)
    model.fit(learnt.X, learnt.y, timestamps=learnt.timestamps)
    predicted = model.predict(test.X, timestamps=test.timestamps)
    assert np.isfinite(METRICS[task.metric].score(test.y, predicted))


def test__recording__cut__keeps_time_and_targets():
    rows = np.arange(6.0)
    part = cut(Recording(rows[:, None], 10 * rows, rows / 2), np.array([1, 3]), 2)
    assert part.X[..., 0].tolist() == [[1, 2], [3, 4]]
    assert part.y.tolist() == [[10, 20], [30, 40]]
    assert part.timestamps.tolist() == [[0.5, 1], [1.5, 2]]


def test__xor__seeds_and_sizes__are_the_papers():
    assert (xor.TRAIN, xor.TEST) == (100_000, 10_000)
    assert (xor.TRAIN_SEED, xor.TEST_SEED) == (1234984, 48736)


def test__physionet_summary__one_channel_never_seen__is_nan_but_counted():
    values = np.array([[1.0, np.nan], [3.0, np.nan]])
    numbers = physionet.summary(values, np.array([0.0, 5.0]))
    assert numbers[::2].tolist() == [2, 1, 1, 3, 1, 3, 0, 2]
    assert np.isnan(numbers[1:-1:2]).all()
    assert numbers[-1] == 0
