// The page: reads the address, searches as one types, and shows what comes back.

import * as api from "./api.js";
import { Column } from "./cards.js";
import { make, plain } from "./dom.js";
import { Filters } from "./filters.js";
import { photoDropped } from "./photo.js";
import { joinValues, read, splitValues, write } from "./state.js";

// Between the last key press and the search. Milliseconds.
const PAUSE = 25;
const FIRST = 24;
const MOST = 96;

const at = (id) => document.getElementById(id);
const [box, chips, count, problem, columns, compare, more, start] = [
  "q", "chips", "count", "problem", "columns", "compare", "more", "start"].map(at);
const number = new Intl.NumberFormat("en");

let described;
let filters;
let state = read();
let topK = FIRST;
let shown = [];
let answered;
let running = new AbortController();
let timer;

function set(changes, typing = false) {
  state = { ...state, ...changes };
  topK = FIRST;
  write(state, typing);
  run();
}

/** Searches for the state; of several searches on their way the last one is shown. */
async function run() {
  clearTimeout(timer);
  running.abort();
  running = new AbortController();
  const { signal } = running;
  drawInputs();
  columns.ariaBusy = "true";
  try {
    const byPhoto = state.photo || state.like;
    const systems = state.compare && !byPhoto ? described.systems.map((one) => one.name).reverse() : [];
    const answer = await api.search(state, systems, topK, signal);
    if (signal.aborted) return;
    answered = answer;
    draw();
    say("");
  } catch (error) {
    if (!signal.aborted) say(error.message);
  } finally {
    if (!signal.aborted) columns.ariaBusy = "false";
  }
}

