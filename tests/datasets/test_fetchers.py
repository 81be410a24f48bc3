"""Each fetcher against the copy of its data set in LNN_DATA_HOME or shared/data."""

import io
import tarfile
from functools import cache, partial
from importlib import resources

import numpy as np
import pandas as pd
import pytest

from LNN import datasets
from LNN.datasets.checks import bunch
from LNN.datasets.physionet import CHANNELS
from LNN.datasets.power import hours_of


@pytest.fixture(scope="module")
def fetch(data_home):
    """Fetch by name from the local copies, once, and never from the network."""

    return cache(partial(fetch_copy, data_home))


def fetch_copy(home, name, *args, **options):
    fetcher = getattr(datasets, f"fetch_{name}")
    try:
        return fetcher(*args, data_home=home, download_if_missing=False, **options)
    except datasets.DatasetNotFoundError as error:
        pytest.skip(f"real data: {error}")


# Rows and columns, whether all values are known, groups and time stamps.
TABLES = {
    ("occupancy",): ((20560, 5), True, 3, True),
    ("gesture",): ((9873, 32), True, 7, False),
    ("ozone",): ((2534, 72), False, None, True),
    ("ozone", "onehr"): ((2536, 72), False, None, True),
    ("traffic",): ((48204, 7), True, None, True),
    ("power", "hours"): ((34536, 6), True, None, True),
    ("cheetah",): ((31000, 17), True, 31, False),
    ("walker2d",): ((254963, 17), True, 400, False),
}
DESCRIBED = [path.stem for path in resources.files("LNN.datasets.descr").iterdir()]


@pytest.mark.parametrize("call", TABLES, ids="-".join)
def test__fetch__table__has_the_published_size(fetch, call):
    shape, known, n_groups, timed = TABLES[call]
    found = fetch(*call)
    assert found.data.shape == shape
    assert found.data.columns.tolist() == found.feature_names
    assert found.data.index.equals(pd.RangeIndex(shape[0]))
    assert found.data.isna().to_numpy().any() != known
    for column in (found.target, found.groups, found.timestamps):
        assert column is None or (type(column), len(column)) == (np.ndarray, shape[0])
    if n_groups is None:
        assert found.groups is None
    else:
        assert np.unique(found.groups).tolist() == list(range(n_groups))
        assert (np.diff(found.groups) >= 0).all()
    assert (found.timestamps is not None) == timed
    if timed:
        assert found.timestamps.dtype == "datetime64[ns]"


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test__descr__any_data_set__names_source_licence_and_citation(name):
    text = bunch(name, None, None, feature_names=[]).DESCR
    for section in ("Source", "Licence", "Citation"):
        _, _, body = text.partition(f"\n{section}\n{'-' * len(section)}\n")
        assert len(body.partition("\n\n")[0]) > 5, f"{section} is empty"


def test__fetch_occupancy__recordings__are_the_published_ones(fetch):
    found = fetch("occupancy")
    assert np.bincount(found.groups).tolist() == [8143, 2665, 9752]
    assert found.group_names == ["datatraining", "datatest", "datatest2"]
    assert np.bincount(found.target).tolist() == [15810, 4750]
    first = [23.18, 27.272, 426.0, 721.25, 0.00479298817650529]
    # pandas 2 reads the last number with another last digit.
    assert found.data.iloc[0].tolist() == pytest.approx(first, rel=1e-15)
    assert found.timestamps[0] == np.datetime64("2015-02-04T17:51:00")
    assert found.timestamps[8142] == np.datetime64("2015-02-10T09:33:00")


def test__fetch_gesture__recordings__are_the_published_ones(fetch):
    found = fetch("gesture")
    rows = dict(zip(found.group_names, np.bincount(found.groups), strict=True))
    assert rows == dict(a1=1743, a2=1260, a3=1830, b1=1069, b3=1420, c1=1107, c3=1444)
    assert set(found.target) == set("DPSHR")
    assert found.data["left_hand_velocity_x"][0] == -0.00500942
    assert found.data["right_wrist_acceleration"][0] == 0.00043831
    assert len(set(found.feature_names)) == 32


