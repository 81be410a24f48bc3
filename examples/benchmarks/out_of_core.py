"""Fit and predict 2 GB of rows with 1 GB of memory allowed.

    python examples/benchmarks/out_of_core.py                    some minutes
    python examples/benchmarks/out_of_core.py --gigabytes 0.2 --source zarr

A panel is written to a temporary directory as Parquet (or Zarr, or a plain array), in
which the recordings take turns. Then a process of its own, which may have no more than
`--memory` of data (RLIMIT_DATA: an allocation beyond it fails), does three things:

    store     read it block by block into a StoredTable, recordings brought together
    fit       one epoch of training windows, each row read by two of them on average
    predict   one prediction for every row

Printed are seconds, those of the CPU (what a quiet machine with one core would take
beside its disk), and the peak of memory: "own" is what the process allocated
(RssAnon), "with pages" all resident memory (VmHWM so far), of which the pages of mapped
files are given back as soon as others need memory. To limit these too, run the script
in a control group (with Linux and systemd):

    systemd-run --scope -p MemoryMax=1G -p MemorySwapMax=0 python ... --source npy

First of all the same fit of some rows is done from memory and from files: the weights
have the same bits.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

MB, GB = 2**20, 2**30
RECORDINGS, WINDOW, STRIDE, BATCH = 500, 16, 8, 256
HOW = {"n_neurons": 16, "window_length": WINDOW, "stride": STRIDE, "epochs": 1}
HOW |= {"batch_size": BATCH, "random_state": 0, "device": "cpu"}


def blocks(n_rows: int, features: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield columns of a panel; row k is of recording k % RECORDINGS."""
    names = [f"c{k}" for k in range(features)]
    size = max(RECORDINGS, 2**22 // features)
    for begin in range(0, n_rows, size):
        random = np.random.default_rng(begin)
        n = min(size, n_rows - begin)
        values = random.standard_normal((n, features), dtype=np.float32)
        found = dict(zip(names, values.T, strict=True))
        row = np.arange(begin, begin + n)
        found["time"] = (row // RECORDINGS).astype(np.float64)
        found["unit"] = row % RECORDINGS
        found["target"] = values[:, 0] - values[:, 1].astype(np.float64)
        yield found


def write_parquet(path: Path, n_rows: int, features: int) -> None:
    """Write one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for columns in blocks(n_rows, features):
        batch = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, batch.schema, compression="snappy")
        writer.write_table(batch)
    writer.close()


def write_zarr(path: Path, n_rows: int, features: int) -> None:
    """Write a Zarr group of columns."""
    import zarr

    group, begin = zarr.open_group(path, mode="w"), 0
    for columns in blocks(n_rows, features):
        n = len(columns["time"])
        for name, column in columns.items():
            if not begin:
                kind = {"dtype": column.dtype, "chunks": (n,)}
                group.create_array(name, shape=(n_rows,), **kind)
            group[name][begin : begin + n] = column
        begin += n


def write_npy(path: Path, n_rows: int, features: int) -> None:
    """Write one array, with time, unit and target as its last columns."""
    shape = n_rows, features + 3
    held, begin = np.lib.format.open_memmap(path, "w+", np.float32, shape), 0
    for columns in blocks(n_rows, features):
        n = len(columns["time"])
        held[begin : begin + n] = np.column_stack(list(columns.values()))
        begin += n
    held.flush()


WRITERS = {"parquet": write_parquet, "zarr": write_zarr, "npy": write_npy}


def status(name: str) -> float:
    """Return a line of /proc/self/status in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


@contextmanager
def measured(found: dict, name: str) -> Iterator[None]:
    """Keep seconds and peaks of what is done inside."""
    peak, over = [status("RssAnon")], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            peak[0] = max(peak[0], status("RssAnon"))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    start, before = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        took, cpu = time.perf_counter() - start, time.process_time() - before
        over.set()
        thread.join()
        found[name] = [took, cpu, peak[0], status("VmHWM")]


def work(kind: str, source: Path, folder: Path, features: int, memory: float) -> None:
    """Store, fit and predict with so much memory in GB; write what was measured."""
    # Arrow's own allocator reserves a gigabyte that it does not use.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    limit = int(memory * GB)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    from LNN import LiquidRegressor
    from LNN.data import store_table

    roles = {"target": "target", "time": "time", "group": "unit"}
    if kind == "npy":
        roles = {"target": features + 2, "time": features, "group": features + 1}
    found: dict[str, list[float]] = {}
    found["imported"] = [0, time.process_time(), status("RssAnon"), status("VmHWM")]
    with measured(found, "store"):
        table = store_table(source, folder / "stored", **roles)
    some = table[:5000]
    here = np.array(some.X), np.array(some.y)
    labels = {name: np.array(values) for name, values in some.labels.items()}
    kept = LiquidRegressor(**HOW).fit(*here, **labels)
    mapped = LiquidRegressor(**HOW).fit(some.X, some.y, **some.labels)
    same = kept.loss_curve_ == mapped.loss_curve_
    answers = kept.predict(here[0], **labels)
    same &= bool((answers == mapped.predict(some.X, **some.labels)).all())
    model = LiquidRegressor(**HOW)
    with measured(found, "fit"):
        model.fit(table.X, table.y, **table.labels)
    with measured(found, "predict"):
        answers = model.predict(table.X, **table.labels)
    error = 1 - np.mean((answers - table.y) ** 2) / np.var(table.y)
    told = {"found": found, "same": same, "r2": float(error)}
    (folder / "told.json").write_text(json.dumps(told))


def main() -> None:
    """Write the data, start the process, print what it measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--memory", type=float, default=1.0, help="in GB")
    parser.add_argument("--features", type=int, default=128)
    parser.add_argument("--source", choices=WRITERS, default="parquet")
    given = parser.parse_args()
    n_rows = int(given.gigabytes * GB / (4 * given.features))
    apart = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"panel.{given.source}"
        arguments = source, n_rows, given.features
        process = apart.Process(target=WRITERS[given.source], args=arguments)
        process.start()
        process.join()
        rows = f"{n_rows:,} rows x {given.features} float32, {RECORDINGS} recordings"
        print(f"{rows}, {given.source}; {given.memory} GB of memory", flush=True)
        how = Path(folder), given.features, given.memory
        process = apart.Process(target=work, args=(given.source, source, *how))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"failed with exit code {process.exitcode}")
        told = json.loads((Path(folder) / "told.json").read_text())
    for name, (seconds, cpu, own, pages) in told["found"].items():
        memory = f"own {own:5.0f} MB  with pages {pages:5.0f}"
        print(f"{name:9s} {seconds:6.0f} s  ({cpu:4.0f} s of CPU)  {memory}")
    print(f"R2 of the targets that were trained on: {told['r2']:.3f}")
    print(f"some rows from memory and from files: same bits {told['same']}")


if __name__ == "__main__":
    main()
