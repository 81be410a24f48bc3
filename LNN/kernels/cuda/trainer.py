"""A training step as nine or ten launches, for one model or for many in lock step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from LNN.kernels.backend import AdamRule, Resident, ResidentTrainer, Trained
from LNN.kernels.cuda.driver import Value
from LNN.kernels.cuda.plan import Data, Gradients
from LNN.kernels.cuda.program import load
from LNN.kernels.cuda.steps import most_bytes
from LNN.kernels.cuda.structs import packed
from LNN.kernels.cuda.structure import Structure, structure_of

# As csrc/step.cuh and products.cuh have them.
THREADS, READERS, SUMMERS, SIDE, ROWS = 256, 128, 8, 16, 4


@dataclass(frozen=True, eq=False)
class Model:
    """What one model brings along (`Model` of csrc/step.cuh).

    Attributes
    ----------
    fields : dict of str to Tensor, int or None
    """

    fields: Mapping[str, Value]

    @classmethod
    def of(cls, adam: AdamRule, data: Resident) -> Model:
        """Return a model with its data and its rule."""
        clip = adam.clip_value or 0.0
        rule = adam.vector.new_tensor([clip, adam.weight_decay, data.mean_weight])
        names = ("rows", "gaps", "start", "length", "first_target", "target", "weight")
        tensors = {name: getattr(data, name) for name in (*names, "neutral")}
        plain = {n: None if t is None else t.contiguous() for n, t in tensors.items()}
        return cls(
            {
                **plain,
                "order": data.order,
                "n_samples": len(data.order),
                "numbers": data.numbers,
                "rule": rule,
                "vector": adam.vector,
                "mean": adam.mean,
                "square": adam.square,
                "total": data.total,
                "now": data.now,
            }
        )


class CudaTrainer:
    """Takes the steps of one network.

    Parameters
    ----------
    structure : Structure
    model : Model
    """

    def __init__(self, structure: Structure, model: Model):
        self.structure, self.model, self.kind = structure, model, structure.key()
        self._launches: Launches | None = None

    @property
    def launches(self) -> Launches:
        """The launches of its steps."""
        if self._launches is None:
            self._launches = Launches(self.structure, [self.model])
        return self._launches

    def together(self, trainers: Sequence[ResidentTrainer]) -> Launches:
        """Return the launches of steps that trainers of this kind take together."""
        models = [each.model for each in trainers if isinstance(each, CudaTrainer)]
        assert len(models) == len(trainers)
        assert all(each.kind == self.kind for each in trainers)
        return Launches(self.structure, models)

    def release(self) -> None:
        """Give back memory that a step needs, until the next."""
        self._launches = None

    def step(self) -> None:
        """Take the step of the next batch."""
        self.launches.step()

    def gradient(self) -> Tensor:
        """Go on to the next batch; return the gradient of its mean loss."""
        self.launches.gradients()
        return self.launches.memory["gradient"][0]


def trainer_of(network: Trained, data: Resident) -> CudaTrainer | None:
    """Return what trains a network on data; None if there are no kernels for a part."""
    structure = structure_of(network, data)
    if structure is None or network.adam is None:
        return None
    plan, n = structure.plan, data.batch_size * data.steps
    n_bytes = (plan.n_record + plan.n_work) * n * data.rows.element_size()
    if n_bytes > most_bytes(data.rows.device):
        return None
    return CudaTrainer(structure, Model.of(network.adam, data))


class Launches:
    """The launches of a step for all models of a structure.

    Parameters
    ----------
    structure : Structure
    models : sequence of Model

    Attributes
    ----------
    memory : dict of str to Tensor
        What the kernels hand on to each other, model by model.
    """

    def __init__(self, structure: Structure, models: Sequence[Model]):
        first = models[0].fields["rows"]
        assert isinstance(first, Tensor)
        device, self._n = first.device, len(models)
        self._structure, self._models = structure, models
        self._kernels = load(structure.program, device)
        self.memory = memory_of(structure, self._n, first.dtype, device)
        tables = {
            name: torch.from_numpy(table).contiguous().to(device)
            for name, table in structure.tables.items()
        }
        jobs, n_tiles = _jobs(structure, self.memory, self._n)
        self._n_tiles = n_tiles
        numbers = {
            **structure.sizes,
            "n_sums": 0,
            "n_jobs": len(jobs),
            "n_tiles": n_tiles,
            "norm_blocks": self.memory["norms"].shape[1],
        }
        sums = self.memory.get("sums")
        if sums is not None:
            numbers["n_sums"] = sums.numel() // self._n
        of_jobs = packed("Job", jobs, device)
        settings = first.new_tensor(structure.settings)
        handed = {name: self.memory.get(name) for name in HANDED}
        fields = {**numbers, **tables, **handed, "jobs": of_jobs, "settings": settings}
        # What a model that takes no step has in place of its own, to change.
        self._nobody: dict[str, Value] = {
            "now": first.new_zeros(1, dtype=torch.int64),
            "total": first.new_zeros(()),
            "n_samples": 0,
        }
        self._present = [True] * self._n
        self._table = packed("Model", [model.fields for model in models], device)
        self._arguments: list[Value] = [packed("Step", [fields], device), self._table]
        self._kept = [tables, of_jobs, settings]
        self._data, self._found = self._of_plan()

    @staticmethod
    def _blocks(n: int) -> int:
        return -(-n // THREADS)

    def _of_plan(self) -> tuple[Data, Gradients]:
        """Return what the plan's own kernels read and write."""
        memory, structure = self.memory, self._structure
        constants = memory["constants"]

        def parts(shapes: Sequence[tuple[int, tuple[int, ...]]]) -> list[Tensor]:
            return [constants[b : b + math.prod(s)].view(s) for b, s in shapes]

        data = Data(
            memory["drive"],
            memory["start"],
            memory["spans"],
            memory["lengths"],
            parts(structure.constants.shapes),
            by_column=parts(structure.constants.by_column) or None,
            models=self._n,
            per_model=structure.sizes["n_written"],
        )
        found = Gradients(
            memory["grad_drive"],
            None,
            memory.get("sums"),
            memory.get("started"),
            memory.get("work"),
        )
        return data, found

    def choose(self, present: Sequence[bool]) -> None:
        """Say which of the models take steps from now on."""
        if self._present == list(present):
            return
        self._present = list(present)
        pairs = zip(self._models, present, strict=True)
        rows: list[Mapping[str, Value]]
        rows = [m.fields if here else {**m.fields, **self._nobody} for m, here in pairs]
        # In place: a recorded graph knows where the table is.
        self._table.copy_(packed("Model", rows, torch.device("cpu")))

    def gradients(self) -> None:
        """Go on to the next batch, and make its gradients."""
        size, plan, memory = self._structure.sizes, self._structure.plan, self.memory
        rows, n = size["batch"] * size["steps"], size["n_sensory"]
        sums = memory.get("sums")
        n_sums = 0 if sums is None else sums.numel() // self._n
        self._launch("prepare", self._blocks(max(size["n_written"], n_sums)))
        self._launch("gather", size["batch"], READERS)
        is_ltc = self._structure.constants.edges is not None
        if is_ltc:
            self._launch("sensory", self._blocks(rows * size["neurons"]))
        else:
            n_threads = -(-rows // ROWS) * size["drive_size"]
            self._launch("drive", self._blocks(n_threads))
        places = memory["states"], memory["record"]
        plan.forward(self._data, *places, memory["final"], 0, size["steps"])
        self._launch("read_out", size["rows"], READERS)
        above, carry = memory.get("grad_states"), memory["carry"]
        found = self._found
        plan.backward(self._data, *places, above, carry, found, 0, size["steps"])
        self._launch("products", self._n_tiles * size["n_chunks"])
        if n:
            self._launch("sensory_back", self._blocks(n) * size["n_chunks"])
        self._launch("finish", memory["norms"].shape[1])

    def step(self) -> None:
        """Go on to the next batch, and take a step by its gradients."""
        self.gradients()
        self._launch("adam", self._blocks(self._structure.sizes["n_parameters"]))

    def _launch(self, name: str, blocks: int, threads: int = THREADS) -> None:
        self._kernels.launch(name, blocks, threads, self._arguments, self._n)


# The fields of `Step` that are memory of `memory_of`.
HANDED = (
    "samples",
    "lengths",
    "spans",
    "values",
    "constants",
    "drive",
    "states",
    "final",
    "carry",
    "grad_states",
    "grad_drive",
    "sums",
    "features",
    "errors",
    "losses",
    "partial",
    "gradient",
    "norms",
)


def memory_of(
    structure: Structure, n: int, dtype: torch.dtype, device: torch.device
) -> dict[str, Tensor]:
    """Return the memory of a step for n models, by name."""
    size, plan = structure.sizes, structure.plan
    sequences, steps, width = n * size["batch"], size["steps"], size["width"]
    rows = n * size["rows"]
    shapes: dict[str, tuple[int, ...]] = {
        "spans": (sequences, steps),
        "values": (sequences, steps, size["inputs"]),
        "constants": (n * size["n_written"],),
        "drive": (sequences, steps, size["drive_size"]),
        "states": (sequences, steps, width),
        "record": (sequences * steps * plan.n_record,),
        "final": (sequences, width),
        "carry": (sequences, width),
        "grad_drive": (sequences, steps, size["drive_size"]),
        "features": (rows, size["read"]),
        "errors": (rows, size["outputs"]),
        "losses": (rows,),
        "partial": (n, size["n_chunks"], size["n_entries"]),
        "gradient": (n, size["n_parameters"]),
        # Of each block of `finish`; the loss is summed up after the last parameter.
        "norms": (n, -(-(size["n_parameters"] + 1) * SUMMERS // THREADS)),
    }
    if size["pooling"] != 1:  # other states than the last are read
        shapes["grad_states"] = (sequences, steps, width)
    if plan.defines["MEMORY"]:
        shapes["started"] = (sequences, steps, plan.n_neurons)
    if plan.n_work:
        shapes["work"] = (sequences * steps, plan.n_work)
    like = torch.empty(0, dtype=dtype, device=device)
    memory = {name: like.new_empty(shape) for name, shape in shapes.items()}
    memory["start"] = like.new_zeros(sequences, width)
    memory["samples"] = torch.empty(sequences, dtype=torch.int64, device=device)
    memory["lengths"] = torch.empty(sequences, dtype=torch.int32, device=device)
    constants = [
        memory["constants"][b : b + math.prod(s)].view(s)
        for b, s in structure.constants.shapes
    ]
    spans, drive = memory["spans"], memory["drive"]
    data = Data(drive, memory["start"], spans, None, constants, models=n)
    sums = plan.sums(data)
    return memory if sums is None else memory | {"sums": sums}


def _jobs(
    structure: Structure, memory: Mapping[str, Tensor], n: int
) -> tuple[list[dict[str, Value]], int]:
    """Return the products as structs, and how many tiles they have."""
    jobs: list[dict[str, Value]] = []
    n_tiles = 0
    for each in structure.ledger.products:
        right, right_apart = _rows(structure, memory, each.right)
        job: dict[str, Value] = {
            "left": None,
            "left_apart": 0,
            "right": right.flatten()[each.right_at :],
            "right_apart": right_apart,
            "n_left": each.n_left,
            "n_right": each.n_right,
            "rows": right.numel() // right_apart // n,
            "shifted": int(each.left == "before"),
            "active": int(each.active),
            "entry": each.entry,
            "first_tile": n_tiles,
        }
        tiles = -(-each.n_right // THREADS)
        if each.left != "ones":
            left, left_apart = _rows(structure, memory, each.left)
            job |= {"left": left.flatten()[each.left_at :], "left_apart": left_apart}
            tiles = -(-each.n_left // SIDE) * -(-each.n_right // SIDE)
        n_tiles += tiles
        jobs.append(job)
    return jobs, n_tiles


def _rows(
    structure: Structure, memory: Mapping[str, Tensor], name: str
) -> tuple[Tensor, int]:
    """Return memory that a product reads by rows, and how long a row is."""
    size, plan = structure.sizes, structure.plan
    n_record = getattr(plan, "inner", plan).n_record
    apart = {
        "values": size["inputs"],
        "drive": size["drive_size"],
        "before": size["width"],
        "states": size["width"],
        "started": plan.n_neurons,
        "record": n_record,
        "work": plan.n_work,
        "features": size["read"],
        "errors": size["outputs"],
        "losses": 1,
    }
    names = {"drive": "grad_drive", "before": "states"}
    tensor = memory[names.get(name, name)]
    if name == "record":  # without that of a memory's gates
        return tensor[: tensor.numel() // plan.n_record * n_record], n_record
    if name == "sums":
        return tensor, tensor[0].numel()
    return tensor, apart[name]
