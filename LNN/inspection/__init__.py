"""What a model does: what it looks at, what matters to it, what it sees too early."""

from LNN.inspection.attribution import attribution
from LNN.inspection.causality import check_temporal_causality
from LNN.inspection.counterfactual import counterfactual
from LNN.inspection.displays.attribution import AttributionDisplay
from LNN.inspection.displays.explanation import ExplanationDisplay
from LNN.inspection.explaining import explain
from LNN.inspection.explanation import Explanation
from LNN.inspection.importance import permutation_importance
from LNN.inspection.smallest_change import smallest_change

__all__ = [
    "AttributionDisplay",
    "Explanation",
    "ExplanationDisplay",
    "attribution",
    "check_temporal_causality",
    "counterfactual",
    "explain",
    "permutation_importance",
    "smallest_change",
]