def test__fetch_ozone__labels_and_gaps__are_the_published_ones(fetch):
    found = fetch("ozone")
    assert found.target.mean() == pytest.approx(0.0631, abs=5e-5)
    assert found.data.isna().any(axis=1).sum() == 687
    assert found.feature_names[:2] + found.feature_names[-2:] == [
        *("WSR0", "WSR1", "SLP_", "Precp")
    ]
    assert found.data[["WSR0", "T0", "T85", "KI", "Precp"]].iloc[0].tolist() == [
        *(0.8, 5.2, 6.7, -12.1, 0.0)
    ]
    assert found.timestamps[1] == np.datetime64("1998-01-02")


def test__fetch_ozone__unknown_kind__is_refused():
    with pytest.raises(ValueError, match="'eighthr', 'onehr'.*'daily'"):
        datasets.fetch_ozone("daily")


def test__fetch_traffic__rows__are_those_of_the_file(fetch):
    found = fetch("traffic")
    assert (found.data["holiday"] == "None").sum() == 48204 - 61
    assert pd.Series(found.timestamps).duplicated().sum() == 7629
    assert found.data["rain_1h"].max() == 9831.3
    assert found.target[:3].tolist() == [5545.0, 4516.0, 4767.0]
    assert found.data["weather_main"][0] == "Clouds"
    assert found.data["clouds_all"].dtype == float


def test__fetch_power__first_minutes__say_that_they_are_a_part(fetch):
    found = fetch("power")
    if found.complete:
        assert found.data.shape == (2075259, 6)
    else:
        assert found.data.shape == (37283, 6)
        assert not found.data.isna().to_numpy().any()
    assert found.target[0] == 4.216
    assert found.data["Sub_metering_3"][0] == 17
    assert found.timestamps[0] == np.datetime64("2006-12-16T17:24:00")


def test__fetch_power__hours__are_the_sums_of_minutes(any_home):
    minutes, hours = (
        fetch_copy(any_home, "power", resolution) for resolution in ("minutes", "hours")
    )
    assert (np.diff(hours.timestamps) == np.timedelta64(1, "h")).all()
    frame = minutes.data.assign(Global_active_power=minutes.target)
    sums, time = hours_of(frame, minutes.timestamps)
    if not minutes.complete:
        # Less the hour in which the minutes end.
        sums, time = sums[:-1], time[:-1]
    published = hours.data.assign(Global_active_power=hours.target)
    published = published.set_index(hours.timestamps).loc[time]
    for name in published:
        # The published sums are in single precision.
        np.testing.assert_allclose(sums[name], published[name], 1e-6, 1e-5)


def test__fetch_power__unknown_resolution__is_refused():
    with pytest.raises(ValueError, match="'minutes', 'hours'.*'days'"):
        datasets.fetch_power("days")


def test__fetch_person__recordings__are_the_published_ones(fetch):
    found = fetch("person")
    first = pd.Series(found.groups).value_counts()[["A01", "A02", "A03"]].tolist()
    assert first == [5830, 5691, 4965]
    assert found.complete == (len(found.data) == 164860)
    assert found.feature_names == ["tag_identificator", "x", "y", "z"]
    assert found.data.iloc[0].tolist() == [
        *("010-000-024-033", 4.0629310607910165, 1.892434239387512, 0.5074254274368286)
    ]
    assert (found.target[0], found.target[16485]) == ("walking", "lying")
    # 14:03:25.127 in Slovenia by the date column of the whole file.
    seconds = found.timestamps[:2].astype("datetime64[us]")
    assert seconds[0] == np.datetime64("2009-05-27T12:03:25.128032")
    gap = found.timestamps[1] - found.timestamps[0]
    assert gap == np.timedelta64(633790226051820913 - 633790226051280329, "ns") * 100


@pytest.mark.parametrize("name", ["cheetah", "walker2d"])
def test__fetch_rollouts__rows__are_those_of_the_files(fetch, data_home, name):
    found = fetch(name)
    (path,) = (data_home / name).rglob(
        "trace_0030.npy" if name == "cheetah" else "rollout_399.npy"
    )
    last = found.data[found.groups == found.groups[-1]]
    assert np.array_equal(last, np.load(path))
    lengths = np.bincount(found.groups)
    least = {"cheetah": (1000, 1000), "walker2d": (131, 1000)}[name]
    assert (lengths.min(), lengths.max()) == least


