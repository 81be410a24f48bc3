"""Files that are cut short or changed: an error names the file and what is wrong."""

import gzip
import re
import shutil
import zipfile

import numpy as np
import pytest

from LNN import datasets
from LNN.datasets import DatasetCorruptedError, mnist, physionet
from LNN.exceptions import LNNError

REMEDY = "delete it"


@pytest.fixture
def copied(excerpt_home, tmp_path):
    """Copy files of a data set into a data home of their own."""

    def copy(folder, *names):
        (tmp_path / folder).mkdir()
        for name in names:
            shutil.copy(excerpt_home / folder / name, tmp_path / folder)
        return tmp_path / folder

    return copy


def refused(fetcher, folder, *words, call=()):
    """Fetch from the folder, which must fail, and name the file and the words."""
    with pytest.raises(DatasetCorruptedError) as caught:
        fetcher(*call, data_home=folder.parent)
    assert isinstance(caught.value, LNNError)
    assert isinstance(caught.value, ValueError)
    for word in (*words, REMEDY):
        assert word in str(caught.value)


def keep(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


OCCUPANCY = ("datatraining.txt", "datatest.txt", "datatest2.txt")


def test__occupancy__half_a_file__names_rows(copied):
    folder = copied("occupancy", *OCCUPANCY)
    keep(folder / "datatest.txt", 0.5)
    path = str(folder / "datatest.txt")
    refused(datasets.fetch_occupancy, folder, path, "expected rows: 40, got 2")


def test__occupancy__last_value_cut__is_noticed(copied):
    folder = copied("occupancy", *OCCUPANCY)
    text = (folder / "datatest.txt").read_text().rstrip()
    (folder / "datatest.txt").write_text(text.rpartition(",")[0])
    refused(
        datasets.fetch_occupancy, folder, "datatest.txt", "missing values: 0, got 1"
    )


def test__occupancy__column_missing__is_noticed(copied):
    folder = copied("occupancy", *OCCUPANCY)
    text = (folder / "datatest.txt").read_text()
    (folder / "datatest.txt").write_text(text.replace('"CO2"', '"CO"', 1))
    refused(datasets.fetch_occupancy, folder, "datatest.txt", "CO2")


def test__occupancy__date_spoilt__is_noticed(copied):
    folder = copied("occupancy", *OCCUPANCY)
    text = (folder / "datatest.txt").read_text()
    (folder / "datatest.txt").write_text(text.replace("2015-02-02", "2015-99-02", 1))
    refused(datasets.fetch_occupancy, folder, "2015-99-02")


def test__occupancy__web_page_in_its_place__is_noticed(copied):
    folder = copied("occupancy", *OCCUPANCY)
    (folder / "datatest.txt").write_text("<html>\n<p>Not, found</p></html>\n")
    refused(datasets.fetch_occupancy, folder, "datatest.txt")


def test__archive__cut_short__is_named(copied):
    folder = copied("occupancy", "datatest.txt")
    archive = folder / "occupancy+detection.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in OCCUPANCY:
            file.writestr(name, b"x" * 1000)
    keep(archive, 0.6)
    refused(datasets.fetch_occupancy, folder, f"the archive {archive}")


def test__gesture__unknown_phase__is_noticed(copied):
    names = [f"{name}_va3.csv" for name in ("a1", "a2", "a3", "b1", "b3", "c1", "c3")]
    folder = copied("gesture", *names)
    text = (folder / "c1_va3.csv").read_text()
    (folder / "c1_va3.csv").write_text(text.replace(",D\n", ",X\n", 1))
    refused(datasets.fetch_gesture, folder, "c1_va3.csv", "'X'")


def test__gesture__one_digit_changed__is_noticed(copied):
    names = [f"{name}_va3.csv" for name in ("a1", "a2", "a3", "b1", "b3", "c1", "c3")]
    folder = copied("gesture", *names)
    text = (folder / "c1_va3.csv").read_text()
    (folder / "c1_va3.csv").write_text(text[:500] + text[500:].replace("0", "1", 1))
    refused(datasets.fetch_gesture, folder, str(folder), "sha256")


@pytest.mark.parametrize("kind", ["eighthr", "onehr"])
def test__ozone__one_digit_changed__is_noticed(copied, kind):
    folder = copied("ozone", f"{kind}.data")
    text = (folder / f"{kind}.data").read_text()
    (folder / f"{kind}.data").write_text(text[:500] + text[500:].replace("0", "1", 1))
    refused(datasets.fetch_ozone, folder, f"{kind}.data", "sha256", call=(kind,))


def test__ozone__half_a_file__names_rows(copied):
    folder = copied("ozone", "eighthr.data")
    keep(folder / "eighthr.data", 0.5)
    refused(datasets.fetch_ozone, folder, "eighthr.data", "expected rows: 112")


def test__traffic__text_for_a_number__is_noticed(copied):
    folder = copied("traffic", "Metro_Interstate_Traffic_Volume.csv")
    path = folder / "Metro_Interstate_Traffic_Volume.csv"
    path.write_text(re.sub(r"None,[\d.]+", "None,warm", path.read_text(), count=1))
    refused(datasets.fetch_traffic, folder, path.name, "warm")


@pytest.mark.parametrize(
    ("resolution", "name"),
    [
        ("minutes", "household_power_consumption_first37283min.txt"),
        ("hours", "household_power_consumption_hours.csv"),
    ],
)
def test__power__half_a_file__names_rows(copied, resolution, name):
    folder = copied("power", name)
    keep(folder / name, 0.5)
    words = (name, "expected rows: 340, got 1")
    refused(datasets.fetch_power, folder, *words, call=(resolution,))


def test__power__part_under_the_name_of_the_whole__is_noticed(copied):
    folder = copied("power", "household_power_consumption_first37283min.txt")
    (path,) = folder.iterdir()
    path.rename(folder / "household_power_consumption.txt")
    words = "expected rows: 2075259, got 340"
    refused(datasets.fetch_power, folder, words)


def test__person__half_a_file__is_noticed(copied):
    folder = copied("person", "ConfLongDemo_JSI_subset.csv")
    keep(folder / "ConfLongDemo_JSI_subset.csv", 0.5)
    refused(datasets.fetch_person, folder, "ConfLongDemo_JSI_subset.csv", "rows: 180")


def test__person__one_place_changed__is_noticed(copied):
    folder = copied("person", "ConfLongDemo_JSI_subset.csv")
    (path,) = folder.iterdir()
    path.write_text(path.read_text().replace("4.062", "4.063", 1))
    refused(datasets.fetch_person, folder, str(path), "sha256")


TRACES = [f"trace_{k:04d}.npy" for k in range(31)]


def test__cheetah__half_a_file__is_named(copied):
    folder = copied("cheetah", *TRACES)
    keep(folder / "trace_0001.npy", 0.5)
    refused(datasets.fetch_cheetah, folder, "trace_0001.npy", "cannot be parsed")


def test__cheetah__row_missing__is_noticed(copied):
    folder = copied("cheetah", *TRACES)
    np.save(folder / "trace_0001.npy", np.load(folder / "trace_0001.npy")[:-1])
    refused(datasets.fetch_cheetah, folder, str(folder), "rows: 1240, got 1239")


def test__cheetah__one_byte_changed__is_noticed(copied):
    folder = copied("cheetah", *TRACES)
    content = bytearray((folder / "trace_0001.npy").read_bytes())
    content[500] ^= 1
    (folder / "trace_0001.npy").write_bytes(content)
    refused(datasets.fetch_cheetah, folder, str(folder), "sha256")


RECORD = "Time,Parameter,Value\n00:00,RecordID,{0}\n00:07,HR,73\n00:09,HR,74\n"


@pytest.fixture
def intensive_care(tmp_path, monkeypatch):
    """Two records that are whole."""
    monkeypatch.setattr(physionet, "PATIENTS", 2)
    monkeypatch.setattr(physionet, "LINES", 6)
    folder = tmp_path / "physionet2012"
    folder.mkdir()
    (folder / "Outcomes-a.txt").write_text(
        "RecordID,In-hospital_death\n132539,0\n132540,1\n"
    )
    for number in (132539, 132540):
        (folder / f"{number}.txt").write_text(RECORD.format(number))
    assert len(datasets.fetch_physionet2012(data_home=tmp_path).data) == 2
    return folder


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RECORD.format(132540)[:-4], ["132540.txt", "value"]),
        (RECORD.format(132540)[:-12], ["lines in all records: 6, got 5"]),
        (RECORD.format(132539), ["132540.txt", "the record 132540, got 132539"]),
        (RECORD.format(132540).replace("74", "7?"), ["132540.txt", "7?"]),
        (RECORD.format(132540).replace("00:09", "noon"), ["132540.txt"]),
        ("", ["132540.txt", "RecordID"]),
    ],
)
def test__physionet2012__record_spoilt__is_noticed(intensive_care, text, words):
    (intensive_care / "132540.txt").write_text(text)
    refused(datasets.fetch_physionet2012, intensive_care, *words)


