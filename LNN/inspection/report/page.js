// What all parts of the page share: its data, elements, numbers, lines over time.

const page = JSON.parse(document.getElementById("data").textContent);
const byId = (name) => document.getElementById(name);
const SVG = "http://www.w3.org/2000/svg";

/** An element with text or elements in it; text is never read as HTML. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Three digits, as the rest of the page has them. */
function told(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2).replace("-", "−");
  const digits = size === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en", { maximumFractionDigits: digits }).replace("-", "−");
}

/** A number at an axis: as many digits as its length needs. */
function mark(value, length) {
  const digits = Math.min(20, Math.max(0, 1 - Math.floor(Math.log10(length))));
  const size = Math.abs(value);
  if (size >= 1e5 || digits > 5) return value === 0 ? "0" : value.toExponential(1).replace("-", "−");
  return Number(value.toFixed(digits)).toLocaleString("en", { maximumFractionDigits: digits }).replace("-", "−");
}

/** The lowest and highest number of lists; apart even if all are equal. */
function reach(lists) {
  const known = lists.flat().filter((value) => value !== null && Number.isFinite(value));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return low < high ? [low, high] : [low - 1, low + 1];
}

/**
 * Lines over time, each a list of numbers with null where there is none.
 *
 * @param {{name: string, values: (number|null)[]}[]} lines
 * @param {{label: string, begin: string, end: string, range?: number[], length?: number}} given
 */
function lineChart(lines, { label, begin, end, range, length }) {
  const [width, height, left, bottom] = [340, 130, 48, 18];
  const [low, high] = range ?? reach(lines.map(({ values }) => values));
  const n = Math.max(length ?? 0, ...lines.map(({ values }) => values.length), 2);
  const x = (k) => left + (k / (n - 1)) * (width - left - 6);
  const y = (value) => height - bottom - ((value - low) / (high - low)) * (height - bottom - 8);
  const drawn = lines.map(({ values }, k) => {
    let open = false;
    const d = values
      .map((value, at) => {
        if (value === null || !Number.isFinite(value)) return (open = false) || "";
        const move = open ? "L" : "M";
        open = true;
        return `${move}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      })
      .join("");
    // A line of one point is a dot.
    return shape("path", { class: `line line-${k}`, d: values.length === 1 ? `${d}h0` : d });
  });
  const text = (content, at, up, anchor) => shape("text", { x: at, y: up, class: anchor }, content);
  const grid = [low, (low + high) / 2, high].map((value) =>
    shape("path", { class: "grid", d: `M${left} ${y(value)}H${width - 6}` }),
  );
  const marks = [low, high].map((value) => text(mark(value, high - low), left - 5, y(value) + 4, "end"));
  const ends = [text(begin, left, height - 3, ""), text(end, width - 6, height - 3, "end")];
  const box = { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": label };
  return shape("svg", box, ...grid, ...marks, ...ends, ...drawn);
}

/** Names of lines in their colours. */
function legend(names) {
  const keys = names.flatMap((name, k) => [element("span", { class: `key line-${k}` }), `${name} `]);
  return element("p", { class: "legend" }, ...keys);
}

/** Light neurons up: each value is from -1 to 1. */
function light(values) {
  for (const node of document.querySelectorAll("[data-node^=n]")) {
    const value = values[Number(node.dataset.node.slice(1))] ?? 0;
    node.style.setProperty("--glow", Math.min(1, Math.abs(value)).toFixed(3));
    node.classList.toggle("high", value > 0);
    node.classList.toggle("low", value < 0);
  }
}
