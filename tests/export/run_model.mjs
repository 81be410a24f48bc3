// node run_model.mjs FOLDER: what the model there answers to given.json, as JSON.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
const { Model } = await import(pathToFileURL(`${folder}/model.js`));
const model = Model.from(read("model.json"));
const { X, given, streams, probabilities } = read("given.json");

/** What a call returns, or the message of its error. */
function told(call) {
  try {
    return call();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

const found = { predict: told(() => model.predict(X, given)) };
if (probabilities) found.proba = model.predictProba(X, given);
found.steps = told(() =>
  streams.map(({ rows, dt }) => {
    model.reset();
    return rows.map((row, k) => model.step(row, dt[k]));
  }),
);
console.log(JSON.stringify(found));
