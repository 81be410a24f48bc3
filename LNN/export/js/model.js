/**
 * Run a model of LNN in a browser, in node, or anywhere else that knows ES modules.
 *
 *     const model = Model.from(await (await fetch("model.json")).json());
 *     model.predict(rows, { dt });     // rows of one recording, or sequences
 *     model.step(row, dt);             // one row; the model remembers those before
 *     model.peek(row, dt);             // what it would answer, and not remember
 *     model.states;                    // the neurons after the row that it read last
 *     model.reset();                   // the next row begins another recording
 *     model.feasible;                  // of a model with limits: whether the last answer satisfies them
 *
 * A row has the input columns of the data alone, in the order of `model.spec.input`.
 * `dt` is the time since the row before: seconds for models that were fitted on dates,
 * else in the units of their time stamps. The equations are those of docu/spec.md.
 */

/** @typedef {ArrayLike<number|null>} Row  null, undefined or NaN where a value is missing */
/** @typedef {number|string|boolean|number[]|number[][]} Answer  K numbers, or K times Q quantiles */
/**
 * @typedef {object} Given  what belongs to rows; of sequences, lists of these
 * @property {ArrayLike<number|null>} [dt]  time since the row before; default: one usual gap, if time was regular
 * @property {ArrayLike<number|Date>} [timestamps]  of the rows, in place of `dt`
 * @property {ArrayLike<boolean>} [starts]  whether a recording begins at a row
 */

const VERSION = 3;
// A gap is walked in at most this many sub-steps.
const MAX_SUB_STEPS = 32;

const sigmoid = (x) => 0.5 * (1 + Math.tanh(0.5 * x));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The error function, by a series whose terms all have one sign. */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const ACTIVATIONS = {
  lecun_tanh: (x) => 1.7159 * Math.tanh(0.666 * x),
  tanh: Math.tanh,
  relu: (x) => Math.max(x, 0),
  silu: (x) => x * sigmoid(x),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
};

/** The arrays of a spec whose names begin alike. */
class Arrays {
  constructor(arrays, prefix = "") {
    this.arrays = arrays;
    this.prefix = prefix;
  }

  part(name) {
    return new Arrays(this.arrays, `${this.prefix}${name}.`);
  }

  has = (name) => this.prefix + name in this.arrays;

  /** @returns {Float64Array} */
  get(name) {
    const array = this.arrays[this.prefix + name];
    if (!array) throw new Error(`Expected an array ${this.prefix + name}, got a spec without it.`);
    // Text is shorter than the numbers that it stands for.
    return Float64Array.from(array.data, array.dtype === "float32" ? Math.fround : (x) => x ?? NaN);
  }

  /** A linear map with its bias: x -> weight @ x + bias. */
  linear(weight = "weight", bias = "bias") {
    return linear(this.get(weight), this.get(bias));
  }
}

function linear(weight, bias) {
  const width = weight.length / bias.length;
  return (x) =>
    bias.map((start, row) => {
      let sum = start;
      for (let k = 0, at = row * width; k < width; k++, at++) sum += weight[at] * x[k];
      return sum;
    });
}

function concat(...parts) {
  const whole = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

class LTC {
  constructor(layer, arrays) {
    this.unfolds = layer.unfolds;
    this.scale = arrays.get("input_weight");
    this.shift = arrays.get("input_bias");
    this.cm = arrays.get("cm");
    const gleak = arrays.get("gleak");
    const vleak = arrays.get("vleak");
    this.leak = {
      current: gleak.map((g, j) => g * vleak[j]),
      conductance: gleak.map((g) => g + layer.epsilon),
    };
    this.sensory = this.#synapses(arrays.part("sensory"));
    this.recurrent = this.#synapses(arrays.part("recurrent"));
    const solvers = {
      "semi-implicit": this.#semiImplicit,
      exponential: this.#exponential,
      explicit: this.#explicit,
      rk4: this.#rk4,
    };
    this.unfold = solvers[layer.solver];
  }

  #synapses(arrays) {
    const names = ["source", "target", "weight", "sigma", "mu", "erev"];
    return Object.fromEntries(names.map((name) => [name, arrays.get(name)]));
  }

  /** Add what synapses bring in to currents and conductances. */
  #sums({ current, conductance }, z, { source, target, weight, sigma, mu, erev }) {
    const sums = { current: current.slice(), conductance: conductance.slice() };
    for (let k = 0; k < source.length; k++) {
      const open = weight[k] * sigmoid(sigma[k] * (z[source[k]] - mu[k]));
      sums.current[target[k]] += open * erev[k];
      sums.conductance[target[k]] += open;
    }
    return sums;
  }

  step(x, v, dt) {
    const u = x.map((value, k) => value * this.scale[k] + this.shift[k]);
    const drive = this.#sums(this.leak, u, this.sensory);
    for (let k = 0; k < this.unfolds; k++) v = this.unfold(drive, v, dt / this.unfolds);
    return v;
  }

  #semiImplicit(drive, v, h) {
    const { current, conductance } = this.#sums(drive, v, this.recurrent);
    return v.map((vj, j) => vj + (h * (current[j] - conductance[j] * vj)) / (this.cm[j] + h * conductance[j]));
  }

  #exponential(drive, v, h) {
    const { current, conductance } = this.#sums(drive, v, this.recurrent);
    return v.map((vj, j) => vj - Math.expm1((-h * conductance[j]) / this.cm[j]) * (current[j] / conductance[j] - vj));
  }

  #slope(drive, v) {
    const { current, conductance } = this.#sums(drive, v, this.recurrent);
    return v.map((vj, j) => (current[j] - conductance[j] * vj) / this.cm[j]);
  }

  #explicit(drive, v, h) {
    const slope = this.#slope(drive, v);
    return v.map((vj, j) => vj + h * slope[j]);
  }

  #rk4(drive, v, h) {
    const from = (slope, part) => v.map((vj, j) => vj + part * h * slope[j]);
    const k1 = this.#slope(drive, v);
    const k2 = this.#slope(drive, from(k1, 0.5));
    const k3 = this.#slope(drive, from(k2, 0.5));
    const k4 = this.#slope(drive, from(k3, 1));
    return v.map((vj, j) => vj + (h / 6) * (k1[j] + 2 * k2[j] + 2 * k3[j] + k4[j]));
  }
}

