"""What a fit learnt about time, and what it asks of the time of later data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from LNN._warnings import warn
from LNN.exceptions import InvalidInputError

from .gap_range import GapRange
from .sequence_set import SequenceSet
from .standing_clock import standing_clock_warning, stands_still
from .sub_steps import sub_steps
from .timestamps import in_words, is_regular, normalised, time_unit, tolerance

__all__ = ["Clock", "far_gaps_warning", "other_gaps_warning", "refuse_coarse_time"]


@dataclass(frozen=True)
class Clock:
    """Time, as the training part showed it.

    Attributes
    ----------
    unit : float
        Median gap between rows, in seconds or in units of the time stamps.
    resolution : float
        Rounding of the time stamps, 0 for exact ones.
    kind : {"numbers", "datetimes or durations"} or None
        What the time stamps were; None without any.
    regular : bool
        Whether all gaps were one unit.
    gap_range : GapRange or None
        What the gaps were like; None if no time went by.
    dtype : {"float32", "float64"}
        What the network computes in; it limits how long a gap may be.
    standing : bool
        Whether no time passed in most rows, which was told then.
    max_step : float or None
        A gap of more units is walked in equal sub-steps; None walks none.
    zoned : bool or None
        Whether datetimes had a time zone; None if there were none, or if a version of
        LNN stored the model that did not look.
    """

    unit: float
    resolution: float
    kind: str | None
    regular: bool
    gap_range: GapRange | None
    dtype: str
    standing: bool = False
    max_step: float | None = None
    zoned: bool | None = None

    @classmethod
    def of(
        cls,
        sequences: SequenceSet,
        dtype: str,
        sample_weight: np.ndarray | None = None,
        max_step: float | str | None = None,
    ) -> Clock:
        """Learn about time from the training part.

        Parameters
        ----------
        sequences : SequenceSet
        dtype : {"float32", "float64"}
        sample_weight : ndarray of shape (n_samples,), optional
            A weight of 2 is the same as the sample twice.
        max_step : float, "auto" or None
            "auto": where all gaps were equal, later ones that are longer are walked in
            steps of at most this size, the only one that training shows.

        Raises
        ------
        InvalidInputError
            If a gap is longer than `dtype` holds, or if the time stamps are too coarse
            for the gaps between them.

        Warns
        -----
        LNNWarning
            If no time passes in most rows, or if the time stamps are dates that were
            written as numbers.
        """
        # Only of rows that some sample reads: a gap that nobody sees says nothing.
        gaps, weights = sequences.weighted_gaps(sample_weight)
        resolution, unit = sequences.time_resolution, time_unit(gaps, weights)
        regular = is_regular(gaps, unit, resolution)
        known = GapRange.of(gaps, unit, weights)
        standing = stands_still(gaps, sequences)
        kind = sequences.time_kind
        if max_step == "auto":
            max_step = 1.0 if regular else None
        assert not isinstance(max_step, str)
        seen = unit, resolution, kind, regular, known
        clock = cls(*seen, dtype, standing, max_step, sequences.time_zoned)
        clock._refuse_endless_gaps(sequences)
        if len(gaps):
            refuse_coarse_time(resolution, unit)
        if standing:
            warn(standing_clock_warning(gaps, sequences, "X"))
        elif sequences.time_line is not None and len(gaps):
            warn(_dates_as_numbers_warning(sequences, sequences.time_line))
        return clock

    def checked(
        self,
        sequences: SequenceSet,
        owner: str,
        name: str,
        samples: np.ndarray | None = None,
    ) -> SequenceSet:
        """Check the time of new data against that of training.

        Parameters
        ----------
        sequences : SequenceSet
        owner : str
            The estimator's name, for messages.
        name : str
            What the data are called in messages.
        samples : ndarray of bool, optional
            The samples that count; the gaps of others are not looked at. None is all.

        Returns
        -------
        SequenceSet
            Without elapsed times if training had none: they have no unit then.
        """
        if sequences.time_kind is None:
            if self.regular:
                return sequences
            raise InvalidInputError(
                f"{owner} was fitted on irregular time stamps, but {name} comes "
                "without any. Pass timestamps=, a frame with a DatetimeIndex, or the "
                "time column it was fitted with."
            )
        gaps = sequences.covered_gaps(samples)
        if self.kind is None:
            if sequences.time_source == "timestamps":
                raise InvalidInputError(_no_unit_known(owner, name))
            # An index comes with every frame. If its gaps are equal they are one unit
            # each, which is what training has seen.
            if is_regular(gaps, time_unit(gaps), sequences.time_resolution):
                return replace(sequences, elapsed=None)
            raise InvalidInputError(
                f"{owner} was fitted without time stamps, but {name} comes with "
                "irregular ones, which it never learnt to use. Fit with time stamps "
                "too, or leave them out here."
            )
        if sequences.time_kind != self.kind:
            raise InvalidInputError(
                f"{owner} was fitted on time stamps that are {self.kind}, but those of "
                f"{name} are {sequences.time_kind}: their units differ. Pass the same "
                "kind as in fit."
            )
        self._refuse_other_zone(sequences.time_zoned, owner, name)
        self._refuse_endless_gaps(sequences)
        # Rounding is harmless if it is small beside the gaps here, or the known unit.
        if len(gaps):
            coarsest = max(time_unit(gaps), self.unit)
            refuse_coarse_time(sequences.time_resolution, coarsest)
        # One doubt at a time: a clock that stands makes gaps look strange as well.
        if not self.standing and stands_still(gaps, sequences):
            warn(standing_clock_warning(gaps, sequences, name))
        else:
            self._warn_of_other_gaps(gaps, sequences.time_resolution, owner, name)
        return sequences

    def _warn_of_other_gaps(
        self, gaps: np.ndarray, resolution: float, owner: str, name: str
    ) -> None:
        """Warn of gaps that training did not show."""
        if not self.regular:
            far = self.gap_range and self.gap_range.describe_far_gaps(gaps, self.kind)
            if far:
                warn(far_gaps_warning(owner, name, far))
            return
        resolution = max(resolution, self.resolution)
        if not self.shows(normalised(gaps, self.unit, resolution), resolution):
            warn(other_gaps_warning(owner, name, self))

    def shows(self, units: np.ndarray | float, resolution: float = 0.0) -> bool:
        """Return whether training showed the steps that these gaps are walked in.

        Parameters
        ----------
        units : ndarray or float
            Gaps in units of time. Training had equal ones.
        resolution : float
            Rounding of the time stamps that the gaps came from.
        """
        steps, known = np.asarray(units, dtype=np.float64), 1.0
        if self.max_step is not None:
            # What counts is the length of a step. Training walked its own gaps, of one
            # unit, in the same way.
            steps = steps / sub_steps(steps, self.max_step)
            known = 1.0 / float(sub_steps(1.0, self.max_step))
        near = tolerance(self.unit, max(resolution, self.resolution))
        return bool((np.abs(steps - known) <= near * known).all())

    def _refuse_other_zone(self, zoned: bool | None, owner: str, name: str) -> None:
        """Refuse local times after ones that say their zone, and the other way round.

        Their gaps differ where a clock is put forward or back.
        """
        if zoned is None or self.zoned is None or zoned == self.zoned:
            return
        known, came = (("without", "with")[own] for own in (self.zoned, zoned))
        raise InvalidInputError(
            f"{owner} was fitted on datetimes {known} a time zone, but those of {name} "
            f"are {came} one. Convert them first (tz_localize, tz_convert)."
        )

    def _refuse_endless_gaps(self, sequences: SequenceSet) -> None:
        """Refuse gaps that the network's numbers cannot hold."""
        if sequences.elapsed is None:
            return
        # In units a gap must fit into the network's numbers, before that into float64.
        largest = float(np.finfo(self.dtype).max) * self.unit
        largest = min(largest, np.finfo(np.float64).max)
        endless = np.flatnonzero(sequences.elapsed > largest)
        if len(endless):
            row = int(endless[0])
            raise InvalidInputError(
                f"Expected gaps of up to {largest:g}, the most that {self.dtype} "
                f"holds, got {sequences.elapsed[row]:g} before {sequences.place(row)}. "
                "Check that time stamp."
            )


