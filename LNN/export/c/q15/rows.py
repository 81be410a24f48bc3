"""From a row of integers and a gap to steps of the network."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.c.limits import LimitsCode
from LNN.export.c.q15.door import TIME_BITS, Door
from LNN.export.c.q15.formats import LARGEST, ROW_BITS
from LNN.export.c.q15.limits import FixedLimits
from LNN.export.c.q15.network import FixedNetwork
from LNN.export.c.rows import Rows
from LNN.export.c.source import Source, function, lines
from LNN.export.numpy_model import MAX_SUB_STEPS

_ONE = 1 << TIME_BITS


class FixedRows(Rows):
    """How a model reads rows, as `Rows`, in integers."""

    def __init__(
        self,
        values: dict[str, Any],
        arrays: dict[str, np.ndarray],
        network: FixedNetwork,
        window: int | None,
        door: Door,
    ):
        self.door = door
        super().__init__(values, arrays, network, window)
        if self.own_scale:
            raise InvalidInputError(
                'Expected rows that are scaled one by one for dtype="q15", got '
                'scale="sequence". Fit with scale="standard", or export with '
                'dtype="float32".'
            )

    def _limits(self) -> LimitsCode:
        return FixedLimits(self.values, self.arrays, self.door)

    def past_fields(self) -> list[str]:
        """Return the fields of what rows leave behind."""
        fields = ["lnn_core core;", *self.network.past_fields()]
        if self.missing != "error":
            fields.append(f"int16_t held[{self.n}];")
        if self.missing == "mask":
            fields.append(f"int32_t age[{self.n}];")
        return fields

    def state_fields(self) -> list[str]:
        """Return the fields of the state of a stream."""
        if self.window is None:
            fields = ["lnn_past past;"]
        else:
            fields = [
                f"int16_t window[{self.window * self.n}];",
                *([f"int32_t gaps[{self.window}];"] if self.timed else []),
                "int first;",
                "int count;",
            ]
        if self.anchors:
            fields.append(f"int32_t before[{len(self.anchors)}];")
        fields += [] if self.limits is None else self.limits.state_fields()
        return [*fields, "int started;"] if self._looks_back() else fields

    def _neutral(self, source: Source) -> str:
        codes = np.clip(
            np.round(self.arrays["scaler.neutral"] * 2.0**ROW_BITS), -LARGEST, LARGEST
        )
        return source.table("neutral", codes, "int16_t")

    def _write_filling(self, source: Source) -> None:
        n = self.n
        if self.missing == "hold":
            head = "static void lnn_fill(lnn_past *p, const int16_t *x, int16_t *row)"
            body = f"""\
int j;
for (j = 0; j < {n}; j++) {{
    if (x[j] != INT16_MIN) p->held[j] = x[j];
    row[j] = p->held[j];
}}
"""
        else:
            source.count(calls=n)
            given = "lnn_past *p, const int16_t *x, int32_t since, int16_t *row"
            head = f"static void lnn_fill({given})"
            body = f"""\
int j;
for (j = 0; j < {n}; j++) {{
    int seen = x[j] != INT16_MIN; /* 2048 is 1 */
    if (seen) p->held[j] = x[j];
    p->age[j] = seen ? 0 : lnn_clip(p->age[j], 0, 0x3FFFFFFF - since) + since;
    row[j] = p->held[j];
    row[{n} + j] = seen ? 2048 : 0;
    row[{2 * n} + j] = (int16_t)lnn_clip(lnn_log1p(p->age[j]), 0, 32767);
}}
"""
        note = "/* Missing values: what was seen last. */\n"
        source.function(note + function(head, body))

    def _write_sub_steps(self, source: Source) -> None:
        longest = round(min(self.max_step * _ONE, 2.0**30 - 1))
        # As in floats, a gap that is hardly longer is not cut once more.
        most = longest - 1 - round(1e-4 * longest)
        source.function(
            function(
                "static int lnn_sub_steps(int32_t dt)",
                f"int32_t n = (dt + {most}) / {longest};\n"
                f"return (int)lnn_clip(n, 1, {MAX_SUB_STEPS});\n",
            )
        )

    def _write_row(self, source: Source) -> None:
        """Write how a scaled row is filled and given to the network."""
        local, body, row = "", "", "x"
        if self.missing != "error":
            local = f"int16_t row[{self.n_read}];\n"
            body, row = self._fill("x", "since", "row") + "\n", "row"
        take = self.network.take(row, "dt")
        if self.max_step is not None:
            local += "int n = lnn_sub_steps(dt), left;\n"
            take = f"dt /= n;\nfor (left = n; left > 0; left--) {take}"
        source.function(function(self._row_head(), f"{local}{body}{take}\n"))

    def _row_head(self) -> str:
        since = "int32_t since, " if self.missing == "mask" else ""
        return f"static void lnn_row(lnn_past *p, const int16_t *x, {since}int32_t dt)"

    def _write_window(self, source: Source) -> None:
        n, window = self.n, self.window
        gap = "s->gaps[place]" if self.timed else str(_ONE)
        keep = "s->gaps[k] = dt;" if self.timed else "(void)dt;"
        source.function(f"""\
