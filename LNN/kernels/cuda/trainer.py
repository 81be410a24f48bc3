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
from LNN.kernels.cuda.structure import POOLINGS, Structure, structure_of

# Threads and tiles, as csrc/ has them.
THREADS, READERS, SUMMERS, SIDE, ROWS = 256, 128, 8, 16, 4


@dataclass(frozen=True, eq=False)
class Model:
    """What differs from model to model: its data, parameters and optimiser.

    Attributes
    ----------
    fields : dict of str to Tensor, int or None
        The fields of the struct `Model` of csrc/step.cuh, by name.
    """

    fields: Mapping[str, Value]

    @classmethod
    def of(cls, adam: AdamRule, data: Resident) -> Model:
        """Return the model that this rule of Adam trains on these data."""
        clip = adam.clip_value or 0.0
        rule = adam.vector.new_tensor([clip, adam.weight_decay, data.mean_weight])
        names = ("rows", "gaps", "start", "length", "first_target", "target", "weight")
        tensors = {name: getattr(data.table, name) for name in (*names, "neutral")}
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
    """Takes the training steps of one network; a `ResidentTrainer`.

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
        """Return the launches that take the steps of trainers of one kind at once."""
        models = [each.model for each in trainers if isinstance(each, CudaTrainer)]
        assert len(models) == len(trainers)
        assert all(each.kind == self.kind for each in trainers)
        return Launches(self.structure, models)

    def release(self) -> None:
        """Give back the memory that steps need; the next one takes it again."""
        self._launches = None

    def step(self) -> None:
        """Take the step of the next batch."""
        self.launches.step()

    def gradient(self) -> Tensor:
        """Go on to the next batch; return the gradient of its mean loss."""
        self.launches.gradients()
        return self.launches.memory["gradient"][0]


def trainer_of(network: Trained, data: Resident) -> CudaTrainer | None:
    """Return what trains a network on data.

    None if there are no kernels for a part of it, or if what a step records would take
    too much memory.
    """
    structure = structure_of(network, data)
    if structure is None or network.adam is None:
        return None
    plan, rows = structure.plan, data.table.rows
    n_steps = data.batch_size * data.table.steps
    n_bytes = (plan.n_record + plan.n_work) * n_steps * rows.element_size()
    if n_bytes > most_bytes(rows.device):
        return None
    return CudaTrainer(structure, Model.of(network.adam, data))


class Launches:
    """The launches that take a step of several models of one structure at once.

    Parameters
    ----------
    structure : Structure
    models : sequence of Model

    Attributes
    ----------
    memory : dict of str to Tensor
        What the kernels of a step hand on to each other, one model after another.
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
        sums = self.memory.get("sums")
        self._n_sums = 0 if sums is None else sums.numel() // self._n
        numbers = {
            **structure.sizes,
            "n_sums": self._n_sums,
            "n_jobs": len(jobs),
            "n_tiles": n_tiles,
            "norm_blocks": self.memory["norms"].shape[1],
        }
        of_jobs = packed("Job", jobs, device)
        settings = first.new_tensor(structure.settings)
        handed = {name: self.memory.get(name) for name in HANDED}
        fields = {**numbers, **tables, **handed, "jobs": of_jobs, "settings": settings}
        # For a model that takes no step, in place of its own: no samples, and a batch
        # number and a total that the kernels may change.
        self._nobody: dict[str, Value] = {
            "now": first.new_zeros(1, dtype=torch.int64),
            "total": first.new_zeros(()),
            "n_samples": 0,
        }
        self._present = [True] * self._n
        self._table = packed("Model", [model.fields for model in models], device)
        self._arguments: list[Value] = [packed("Step", [fields], device), self._table]
        self._kept = [tables, of_jobs, settings]  # structs hold their addresses alone
        self._data, self._found = self._of_plan()

    @staticmethod
    def _blocks(n: int) -> int:
        """Return how many blocks have n threads or more."""
        return -(-n // THREADS)

    def _of_plan(self) -> tuple[Data, Gradients]:
        """Return what the plan's own kernels read and write."""
        memory, structure = self.memory, self._structure
        constants = memory["constants"]
        data = Data(
            memory["drive"],
            memory["start"],
            memory["spans"],
            memory["lengths"],
            _parts(constants, structure.constants.shapes),
            by_column=_parts(constants, structure.constants.by_column) or None,
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
        """Say which of the models take steps from now on; the others do not change."""
        if self._present == list(present):
            return
        self._present = list(present)
        pairs = zip(self._models, present, strict=True)
        rows: list[Mapping[str, Value]]
        rows = [m.fields if here else {**m.fields, **self._nobody} for m, here in pairs]
        # In place: a recorded graph knows where the table is.
        self._table.copy_(packed("Model", rows, torch.device("cpu")))

    def gradients(self) -> None:
        """Go on to the next batch, and compute its loss and gradients."""
        size, plan, memory = self._structure.sizes, self._structure.plan, self.memory
        rows = size["batch"] * size["steps"]
        # The constants, the rows of the batch, and what inputs add to each step.
        self._launch("prepare", self._blocks(max(size["n_written"], self._n_sums)))
        self._launch("gather", size["batch"], READERS)
        is_ltc = self._structure.constants.edges is not None
        if is_ltc:
            self._launch("sensory", self._blocks(rows * size["neurons"]))
        else:
            n_threads = -(-rows // ROWS) * size["drive_size"]
            self._launch("drive", self._blocks(n_threads))
        # The states, the answers with the loss, and the way back through the states.
        places = memory["states"], memory["record"]
        plan.forward(self._data, *places, memory["final"], 0, size["steps"])
        self._launch("read_out", size["rows"], READERS)
        above, carry = memory.get("grad_states"), memory["carry"]
        found = self._found
        plan.backward(self._data, *places, above, carry, found, 0, size["steps"])
        # The sums over the batch, and the gradients of the parameters from them.
        self._launch("products", self._n_tiles * size["n_chunks"])
        if n_sensory := size["n_sensory"]:
            self._launch("sensory_back", self._blocks(n_sensory) * size["n_chunks"])
        self._launch("finish", memory["norms"].shape[1])

    def step(self) -> None:
        """Go on to the next batch, and take a step along its gradients."""
        self.gradients()
        self._launch("adam", self._blocks(self._structure.sizes["n_parameters"]))

    def _launch(self, name: str, blocks: int, threads: int = THREADS) -> None:
        """Start a kernel of csrc/step.cu, with so many blocks for each model."""
        self._kernels.launch(name, blocks, threads, self._arguments, self._n)


def _parts(
    constants: Tensor, shapes: Sequence[tuple[int, tuple[int, ...]]]
) -> list[Tensor]:
    """Return parts of the constants; of each, where it begins and its shape."""
    return [constants[b : b + math.prod(s)].view(s) for b, s in shapes]


# What `memory_of` makes that the struct `Step` of csrc/step.cuh points to.
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
    """Return the memory in which the kernels of a step of n models work, by name."""
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
        # One number of each block of `finish`, in which SUMMERS threads sum up the
        # gradient of a parameter or, after the last parameter, the loss.
        "norms": (n, -(-(size["n_parameters"] + 1) * SUMMERS // THREADS)),
    }
    if size["pooling"] != POOLINGS["last"]:  # other states than the last are read
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
    constants = _parts(memory["constants"], structure.constants.shapes)
    spans, drive = memory["spans"], memory["drive"]
    data = Data(drive, memory["start"], spans, None, constants, models=n)
    sums = plan.sums(data)
    return memory if sums is None else memory | {"sums": sums}


def _jobs(
    structure: Structure, memory: Mapping[str, Tensor], n: int
) -> tuple[list[dict[str, Value]], int]:
    """Return the ledger's products as structs `Job`, and how many tiles they have."""
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
    """Return the memory that a `Product` names, and how far apart its rows are."""
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
    if name == "record":  # that of the cell: a mixed memory's gates stand behind it
        return tensor[: tensor.numel() // plan.n_record * n_record], n_record
    if name == "sums":
        return tensor, tensor[0].numel()
    return tensor, apart[name]