/** The new state of a neuron of a CfC, from the values of its maps. */
const CLOSED_FORMS = {
  default([f1, f2, a, b], h, dt) {
    const first = Math.tanh(f1);
    return first + sigmoid(a * dt + b) * (Math.tanh(f2) - first);
  },
  no_gate: ([f1, f2, a, b], h, dt) => Math.tanh(f1) + sigmoid(a * dt + b) * Math.tanh(f2),
  exponential: ([f1, a], h, dt) => h - Math.expm1(-dt * softplus(a)) * (Math.tanh(f1) - h),
  pure: ([f1], h, dt, asymptote, rate) => asymptote - asymptote * Math.exp(-dt * (rate + Math.abs(f1))) * f1,
};

/** What both kinds of CfC share: the mode, and the two arrays of the mode "pure". */
class ClosedForm {
  constructor(layer, arrays) {
    this.form = CLOSED_FORMS[layer.mode];
    const none = new Float64Array(layer.n_neurons);
    this.asymptote = layer.mode === "pure" ? arrays.get("asymptote") : none;
    this.rate = layer.mode === "pure" ? arrays.get("rate") : none;
  }

  next(j, maps, h, dt) {
    return this.form(maps, h[j], dt, this.asymptote[j], this.rate[j]);
  }
}

class WiredCfC extends ClosedForm {
  constructor(layer, arrays) {
    super(layer, arrays);
    this.maps = layer.maps.map((name) => this.#map(arrays.part(name), layer.n_neurons));
    // Groups of neurons are updated in order; each reads those before it anew.
    const order = arrays.get("order");
    let at = 0;
    this.groups = layer.groups.map((size) => order.slice(at, (at += size)));
  }

  /** A bias and the lists of synapses, target by target. */
  #map(arrays, n) {
    const into = (kind) => {
      const [source, target, weight] = ["source", "target", "weight"].map((name) => kind.get(name));
      const lists = Array.from({ length: n }, () => []);
      source.forEach((from, k) => lists[target[k]].push([from, weight[k]]));
      return lists;
    };
    return {
      bias: arrays.get("bias"),
      sensory: into(arrays.part("sensory")),
      recurrent: into(arrays.part("recurrent")),
    };
  }

  #value({ bias, sensory, recurrent }, j, x, h) {
    let sum = bias[j];
    for (const [source, weight] of sensory[j]) sum += weight * x[source];
    for (const [source, weight] of recurrent[j]) sum += weight * h[source];
    return sum;
  }

  step(x, state, dt) {
    const h = state.slice();
    for (const group of this.groups) {
      const now = group.map((j) => {
        const maps = this.maps.map((map) => this.#value(map, j, x, h));
        return this.next(j, maps, h, dt);
      });
      group.forEach((j, k) => (h[j] = now[k]));
    }
    return h;
  }
}

class CfC extends ClosedForm {
  constructor(layer, arrays) {
    super(layer, arrays);
    this.activation = ACTIVATIONS[layer.activation];
    this.backbone = Array.from({ length: layer.backbone_layers }, (_, k) => arrays.part(`backbone.${k}`).linear());
    this.maps = layer.maps.map((name) => arrays.part(name).linear());
  }

  step(x, h, dt) {
    const activation = (value) => this.activation(value);
    const z = this.backbone.reduce((z, layer) => layer(z).map(activation), concat(x, h));
    const maps = this.maps.map((map) => map(z));
    const ofNeuron = (j) => maps.map((map) => map[j]);
    return h.map((_, j) => this.next(j, ofNeuron(j), h, dt));
  }
}

