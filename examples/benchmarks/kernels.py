"""The native kernels beside the machine's limit, ncps, torch's loop, LSTM and GRU.

    python examples/benchmarks/kernels.py              (10 to 15 minutes)
    python examples/benchmarks/kernels.py --quick      (N = 32, B = 32: a minute)

Measured is one call over T = 64 steps of F = 8 inputs, forward (without gradients) and
forward + backward (mean square of the outputs, all parameters' gradients), of

    LTC NCP     Wiring.ncp(8, N, 4)                        6 unfolds
    LTC full    Wiring.full(8, N)                          6 unfolds
    CfC NCP     the same NCP, each layer recurrent         the default wiring of a CfC
    CfC full    N units, backbone of 128

Ratios are a peer's time over ours: medians of pairs timed in turns, with quartiles. A
peer is left out ("-") where one call is estimated, from a run over 2 steps, to take
longer than --slow-limit or to keep more than --memory-limit for its gradients.

The bound is the sigmoid's: the library's own register-resident loop of a synapse's
arithmetic, timed in this process in many short windows. Backward adds a second loop: a
sigmoid and the gradient's arithmetic. The fraction compares like with like, the fastest
window of the loop with the fastest call of the kernel; on several threads the bound is
divided by their number. A CfC has none: its work is multiply-adds.

Written to --out: kernels.txt, kernels.csv, kernels.json and kernels.png.
"""

from __future__ import annotations

import os

os.environ.pop("OMP_NUM_THREADS", None)  # "all threads" means all that torch takes

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ncps.torch
import torch
from kernels_plot import plot
from kernels_report import Case, Growth, Measurement, Ratio, Report, write
from ncps.wirings import AutoNCP
from torch import Tensor, nn

from LNN import LTC, CfC, CfCCell, Wiring
from LNN.kernels.native.library import load
from LNN.kernels.native.mirror import ISAS

INPUTS, OUTPUTS, STEPS, BACKBONE = 8, 4, 64, 128
SHORT = 2  # steps of the runs that tell how long a peer will take
SHORTEST = 2e-3  # seconds that a timing takes at least, by repeating the call

# ------------------------------------------------------------------------- layers


def our_layer(model: str, wiring: str, neurons: int, backend: str = "native"):
    """Return a layer of ours."""
    if (model, wiring) == ("CfC", "full"):
        return CfC(INPUTS, neurons, backbone_units=BACKBONE, backend=backend)
    kind = {"LTC": LTC, "CfC": CfC}[model]
    recurrent = model == "CfC" and wiring == "NCP"
    named = "NCP, layers recur" if recurrent else wiring
    return kind(INPUTS, make_wiring(named, neurons), backend=backend)


def make_wiring(name: str, neurons: int) -> Wiring:
    """Return the wiring of a name."""
    if name == "full":
        return Wiring.full(INPUTS, neurons)
    if name == "random 25 %":
        return Wiring.random(INPUTS, neurons, OUTPUTS, sparsity=0.75)
    recurrent = name == "NCP, layers recur"
    return Wiring.ncp(INPUTS, neurons, OUTPUTS, layer_recurrence=recurrent)


def make_peers(model: str, wiring: str, neurons: int) -> dict[str, nn.Module]:
    """Return the layers that ours is compared with."""
    kind = {"LTC": ncps.torch.LTC, "CfC": ncps.torch.CfC}[model]
    units = AutoNCP(neurons, OUTPUTS) if wiring == "NCP" else neurons
    return {
        "ncps": kind(INPUTS, units),
        "torch": our_layer(model, wiring, neurons, "torch"),
        "LSTM": nn.LSTM(INPUTS, neurons, batch_first=True),
        "GRU": nn.GRU(INPUTS, neurons, batch_first=True),
    }


def evaluations(layer: LTC | CfC) -> int:
    """Return the live synapse-evaluations of a sample's step.

    Of an LTC the sigmoids; of a CfC the synapses, its four maps counted once.
    """
    wiring = layer.wiring
    if isinstance(layer, LTC):
        recurrent = layer.cell.ode_unfolds * wiring.n_recurrent_synapses
        return recurrent + wiring.n_sensory_synapses
    if isinstance(layer.cell, CfCCell):
        return (INPUTS + 2 * wiring.n_neurons) * BACKBONE
    return wiring.n_synapses


