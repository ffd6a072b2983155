// What scripts add to the pages: theme, sorting, filtering, deep links, mistakes. Without them all is readable.
"use strict";

const report = (() => {
  const root = document.documentElement;
  const values = new Map();

  // ---- theme: the reader's choice, or the system's
  const remembered = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
    set: (name) => { try { localStorage.setItem("theme", name); } catch { /* a private window forgets */ } } };
  if (remembered.get()) root.dataset.theme = remembered.get();

  function theme(button) {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const now = () => root.dataset.theme || (system.matches ? "dark" : "light");
    const label = () => { button.textContent = now() === "dark" ? "Light theme" : "Dark theme"; };
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = now() === "dark" ? "light" : "dark";
      remembered.set(root.dataset.theme);
      label();
    });
    system.addEventListener("change", label);
    label();
  }

  // ---- data: a file calls put, since a page from disk may not fetch
  function put(name, value) { values.set(name, value); }
  function load(name) {
    return new Promise((done, failed) => {
      if (values.has(name)) { done(values.get(name)); return; }
      const script = document.createElement("script");
      script.src = `${root.dataset.root}data/${name}.js`;
      script.onload = () => values.has(name) ? done(values.get(name)) : failed(new Error(name));
      script.onerror = () => failed(new Error(name));
      document.head.append(script);
    });
  }

  // ---- deep links: #table.sort=column, #table.family=Uralic ...; a hash without "=" is an anchor
  const state = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  function remember(changes) {
    const next = state();
    for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name);
    const text = next.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }

  // ---- sorting
  function shown(row, column) {
    const text = row.cells[column]?.textContent.trim() || "";
    const number = parseFloat(text.replace("−", "-").replace(/[,<+]/g, ""));
    return { text, number, missing: text === "" || text.startsWith("–") };
  }
  function sort(table, head, direction) {
    const column = head.cellIndex;
    const numeric = head.classList.contains("n") || head.classList.contains("b");
    const factor = direction === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows].map((row) => [row, shown(row, column)]);
    rows.sort(([, a], [, b]) => {
      if (a.missing || b.missing) return a.missing - b.missing; // what is missing is last, either way
      return factor * (numeric ? a.number - b.number : a.text.localeCompare(b.text));
    });
    table.tBodies[0].append(...rows.map(([row]) => row));
    for (const one of table.tHead.querySelectorAll("[aria-sort]")) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
  }
  function sortable(table) {
    for (const head of table.tHead.querySelectorAll("th[data-key]")) {
      const button = document.createElement("button");
      button.type = "button";
      const link = head.querySelector("a");
      const name = (link || head).textContent.trim().replace(/\s+/g, " ");
      if (link) {
        button.setAttribute("aria-label", `Sort by ${name}`);
        link.after(button);
      } else {
        button.append(...head.childNodes);
        head.append(button);
      }
      button.addEventListener("click", () => {
        const first = head.classList.contains("n") || head.classList.contains("b") ? "descending" : "ascending";
        const second = first === "descending" ? "ascending" : "descending";
        const direction = head.getAttribute("aria-sort") === first ? second : first;
        sort(table, head, direction);
        remember({ [`${table.id}.sort`]: head.dataset.key, [`${table.id}.order`]: direction });
      });
    }
  }

  // ---- filtering: rows by text and by what they say of themselves, and columns where languages are columns
  function filter(table, form) {
    const field = (name) => form.elements[name]?.value || "";
    const words = field("q").toLowerCase().split(/\s+/).filter(Boolean);
    const within = (text) => words.every((word) => text.toLowerCase().includes(word));
    const heads = [...table.tHead.querySelectorAll("th[data-language]")];
    const fits = (data) => ["family", "script", "seen"].every((name) => !field(name) || data[name] === field(name));
    const places = Object.fromEntries([...table.tHead.querySelectorAll("th[data-key]")].map((head) => [head.dataset.key, head.cellIndex]));
    const said = (row, name) => row.dataset[name] ?? row.cells[places[name]]?.textContent;
    const facts = (row) => ({ family: said(row, "family"), script: said(row, "script"), seen: said(row, "seen") });
    const rows = [...table.tBodies[0].rows];
    const named = (row) => row.querySelector("th")?.textContent || row.textContent;
    // a text may mean models or languages: it narrows the rows, and where none fits, the columns
    const byRow = !words.length || !heads.length || rows.some((row) => within(named(row)));
    const seen = field("seen");
    let count = 0;
    const kept = new Set(heads.filter((head) => fits({ ...head.dataset, seen }) && (byRow || within(`${head.textContent} ${head.title}`))));
    for (const row of rows) {
      let show = !byRow || within(heads.length ? named(row) : row.textContent);
      if (heads.length) {
        const known = row.dataset.seen === undefined ? null : new Set(row.dataset.seen.split(" "));
        show &&= !seen || known !== null;
        if (seen || row.dataset.muted) for (const head of heads)
          row.cells[head.cellIndex].classList.toggle("off", Boolean(seen) && (!known || known.has(head.dataset.language) !== (seen === "seen")));
        row.dataset.muted = seen;
      } else {
        show &&= fits(facts(row));
      }
      row.hidden = !show;
      count += show;
    }
    if (heads.length) columns(table, heads, kept);
    const full = Boolean(form.elements.full?.checked);
    if (full && table.classList.contains("profile")) detail(table);
    table.classList.toggle("full", full);
    const parts = [`${count} of ${rows.length} rows`, ...(heads.length ? [`${kept.size} of ${heads.length} languages`] : [])];
    form.querySelector("output").textContent = parts.join(", ");
  }
  // the intervals of a model's bars in figures, and the records of its further seeds, which the heads name once
  function detail(table) {
    if (table.dataset.detailed) return;
    table.dataset.detailed = "1";
    for (const head of table.tHead.querySelectorAll("th.b")) {
      const folders = head.dataset.records?.split(" ") || [], seeds = head.dataset.seeds?.split(" ") || [];
      for (const row of table.tBodies[0].rows) {
        const cell = row.cells[head.cellIndex], low = cell.style.getPropertyValue("--l");
        if (low && !cell.querySelector("i"))
          cell.append(Object.assign(document.createElement("i"), { textContent: `${low}${low.startsWith("−") ? " to " : "–"}${cell.style.getPropertyValue("--h")}` }));
        const first = cell.querySelector("a")?.getAttribute("href");
        if (!first || !folders.length) continue;
        const list = document.createElement("em");
        folders.forEach((folder, k) => {
          const link = Object.assign(document.createElement("a"), { textContent: `seed ${seeds[k]}` });
          link.href = `${folder}/${first.slice(first.lastIndexOf("/") + 1)}`;
          list.append(link, " ");
        });
        cell.append(list);
      }
    }
  }
  function columns(table, heads, kept) {
    let sheet = document.getElementById(`hide-${table.id}`);
    if (!sheet) {
      sheet = document.head.appendChild(document.createElement("style"));
      sheet.id = `hide-${table.id}`;
    }
    const hidden = heads.filter((head) => !kept.has(head)).map((head) => `tr:not(.families) > :nth-child(${head.cellIndex + 1})`);
    sheet.textContent = hidden.length ? `#${CSS.escape(table.id)} :is(${hidden.join(", ")}) { display: none; }` : "";
    for (const family of table.tHead.querySelectorAll(".families th")) {
      const left = heads.filter((head) => head.dataset.family === family.dataset.family && kept.has(head)).length;
      family.hidden = left === 0;
      if (left) family.colSpan = left;
    }
  }
  function filterable(table, form) {
    form.hidden = false;
    const names = ["q", "family", "script", "seen", "full"];
    const changed = () => {
      filter(table, form);
      const values = names.filter((name) => form.elements[name]).map((name) => {
        const field = form.elements[name];
        return [`${table.id}.${name}`, field.type === "checkbox" ? (field.checked ? "1" : "") : field.value];
      });
      remember(Object.fromEntries(values));
    };
    form.addEventListener("input", changed);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(changed));
  }

  // ---- from the address to the page
  function restore() {
    const asked = state();
    for (const table of document.querySelectorAll("table[id]")) {
      const key = asked.get(`${table.id}.sort`);
      const head = key && [...table.tHead.querySelectorAll("th[data-key]")].find((one) => one.dataset.key === key);
      if (head) sort(table, head, asked.get(`${table.id}.order`) === "ascending" ? "ascending" : "descending");
    }
    for (const form of document.querySelectorAll("form[data-for]")) {
      for (const field of form.elements) {
        const value = field.name && asked.get(`${form.dataset.for}.${field.name}`);
        if (field.type === "checkbox") field.checked = Boolean(value);
        else if (field.name) field.value = value || "";
      }
      filter(document.getElementById(form.dataset.for), form);
    }
  }

  // ---- mistakes, when they are asked for
  function mistakes(box) {
    box.addEventListener("toggle", async () => {
      if (!box.open || box.dataset.done) return;
      box.dataset.done = "1";
      const part = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
      try {
        const [found, texts] = await Promise.all([load(box.dataset.file), load(box.dataset.texts)]);
        for (const [language, example, answer] of found) {
          const [text, gold] = texts[`${language} ${example}`];
          const article = document.createElement("article");
          const list = document.createElement("dl");
          const facts = { gold, prediction: answer, language, example };
          for (const [name, value] of Object.entries(facts)) if (value) list.append(part("dt", name), part("dd", value));
          if (text) article.append(part("p", text));
          article.append(list);
          box.append(article);
        }
      } catch {
        box.append(part("p", "The examples could not be read: is the folder data/ beside this report?"));
      }
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    theme(document.querySelector(".theme"));
    for (const table of document.querySelectorAll("table[id]")) sortable(table);
    for (const form of document.querySelectorAll("form[data-for]")) filterable(document.getElementById(form.dataset.for), form);
    for (const box of document.querySelectorAll(".mistakes")) mistakes(box);
    restore();
  });
  window.addEventListener("hashchange", restore);

  return { put, load, state, remember, restore };
})();