/** A memory in front of a cell; the state is [h, c]. */
class MixedMemory {
  constructor(cell, layer, arrays) {
    this.cell = cell;
    this.n = layer.n_neurons;
    this.ofX = arrays.linear("memory.input_weight", "memory.bias");
    this.ofH = linear(arrays.get("memory.recurrent_weight"), new Float64Array(4 * this.n));
  }

  step(x, state, dt) {
    const n = this.n;
    const [h, c] = [state.slice(0, n), state.slice(n)];
    const [ofX, ofH] = [this.ofX(x), this.ofH(h)];
    const gate = (k, j) => ofX[k * n + j] + ofH[k * n + j];
    const kept = c.map((cj, j) => cj * sigmoid(gate(2, j)) + Math.tanh(gate(0, j)) * sigmoid(gate(1, j)));
    const shown = kept.map((cj, j) => Math.tanh(cj) * sigmoid(gate(3, j)));
    return concat(this.cell.step(x, shown, dt), kept);
  }
}

/** What LSTM and GRU share: gates of rows and states, and time as an input or a power. */
class Gated {
  constructor(layer, arrays) {
    this.n = layer.n_neurons;
    this.readsTime = layer.reads_time;
    this.timeGates = layer.time_gates;
    this.ofX = arrays.linear("input_weight", "input_bias");
    this.ofH = arrays.linear("recurrent_weight", "recurrent_bias");
  }

  mapped(x, h, dt) {
    return [this.ofX(this.readsTime ? concat(x, [dt]) : x), this.ofH(h), this.timeGates ? dt : 1];
  }
}

class LSTM extends Gated {
  step(x, state, dt) {
    const n = this.n;
    const [h, c] = [state.slice(0, n), state.slice(n)];
    const [ofX, ofH, power] = this.mapped(x, h, dt);
    const gate = (k, j) => ofX[k * n + j] + ofH[k * n + j];
    const kept = c.map((cj, j) => {
      const keep = gate(1, j);
      // (1 - F^e) / (1 - F), which is e where the gate is open.
      const series = keep > 30 ? power : -Math.expm1(-power * softplus(-keep)) / sigmoid(-keep);
      return Math.exp(-power * softplus(-keep)) * cj + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)) * series;
    });
    const shown = kept.map((cj, j) => sigmoid(gate(3, j)) * Math.tanh(cj));
    return concat(shown, kept);
  }
}

class GRU extends Gated {
  step(x, h, dt) {
    const n = this.n;
    const [p, q, power] = this.mapped(x, h, dt);
    return h.map((hj, j) => {
      const reset = sigmoid(p[j] + q[j]);
      const kept = Math.exp(-power * softplus(-(p[n + j] + q[n + j])));
      const fresh = Math.tanh(p[2 * n + j] + reset * q[2 * n + j]);
      return fresh + kept * (hj - fresh);
    });
  }
}

const CELLS = { LTC, "wired CfC": WiredCfC, CfC, LSTM, GRU };

/** A layer: its step, the size of its state, and how much of that others see. */
function layerOf(layer, arrays) {
  const Cell = CELLS[layer.cell];
  if (!Cell) {
    const known = Object.keys(CELLS).join(", ");
    throw new Error(`Expected a layer of ${known}, got ${layer.cell}. Take the model.js of a later version of LNN.`);
  }
  const own = new Cell(layer, arrays);
  const cell = layer.mixed_memory ? new MixedMemory(own, layer, arrays) : own;
  const twice = layer.mixed_memory || layer.cell === "LSTM";
  return { cell, n: layer.n_neurons, size: layer.n_neurons * (twice ? 2 : 1) };
}

/** What stands between scaled rows and outputs. */
class Network {
  constructor(spec, arrays) {
    this.layers = spec.layers.map((layer, k) => layerOf(layer, arrays.part(`layers.${k}`)));
    this.n = this.layers.at(-1).n;
    this.ownScale = spec.own_scale;
    this.pooling = spec.pooling;
    if (this.pooling === "attention") this.attention = arrays.part("attention").linear();
    this.patch = spec.patch;
    if (this.patch) this.patchMap = arrays.part("patch").linear();
    const readout = arrays.part("readout");
    this.readOut = spec.readout === "motor" ? this.#motor(readout) : readout.linear();
  }

  #motor(readout) {
    const [weight, bias] = [readout.get("weight"), readout.get("bias")];
    return (h) => weight.map((w, j) => w * h[j] + bias[j]);
  }

  step(x, states, dt) {
    const now = [];
    for (const [k, { cell, n }] of this.layers.entries()) {
      now.push(cell.step(x, states[k], dt));
      x = now[k].subarray(0, n);
    }
    return now;
  }

  /** Put the channels of a whole sequence on its own scale, in place. */
  rescale(steps) {
    const { n_channels: n, flat } = this.ownScale;
    const moments = Array.from({ length: n }, (_, k) => {
      const mean = steps.reduce((sum, { x }) => sum + x[k], 0) / steps.length;
      const variance = steps.reduce((sum, { x }) => sum + (x[k] - mean) ** 2, 0) / steps.length;
      return [mean, Math.sqrt(variance + flat * flat)];
    });
    const size = [...moments.map(([mean]) => mean), ...moments.map(([, spread]) => Math.log(spread))];
    for (const step of steps) {
      const scaled = step.x.slice(0, n).map((value, k) => (value - moments[k][0]) / moments[k][1]);
      step.x = concat(scaled, step.x.slice(n), size);
    }
  }
}

