// A neuron is chosen: in the list, with a finger or the mouse, or with Tab and arrows.
{
  const { neurons, course } = page;
  const choice = byId("neuron");
  const drawings = [...document.querySelectorAll("svg.wiring")];
  const nodes = drawings.flatMap((drawing) => [...drawing.querySelectorAll(".neuron")]);
  const edges = drawings.flatMap((drawing) => [...drawing.querySelectorAll(".edges path")]);
  const numberOf = (node) => Number(node.dataset.node.slice(1));

  function list(title, { n, first }) {
    const rows = first.map(([name, weight]) =>
      element("li", { class: weight > 0 ? "up" : "down" }, `${name} `, element("span", {}, told(weight))),
    );
    if (n > first.length) rows.push(element("li", {}, `and ${n - first.length} weaker ones`));
    if (n === 0) rows.push(element("li", {}, "none"));
    return element("div", {}, element("h4", {}, `${title} (${n})`), element("ul", { class: "synapses" }, ...rows));
  }

  function synapses({ known, sources, targets }) {
    if (!known) return element("p", {}, "It reads all inputs and all neurons of its layer.");
    return element("div", { class: "pair" }, list("It reads", sources), list("It drives", targets));
  }

  function facts(neuron) {
    const lines = [["Group", neuron.kind]];
    if (neuron.range) {
      const [low, middle, high] = neuron.range.map(told);
      lines.push(["State", `${middle} (90 % of the time ${low} to ${high})`]);
    }
    if (neuron["tau text"]) lines.push(["Time constant", neuron["tau text"]]);
    const parts = lines.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
    return element("dl", { class: "facts" }, ...parts);
  }

  function tree(neuron) {
    if (!neuron.tree) return "";
    const { rules, fidelity, faithful } = neuron.tree;
    const title = faithful ? `A tree that imitates it: fidelity ${fidelity}` : "No tree imitates it";
    const lines = rules.map((rule) => element("li", {}, rule));
    return element("details", {}, element("summary", {}, title), element("ul", {}, ...lines));
  }

  function activity(neuron) {
    const ends = { begin: course.begin, end: course.end };
    const state = lineChart([{ values: neuron.course }], { label: `State of ${neuron.name} over the data`, ...ends });
    const answer = lineChart([{ values: course.output }], { label: course["output name"], ...ends });
    return element(
      "div",
      { class: "pair" },
      element("figure", {}, state, element("figcaption", {}, "What it does over the data")),
      element("figure", {}, answer, element("figcaption", {}, `Beside it: ${course["output name"]}`)),
    );
  }

  function choose(number) {
    choice.value = number;
    const key = `n${number}`;
    for (const node of nodes) {
      const own = numberOf(node) === number;
      node.classList.toggle("chosen", own);
      node.setAttribute("aria-pressed", own);
      node.setAttribute("tabindex", own ? 0 : -1);
    }
    for (const edge of edges) {
      edge.classList.toggle("lit", edge.dataset.from === key || edge.dataset.to === key);
    }
    for (const drawing of drawings) drawing.classList.add("choosing");
    const neuron = neurons[number];
    byId("neuron-details").replaceChildren(facts(neuron), synapses(neuron), activity(neuron), tree(neuron));
  }

  choice.addEventListener("change", () => choose(Number(choice.value)));
  const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  for (const [k, node] of nodes.entries()) {
    for (const event of ["click", "mouseenter", "focus"]) node.addEventListener(event, () => choose(numberOf(node)));
    node.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      nodes[(k + step + nodes.length) % nodes.length].focus();
    });
  }
  // The last group is the one that answers.
  choose(nodes.length ? numberOf(nodes.at(-1)) : 0);
}
