// The model runs: rows of a stretch are stored, the present one can be moved.
{
  const { columns, sliders, gap, outputs, classes, missing, stretches } = page.live;
  const model = Model.from(byId("model").textContent);
  const whole = model.window === null && (model.network.ownScale || model.network.attention);
  const ranges = page.neurons.map(({ range }) => Math.max(...(range ?? [1]).map(Math.abs), 1e-9));
  // Rows that the model has taken in, and the present one, which it only peeks at.
  let [stretch, before, present, trace, timer] = [null, [], null, [], null];
  let compared = { rows: 0, largest: 0, touched: false };

  const numbers = (answer) => (classes ? model.probabilities : [answer].flat(Infinity));

  function answerTo(row, dt) {
    if (!whole) return numbers(model.peek(row, dt));
    const rows = [...before, { row, dt }];
    const [answer] = model.predict([rows.map((own) => own.row)], { dt: [rows.map((own) => own.dt)] });
    return numbers(answer);
  }

  function remember({ row, dt }) {
    if (!whole) model.step(row, dt);
    before.push({ row, dt });
  }

  // ------------------------------------------------------------------ what is shown

  function showAnswer(values) {
    const best = values.indexOf(Math.max(...values));
    const rows = values.map((value, k) => {
      const text = classes ? `${(100 * value).toFixed(1)} %` : told(value);
      const bar = element("span", { class: "bar", "aria-hidden": "true" });
      const fill = element("span", { class: "fill" });
      // A bar of a number runs over what it has been.
      const [low, high] = classes ? [0, 1] : reach([values, ...trace]);
      fill.style.width = `${(100 * (value - low)) / (high - low)}%`;
      bar.append(fill);
      const own = { class: "number", "data-value": value };
      return element("div", { class: classes && k === best ? "answer best" : "answer" },
        element("span", {}, outputs[k] ?? `output ${k}`), bar, element("span", own, text));
    });
    byId("live-answer").replaceChildren(...rows.slice(0, 12));
  }

  function showTrace(values) {
    const all = [...trace, values];
    // Of two classes one tells both.
    const shown = (classes && outputs.length === 2 ? [1] : values.map((_, k) => k)).slice(0, 6);
    const lines = shown.map((k) => ({ name: outputs[k], values: all.map((own) => own[k]) }));
    const chart = lineChart(lines, {
      label: `Answers at the last ${all.length} rows`,
      begin: "start",
      end: `row ${Math.max(all.length, stretch.rows.length)}`,
      length: Math.max(all.length, stretch.rows.length),
      ...(classes ? { range: [0, 1] } : {}),
    });
    byId("live-trace").replaceChildren(legend(lines.map(({ name }) => name)), chart);
  }

  function showNeurons() {
    const states = model.states.flatMap((layer) => Array.from(layer));
    light(states.map((value, k) => value / ranges[k]));
  }

  /** Compare with what the estimator said, as long as nobody has moved a row. */
  function check(values) {
    const { answers, rows } = stretch;
    const number = before.length;
    const wanted = answers.length === rows.length ? answers[number] : number === rows.length - 1 ? answers[0] : null;
    if (!compared.touched && wanted) {
      const size = Math.max(1, ...wanted.map(Math.abs));
      const apart = wanted.map((value, k) => Math.abs(value - values[k]) / size);
      compared = { ...compared, rows: compared.rows + 1, largest: Math.max(compared.largest, ...apart) };
    }
    const { rows: n, largest, touched } = compared;
    byId("live-check").textContent = touched
      ? "Rows were moved or added: what Python would say to them is not stored here."
      : n
        ? `${n} of these answers were compared with those of Python: they differ by ${largest.toExponential(0)} at most.`
        : "The answer at the end of the stretch is compared with that of Python.";
    byId("live-check").dataset.largest = largest;
    byId("live-check").dataset.rows = n;
  }

  function show() {
    let values;
    try {
      values = answerTo(present.row, present.dt);
    } catch (error) {
      byId("live-answer").replaceChildren(element("p", { class: "wrong" }, error.message));
      return null;
    }
    byId("live-row").textContent = `(${before.length + 1} of ${Math.max(stretch.rows.length, before.length + 1)})`;
    showAnswer(values);
    showTrace(values);
    showNeurons();
    return values;
  }

  // ----------------------------------------------------------------- what is moved

  const fieldsOf = (name) => [byId(name), byId(`${name}-exact`)];

  function put(name, value) {
    const [slider, exact] = fieldsOf(name);
    if (value !== null) slider.value = value;
    exact.value = value === null ? "" : Number(value.toPrecision(6));
  }

  function moved() {
    compared.touched = true;
    stop();
    check(show() ?? []);
  }

  function listen(name, change) {
    const [slider, exact] = fieldsOf(name);
    slider.addEventListener("input", () => {
      exact.value = slider.value;
      change(Number(slider.value));
      moved();
    });
    exact.addEventListener("input", () => {
      const value = exact.value === "" ? null : Number(exact.value);
      if (value !== null) slider.value = value;
      change(value);
      moved();
    });
  }

  function take(row, dt) {
    present = { row: [...row], dt };
    for (let k = 0; k < sliders; k++) put(`live-column-${k}`, row[k]);
    if (gap) {
      // The first row has none before it.
      for (const field of fieldsOf("live-gap")) field.disabled = before.length === 0;
      put("live-gap", before.length === 0 ? null : (dt ?? gap.unit) * gap.factor);
    }
    const values = show();
    if (values) check(values);
  }

  function start() {
    stop();
    model.reset();
    stretch = stretches[Number(byId("live-start").value)];
    [before, trace] = [[], []];
    compared = { rows: 0, largest: 0, touched: false };
    take(stretch.rows[0], null);
  }

  /** Take the present row in, and go on; false at the end of the stretch. */
  function next() {
    let values;
    try {
      values = answerTo(present.row, present.dt);
      remember(present);
    } catch {
      return false; // the message is shown already
    }
    trace.push(values);
    const k = before.length;
    if (k < stretch.rows.length) take(stretch.rows[k], stretch.gaps[k]);
    else {
      compared.touched = true;
      take(present.row, present.dt);
    }
    return k < stretch.rows.length - 1;
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    byId("live-play").textContent = "Play";
  }

  function play() {
    if (timer !== null) return stop();
    if (before.length >= stretch.rows.length - 1) start();
    byId("live-play").textContent = "Pause";
    timer = setInterval(() => next() || stop(), 120);
  }

  for (let k = 0; k < sliders; k++) listen(`live-column-${k}`, (value) => (present.row[k] = value));
  if (gap) listen("live-gap", (value) => (present.dt = value === null ? null : value / gap.factor));
  byId("live-start").addEventListener("change", start);
  byId("live-again").addEventListener("click", start);
  byId("live-next").addEventListener("click", () => {
    stop();
    next();
  });
  byId("live-play").addEventListener("click", play);
  start();
}