/** States and sums of one run over steps, from zero states. */
class Run {
  constructor(network) {
    this.network = network;
    this.past = {
      states: network.layers.map(({ size }) => new Float64Array(size)),
      steps: 0,
      total: new Float64Array(network.n),
      largest: new Float64Array(network.n).fill(-Infinity),
      weights: 0,
      heaviest: -Infinity,
      weighted: new Float64Array(network.n),
    };
    this.states = this.past.states; // after the last step, complete or not
    this.before = []; // the rows of the patch before this one
    this.rows = []; // those of this patch
  }

  copy = () => Object.assign(new Run(this.network), this, { rows: [...this.rows] });

  /** Take one step; return the outputs after it, if they are asked for. */
  step(x, dt, asked) {
    let complete = true;
    if (this.network.patch) {
      [x, dt, complete] = this.#addRow(x, dt);
      if (!complete && !asked) return null;
    }
    const now = this.#later(this.network.step(x, this.past.states, dt));
    this.states = now.states;
    // The next row may belong to the same patch, whose step is taken again.
    if (complete) this.past = now;
    return asked ? this.network.readOut(this.#features(now)) : null;
  }

  #addRow(x, dt) {
    const { size, reads_gaps: readsGaps } = this.network.patch;
    if (this.rows.length === size) [this.before, this.rows] = [this.rows, []];
    this.rows.push({ x: readsGaps ? concat(x, [Math.log1p(dt)]) : x, dt });
    const width = this.rows[0].x.length;
    const read = new Float64Array(2 * size * width);
    this.before.forEach((row, k) => read.set(row.x, k * width));
    this.rows.forEach((row, k) => read.set(row.x, (size + k) * width));
    const time = this.rows.reduce((sum, row) => sum + row.dt, 0);
    return [this.network.patchMap(read), time / size, this.rows.length === size];
  }

  #later(states) {
    const past = this.past;
    const shown = states.at(-1).subarray(0, this.network.n);
    const later = { ...past, states, steps: past.steps + 1 };
    if (this.network.attention) return { ...later, ...this.#attended(shown) };
    later.total = past.total.map((sum, j) => sum + shown[j]);
    later.largest = past.largest.map((most, j) => Math.max(most, shown[j]));
    return later;
  }

  /** Softmax over the steps so far, in sums that never overflow. */
  #attended(shown) {
    const { weights, heaviest, weighted } = this.past;
    const [score] = this.network.attention(shown);
    const most = Math.max(score, heaviest);
    const [old, own] = [Math.exp(heaviest - most), Math.exp(score - most)];
    return {
      heaviest: most,
      weights: weights * old + own,
      weighted: weighted.map((sum, j) => sum * old + own * shown[j]),
    };
  }

  #features(now) {
    if (this.network.attention) return now.weighted.map((sum) => sum / now.weights);
    const known = {
      last: now.states.at(-1).subarray(0, this.network.n),
      mean: now.total.map((sum) => sum / now.steps),
      max: now.largest,
    };
    return concat(...this.network.pooling.split("+").map((part) => known[part]));
  }
}

/** Missing values, and long gaps: makes steps of the rows of one run. */
class Filling {
  constructor(rule) {
    this.rule = rule;
    this.held = rule.neutral.slice();
    this.age = new Float64Array(this.held.length);
    this.started = false;
  }

  copy = () => Object.assign(new Filling(this.rule), this);

  steps(values, units) {
    const x = this.#filled(values, this.started ? units : 0);
    this.started = true;
    const { maxStep } = this.rule;
    const whole = maxStep === null ? 1 : Math.ceil(units / maxStep - 1e-4);
    const count = Math.min(Math.max(whole, 1), MAX_SUB_STEPS);
    return Array.from({ length: count }, (_, k) => ({
      x,
      dt: units / count,
      ends: k === count - 1,
    }));
  }

  #filled(values, since) {
    if (this.rule.policy === "error") return values;
    const missing = Array.from(values, Number.isNaN);
    this.held = this.held.map((value, k) => (missing[k] ? value : values[k]));
    if (this.rule.policy === "hold") return this.held;
    this.age = this.age.map((age, k) => (missing[k] ? age + since : 0));
    return concat(
      this.held,
      missing.map((gone) => (gone ? 0 : 1)),
      this.age.map(Math.log1p),
    );
  }
}

// How dear it is to break a half-space where no point satisfies all of them.
const DEARNESS = 1e8;

