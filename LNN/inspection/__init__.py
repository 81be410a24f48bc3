"""What a model does: what it looks at, what matters to it, what it sees too early."""

from LNN.inspection.activity import neuron_activity
from LNN.inspection.attribution import attribution
from LNN.inspection.causality import check_temporal_causality
from LNN.inspection.counterfactual import counterfactual
from LNN.inspection.coupling import coupling
from LNN.inspection.currents import currents
from LNN.inspection.disentanglement import disentanglement_scores
from LNN.inspection.displays.activity import NeuronActivityDisplay
from LNN.inspection.displays.attribution import AttributionDisplay
from LNN.inspection.displays.explanation import ExplanationDisplay
from LNN.inspection.displays.influence import InfluenceDisplay
from LNN.inspection.displays.robustness import RobustnessDisplay
from LNN.inspection.displays.time_constants import TimeConstantDisplay
from LNN.inspection.displays.tree import TreeDisplay
from LNN.inspection.displays.wiring import WiringDisplay
from LNN.inspection.diversity import select_diverse
from LNN.inspection.explaining import explain
from LNN.inspection.explanation import Explanation
from LNN.inspection.importance import permutation_importance
from LNN.inspection.influence import influence_graph
from LNN.inspection.partial_dependence import partial_dependence
from LNN.inspection.report import report
from LNN.inspection.robustness import robustness
from LNN.inspection.similarity import attribution_similarity, structural_similarity
from LNN.inspection.smallest_change import smallest_change
from LNN.inspection.surrogate import TreeSurrogate
from LNN.inspection.time_constants import time_constants

__all__ = [
    "AttributionDisplay",
    "Explanation",
    "ExplanationDisplay",
    "InfluenceDisplay",
    "NeuronActivityDisplay",
    "RobustnessDisplay",
    "TimeConstantDisplay",
    "TreeDisplay",
    "TreeSurrogate",
    "WiringDisplay",
    "attribution",
    "attribution_similarity",
    "check_temporal_causality",
    "counterfactual",
    "coupling",
    "currents",
    "disentanglement_scores",
    "explain",
    "influence_graph",
    "neuron_activity",
    "partial_dependence",
    "permutation_importance",
    "report",
    "robustness",
    "select_diverse",
    "smallest_change",
    "structural_similarity",
    "time_constants",
]
