// The comparison of two models: differences, paired intervals, Holm's p, and a forest plot, from the files of data/.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const Z = 1.959963984540054;
  const WIDTH = 224, HEIGHT = 27;

  // one decimal as Python rounds it: of two equally near numbers the even one, where toFixed takes the larger
  function percent(score) {
    const value = 100 * score, size = Math.abs(value);
    const text = size % 1 === 0.25 ? `${Math.trunc(size)}.2` : size.toFixed(1);
    return (value < 0 && text !== "0.0" ? "−" : "") + text;
  }

  // the standard errors of a language: a triangle of 16-bit steps, 0 where it is not known
  function errors([places, most, packed]) {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const steps = new DataView(bytes.buffer);
    return (a, b) => {
      const i = places.indexOf(a), j = places.indexOf(b);
      if (i < 0 || j < 0 || i === j) return null;
      const [low, high] = i < j ? [i, j] : [j, i];
      const at = low * places.length - low * (low + 1) / 2 + (high - low - 1);
      const step = steps.getUint16(2 * at, true);
      return step ? step / 65535 * most : null;
    };
  }

  // two-sided p of a normal deviate: a continued fraction in the tail, a series in the middle
  function twoSided(z) {
    const x = Math.abs(z) / Math.SQRT2;
    if (x > 26) return 0;
    if (x < 2) {
      let term = x, sum = x;
      for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) { term *= -x * x / n; sum += term / (2 * n + 1); }
      return 1 - 2 / Math.sqrt(Math.PI) * sum;
    }
    let fraction = 0;
    for (let n = 80; n > 0; n -= 1) fraction = n / 2 / (x + fraction);
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
  }

  function holm(found) {
    const tested = found.filter((row) => row.p !== null).sort((a, b) => a.p - b.p);
    let reached = 0;
    tested.forEach((row, k) => {
      reached = Math.max(reached, Math.min(1, (tested.length - k) * row.p));
      row.adjusted = reached;
    });
    return tested.length;
  }

  // the end of the axis: a round number of points
  function round(...sizes) {
    const most = Math.max(0.01, ...sizes), power = 10 ** Math.floor(Math.log10(most));
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((end) => end >= most);
  }

  const called = ({ name, setting, kind }) => `${name}${setting ? `, ${setting}` : ""}${kind === "run" ? "" : ` (${kind})`}`;
  const shownP = (p) => p < 0.001 ? "<0.001" : p.toFixed(3);
  const part = (tag, text, name) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  function forest(row, most) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("aria-hidden", "true"); // its numbers stand beside it
    const x = (value) => WIDTH / 2 + value / most * (WIDTH / 2 - 6);
    const draw = (kind, name, given) => {
      const made = document.createElementNS(SVG, kind);
      made.setAttribute("class", name);
      for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
      svg.append(made);
    };
    draw("line", "zero", { x1: x(0), x2: x(0), y1: 0, y2: HEIGHT });
    if (row.low !== null) draw("line", "whisker", { x1: x(row.low), x2: x(row.high), y1: HEIGHT / 2, y2: HEIGHT / 2 });
    draw("circle", "mark", { cx: x(row.difference), cy: HEIGHT / 2, r: 4 });
    return svg;
  }

  function compared(board, task, a, b, pairs) {
    const found = [];
    task.languages.forEach((code, k) => {
      const left = task.scores[a][k], right = task.scores[b][k];
      if (left === null || right === null) return;
      const [name, family, script] = board.languages[code];
      const error = pairs && pairs[code] ? errors(pairs[code])(a, b) : null;
      const difference = left - right;
      const row = { code, name, family, script, left, right, difference, low: null, high: null, p: null, adjusted: null };
      if (error !== null) {
        Object.assign(row, { low: difference - Z * error, high: difference + Z * error });
        row.p = error > 0 ? twoSided(difference / error) : Number(difference === 0);
      }
      found.push(row);
    });
    return found;
  }

  function show(board, task, a, b, pairs) {
    const found = compared(board, task, a, b, pairs);
    const tested = holm(found);
    const table = document.getElementById("comparison");
    const most = round( ...found.map((row) => Math.max(Math.abs(row.difference), Math.abs(row.low ?? 0), Math.abs(row.high ?? 0))));
    const body = document.createDocumentFragment();
    for (const row of found) {
      const certain = row.adjusted !== null && row.adjusted < 0.05;
      const line = part("tr", "", certain ? (row.difference > 0 ? "better" : "worse") : "");
      Object.assign(line.dataset, { family: row.family, script: row.script });
      const head = part("th", `${row.name} `);
      head.scope = "row";
      head.append(part("code", row.code));
      const plot = part("td", "", "forest");
      plot.append(forest(row, most));
      line.append(
        head, part("td", row.family), part("td", percent(row.left), "n"), part("td", percent(row.right), "n"),
        part("td", (row.difference > 0 ? "+" : "") + percent(row.difference), "n difference"), plot,
        part("td", row.low === null ? "–" : `${percent(row.low)} to ${percent(row.high)}`, "n soft"),
        part("td", row.adjusted === null ? "–" : shownP(row.adjusted), "n"),
      );
      body.append(line);
    }
    table.tBodies[0].replaceChildren(body);
    table.querySelector(".axis").replaceChildren(...[-most, 0, most].map((value) => part("span", percent(value).replace(".0", ""))));
    fill(found);
    verdict(board, task, a, b, found, tested);
    table.parentElement.hidden = found.length === 0;
    document.querySelector('form[data-for="comparison"]').hidden = found.length === 0;
    report.restore();
  }

  function fill(found) {
    const form = document.querySelector('form[data-for="comparison"]');
    for (const name of ["family", "script"]) {
      const every = [...new Set(found.map((row) => row[name]).filter(Boolean))].sort();
      form.elements[name].replaceChildren(new Option("all", ""), ...every.map((value) => new Option(value, value)));
    }
  }

  function verdict(board, task, a, b, found, tested) {
    const [left, right] = [a, b].map((place) => called(board.entries[place]));
    const better = found.filter((row) => row.adjusted !== null && row.adjusted < 0.05);
    const up = better.filter((row) => row.difference > 0).length;
    const words = (n) => `${n} ${n === 1 ? "language" : "languages"}`;
    let text = `${task.name}: no language has a score of both.`;
    if (found.length && a === b) text = "Choose two different rows.";
    else if (found.length && !tested) text = `${task.name}: ${words(found.length)} in common. There are no paired intervals, as the predictions of one of the two are not stored.`;
    else if (found.length) text = `${task.name}: A (${left}) is better in ${up} of ${words(found.length)}, B (${right}) in ${better.length - up}; in ${tested - better.length} the difference is not significant.`;
    document.getElementById("verdict").textContent = text;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("choose");
    const { board: boardField, task: taskField, a: aField, b: bField } = form.elements;
    let current = null;

    async function chosen(asked) {
      try {
        const board = await report.load(`board-${boardField.value}`);
        if (board !== current) {
          current = board;
          taskField.replaceChildren(...board.tasks.map((task) => new Option(task.name, task.file)));
          for (const field of [aField, bField]) field.replaceChildren(...board.entries.map((entry) => new Option(called(entry), entry.id)));
          bField.selectedIndex = Math.min(1, board.entries.length - 1);
        }
        for (const field of [taskField, aField, bField]) {
          const value = asked.get(field.name);
          if (value && [...field.options].some((option) => option.value === value)) field.value = value;
        }
        const task = board.tasks[taskField.selectedIndex];
        const pairs = task.paired ? await report.load(`pairs-${task.file}`) : null;
        if (current !== board || board.tasks[taskField.selectedIndex] !== task) return; // chosen anew meanwhile
        show(board, task, aField.selectedIndex, bField.selectedIndex, pairs);
      } catch (error) {
        document.getElementById("verdict").textContent = `The data of this comparison could not be read (${error.message}): is the folder data/ beside this report?`;
      }
    }
    function fromAddress() {
      const asked = report.state();
      const board = asked.get("board");
      if (board && [...boardField.options].some((option) => option.value === board)) boardField.value = board;
      return chosen(asked);
    }
    const keep = () => report.remember({ board: boardField.value, task: taskField.value, a: aField.value, b: bField.value });
    form.addEventListener("input", async () => { await chosen(new URLSearchParams()); keep(); });
    form.elements.swap.addEventListener("click", async () => {
      [aField.value, bField.value] = [bField.value, aField.value];
      await chosen(new URLSearchParams());
      keep();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    window.addEventListener("hashchange", fromAddress);
    fromAddress();
  });
})();