def _no_unit_known(owner: str, name: str) -> str:
    given = name.replace("X", "timestamps")
    return (
        f"Expected no {given}, got some: {owner} was fitted without time stamps, so "
        f"they have no unit here. Leave {given} out, then rows are one step apart as "
        "in fit, or fit with time stamps too."
    )


def refuse_coarse_time(resolution: float, unit: float) -> None:
    """Refuse time stamps whose rounding is a large part of the gaps between them."""
    if resolution > 0.1 * unit:
        raise InvalidInputError(
            f"The time stamps are rounded to {resolution:g}, but the gaps between them "
            f"are about {unit:g}: they lost what they measure. Pass them as float64, "
            "or subtract the first one before they become float32."
        )


def far_gaps_warning(owner: str, name: str, far: str) -> str:
    """Return the warning about gaps that `GapRange.describe_far_gaps` has described."""
    return (
        f"{name} has {far}. Is its time in the same unit as in fit? If so, "
        f"{owner} never learnt to use such gaps. Predictions may be poor: fit on data "
        "with such gaps."
    )


def other_gaps_warning(owner: str, name: str, clock: Clock) -> str:
    """Return the text of the warning about gaps that equal ones never showed."""
    unit = in_words(clock.unit, clock.kind)
    walked = "" if clock.max_step is None else " that are not multiples of it"
    return (
        f"{owner} was fitted on equal gaps of {unit}, but {name} has others"
        f"{walked}, which it never learnt to use. Predictions may be poor: fit on data "
        "with such gaps."
    )


def _dates_as_numbers_warning(sequences: SequenceSet, line: str) -> str:
    """Return what is wrong with time stamps such as 20240131, and the line to write."""
    fix = _conversion(sequences, line)
    return (
        f"The time stamps of X ({sequences.time_source}) look like dates written as "
        "numbers, whose gaps are wrong: 20240131 and 20240201 are 70 apart, and not a "
        f"day. Convert them: {fix}."
    )


def _conversion(sequences: SequenceSet, line: str) -> str:
    rows, source = sequences.layout == "rows", sequences.time_source
    column, names = sequences.columns.time, sequences.columns.names
    if source == "timestamps":
        if rows:
            return f"timestamps={line.format('numpy.ravel(timestamps)')}"
        return f"timestamps=[{line.format('numpy.ravel(t)')} for t in timestamps]"
    each = "X" if rows else "x"
    if column is None:
        index = f"{each}.index"
        index = f"{index}.set_levels({line.format(f'{index}.levels[-1]')}, level=-1)"
        return f"X.index = {index}" if rows else f"X = [x.set_axis({index}) for x in X]"
    if names is None:
        times = line.format(f"{each}[:, {column}]")
        times = times if rows else f"[{times} for x in X]"
        return f"timestamps={times}, without time_column="
    name = f"{each}[{str(names[column])!r}]"
    assign = f"{name} = {line.format(name)}"
    return assign if rows else f"for x in X: {assign}"