static void lnn_keep(lnn_state *s, const int16_t *row, int32_t dt)
{{
    int k = s->first + s->count;
    if (k >= {window}) k -= {window};
    memcpy(s->window + k * {n}, row, {n} * sizeof *row);
    {keep}
    if (s->count < {window}) s->count++;
    else if (++s->first == {window}) s->first = 0;
}}
""")
        row = self._row("p", "x", f"k > 0 ? {gap} : 0", gap)
        source.function(f"""\
/* Each answer begins anew and runs over the window. */
static void lnn_run(const lnn_state *s, int32_t *y)
{{
    lnn_past past, *p = &past;
    int k, place = s->first;
    lnn_begin(p);
    for (k = 0; k < s->count; k++) {{
        const int16_t *x = s->window + place * {n};
        {row}
        if (++place == {window}) place = 0;
    }}
    lnn_answer(p, y);
}}
""")

    def _write_step(self, source: Source) -> None:
        body = f"int16_t row[{self.n}];\nint32_t units = {_ONE};\nint j;\n"
        body += self._time() + self._scaling(source)
        if self.window is None:
            since = "s->started ? units : 0"
            body += self._row("&s->past", "row", since, "units")
            body += "\nlnn_answer(&s->past, y);\n"
        else:
            body += "lnn_keep(s, row, units);\nlnn_run(s, y);\n"
        body += self._anchored()
        body += "" if self.limits is None else self.limits.call()
        if self._looks_back():
            body += "s->started = 1;\n"
        given = "lnn_state *s, const int32_t *x, int32_t dt, int32_t *y"
        source.function(function(f"void lnn_step_q15({given})", body))

    def _time(self) -> str:
        if not self.timed:
            return "(void)dt;\n"
        text = f"units = lnn_clip(lnn_part(dt, {self.door.time_gain}), 0, 0x3FFFFFFF);"
        tolerance = round(self.values["clock"]["tolerance"] * _ONE)
        if tolerance:
            low, high = _ONE - tolerance, _ONE + tolerance
            text += f"\nif (units >= {low} && units <= {high}) units = {_ONE};"
        # Before the first row there is no gap; negative ones are not known.
        return f"if (s->started && dt >= 0) {{\n{lines(text, 1)}\n}}\n"

    def _scaling(self, source: Source) -> str:
        center = source.table("center", self.door.center, "int32_t")
        gain = source.table("gain", self.door.gain, "int32_t")
        value = f"lnn_scaled(x[j], {center}[j], {gain}[j])"
        if self.missing != "error":
            value = f"x[j] == LNN_MISSING ? INT16_MIN : {value}"
        text = f"for (j = 0; j < {self.n}; j++) row[j] = {value};\n"
        if self.anchors:
            text += self._anchor_rows(center, gain)
        source.count(self.n)
        return text

    def _anchor_rows(self, center: str, gain: str) -> str:
        """Return what reads the change of a column, and keeps its value."""
        text = "int32_t now;\n"
        for k, channel in enumerate(self.anchors):
            change = f"s->started ? now - s->before[{k}] : 0"
            text += f"""\
now = lnn_clip(x[{channel}], -0x1FFFFFFF, 0x1FFFFFFF);
row[{channel}] = lnn_scaled({change}, {center}[{channel}], {gain}[{channel}]);
s->before[{k}] = now;
"""
        return text

    def _anchored(self) -> str:
        """Return the statements that add what an answer is a change of."""
        if not self.anchors:
            return ""
        levels, one = (
            len(self.values["answer"]["quantiles"] or [0]),
            len(self.anchors) == 1,
        )
        text = ""
        for k, bits in enumerate(self.door.of_y):
            place = 0 if one else k // levels
            shift = self.door.of_x[self.anchors[place]] - bits
            before = f"s->before[{place}]"
            text += (
                f"y[{k}] += {before} >> {shift};\n"
                if shift
                else f"y[{k}] += {before};\n"
            )
        return text
