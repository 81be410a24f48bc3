"""The files in the form in which their publishers hand them out."""

import gzip
import io
import shutil
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest

from LNN.datasets import (
    DatasetCorruptedError,
    fetch_cheetah,
    fetch_gesture,
    fetch_occupancy,
    fetch_ozone,
    fetch_person,
    fetch_physionet2012,
    fetch_power,
    fetch_smnist,
    fetch_traffic,
    fetch_ucr,
    mnist,
    person,
    physionet,
    power,
)


def zipped(path, members):
    """Write a zip of names and bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def contents(folder, pattern):
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


def test__fetch_occupancy__uci_zip__is_read(excerpt_home, tmp_path):
    members = contents(excerpt_home / "occupancy", "*.txt")
    zipped(tmp_path / "occupancy" / "occupancy+detection.zip", members)
    packed = fetch_occupancy(data_home=tmp_path, download_if_missing=False)
    assert packed.data.equals(fetch_occupancy(data_home=excerpt_home).data)


def test__fetch_traffic__gz_in_uci_zip__is_read(excerpt_home, tmp_path):
    file = excerpt_home / "traffic" / "Metro_Interstate_Traffic_Volume.csv"
    members = {f"{file.name}.gz": gzip.compress(file.read_bytes(), 1)}
    zipped(tmp_path / "traffic" / "metro.zip", members)
    packed = fetch_traffic(data_home=tmp_path, download_if_missing=False)
    assert packed.data.equals(fetch_traffic(data_home=excerpt_home).data)


def test__fetch_cheetah__archive_of_github__is_read(excerpt_home, tmp_path):
    traces = contents(excerpt_home / "cheetah", "*.npy")
    deep = "liquid_time_constant_networks-4a8a4fa/experiments_with_ltcs/data/cheetah"
    members = {f"{deep}/{name}": content for name, content in traces.items()}
    zipped(tmp_path / "cheetah" / "a.zip", members | {f"{deep}/.DS_Store": b"x"})
    packed = fetch_cheetah(data_home=tmp_path, download_if_missing=False)
    assert packed.data.equals(fetch_cheetah(data_home=excerpt_home).data)


@pytest.mark.parametrize("form", ["own zip", "whole archive", "unpacked archive"])
def test__fetch_ucr__forms_of_the_archive__are_read(waves, tmp_path, form):
    folder = waves / "ucr_uea" / "Waves"
    files = contents(folder, "*.ts")
    home = tmp_path / "ucr_uea"
    if form == "own zip":
        zipped(home / "Waves.zip", files)
    elif form == "whole archive":
        members = {f"Univariate_ts/Waves/{name}": files[name] for name in files}
        zipped(home / "Univariate2018_ts.zip", members)
    else:
        shutil.copytree(folder, home / "Univariate_ts" / "Waves")
    packed = fetch_ucr("Waves", data_home=tmp_path, download_if_missing=False)
    assert np.array_equal(packed.data, fetch_ucr("Waves", data_home=waves).data)


POWER = """Date;Time;Global_active_power;Global_reactive_power;Voltage;\
Global_intensity;Sub_metering_1;Sub_metering_2;Sub_metering_3
16/12/2006;17:24:00;4.216;0.418;234.840;18.400;0.000;1.000;17.000
16/12/2006;17:25:00;?;?;?;?;?;?;
16/12/2006;17:26:00;5.374;0.498;233.290;23.000;0.000;2.000;17.000
"""


def test__fetch_power__whole_file__goes_before_the_part(tmp_path, monkeypatch):
    monkeypatch.setattr(power, "ROWS", 3)
    (tmp_path / "power").mkdir()
    (tmp_path / "power" / power.FIRST).write_text("not read")
    zipped(tmp_path / "power" / power.ZIP, {power.FULL: POWER})
    found = fetch_power(data_home=tmp_path, download_if_missing=False)
    assert found.complete
    assert found.target.tolist() == pytest.approx([4.216, np.nan, 5.374], nan_ok=True)
    assert found.data.isna().all(axis=1).tolist() == [False, True, False]
    assert found.timestamps[1] == np.datetime64("2006-12-16T17:25:00")


def test__hours_of__missing_minutes__are_those_of_the_day_before():
    time = pd.date_range("2006-12-18", periods=3 * 24 * 60, freq="min")
    values = np.arange(len(time), dtype=float)
    minutes = pd.DataFrame({"a": values})
    minutes.iloc[24 * 60 + 5] = np.nan
    # This one has no row at all, and the day before it none either.
    gone = [24 * 60 + 70, 2 * 24 * 60 + 70]
    present = np.delete(np.arange(len(time)), gone)
    sums, hours = power.hours_of(minutes.iloc[present], time.to_numpy()[present])
    expected = values.copy()
    expected[24 * 60 + 5] = values[5]
    expected[gone] = values[70]
    assert np.array_equal(sums["a"], expected.reshape(-1, 60).sum(1))
    assert hours[0] == np.datetime64("2006-12-18T00")
    assert len(hours) == 3 * 24


PERSON = """A01,010-000-024-033,633790226051280329,27.05.2009 14:03:25:127,\
4.06,1.89,0.50,walking
E05,020-000-033-111,633790226051820913,27.05.2009 14:03:25:183,\
4.29,1.78,1.34,sitting on the ground
"""


def test__fetch_person__whole_file__has_a_date_and_no_header(tmp_path, monkeypatch):
    monkeypatch.setattr(person, "ROWS", 2)
    # The checksum is that of the real file.
    monkeypatch.setattr(person, "check_digest", lambda *_: None)
    (tmp_path / "person").mkdir()
    (tmp_path / "person" / person.FULL).write_text(PERSON)
    found = fetch_person(data_home=tmp_path, download_if_missing=False)
    assert found.complete
    assert found.groups.tolist() == ["A01", "E05"]
    assert found.target.tolist() == ["walking", "sitting on the ground"]
    assert found.data["z"].tolist() == [0.50, 1.34]
    # The local date column says 14:03:25.127, two hours before universal time.
    assert str(found.timestamps[0]).startswith("2009-05-27T12:03:25.12")


def _whole_person(path, subset):
    """Write the rows of the part as the whole file has them; return their lines."""
    lines = []
    for line in subset.read_text().splitlines()[1:]:
        _, name, tag, ticks, x, y, z, activity = line.split(",")
        numbers = (repr(float(np.float32(value))) for value in (x, y, z))
        row = [name, tag, ticks, "27.05.2009 14:03:25:127", *numbers, activity]
        lines.append(",".join(row).replace("on the ground", "on grnd"))
    lines = [line.replace("from sitting on", "from sit on") for line in lines]
    lines = [line.replace("sitting on grnd", "sitting on the ground") for line in lines]
    path.parent.mkdir()
    path.write_text("\r\n".join(lines))
    return lines


def test__fetch_person__both_forms__have_the_same_checksum(
    excerpt_home, tmp_path, monkeypatch
):
    subset = excerpt_home / "person" / person.SUBSET
    monkeypatch.setattr(person, "ROWS", person.SUBSET_ROWS)
    path = tmp_path / "person" / person.FULL
    lines = _whole_person(path, subset)
    whole = fetch_person(data_home=tmp_path, download_if_missing=False)
    assert whole.complete
    part = fetch_person(data_home=excerpt_home, download_if_missing=False)
    assert np.array_equal(whole.groups, part.groups)
    path.write_text("\n".join([lines[0].replace(",walking", ",sitting"), *lines[1:]]))
    with pytest.raises(DatasetCorruptedError, match="sha256"):
        fetch_person(data_home=tmp_path, download_if_missing=False)


def test__fetch_ozone__other_line_ends__have_the_same_checksum(excerpt_home, tmp_path):
    content = (excerpt_home / "ozone" / "eighthr.data").read_bytes()
    (tmp_path / "ozone").mkdir()
    official = content.replace(b"\n", b"\r\n") + b"\r\n"
    (tmp_path / "ozone" / "eighthr.data").write_bytes(official)
    found = fetch_ozone(data_home=tmp_path, download_if_missing=False)
    assert found.data.equals(fetch_ozone(data_home=excerpt_home).data)


def test__fetch_gesture__other_header__has_the_same_checksum(excerpt_home, tmp_path):
    files = contents(excerpt_home / "gesture", "*_va3.csv")
    named = {
        name: b"lhv" + content.replace(b"\n", b"\r\n")
        for name, content in files.items()
    }
    zipped(tmp_path / "gesture" / "gesture.zip", named)
    found = fetch_gesture(data_home=tmp_path, download_if_missing=False)
    assert np.array_equal(found.target, fetch_gesture(data_home=excerpt_home).target)


RECORD = """Time,Parameter,Value
00:00,RecordID,{number}
00:00,Age,{age}
00:00,Height,-1
00:07,HR,73
00:07,HR,75
00:07,,1
47:59,Temp,35.1
"""
OUTCOMES = "RecordID,SAPS-I,In-hospital_death\n132540,6,1\n132539,16,0\n"


@pytest.mark.parametrize("form", ["set-a.tar.gz", "set-a.zip", "unpacked"])
def test__fetch_physionet2012__official_forms__are_read(tmp_path, monkeypatch, form):
    monkeypatch.setattr(physionet, "PATIENTS", 2)
    monkeypatch.setattr(physionet, "LINES", 14)
    ages = {132539: 54, 132540: 76, 142675: 80}
    texts = {
        f"set-a/{number}.txt": RECORD.format(number=number, age=age)
        for number, age in ages.items()
    }
    home = tmp_path / "physionet2012"
    home.mkdir()
    (home / "Outcomes-a.txt").write_text(OUTCOMES)
    if form == "set-a.tar.gz":
        with tarfile.open(home / form, "w:gz") as archive:
            for name, text in texts.items():
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
    elif form == "set-a.zip":
        zipped(home / form, texts)
    else:
        (home / "set-a").mkdir()
        for name, text in texts.items():
            (home / name).write_text(text)
    found = fetch_physionet2012(data_home=tmp_path, download_if_missing=False)
    # The record without an outcome is of another set.
    assert found.groups.tolist() == [132539, 132540]
    assert found.target.tolist() == [0, 1]
    assert found.timestamps[0].tolist() == [0, 7, 2879]
    at = found.feature_names.index
    values = found.data[1]
    assert values[0, at("Age")] == 76
    assert np.isnan(values[:, at("Height")]).all()
    assert values[1, at("HR")] == 75
    assert values[2, at("Temp")] == np.float32(35.1)
    assert np.isfinite(values).sum() == 3


@pytest.mark.parametrize("packed", [True, False])
def test__fetch_smnist__idx_files__are_read(tmp_path, monkeypatch, packed):
    monkeypatch.setattr(mnist, "N_TRAIN", 3)
    monkeypatch.setattr(mnist, "N_TEST", 2)
    # The checksums are those of the real files.
    monkeypatch.setattr(mnist, "_check_known", lambda *_: None)
    random = np.random.RandomState(0)
    arrays = {
        mnist.IMAGES: random.randint(0, 256, (3, 28, 28)),
        mnist.LABELS: np.array([7, 8, 9]),
        mnist.TEST_IMAGES: random.randint(0, 256, (2, 28, 28)),
        mnist.TEST_LABELS: np.array([1, 2]),
    }
    (tmp_path / "mnist").mkdir()
    for name, array in arrays.items():
        magic = bytes([0, 0, 8, array.ndim])
        sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
        content = magic + sizes + array.astype(np.uint8).tobytes()
        path = tmp_path / "mnist" / (name + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(content) if packed else content)
    found = fetch_smnist(data_home=tmp_path, download_if_missing=False)
    assert found.target.tolist() == [7, 8, 9, 1, 2]
    assert found.subset.tolist() == ["train"] * 3 + ["test"] * 2
    assert np.array_equal(found.data[:3], arrays[mnist.IMAGES])
    assert np.array_equal(found.data[3:], arrays[mnist.TEST_IMAGES])