def test__physionet2012__record_missing__is_noticed(intensive_care):
    (intensive_care / "132540.txt").unlink()
    words = (str(intensive_care), "records: 2, got 1")
    refused(datasets.fetch_physionet2012, intensive_care, *words)


def test__physionet2012__outcomes_cut__is_noticed(intensive_care):
    keep(intensive_care / "Outcomes-a.txt", 0.8)
    words = ("Outcomes-a.txt", "rows: 2, got 1")
    refused(datasets.fetch_physionet2012, intensive_care, *words)


@pytest.mark.parametrize("spoil", ["cut", "changed"])
def test__smnist__labels_spoilt__are_noticed(data_home, tmp_path, spoil):
    path = tmp_path / f"{mnist.TEST_LABELS}.gz"
    if not (data_home / "mnist" / path.name).exists():
        pytest.skip(f"real data: no file {data_home / 'mnist' / path.name}")
    shutil.copyfile(data_home / "mnist" / path.name, path)
    if spoil == "cut":
        keep(path, 0.5)
    else:
        content = bytearray(gzip.decompress(path.read_bytes()))
        content[100] ^= 1
        path.write_bytes(gzip.compress(content))
    # Without the training images, which are large.
    file = mnist.File(path.name, str(path), path.read_bytes())
    words = "cannot be parsed" if spoil == "cut" else "sha256"
    with pytest.raises(DatasetCorruptedError, match=words) as caught:
        mnist._read_idx(file, mnist.TEST_LABELS, 10000)
    assert str(path) in str(caught.value)


def header_only(text):
    return text.partition("@data")[0]


def without_last(text):
    return text.rstrip().rpartition("\n")[0]


def cut_in_last(text):
    return text.rstrip()[:-50]


def cut_last_label(text):
    return text.rstrip()[:-1]


def shorter_last(text):
    values, _, label = text.rstrip().rpartition(":")
    return f"{values[:-50]}:{label}"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (header_only, "@data"),
        (without_last, "sequences: 6, got 5"),
        (cut_in_last, "sequence 6 has no label"),
        (cut_last_label, "labels ['1', '2']"),
        (shorter_last, "length {20}"),
    ],
)
def test__ucr__part_of_a_file__is_noticed(waves, spoil, words):
    folder = waves / "ucr_uea"
    path = folder / "Waves" / "Waves_TEST.ts"
    path.write_text(spoil(path.read_text()))
    refused(datasets.fetch_ucr, folder, str(path), words, call=("Waves",))
