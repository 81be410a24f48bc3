"""The cells: the papers' equations in plain PyTorch, the oracle of every kernel."""

from LNN.cells.cfc import CfCCell, WiredCfCCell
from LNN.cells.ltc import LTCCell
from LNN.cells.mixed_memory import MixedMemoryCell

__all__ = ["CfCCell", "LTCCell", "MixedMemoryCell", "WiredCfCCell"]