# ------------------------------------------------------------------------- timing


def make_call(layer: nn.Module, inputs: Tensor, backward: bool) -> Callable[[], None]:
    """Return what is timed: one pass of the layer over the inputs."""
    parameters = list(layer.parameters())

    @torch.no_grad()
    def forward() -> None:
        layer(inputs)

    def forward_and_backward() -> None:
        for parameter in parameters:
            parameter.grad = None
        layer(inputs)[0].square().mean().backward()

    return forward_and_backward if backward else forward


def elapsed(call: Callable[[], None], times: int = 1) -> float:
    """Return the seconds that a call takes, on average over some in a row."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


class Timer:
    """A call that is warm and knows how often to repeat itself.

    Parameters
    ----------
    call : callable
    seconds : float, default=0
        What a call takes, if known: a long one is not run to warm up.
    """

    def __init__(self, call: Callable[[], None], seconds: float = 0):
        self.call = call
        self.estimate = seconds
        if seconds < 1:
            call()
            self.estimate = elapsed(call)
        self.times = math.ceil(SHORTEST / self.estimate)

    def __call__(self) -> float:
        """Return the seconds of one call."""
        return elapsed(self.call, self.times)

    @property
    def cost(self) -> float:
        """Seconds that a timing takes."""
        return self.times * self.estimate


def time_pairs(ours: Timer, peer: Timer, seconds: float) -> list[tuple[float, float]]:
    """Time both in turns for about some seconds: 7 (if long, 3) to 21 times."""
    cost = ours.cost + peer.cost
    rounds = min(max(int(seconds / cost), 3 if cost > 1 else 7), 21)
    return [(ours(), peer()) for _ in range(rounds)]


def summarise(pairs: list[tuple[float, float]]) -> Ratio:
    """Return the ratio of a peer's time to ours."""
    ratios = [theirs / ours for ours, theirs in pairs]
    quartiles = statistics.quantiles(ratios, n=4, method="inclusive")
    seconds = statistics.median(theirs for _, theirs in pairs)
    return Ratio(*quartiles, seconds=seconds, rounds=len(pairs))


# ------------------------------------------------------------------ what is too slow


def kept_bytes(layer: nn.Module, inputs: Tensor) -> int:
    """Return how much memory a forward pass keeps for the backward pass."""
    sizes = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = layer(inputs)  # alive until the end: no address is used twice
    del outputs
    return sum(sizes.values())


def foresee(layer: nn.Module, inputs: Tensor, backward: bool, options):
    """Return the seconds that a call takes, and why it is too much ("" if not)."""
    short, share = inputs[:, :SHORT], inputs.shape[1] / SHORT
    call = make_call(layer, short, backward)
    seconds = elapsed(call) * share
    if seconds < 2 * options.slow_limit:  # a first call takes longer than a second
        seconds = elapsed(call) * share
    if seconds > options.slow_limit:
        return seconds, f"about {seconds:.0f} s a call"
    memory = kept_bytes(layer, short) * share / 1e9 if backward else 0
    return seconds, f"about {memory:.0f} GB" if memory > options.memory_limit else ""


# -------------------------------------------------------------------- measurements


def calibrate(n: int = 100_000, windows: int = 100) -> dict[str, float]:
    """Return the least ns per synapse-evaluation, forward and what backward adds."""
    functions = load().functions
    engine = ISAS[load().isa], torch.finfo(torch.get_default_dtype()).bits
    lanes = functions.lnn_lanes(*engine)

    def one(backward: int) -> float:
        call = lambda: functions.lnn_calibrate(*engine, backward, n)  # noqa: E731
        return min(elapsed(call) for _ in range(windows)) / n / lanes * 1e9

    return {"forward": one(0), "backward": one(1)}


