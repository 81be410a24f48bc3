// node run_limited.mjs FOLDER: answers and flags of the model there to given.json.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
const { Model } = await import(pathToFileURL(`${folder}/model.js`));
const model = Model.from(read("model.json"));
const { X, dt } = read("given.json");

try {
  const found = { predict: model.predict(X, dt ? { dt } : {}), feasible: model.feasible };
  const recordings = Array.isArray(X[0][0]) ? X : [X];
  const flags = [];
  found.peeks = [];
  found.steps = recordings.map((rows) => {
    model.reset();
    const peeks = [];
    const steps = rows.map((row, k) => {
      peeks.push(model.peek(row, dt?.[k]));
      const answer = model.step(row, dt?.[k]);
      flags.push(model.feasible);
      return answer;
    });
    found.peeks.push(peeks);
    return steps;
  });
  found.step_feasible = flags;
  console.log(JSON.stringify(found));
} catch (error) {
  console.log(JSON.stringify({ predict: error.message }));
}
