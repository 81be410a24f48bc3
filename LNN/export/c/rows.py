"""From a row of numbers and a gap to steps of the network, in C."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.export.c.limits import LimitsCode
from LNN.export.c.network import Network
from LNN.export.c.source import Source, function, lines, number
from LNN.export.numpy_model import MAX_SUB_STEPS


class Rows:
    """How a model reads rows: scale, clock, missing values, long gaps, windows.

    Parameters
    ----------
    values : dict of str
    arrays : dict of str to ndarray
    network : Network
    window : int or None
        Rows that an answer sees, which the state keeps; None carries states.
    """

    def __init__(
        self,
        values: dict[str, Any],
        arrays: dict[str, np.ndarray],
        network: Network,
        window: int | None,
    ):
        self.values, self.arrays = values, arrays
        self.network, self.window = network, window
        self.n = values["input"]["n_channels"]
        self.n_read = values["input"]["n_read"]
        self.anchors = values["input"]["anchors"]
        self.missing = values["missing"]
        self.own_scale = values["own_scale"]
        self.max_step = values["clock"]["max_step"]
        self.timed = values["clock"]["kind"] is not None
        self.limits = self._limits() if values.get("constraints") else None

    def _limits(self) -> LimitsCode:
        return LimitsCode(self.values, self.arrays)

    def past_fields(self) -> list[str]:
        """Return the fields of what rows leave behind."""
        fields = ["lnn_core core;", *self.network.past_fields()]
        if self.missing != "error":
            fields.append(f"float held[{self.n}];")
        if self.missing == "mask":
            fields.append(f"float age[{self.n}];")
        return fields

    def state_fields(self) -> list[str]:
        """Return the fields of the state of a stream."""
        if self.window is None:
            fields = ["lnn_past past;"]
        else:
            fields = [
                f"float window[{self.window * (self.n + 1)}]; /* and gaps */",
                "int first;",
                "int count;",
            ]
        if self.anchors:
            fields.append(f"float before[{len(self.anchors)}];")
        fields += [] if self.limits is None else self.limits.state_fields()
        return [*fields, "int started;"] if self._looks_back() else fields

    def _looks_back(self) -> bool:
        """Whether the first row of a recording is read in a way of its own."""
        ages = self.missing == "mask" and self.window is None
        return self.timed or bool(self.anchors) or ages

    def write(self, source: Source) -> None:
        """Add the functions, the public ones last."""
        self._write_begin(source)
        if self.missing != "error":
            self._write_filling(source)
        if self.max_step is not None:
            self._write_sub_steps(source)
        self._write_row(source)
        if self.window is not None:
            self._write_window(source)
        self._write_reset(source)
        if self.limits is not None:
            self.limits.write(source)
        self._write_step(source)

    def _write_begin(self, source: Source) -> None:
        body = "memset(p, 0, sizeof *p);\n" + self.network.begin()
        if self.missing != "error":
            neutral = self._neutral(source)
            body += f"memcpy(p->held, {neutral}, sizeof p->held);\n"
        local = "int j;\n" if "(j = " in body else ""
        source.function(function("static void lnn_begin(lnn_past *p)", local + body))

    def _neutral(self, source: Source) -> str:
        return source.table("neutral", self.arrays["scaler.neutral"])

    def _write_filling(self, source: Source) -> None:
        n, held = self.n, "row[j] = p->held[j];"
        if self.missing == "hold":
            body = f"""\
int j;
for (j = 0; j < {n}; j++) {{
    if (x[j] == x[j]) p->held[j] = x[j];
    {held}
}}
"""
            head = "static void lnn_fill(lnn_past *p, const float *x, float *row)"
        else:
            source.count(calls=n)
            body = f"""\