def measure(case: Case, ours: nn.Module, peers: dict, options) -> Measurement:
    """Time our layer in turns with every peer."""
    torch.set_num_threads(case.threads)
    inputs = torch.randn(case.batch, STEPS, INPUTS)
    timer = Timer(make_call(ours, inputs, case.backward))
    mine, ratios, skipped = [], {}, {}
    for name, layer in peers.items():
        seconds, reason = foresee(layer, inputs, case.backward, options)
        if reason:
            skipped[name] = reason
            continue
        peer = Timer(make_call(layer, inputs, case.backward), seconds)
        pairs = time_pairs(timer, peer, options.seconds)
        mine += [ours_took for ours_took, _ in pairs]
        ratios[name] = summarise(pairs)
    mine = mine or [timer() for _ in range(3)]
    median, fastest = statistics.median(mine), min(mine)
    return Measurement(case, evaluations(ours), median, fastest, ratios, skipped)


def measure_all(options) -> Iterator[Measurement]:
    """Measure every model at every size."""
    layers = {}
    cases = itertools.product(
        options.threads,
        ("LTC", "CfC"),
        ("NCP", "full"),
        options.neurons,
        options.batches,
        (False, True),
    )
    for threads, model, wiring, neurons, batch, backward in cases:
        key = model, wiring, neurons
        if key not in layers:
            layers[key] = our_layer(*key), make_peers(*key)
        case = Case(*key, batch, STEPS, threads, backward)
        yield measure(case, *layers[key], options)


def measure_growth(neurons: list[int], batch: int = 32, rounds: int = 5):
    """Time forward + backward, one thread, for wirings from sparse to full.

    The fastest of some sweeps over all of them is kept.
    """
    torch.set_num_threads(1)
    inputs = torch.randn(batch, STEPS, INPUTS)
    names = ("NCP", "NCP, layers recur", "random 25 %", "full")
    timers = {}
    for kind, name, n in itertools.product((LTC, CfC), names, neurons):
        layer = kind(INPUTS, make_wiring(name, n), backend="native")
        key = kind.__name__, name, n, evaluations(layer)
        timers[key] = Timer(make_call(layer, inputs, True))
    sweeps = [{key: timer() for key, timer in timers.items()} for _ in range(rounds)]
    return [
        Growth(*key, min(sweep[key] for sweep in sweeps) / STEPS / batch)
        for key in timers
    ]


# ----------------------------------------------------------------------------- main


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="N = 32 and B = 32 only, fewer repeats")
    add("--neurons", type=int, nargs="+", default=[19, 32, 64, 128])
    add("--batches", type=int, nargs="+", default=[1, 32, 256])
    add("--dtype", choices=["float32", "float64"], default="float32")
    add("--threads", type=int, default=torch.get_num_threads(), help="all threads")
    add("--seconds", type=float, default=0.5, help="for timing a pair")
    add("--slow-limit", type=float, default=6, help="seconds of a peer's call")
    add("--memory-limit", type=float, default=4, help="GB that a peer's call keeps")
    add("--out", type=Path, default=Path("output/kernels"), help="folder to write to")
    options = parser.parse_args()
    if options.quick:
        options.neurons, options.batches, options.seconds = [32], [32], 0.3
    options.threads = sorted({1, options.threads})
    return options


def main() -> None:
    """Measure, print, write."""
    options, started = parse(), time.perf_counter()
    if not load():
        raise SystemExit(f"No native library: {load().reason}. {load().remedy}.")
    torch.set_default_dtype(getattr(torch, options.dtype))
    torch.manual_seed(0)
    bounds, measurements = [calibrate()], []
    total = len(options.threads) * 8 * len(options.neurons) * len(options.batches)
    for measurement in measure_all(options):
        measurements.append(measurement)
        passed = time.perf_counter() - started
        place = f"{len(measurements):3d} of {total}, {passed:4.0f} s"
        print(f"{place}  {measurement.line()}", flush=True)
    bounds.append(calibrate())
    print("growth with synapses ...", flush=True)
    growth = measure_growth([19, 32, 64, 128], rounds=3 if options.quick else 7)
    bounds.append(calibrate())
    bound = {name: min(b[name] for b in bounds) for name in bounds[0]}
    report = Report(measurements, growth, bound, options.threads)
    write(report, options.out)
    plot(report, options.out / "kernels.png")
    print(f"written to {options.out}, {time.perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    main()
