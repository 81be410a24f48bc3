"""Cut the excerpts of this folder out of the whole data sets.

`python tests/data/excerpts/cut.py $LNN_DATA_HOME`
"""

import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
# By file the rows that are kept, from 0 and without the header. Those of a range
# follow one another, so that windows can be cut from them.
TABLES = {
    "occupancy/datatraining.txt": [range(760, 960)],
    "occupancy/datatest.txt": [range(190, 230)],
    "occupancy/datatest2.txt": [range(20, 60)],
    **{
        f"gesture/{name}_va3.csv": [range(4)]
        for name in ("a1", "a2", "a3", "b1", "b3", "c1", "c3")
    },
    # Days of 1998, of 2002 and of 2003, ozone days among them.
    "ozone/eighthr.data": [range(90, 130), range(1528, 1564), range(1879, 1915)],
    "ozone/onehr.data": [range(4)],
    # Around the hole of ten days.
    "traffic/Metro_Interstate_Traffic_Volume.csv": [range(9530, 9970)],
    # From five in the morning and from midnight on 18 December 2006.
    "power/household_power_consumption_first37283min.txt": [range(2136, 2476)],
    "power/household_power_consumption_hours.csv": [range(340)],
    # Of each recording; in the first somebody sits down, in the last two reports are
    # out of order.
    "person/ConfLongDemo_JSI_subset.csv": [
        *(range(72, 172), range(5830, 5870)),
        range(15091, 15131),
    ],
}
NO_HEADER = (".data",)


def rows_of(path: Path, ranges: list[range]) -> bytes:
    """Return some rows of a table of text, after its header, byte by byte."""
    lines = path.read_bytes().splitlines(keepends=True)
    first = 0 if path.suffix in NO_HEADER else 1
    kept = [lines[first + row] for rows in ranges for row in rows]
    return b"".join(lines[:first] + kept)


def main(home: Path) -> None:
    """Write one archive a data set, the same bytes each time."""
    contents = {name: rows_of(home / name, ranges) for name, ranges in TABLES.items()}
    for folder in {name.partition("/")[0] for name in contents}:
        with zipfile.ZipFile(HERE / f"{folder}.zip", "w") as archive:
            for name, content in contents.items():
                if name.startswith(f"{folder}/"):
                    member = zipfile.ZipInfo(name)
                    member.compress_type = zipfile.ZIP_DEFLATED
                    archive.writestr(member, content, compresslevel=9)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