@pytest.mark.slow
def test__fetch_physionet2012__records__are_those_of_the_archive(fetch, data_home):
    found = fetch("physionet2012", n_jobs=2)
    assert len(found.data) == len(found.timestamps) == len(found.target) == 4000
    assert found.target.sum() == 554
    assert (np.diff(found.groups) > 0).all()
    assert found.feature_names == list(CHANNELS)
    assert {x.dtype for x in found.data} == {np.dtype("float32")}
    assert all(
        len(x) == len(t) for x, t in zip(found.data, found.timestamps, strict=True)
    )
    assert all((np.diff(t) > 0).all() for t in found.timestamps)
    texts = archived(data_home / "physionet2012", found.groups[::400])
    for number, text in texts.items():
        k = np.searchsorted(found.groups, number)
        minutes, values = line_by_line(text)
        assert np.array_equal(found.timestamps[k], minutes)
        assert np.array_equal(found.data[k], values.astype("float32"), equal_nan=True)


def archived(folder, numbers):
    archives = [p for p in folder.iterdir() if ".tar" in p.name]
    if not archives:
        pytest.skip("real data: the records are not in a tar archive")
    with tarfile.open(archives[0]) as archive:
        return {
            number: archive.extractfile(f"set-a/{number}.txt").read().decode()
            for number in numbers
        }


def line_by_line(text):
    """The rule in its plainest form."""
    rows = {}
    for line in text.split()[1:]:
        clock, name, value = line.split(",")
        if name in CHANNELS and float(value) != -1:
            minute = 60 * int(clock[:2]) + int(clock[3:])
            row = rows.setdefault(minute, np.full(41, np.nan))
            row[CHANNELS.index(name)] = float(value)
    return np.array(sorted(rows)), np.stack([rows[minute] for minute in sorted(rows)])


def test__fetch_smnist__images__are_the_published_ones(fetch):
    found = fetch("smnist")
    assert (found.data.shape, found.data.dtype) == ((70000, 28, 28), np.uint8)
    assert found.target[:5].tolist() == [5, 0, 4, 1, 9]
    assert found.target[60000:60005].tolist() == [7, 2, 1, 0, 4]
    train = found.subset == "train"
    assert (train.sum(), set(found.subset)) == (60000, {"train", "test"})
    assert train[:60000].all()
    scaled = found.data[train] / np.float32(255)
    assert scaled.mean() == pytest.approx(0.1307, abs=1e-4)
    assert np.bincount(found.target[train]).min() == 5421


UCR = {
    "ACSF1": (100, 100, 1, 1460, 10),
    "BasicMotions": (40, 40, 6, 100, 4),
    "ECG200": (100, 100, 1, 96, 2),
    "GunPoint": (50, 150, 1, 150, 2),
    "ItalyPowerDemand": (67, 1029, 1, 24, 2),
    "JapaneseVowels": (270, 370, 12, (7, 29), 9),
    "PickupGestureWiimoteZ": (50, 50, 1, (29, 361), 10),
    "JapaneseVowels_eq": (270, 370, 12, 25, 9),
}


@pytest.mark.parametrize("name", UCR)
def test__fetch_ucr__set__has_the_published_size(fetch, name):
    n_train, n_test, channels, length, classes = UCR[name]
    found = fetch("ucr", name)
    assert (found.subset == "train").sum() == n_train
    assert (found.subset == "test").sum() == n_test
    assert len(found.data) == len(found.target) == n_train + n_test
    assert len(set(found.target)) == classes
    assert len(found.feature_names) == channels
    if isinstance(length, int):
        assert found.data.shape == (n_train + n_test, length, channels)
    else:
        lengths = [len(x) for x in found.data]
        assert (min(lengths), max(lengths)) == length
        assert {x.shape[1] for x in found.data} == {channels}
    assert name in found.DESCR


def test__fetch_ucr__values__are_those_of_the_file(fetch, data_home):
    found = fetch("ucr", "BasicMotions")
    path = data_home / "ucr_uea" / "BasicMotions" / "BasicMotions_TEST.ts"
    last = path.read_text().strip().splitlines()[-1].split(":")
    rows = np.genfromtxt(io.StringIO("\n".join(last[:-1])), delimiter=",")
    assert np.array_equal(found.data[-1], rows.T)
    assert found.target[-1] == last[-1]


@pytest.mark.parametrize("name", ["", "../GunPoint", "Gun Point"])
def test__fetch_ucr__no_name__is_refused(name):
    with pytest.raises(ValueError, match="GunPoint"):
        datasets.fetch_ucr(name)