const product = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/** Solve a symmetric system by its factors L D L'. */
function solve(matrix, right) {
  const [k, x] = [right.length, [...right]];
  for (let j = 0; j < k; j++) {
    for (let i = j; i < k; i++) {
      let sum = matrix[i][j];
      for (let l = 0; l < j; l++) sum -= matrix[i][l] * matrix[j][l] * matrix[l][l];
      matrix[i][j] = i === j ? sum : sum / matrix[j][j];
    }
    for (let l = 0; l < j; l++) x[j] -= matrix[j][l] * x[l];
  }
  for (let j = 0; j < k; j++) x[j] /= matrix[j][j];
  for (let j = k - 1; j >= 0; j--) for (let i = j + 1; i < k; i++) x[j] -= matrix[i][j] * x[i];
  return x;
}

/**
 * The prices >= 0 at which no row is exceeded; null if there are none. Rows are held one by one, the worst first, and
 * dropped where their price falls to 0 (Goldfarb and Idnani, Mathematical Programming 27, 1983).
 */
function pricesOf(gram, excess) {
  const prices = excess.map(() => 0);
  const held = [];
  const size = Math.max(0, ...excess.map(Math.abs));
  for (let round = 0; round < 50 + 10 * excess.length; round++) {
    const over = excess.map((value, i) => (held.includes(i) ? 0 : value - product(gram[i], prices)));
    const worst = over.reduce((best, value, i) => (value > over[best] ? i : best), 0);
    const matrix = () => held.map((i) => held.map((j) => gram[i][j]));
    if (!(over[worst] > 1e-10 * size + 2e-15 * Math.max(0, ...prices))) {
      // Once more at a stroke: steps add up their rounding.
      const last = solve(
        matrix(),
        held.map((i) => excess[i]),
      );
      held.forEach((i, k) => (prices[i] = last[k]));
      return prices;
    }
    for (;;) {
      const shared = held.map((i) => gram[i][worst]);
      const share = solve(matrix(), shared);
      const own = gram[worst][worst] - product(share, shared);
      const ends = held.map((i, k) => (share[k] > 0 ? prices[i] / share[k] : Infinity));
      const until = Math.min(Infinity, ...ends);
      const full = own > 1e-10 ? (excess[worst] - product(gram[worst], prices)) / own : Infinity;
      const step = Math.min(until, full);
      if (!Number.isFinite(step)) return null;
      held.forEach((i, k) => (prices[i] -= step * share[k]));
      prices[worst] += step;
      if (full <= until) {
        held.push(worst);
        break;
      }
      const [dropped] = held.splice(ends.indexOf(until), 1);
      prices[dropped] = 0;
    }
  }
  return null;
}

/** The nearest point to y in a box and half-spaces; where there is none, the point of the box that breaks them least. */
function nearest(y, low, high, normals, offsets) {
  const u = y.map((value, j) => clip(value, low[j], high[j]));
  const free = [...y.keys()].filter((j) => low[j] < high[j]); // other numbers have no choice
  const rows = [];
  const ends = [];
  normals.forEach((normal, i) => {
    const length = Math.sqrt(product(normal, normal));
    if (!(length > 0)) return; // a row of zeros says nothing about the point
    const fixed = normal.reduce((sum, a, j) => (low[j] < high[j] ? sum : sum + a * u[j]), 0);
    rows.push(free.map((j) => normal[j] / length));
    ends.push((offsets[i] - fixed) / length);
  });
  const soft = rows.length;
  free.forEach((j, k) => {
    for (const [sign, end] of [
      [-1, -low[j]],
      [1, high[j]],
    ]) {
      if (!Number.isFinite(end)) continue;
      rows.push(free.map((_, other) => (other === k ? sign : 0)));
      ends.push(end);
    }
  });
  const wanted = free.map((j) => y[j]);
  const excess = rows.map((row, i) => product(row, wanted) - ends[i]);
  const gram = rows.map((a) => rows.map((b) => product(a, b)));
  let prices = pricesOf(gram, excess);
  // Prices beyond measure hold rows that all but contradict each other.
  if (prices === null || Math.max(0, ...prices) > DEARNESS * (1 + Math.max(0, ...y.map(Math.abs)))) {
    for (let i = 0; i < soft; i++) gram[i][i] += 1 / DEARNESS;
    prices = pricesOf(gram, excess);
  }
  if (prices === null) return u; // numbers overflow
  free.forEach((j, k) => {
    const moved = rows.reduce((sum, row, i) => sum + prices[i] * row[k], 0);
    u[j] = clip(y[j] - moved, low[j], high[j]);
  });
  return u;
}

/** What answers have to satisfy. */
class Limits {
  constructor({ on_infeasible: how, limits }, arrays, n) {
    [this.how, this.n] = [how, n];
    this.told = limits.map(({ kind }, k) => {
      const own = arrays.part(`constraints.${k}`);
      const ends = (name, none) => Array.from(own.get(name), (value) => (Number.isNaN(value) ? none : value));
      if (kind === "bounds") return { kind, low: ends("low", -Infinity), high: ends("high", Infinity) };
      if (kind === "rate_limit") return { kind, rate: ends("max_rate", Infinity) };
      if (kind !== "half_spaces") {
        throw new Error(`Expected a limit that is known, got ${kind}. Take the model.js of a later version of LNN.`);
      }
      const slopes = (name) => (own.has(name) ? Array.from(own.get(name)) : null);
      const numbers = { A: Array.from(own.get("A")), b: Array.from(own.get("b")) };
      return { kind, ...numbers, ofA: slopes("A_inputs"), ofB: slopes("b_inputs"), curves: slopes("b_quadratic") };
    });
  }