int j;
for (j = 0; j < {n}; j++) {{
    int seen = x[j] == x[j];
    if (seen) p->held[j] = x[j];
    p->age[j] = seen ? 0.0f : p->age[j] + since;
    {held}
    row[{n} + j] = seen ? 1.0f : 0.0f;
    row[{2 * n} + j] = lnn_log1p(p->age[j]);
}}
"""
            given = "lnn_past *p, const float *x, float since, float *row"
            head = f"static void lnn_fill({given})"
        note = "/* Missing values: NaN becomes what was seen last. */\n"
        source.function(note + function(head, body))

    def _fill(self, x: str, since: str, row: str) -> str:
        """Return the statement that fills a row."""
        if self.missing == "hold":
            return f"lnn_fill(p, {x}, {row});"
        if self.missing == "mask":
            return f"lnn_fill(p, {x}, {since}, {row});"
        return f"memcpy({row}, {x}, {self.n} * sizeof(float));"

    def _write_sub_steps(self, source: Source) -> None:
        inverse = number(1.0 / self.max_step)
        source.function(
            function(
                "static int lnn_sub_steps(float dt)",
                f"""\
float parts = dt * {inverse} - 1e-4f;
int n;
if (parts >= {MAX_SUB_STEPS - 1}.0f) return {MAX_SUB_STEPS};
n = (int)parts;
if (parts > (float)n) n++;
return n > 1 ? n : 1;
""",
            )
        )

    def _write_row(self, source: Source) -> None:
        """Write how a scaled row is filled and given to the network."""
        locals_, body, row = "", "", "x"
        if self.missing != "error" or self.own_scale:
            width = self.n_read
            width += 2 * self.own_scale["n_channels"] if self.own_scale else 0
            locals_ += f"float row[{width}];\n"
            body += self._fill("x", "since", "row") + "\n"
            row = "row"
        if self.own_scale:
            channels = self.own_scale["n_channels"]
            locals_ += "int j;\n"
            body += f"""\
for (j = 0; j < {channels}; j++) {{
    row[j] = (row[j] - own[j]) * lnn_exp(-own[{channels} + j]);
    row[{self.n_read} + j] = own[j];
    row[{self.n_read + channels} + j] = own[{channels} + j];
}}
"""
            source.count(channels, channels)
        if self.max_step is None:
            body += self.network.take(row, "dt") + "\n"
        else:
            locals_ += "int n = lnn_sub_steps(dt), left;\n"
            take = self.network.take(row, "dt")
            body += f"dt /= (float)n;\nfor (left = n; left > 0; left--) {take}\n"
        source.function(function(self._row_head(), locals_ + body))

    def _row_head(self) -> str:
        since = "float since, " if self.missing == "mask" else ""
        own = ", const float *own" if self.own_scale else ""
        return f"static void lnn_row(lnn_past *p, const float *x, {since}float dt{own})"

    def _row(self, past: str, x: str, since: str, dt: str) -> str:
        since = f"{since}, " if self.missing == "mask" else ""
        own = ", own" if self.own_scale else ""
        return f"lnn_row({past}, {x}, {since}{dt}{own});"

    def _write_window(self, source: Source) -> None:
        width = self.n + 1
        source.function(f"""\
/* The k-th row of the window, the oldest first; its gap follows. */
static const float *lnn_kept(const lnn_state *s, int k)
{{
    k += s->first;
    if (k >= {self.window}) k -= {self.window};
    return s->window + k * {width};
}}
""")
        source.function(f"""\
static void lnn_keep(lnn_state *s, const float *row, float dt)
{{
    float *place;
    int k = s->first + s->count;
    if (k >= {self.window}) k -= {self.window};
    place = s->window + k * {width};
    memcpy(place, row, {self.n} * sizeof(float));
    place[{self.n}] = dt;
    if (s->count < {self.window}) s->count++;
    else if (++s->first == {self.window}) s->first = 0;
}}
""")
        since = f"k > 0 ? x[{self.n}] : 0.0f"
        if self.own_scale:
            self._write_own_scale(source, since)
        own = "    lnn_spread(s, p, own);\n" if self.own_scale else ""
        local = (
            f"    float own[{2 * self.own_scale['n_channels']}];\n"
            if self.own_scale
            else ""
        )
        source.function(f"""\
