"""Batches of a fit as the kernels of whole epochs read them."""

from __future__ import annotations

from LNN.batching.resident import ResidentBatches
from LNN.kernels import SampleTable


def sample_table(batches: ResidentBatches) -> SampleTable:
    """Return samples as spans over rows; nothing is copied."""
    targets, missing = batches.targets, batches.missing
    return SampleTable(
        rows=batches.rows,
        gaps=batches.gaps,
        neutral=missing.neutral,
        policy=missing.policy,
        target=targets.target,
        weight=targets.weight,
        per_step=targets.per_step,
        start=batches.start,
        length=batches.length,
        first_target=batches.first_target if batches.whole else None,
        steps=batches.steps,
    )