  /** The nearest answer to y, and whether it satisfies all limits. */
  keep(y, row, before, elapsed) {
    const [low, high] = [y.map(() => -Infinity), y.map(() => Infinity)];
    let feasible = true;
    for (const limit of this.told.filter(({ kind }) => kind !== "half_spaces")) {
      if (limit.kind === "rate_limit" && before === null) continue;
      y.forEach((_, j) => {
        let own;
        if (limit.kind === "bounds") own = [limit.low[j], limit.high[j]];
        else {
          // A rate without a limit has none either where no time passes.
          const reach = limit.rate[j] === Infinity ? Infinity : limit.rate[j] * elapsed;
          own = [before[j] - reach, before[j] + reach];
        }
        // The part of this box that is nearest to those before it.
        if (own[0] > high[j] || own[1] < low[j]) feasible = false;
        [low[j], high[j]] = own.map((end) => clip(end, low[j], high[j]));
      });
    }
    let kept = y.map((value, j) => clip(value, low[j], high[j]));
    const [normals, offsets] = this.#halfSpaces(row);
    if (normals.some((normal, i) => product(normal, kept) > offsets[i])) {
      kept = nearest(y, low, high, normals, offsets);
    }
    const broken = (normal, i) => {
      const size = normal.reduce((sum, a, j) => sum + Math.abs(a * kept[j]), Math.abs(offsets[i]));
      return !(product(normal, kept) - offsets[i] <= 1e-7 * (1e-3 + size));
    };
    feasible &&= !normals.some(broken);
    if (!feasible && this.how === "raise") {
      throw new RangeError("Expected limits that some answer satisfies, but there is none for this row.");
    }
    return { kept: !feasible && this.how === "hold" && before !== null ? before : kept, feasible };
  }

  #halfSpaces(row) {
    const [normals, offsets] = [[], []];
    const [n, width] = [this.n, row.length];
    const moved = (base, slopes, k) =>
      slopes === null ? base : base + product(slopes.slice(k * width, (k + 1) * width), row);
    // row' Q row, Q the k-th of the curves.
    const bent = (curves, k) =>
      curves === null ? 0 : product(row, row.map((_, f) => moved(0, curves, k * width + f)));
    for (const { A, b, ofA, ofB, curves } of this.told.filter(({ kind }) => kind === "half_spaces")) {
      const all = A.map((value, k) => moved(value, ofA, k));
      b.forEach((value, i) => {
        normals.push(all.slice(i * n, (i + 1) * n));
        offsets.push(moved(value, ofB, i) + bent(curves, i));
      });
    }
    return [normals, offsets];
  }
}

/** A fitted model. */
export class Model {
  #carried = null; // Filling and Run of the stream
  #window = []; // or its last rows
  #present = null; // its row before
  #latest = null; // run and outputs of the row that was read last
  #answered = { before: null }; // its answer, where limits look back
  #feasible = true;

  /**
   * @param {object|string} json  what `python -m LNN.export FILE --to js FOLDER` wrote
   * @returns {Model}
   */
  static from(json) {
    return new Model(typeof json === "string" ? JSON.parse(json) : json);
  }

  /** @param {object} spec */
  constructor(spec) {
    if (spec?.format !== "LNN spec") throw new Error("Expected a model.json of LNN, got something else.");
    if (spec.version > VERSION) {
      throw new Error(`Expected a spec of version ${VERSION} or older, got ${spec.version}. Take a later model.js.`);
    }
    /** All that docu/spec.md describes. */
    this.spec = spec;
    const arrays = new Arrays(spec.arrays);
    this.center = arrays.get("scaler.center");
    this.scale = arrays.get("scaler.scale");
    this.rule = {
      policy: spec.missing,
      neutral: arrays.get("scaler.neutral"),
      maxStep: spec.clock.max_step,
    };
    this.network = new Network(spec, arrays);
    this.limits = spec.constraints ? new Limits(spec.constraints, arrays, spec.answer.n_targets) : null;
    this.window = spec.reading.window_length;
    this.target = spec.answer.classes
      ? null
      : { center: arrays.get("target_scaler.center"), scale: arrays.get("target_scaler.scale") };
  }

