"""`output_constraints` in C: the nearest answer within them, and whether it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from LNN.exceptions import InvalidInputError
from LNN.export.c.source import Source, fill, function, lines, number
from LNN.export.constraint_specs import inward

# The stack holds a matrix of the rows that may hold an answer.
MOST_TARGETS, MOST_HALF_SPACES = 8, 16
# Stands for no bound; float32 reaches a little further.
NONE = "3.1e38f"


class LimitsCode:
    """The function that keeps the answers of a model within its constraints.

    Parameters
    ----------
    values : dict of str
        With `constraints`.
    arrays : dict of str to ndarray
    """

    def __init__(self, values: dict[str, Any], arrays: dict[str, np.ndarray]):
        self.values = values
        self.n = values["answer"]["n_targets"]
        self.n_answers = values["answer"]["n_outputs"]
        self.n_inputs = values["input"]["n_channels"]
        self.how = values["constraints"]["on_infeasible"]
        self.boxes: list[tuple[str, np.ndarray, np.ndarray]] = []
        spaces = []
        for k, one in enumerate(values["constraints"]["limits"]):
            prefix = f"constraints.{k}."
            own = {
                name.removeprefix(prefix): array
                for name, array in arrays.items()
                if name.startswith(prefix)
            }
            if one["kind"] == "bounds":
                self.boxes.append(("bounds", own["low"], own["high"]))
            elif one["kind"] == "rate_limit":
                self.boxes.append(("rate_limit", own["max_rate"], own["max_rate"]))
            else:
                spaces.append(own)
        self.normals, self.of_normals = self._rows(spaces, "A", (self.n,))
        self.offsets, self.of_offsets = self._rows(spaces, "b", ())
        self.curves = self._curves(spaces)
        self.m = len(self.offsets)
        self._refuse()

    def _rows(
        self, spaces: list[dict[str, np.ndarray]], name: str, tail: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the numbers of all half-spaces, and how inputs move them."""
        if not spaces:
            return np.empty((0, *tail)), None
        slopes = [
            own.get(f"{name}_inputs", np.zeros((*own[name].shape, self.n_inputs)))
            for own in spaces
        ]
        slope = np.concatenate(slopes)
        moved = slope if slope.any() else None
        return np.concatenate([own[name] for own in spaces]), moved

    def _curves(self, spaces: list[dict[str, np.ndarray]]) -> np.ndarray | None:
        """Return the quadratic parts of all offsets, (m, F, F), if there are any."""
        square = (self.n_inputs, self.n_inputs)
        parts = [
            own.get("b_quadratic", np.zeros((len(own["b"]), *square))) for own in spaces
        ]
        return np.concatenate(parts) if any(p.any() for p in parts) else None

    def _refuse(self) -> None:
        if self.how == "raise":
            raise InvalidInputError(
                'Expected on_infeasible="project" or "hold", got "raise": C has no '
                "exceptions. Set one of them, and look at lnn_feasible after a step."
            )
        if self.m and (self.n > MOST_TARGETS or self.m > MOST_HALF_SPACES):
            raise InvalidInputError(
                f"Expected HalfSpaces of at most {MOST_HALF_SPACES} rows and "
                f"{MOST_TARGETS} targets, which the stack of a small machine holds, "
                f"got {self.m} and {self.n}. Leave rows out, or use another runtime."
            )

    @property
    def looks_back(self) -> bool:
        """Whether the answer before is needed."""
        return self.how == "hold" or any(b[0] == "rate_limit" for b in self.boxes)

    def state_fields(self) -> list[str]:
        """Return what the state of a stream keeps."""
        fields = ["int feasible;"]
        if self.looks_back:
            fields += [f"float answered[{self.n_answers}];", "int answers;"]
        return fields

    def write(self, source: Source) -> None:
        """Add the functions."""
        if self.m:
            parts = {"n": self.n, "m": self.m, "rows": self.m + 2 * self.n}
            source.function(fill("nearest.in", held=self.n + self.m, **parts))
        n, moving = self.n_answers, (self.of_normals, self.of_offsets, self.curves)
        reads = any(slope is not None for slope in moving)
        body = [f"float low[{n}], high[{n}];", "int j, apart = 0;"]
        body += [] if reads else ["(void)x;"]
        body += [] if self._moves else ["(void)elapsed;"]
        body += [
            f"for (j = 0; j < {n}; j++) {{",
            f"    low[j] = -{NONE};",
            f"    high[j] = {NONE};",
            "}",
            *(self._box(source, k, *box) for k, box in enumerate(self.boxes)),
            self._settled(source),
        ]
        if self.looks_back:
            body.append(self._remembered())
        given = "lnn_state *s, const float *x, float elapsed, float *y"
        head = f"static void lnn_limit({given})"
        note = "/* Replace an answer by the nearest one within its limits. */\n"
        source.function(note + function(head, "\n".join(body)))
        source.function(
            "int lnn_feasible(const lnn_state *s)\n{\n    return s->feasible;\n}\n"
        )

    @property
    def _moves(self) -> bool:
        return any(box[0] == "rate_limit" for box in self.boxes)

    def _box(
        self, source: Source, k: int, kind: str, first: np.ndarray, last: np.ndarray
    ) -> str:
        """Return the statements that narrow the box by one constraint."""
        levels = self.n_answers // self.n
        if kind == "bounds":
            first, last = inward(first, last)
        low = np.repeat(np.where(np.isnan(first), -3.1e38, first), levels)
        high = np.repeat(np.where(np.isnan(last), 3.1e38, last), levels)
        each = f"for (j = 0; j < {self.n_answers}; j++)"
        if kind == "bounds":
            ends = source.table(f"low{k}", low), source.table(f"high{k}", high)
            own = ", ".join(f"{end}[j]" for end in ends)
            return f"{each}\n    apart |= lnn_box({own}, &low[j], &high[j]);"
        rate = source.table(f"rate{k}", np.where(np.isnan(first), 3.1e38, first))
        return f"""\
if (s->answers) {each} {{
    float reach = {rate}[j] < {NONE} ? {rate}[j] * elapsed : {NONE}, a = s->answered[j];
    float least = reach < {NONE} ? a - reach : -{NONE};
    apart |= lnn_box(least, reach < {NONE} ? a + reach : {NONE}, &low[j], &high[j]);
}}"""

    def _settled(self, source: Source) -> str:
        """Return the statements that move the answer, and tell whether it is good."""
        each = f"for (j = 0; j < {self.n_answers}; j++)"
        if not self.m:
            clipped = "y[j] < low[j] ? low[j] : y[j] > high[j] ? high[j] : y[j]"
            return f"{each} y[j] = {clipped};\ns->feasible = !apart;"
        rows = [
            self._told(source, "a", self.normals, self.of_normals),
            self._told(source, "b", self.offsets, self.of_offsets),
        ]
        if self.curves is not None:
            rows.append(self._bent(source, self.curves))
        text = "\n".join(rows)
        return f"""\
{{
    double a[{self.m * self.n}], b[{self.m}], u[{self.n}];
{lines(text, 1)}
    s->feasible = lnn_nearest(y, low, high, a, b, u) && !apart;
    for (j = 0; j < {self.n}; j++) y[j] = (float)u[j];
}}"""

    def _told(
        self, source: Source, name: str, base: np.ndarray, slope: np.ndarray | None
    ) -> str:
        """Return the statements that write the numbers of half-spaces for this row."""
        table = source.table(f"space_{name}", base)
        each = f"for (j = 0; j < {base.size}; j++)"
        if slope is None:
            return f"{each} {name}[j] = {table}[j];"
        source.count(slope.size)
        of_x = source.table(f"space_{name}_x", slope)
        return f"""\
{each} {{
    int k;
    {name}[j] = {table}[j];
    for (k = 0; k < {self.n_inputs}; k++)
        {name}[j] += (double){of_x}[j * {self.n_inputs} + k] * x[k];
}}"""

    def _bent(self, source: Source, curves: np.ndarray) -> str:
        """Return the statements that add the quadratic parts of offsets."""
        source.count(2 * curves.size)
        table, n = source.table("space_b_xx", curves), self.n_inputs
        return f"""\
for (j = 0; j < {len(curves)}; j++) {{
    int k, l;
    for (k = 0; k < {n}; k++)
        for (l = 0; l < {n}; l++)
            b[j] += (double){table}[(j * {n} + k) * {n} + l] * x[k] * x[l];
}}"""

    def _remembered(self) -> str:
        text = ""
        if self.how == "hold":
            text = "if (!s->feasible && s->answers)\n"
            text += "    memcpy(y, s->answered, sizeof s->answered);\n"
        return text + "memcpy(s->answered, y, sizeof s->answered);\ns->answers = 1;"

    def call(self) -> str:
        """Return the statement of `lnn_step` that keeps its answer."""
        unit = number(self.values["clock"]["unit"])
        return f"lnn_limit(s, x, units * {unit}, y);\n"