function say(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

/** What does not wait for an answer. */
function drawInputs() {
  if (box.value !== state.text) box.value = state.text;
  const byPhoto = Boolean(state.photo || state.like);
  at("photo-pill").hidden = !byPhoto;
  if (byPhoto) {
    const source = state.photo ? api.uploaded(state.photo) : api.photoOf(state.like);
    const image = at("photo-shown");
    if (image.getAttribute("src") !== source) image.src = source;
  }
  box.placeholder = byPhoto
    ? "Like this, but … (“in red”, “without sleeves”)"
    : `Search ${number.format(described.products)} products`;
  compare.ariaPressed = String(state.compare && !byPhoto);
  compare.disabled = byPhoto;
  compare.hidden = described.systems.length < 2 || !(state.text.trim() || byPhoto);
  compare.title = byPhoto ? "Photos are searched by one system" : "";
  document.title = state.text ? `${state.text} – FitRank` : "FitRank";
}

function draw() {
  drawColumns();
  drawChips();
  filters.update(answered.counts, state.filters);
  const set = state.filters.size;
  at("filters-set").textContent = set;
  at("filters-set").hidden = !set;
  const asked = state.text.trim() || state.photo || state.like;
  start.hidden = Boolean(asked || set);
  const [first] = answered.columns;
  const admitted = number.format(answered.counts.admitted);
  count.textContent = !first.hits.length
    ? "No product passes these filters"
    : asked
      ? `Best ${first.hits.length} of ${admitted} products`
      : `${admitted} products`;
  more.hidden = first.hits.length < topK || topK >= MOST;
}

function drawColumns() {
  const names = answered.columns.map((column) => column.system);
  const compared = names.length > 1;
  if (names.join() !== shown.map((one) => one.name).join()) {
    shown = names.map((name) => ({ name, column: newColumn(name, compared) }));
    columns.replaceChildren(...shown.map((one) => one.column.element));
    columns.classList.toggle("compared", compared);
  }
  const judging = described.judging && state.text.trim() && !state.photo && !state.like;
  answered.columns.forEach(({ hits }, place) => {
    const { column } = shown[place];
    column.show(hits, judging);
    column.grade(answered.grades);
  });
}

function newColumn(name, compared) {
  const meaning = described.systems.find((one) => one.name === name)?.meaning ?? "";
  const system = compared ? { title: name, heading: name, meaning } : { title: "Results" };
  return new Column(system, {
    like: (hit) => {
      box.value = "";
      set({ like: hit.id, photo: null, text: "" });
      scrollTo({ top: 0 });
      box.focus();
    },
    judge: async (hit, grade) => {
      try {
        const query = state.text;
        const grades = await api.judge(query, hit.id, grade);
        if (query !== state.text) return;
        answered.grades = grades;
        shown.forEach((one) => one.column.grade(grades));
        say("");
      } catch (error) {
        say(error.message);
      }
    },
  });
}

function drawChips() {
  const place = [...chips.children].findIndex((item) => item.contains(document.activeElement));
  const items = answered.understood.map((want) => chip(
    want.denied ? "denied" : "want",
    `${want.denied ? "not " : ""}${plain(want.facet)}`,
    want.values.map(bound).join(", "),
    async () => set({ text: await api.without(state.text, want) }),
  ));
  for (const [name, text] of state.filters) {
    const isNumber = described.filters.some((one) => one.name === name && one.kind === "number");
    const values = isNumber ? [text] : splitValues(text);
    for (const value of values) {
      items.push(chip("filter", plain(name), isNumber ? range(value) : value,
        () => changeFilter(name, joinValues(values.filter((other) => other !== value)))));
    }
  }
  chips.replaceChildren(...items);
  chips.hidden = !items.length;
  // The focus of a chip that was removed goes to the next one, or to the box.
  if (place >= 0) (chips.children[place] ?? chips.lastChild)?.querySelector("button").focus();
  if (place >= 0 && !items.length) box.focus();
}

function chip(kind, name, value, remove) {
  const button = make("button", { type: "button", aria: { label: `Remove ${name} ${value}` } }, "×");
  button.addEventListener("click", async () => {
    try {
      await remove();
    } catch (error) {
      say(error.message);
    }
  });
  return make("li", { className: `chip ${kind}` },
    make("span", { className: "name" }, name),
    make("span", { className: "value", dir: "auto" }, value), button);
}

const bound = (text) => text.replace(/([<>])=/g, (_, sign) => (sign === "<" ? "≤" : "≥"));
const range = (text) => text.replace(/^\.\.(.+)/, "≤ $1").replace(/^(.+)\.\.$/, "≥ $1").replace("..", " – ");

function changeFilter(name, text) {
  const next = new Map(state.filters);
  if (text) next.set(name, text);
  else next.delete(name);
  set({ filters: next });
}

async function searchByPhoto(file) {
  try {
    say("");
    const photo = await api.upload(file);
    set({ photo, like: null, text: "" });
    box.focus();
  } catch (error) {
    say(error.message);
  }
}

function listen() {
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => set({ text: box.value }, true), PAUSE);
  });
  at("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (box.value === state.text) at("results").focus();
    else set({ text: box.value }, true);
  });
  compare.addEventListener("click", () => set({ compare: !state.compare }));
  more.addEventListener("click", () => {
    topK = Math.min(MOST, 2 * topK);
    run();
  });
  at("photo-choose").addEventListener("click", () => at("photo-file").click());
  at("photo-file").addEventListener("change", ({ target }) => {
    if (target.files.length) searchByPhoto(target.files[0]);
    target.value = "";
  });
  at("photo-remove").addEventListener("click", () => {
    set({ photo: null, like: null });
    box.focus();
  });
  photoDropped(at("drop"), searchByPhoto);
  addEventListener("popstate", () => {
    state = read();
    topK = FIRST;
    run();
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      box.select();
    }
  });
  document.querySelector(".brand").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    set({ text: "", photo: null, like: null, compare: false, filters: new Map() });
    box.focus();
  });
}

/** On a wide page the filters are beside the results, and always open. */
function openFilters() {
  const wide = matchMedia("(min-width: 56rem)");
  const follow = () => { at("filters-panel").open = wide.matches; };
  wide.addEventListener("change", follow);
  follow();
}

async function begin() {
  openFilters();
  try {
    described = await api.describe();
  } catch (error) {
    say(error.message);
    return;
  }
  filters = new Filters(at("filters"), described.filters, changeFilter);
  at("examples").append(...described.examples.map((text) => {
    const button = make("button", { type: "button", className: "example" }, text);
    button.addEventListener("click", () => {
      set({ text });
      box.focus();
    });
    return make("li", {}, button);
  }));
  // What was typed before the page was ready counts.
  if (box.value && !state.text) state.text = box.value;
  listen();
  run();
}

begin();