  /** Forget the past: the next row that `step` is given begins a recording. */
  reset() {
    [this.#carried, this.#window, this.#present] = [null, [], null];
    this.#answered = { before: null };
  }

  /**
   * Take in one row, and answer.
   *
   * @param {Row} x
   * @param {number|null} [dt]  time since the row before; default: one usual gap
   * @returns {Answer}
   */
  step(x, dt = null) {
    if (this.window === null && (this.network.ownScale || this.network.attention)) {
      throw new Error(
        'Expected a model that reads rows one by one, got scale="sequence" or pooling="attention", which look at the whole sequence. Use predict.',
      );
    }
    const row = this.#row(x);
    const units = this.#units(this.#present === null ? null : dt);
    const scaled = this.#scaled(row, this.#present ?? row);
    this.#present = row;
    let outputs = null;
    if (this.window !== null) {
      this.#window = [...this.#window, { scaled, units }].slice(-this.window);
      [outputs] = this.#run(this.#window, false);
    } else {
      this.#carried ??= { filling: new Filling(this.rule), run: new Run(this.network) };
      for (const { x, dt, ends } of this.#carried.filling.steps(scaled, units)) {
        outputs = this.#carried.run.step(x, dt, ends);
      }
      this.#latest = { run: this.#carried.run, outputs };
    }
    const flags = [];
    const answer = this.#answer(outputs, row, units, this.#answered, flags);
    [this.#feasible] = flags;
    return answer;
  }

  /**
   * Answer as `step` would, and forget the row: what if this were the next one?
   *
   * @param {Row} x
   * @param {number|null} [dt]
   * @returns {Answer}
   */
  peek(x, dt = null) {
    const kept = [this.#carried, this.#window, this.#present];
    const answered = { ...this.#answered };
    const carried = this.#carried;
    // Steps replace the rest, and change these.
    this.#carried = carried && { filling: carried.filling.copy(), run: carried.run.copy() };
    try {
      return this.step(x, dt);
    } finally {
      [this.#carried, this.#window, this.#present] = kept;
      this.#answered = answered;
    }
  }

  /**
   * Whether the last answer satisfies all limits of the model: of `step` and `peek` a boolean, of `predict` a list.
   *
   * @returns {boolean|boolean[]}
   */
  get feasible() {
    return this.#feasible;
  }

  /**
   * The neurons of each layer after the row that was read last; null before one.
   *
   * @returns {Float64Array[]|null}
   */
  get states() {
    return this.#latest?.run.states.map((state, k) => state.slice(0, this.network.layers[k].n)) ?? null;
  }

  /**
   * Probabilities of the classes at the row that was read last, as in `predictProba`; null before one.
   *
   * @returns {number[]|null}
   */
  get probabilities() {
    return this.#latest && !this.target ? softmax(this.#latest.outputs) : null;
  }

  /**
   * Predict as the estimator does.
   *
   * @param {Row[]|Row[][]} X  rows, for models of rows; else sequences
   * @param {Given} [given]
   * @returns {Answer[]|Answer[][]}  one for each row or sequence
   */
  predict(X, given = {}) {
    const flags = [];
    const found = this.#predicted(X, given, (...told) => this.#answer(...told, flags));
    this.#feasible = flags;
    return found;
  }

  /**
   * Probabilities of the classes, in the order of `spec.answer.classes`; as `predict`.
   *
   * @param {Row[]|Row[][]} X
   * @param {Given} [given]
   * @returns {number[][]|number[][][]}
   */
  predictProba(X, given = {}) {
    if (this.target) throw new Error("Expected a classifier, got a regressor: use predict.");
    return this.#predicted(X, given, (outputs) => softmax(outputs));
  }

  #predicted(X, { dt, timestamps, starts }, answer) {
    const every = this.spec.reading.every_step;
    const { kind, regular } = this.spec.clock;
    if (kind !== null && !regular && !dt && !timestamps)
      throw new Error("Expected dt or timestamps, as the fit had irregular time, got neither.");
    if (kind === null && timestamps)
      throw new Error("Expected no timestamps, as the fit had none, got some. Leave them out, or pass dt in steps.");
    if (this.spec.reading.kind === "rows") {
      const gaps = gapsOf(dt, timestamps, X.length);
      const cuts = cutsOf(X.length, starts);
      return cuts.flatMap((begin, k) => {
        const own = (list) => list && Array.from(list).slice(begin, cuts[k + 1]);
        return this.#recording(own(X), own(gaps), answer);
      });
    }
    if (starts) throw new Error("Expected no starts, as each sequence is a recording of its own, got some.");
    for (const list of [dt, timestamps]) {
      if (list && list.length !== X.length)
        throw new RangeError(`Expected ${X.length} lists of times, one per sequence, got ${list.length}.`);
    }
    const found = Array.from(X, (rows, k) => {
      return this.#recording(rows, gapsOf(dt?.[k], timestamps?.[k], rows.length), answer);
    });
    return every ? found : found.flat();
  }

  /** Answers to the rows of a recording, or the one to a sequence. */
  #recording(X, gaps, answer) {
    const rows = Array.from(X, (x) => this.#row(x));
    const steps = rows.map((row, k) => ({
      scaled: this.#scaled(row, rows[Math.max(k - 1, 0)]),
      units: this.#units(k === 0 ? null : gaps?.[k]),
    }));
    const answered = { before: null };
    if (this.window !== null) {
      return rows.map((row, k) => {
        const [own] = this.#run(steps.slice(Math.max(0, k + 1 - this.window), k + 1), false);
        return answer(own, row, steps[k].units, answered);
      });
    }
    const outputs = this.#run(steps, this.spec.reading.every_step);
    return outputs.map((own, k) => {
      const last = k - outputs.length;
      return answer(own, rows.at(last), steps.at(last).units, answered);
    });
  }

  /** Run over rows from zero states; outputs at each, or at the last alone. */
  #run(rows, everyStep) {
    const filling = new Filling(this.rule);
    const steps = rows.flatMap(({ scaled, units }) => filling.steps(scaled, units));
    if (this.network.ownScale) this.network.rescale(steps);
    const run = new Run(this.network);
    const found = steps.map(({ x, dt, ends }, k) => run.step(x, dt, everyStep ? ends : k === steps.length - 1));
    const answers = found.filter((outputs) => outputs !== null);
    this.#latest = { run, outputs: answers.at(-1) };
    return answers;
  }

  #answer(outputs, row, units, answered, flags) {
    const { classes, quantiles, ndim, n_targets: n } = this.spec.answer;
    if (classes) return classes[outputs.indexOf(Math.max(...outputs))];
    const levels = quantiles?.length ?? 1;
    const anchors = this.spec.input.anchors;
    const values = Array.from({ length: n }, (_, k) => {
      const shift = this.target.center[k] + (anchors.length ? row[anchors[k]] : 0);
      const own = outputs.slice(k * levels, (k + 1) * levels);
      return Array.from(own, (value) => value * this.target.scale[k] + shift);
    });
    if (this.limits) flags.push(this.#limit(values, levels, row, units, answered));
    const shaped = levels > 1 ? values : values.map(([value]) => value);
    return ndim === 0 ? shaped[0] : shaped;
  }

  /** Keep values (targets, levels) within the limits, in place; tell whether they satisfy them. */
  #limit(values, levels, row, units, answered) {
    let good = true;
    for (let level = 0; level < levels; level++) {
      const y = values.map((own) => own[level]);
      const { kept, feasible } = this.limits.keep(y, row, answered.before, units * this.spec.clock.unit);
      values.forEach((own, k) => (own[level] = kept[k]));
      if (levels === 1) answered.before = kept;
      good &&= feasible;
    }
    return good;
  }

  #scaled(row, before) {
    const values = row.slice();
    for (const k of this.spec.input.anchors) values[k] = row[k] - before[k];
    return values.map((value, k) => (value - this.center[k]) / this.scale[k]);
  }

  #units(gap) {
    if (gap === null || gap === undefined || Number.isNaN(gap)) return 1;
    if (!(gap >= 0 && gap < Infinity))
      throw new RangeError(`Expected gaps that are numbers >= 0, got ${gap}. Sort rows by time.`);
    const units = gap / this.spec.clock.unit;
    return Math.abs(units - 1) <= this.spec.clock.tolerance ? 1 : units;
  }

