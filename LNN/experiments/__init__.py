"""The experiments of the LTC and CfC papers: ``python -m LNN.experiments``."""

from LNN.experiments.running import run_all
from LNN.experiments.runs import Run, runs_of
from LNN.experiments.tasks import TASKS

__all__ = ["TASKS", "Run", "run_all", "runs_of"]
