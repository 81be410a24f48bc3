// node test.js: the model answers to its test vectors as it did in Python.
import { readFileSync } from "node:fs";
import { Model } from "./model.js";

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
const spec = read("model.json");
// Answers are compared, infeasible ones too.
if (spec.constraints?.on_infeasible === "raise") spec.constraints.on_infeasible = "project";
const model = Model.from(spec);
const { arrays } = read("test.json");

/** Nested lists of an array. */
function nested({ shape, data }) {
  return shape.slice(1).reduceRight((list, size) => {
    return Array.from({ length: list.length / size }, (_, k) => list.slice(k * size, (k + 1) * size));
  }, data);
}

const [inputs, gaps, expected] = ["inputs", "gaps", "predictions"].map((name) => nested(arrays[`test.${name}`]));
const { kind } = model.spec.reading;
const labels = model.spec.answer.classes;

/** Answers to one recording, as a flat list of numbers, or of positions in the classes. */
function answers(rows, dt) {
  const found = kind === "rows" ? model.predict(rows, { dt }) : model.predict([rows], { dt: [dt] });
  const flat = found.flat(Infinity);
  return labels ? flat.map((label) => labels.indexOf(label)) : flat;
}

let largest = 0;
let magnitude = 1;
inputs.forEach((rows, k) => {
  const wanted = [expected[k]].flat(Infinity);
  const got = answers(rows, gaps[k]);
  if (got.length !== wanted.length) throw new Error(`Expected ${wanted.length} answers, got ${got.length}.`);
  wanted.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(got[i] - value));
    magnitude = Math.max(magnitude, Math.abs(value));
  });
});
const good = largest <= 1e-5 * magnitude;
console.log(`${good ? "passed" : "FAILED"}: largest difference ${largest} in ${inputs.length} recordings`);
process.exitCode = good ? 0 : 1;