  #row(x) {
    const n = this.center.length;
    if (x?.length !== n)
      throw new RangeError(`Expected rows of ${n} numbers, got ${x?.length ?? x}. Pass input columns alone.`);
    const row = Float64Array.from(x, (value) => value ?? NaN);
    const mayMiss = (k) => this.rule.policy !== "error" && !this.spec.input.anchors.includes(k);
    row.forEach((value, k) => {
      if (!Number.isFinite(value) && !(Number.isNaN(value) && mayMiss(k))) {
        throw new RangeError(`Expected finite numbers${mayMiss(k) ? " or NaN" : ""} in channel ${k}, got ${value}.`);
      }
    });
    return row;
  }
}

function softmax(outputs) {
  const most = Math.max(...outputs);
  const powers = Array.from(outputs, (value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Where recordings of n rows begin. */
function cutsOf(n, starts) {
  const mask = Array.from(starts ?? { length: n }, Number);
  // Row numbers in place of a mask would cut elsewhere.
  if (mask.length !== n || (starts && mask.some((begins) => begins !== 0 && begins !== 1)))
    throw new RangeError(`Expected starts as ${n} times true or false, one per row, got [${Array.from(starts)}].`);
  return Array.from(mask, (_, k) => k).filter((k) => k === 0 || mask[k] === 1);
}

/** Time since the row before of n rows, from whichever of the two is given. */
function gapsOf(dt, timestamps, n) {
  if (dt && timestamps) throw new Error("Expected dt or timestamps, got both. Leave one out.");
  const given = dt ?? timestamps;
  if (given && given.length !== n)
    throw new RangeError(`Expected ${n} gaps or timestamps, one per row, got ${given.length ?? given}.`);
  if (!timestamps) return dt;
  const times = Array.from(timestamps, (t) => (t instanceof Date ? t.getTime() / 1000 : t));
  const odd = times.findIndex((t) => !Number.isFinite(t));
  if (odd >= 0) throw new RangeError(`Expected timestamps that are numbers or valid Dates, got ${timestamps[odd]}.`);
  return times.map((t, k) => (k === 0 ? null : t - times[k - 1]));
}