/* Each answer begins anew and runs over the window. */
static void lnn_run(const lnn_state *s, float *y)
{{
    lnn_past past, *p = &past;
{local}    int k;
{own}    lnn_begin(p);
    for (k = 0; k < s->count; k++) {{
        const float *x = lnn_kept(s, k);
        {self._row("p", "x", since, f"x[{self.n}]")}
    }}
    lnn_answer(p, y);
}}
""")

    def _write_own_scale(self, source: Source, since: str) -> None:
        channels, flat = self.own_scale["n_channels"], self.own_scale["flat"]
        count = f"lnn_sub_steps(x[{self.n}])" if self.max_step is not None else "1"
        source.count(calls=channels)
        source.function(f"""\
/* Mean of each channel over the window, and logarithm of its standard deviation. */
static void lnn_spread(const lnn_state *s, lnn_past *p, float *own)
{{
    float row[{self.n_read}], total = 0.0f;
    int k, j;
    lnn_begin(p);
    memset(own, 0, {2 * channels} * sizeof(float));
    for (k = 0; k < s->count; k++) {{
        const float *x = lnn_kept(s, k);
        float n = (float){count};
        total += n;
        {self._fill("x", since, "row")}
        for (j = 0; j < {channels}; j++) {{
            float off = row[j] - own[j];
            own[j] += off * (n / total);
            own[{channels} + j] += off * (row[j] - own[j]) * n;
        }}
    }}
    for (j = {channels}; j < {2 * channels}; j++)
        own[j] = 0.5f * lnn_log(own[j] / total + {number(flat**2)});
}}
""")

    def _write_reset(self, source: Source) -> None:
        body = "memset(s, 0, sizeof *s);\n"
        if self.window is None:
            body += "lnn_begin(&s->past);\n"
        source.function(function("void lnn_reset(lnn_state *s)", body))

    def _write_step(self, source: Source) -> None:
        scaled = self._scaling(source)
        row = f"float row[{self.n}], "
        body = f"{row}units = 1.0f;\nint j;\n" + self._time() + scaled
        if self.window is None:
            body += self._row("&s->past", "row", "s->started ? units : 0.0f", "units")
            body += "\nlnn_answer(&s->past, y);\n"
        else:
            body += "lnn_keep(s, row, units);\nlnn_run(s, y);\n"
        body += self._anchored()
        body += "" if self.limits is None else self.limits.call()
        if self._looks_back():
            body += "s->started = 1;\n"
        head = "void lnn_step(lnn_state *s, const float *x, float dt, float *y)"
        source.function(function(head, body))

    def _time(self) -> str:
        clock = self.values["clock"]
        if not self.timed:
            return "(void)dt;\n"
        text = "units = dt;\n"
        if clock["unit"] != 1.0:
            text = f"units = dt * {number(1.0 / clock['unit'])};\n"
        if clock["tolerance"]:
            low, high = 1.0 - clock["tolerance"], 1.0 + clock["tolerance"]
            near = f"units >= {number(low)} && units <= {number(high)}"
            text += f"if ({near}) units = 1.0f;\n"
        # Before the first row there is no gap; NaN and negative ones are not known.
        return f"if (s->started && dt >= 0.0f) {{\n{lines(text.rstrip(), 1)}\n}}\n"

    def _scaling(self, source: Source) -> str:
        center, scale = self.arrays["scaler.center"], self.arrays["scaler.scale"]
        value = "x[j]"
        if center.any():
            value = f"({value} - {source.table('center', center)}[j])"
        if (scale != 1).any():
            value = f"{value} * {source.table('gain', 1.0 / scale)}[j]"
        text = f"for (j = 0; j < {self.n}; j++) row[j] = {value};\n"
        for k, channel in enumerate(self.anchors):
            change = f"s->started ? x[{channel}] - s->before[{k}] : 0.0f"
            c, g = number(center[channel]), number(1.0 / scale[channel])
            text += f"row[{channel}] = (({change}) - {c}) * {g};\n"
            text += f"s->before[{k}] = x[{channel}];\n"
        source.count(self.n)
        return text

    def _anchored(self) -> str:
        """Return the statements that add what an answer is a change of."""
        if not self.anchors:
            return ""
        answer = self.values["answer"]
        levels = len(answer["quantiles"] or [0])
        one = len(self.anchors) == 1
        adds = [
            f"y[{k}] += s->before[{0 if one else k // levels}];"
            for k in range(answer["n_outputs"])
        ]
        return "\n".join(adds) + "\n"
