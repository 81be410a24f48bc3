"""The text of `model.h` and `model.c`."""

from __future__ import annotations

import json
import re
from typing import Any

from LNN.export.c.program import Program
from LNN.export.c.q15.header import float_door, macros, prototypes
from LNN.export.c.source import template

_MARK = "LNN model:"


def header_text(program: Program) -> str:
    """Return the header: what other code sees of a model."""
    values = program.values
    fields = {
        "lnn_core": program.network.core_fields(),
        "lnn_past": program.rows.past_fields(),
        "lnn_state": program.rows.state_fields(),
    }
    if program.window is not None:
        # What rows leave behind lives on the stack, while a window is run over.
        structs = _struct("lnn_state", fields["lnn_state"])
    else:
        structs = "\n".join(_struct(name, own) for name, own in fields.items())
    labels = values["answer"]["classes"]
    integers = program.dtype == "q15"
    step = "lnn_step_q15" if integers else "lnn_step"
    given = "$channels", _time(values), _answer(program)
    told = "" if labels is None else "#define LNN_LABELS $labels\n"
    text = f"""\
/* {_title(program)}

   $described

   Call lnn_reset once, and where a recording begins; then {step} for each row. */
#ifndef LNN_MODEL_H
#define LNN_MODEL_H

{"#include <stdint.h>" if integers else ""}
#ifdef __cplusplus
extern "C" {{
#endif

#define LNN_CHANNELS {values["input"]["n_channels"]} /* numbers in x */
#define LNN_ANSWERS {program.n_answers} /* numbers in y */
{macros(program.door) if integers else ""}{told}
/* The past of one stream. Its fields differ from model to model. */
{structs}
void lnn_reset(lnn_state *s);

{prototypes(*given) if integers else _prototype(*given)}{_flag(values)}
#ifdef __cplusplus
}}
#endif

#endif
"""
    # What a user named keeps its name, whatever the prefix.
    users = {
        "$described": f"{_MARK} {_described(program)}",
        "$channels": _channels(
            values, program.named("LNN_MISSING" if integers else "NAN")
        ),
        "$labels": _labels(labels or []),
    }
    # All at once: a label may look like a place.
    places = "|".join(map(re.escape, users))
    return re.sub(places, lambda found: users[found[0]], program.named(text))


def _prototype(x: str, dt: str, y: str) -> str:
    return f"""\
/* Take in a row and write the answer.

   x   {x}
   dt  {dt}
   y   {y} */
void lnn_step(lnn_state *s, const float *x, float dt, float *y);
"""


def _flag(values: dict[str, Any]) -> str:
    if not values.get("constraints"):
        return ""
    return """\

/* Whether the last answer satisfies all constraints: where this is 0 none does. */
int lnn_feasible(const lnn_state *s);
"""


def source_text(program: Program, header: str) -> str:
    """Return the source."""
    text = program.text
    structs = ""
    if program.window is not None:
        own = {
            "lnn_core": program.network.core_fields(),
            "lnn_past": program.rows.past_fields(),
        }
        structs = (
            "\n".join(_struct(name, fields) for name, fields in own.items()) + "\n"
        )
    libraries = [name for name in ("expf(", "tanhf(") if name in text]
    included = "#include <math.h>\n" if libraries else ""
    guard = ""
    if program.values["missing"] != "error":
        guard = """\
#ifdef __FAST_MATH__
#error "Missing values are NaN, which -ffast-math takes for a number: leave it out."
#endif

"""
    door = ""
    if program.dtype == "q15":
        door, guard = "\n" + float_door(program.door, guard), ""
    lanes = template("lanes.h") if re.search("LNN_(LANES|SYNAPSES)", text) else ""
    return program.named(f"""\
/* {_title(program)} */
{included}#include <stdint.h>
#include <string.h>
#include "{header}"

{guard}{lanes}typedef {program.source.index} lnn_index;

{structs}{text}{door}""")


def read_description(header: str) -> dict[str, Any]:
    """Return what a header says of its model."""
    found = re.search(rf"{_MARK} (\{{.*\}})", header)
    if found is None:
        raise ValueError("no model")
    told: dict[str, Any] = json.loads(found[1])
    return told


def _title(program: Program) -> str:
    cells = " + ".join(
        f"{layer['cell']} of {layer['n_neurons']}" for layer in program.values["layers"]
    )
    lnn = program.values["provenance"]["lnn"]
    return f"{cells}, {program.dtype}. Written by LNN {lnn}; do not edit."


def _described(program: Program) -> str:
    values = program.values
    told = {
        "n_columns": values["input"]["n_columns"],
        "columns": values["input"]["columns"],
        "names": values["input"]["names"],
        "time": values["input"].get("time"),
        "group": values["input"].get("group"),
        "anchors": values["input"]["anchors"],
        "kind": values["reading"]["kind"],
        "every_step": values["reading"]["every_step"],
        "missing": values["missing"],
        "clock": values["clock"]["kind"],
        "regular": values["clock"]["regular"],
        "longest": program.longest,
        **{
            k: values["answer"][k]
            for k in ("n_outputs", "n_targets", "ndim", "classes")
        },
        "quantiles": values["answer"]["quantiles"],
        "prefix": program.prefix,
        "dtype": program.dtype,
        "difference": program.difference,
        "limited": bool(values.get("constraints")),
    }
    # A label could end the comment.
    return json.dumps(told).replace("/", r"\/")


def _struct(name: str, fields: list[str]) -> str:
    return (
        "typedef struct {\n" + "".join(f"    {f}\n" for f in fields) + f"}} {name};\n"
    )


def _labels(labels: list[Any]) -> str:
    return "{" + ", ".join(f'"{_quoted(str(label))}"' for label in labels) + "}"


def _quoted(text: str) -> str:
    """Return text inside a string of C, in UTF-8."""
    # All but plain characters by their octal codes: C has trigraphs, and universal
    # names for some characters only.
    plain = re.compile(rb"[A-Za-z0-9 !#-&(-/:-@\[\]-`{-~]")
    characters = (bytes([byte]) for byte in text.encode())
    return "".join(
        c.decode() if plain.fullmatch(c) and c != b"?" else f"\\{c[0]:03o}"
        for c in characters
    )


def _channels(values: dict[str, Any], gone: str) -> str:
    names = values["input"]["names"]
    columns = values["input"]["columns"]
    told = [str(c) for c in columns] if names is None else [_safe(n) for n in names]
    many = "columns" if len(told) > 1 else "column"
    missing = f", {gone} where missing" if values["missing"] != "error" else ""
    return f"{many} {', '.join(told)} of X, in its units{missing}"


def _safe(text: str) -> str:
    return json.dumps(text)[1:-1].replace("*/", "* /").replace("/*", "/ *")


def _time(values: dict[str, Any]) -> str:
    kind = values["clock"]["kind"]
    if kind is None:
        return "not read: rows are steps"
    unit = "units of the time stamps" if kind == "numbers" else "seconds"
    return f"time since the row before, in {unit}; below 0 is one usual gap"


def _answer(program: Program) -> str:
    answer = program.values["answer"]
    if answer["classes"] is not None:
        return "probabilities of LNN_LABELS"
    if answer["quantiles"] and len(answer["quantiles"]) > 1:
        levels = ", ".join(f"{level:g}" for level in answer["quantiles"])
        return f"quantiles {levels} of each target"
    within = ", within its limits" if program.values.get("constraints") else ""
    return f"the answer, in the units of y{within}"
