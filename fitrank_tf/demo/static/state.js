// What the page shows, as its address says it: shareable, and the back button returns to it.

export const FILTER = "filter.";
// Changes within this time of typing are one step of the history. Milliseconds.
const ONE_STEP = 1500;

/** {text, photo, like, compare, filters: Map of attribute to filter text}. */
export function read() {
  const given = new URLSearchParams(location.search);
  const filters = new Map();
  for (const [name, text] of given) {
    if (name.startsWith(FILTER) && text) filters.set(name.slice(FILTER.length), text);
  }
  return {
    text: given.get("q") ?? "",
    photo: given.get("photo"),
    like: given.get("like"),
    compare: given.has("compare"),
    filters,
  };
}

/** The address of a state, without what is empty. */
export function address(state) {
  const said = new URLSearchParams();
  if (state.text) said.set("q", state.text);
  if (state.photo) said.set("photo", state.photo);
  if (state.like) said.set("like", state.like);
  if (state.compare) said.set("compare", "");
  for (const [name, text] of state.filters) said.set(FILTER + name, text);
  const query = said.toString();
  return query ? `?${query}` : location.pathname;
}

let typed = -Infinity;

/** Writes a state to the address: a new step, or the step that typing began. */
export function write(state, typing) {
  const next = address(state);
  if (next === location.search || (!location.search && next === location.pathname)) return;
  const goesOn = typing && performance.now() - typed < ONE_STEP;
  history[goesOn ? "replaceState" : "pushState"](null, "", next);
  typed = typing ? performance.now() : -Infinity;
}

// Texts of filters, as fitrank_tf/core/filters.py reads them.

/** The values of a filter text: "a|b\\|c" has "a" and "b|c". */
export function splitValues(text) {
  return [...text.matchAll(/(?:\\[\\|]|[^|])+/g)]
    .map(([value]) => value.replace(/\\([\\|])/g, "$1").trim())
    .filter(Boolean);
}

/** The text that `splitValues` gives back as these values. */
export function joinValues(values) {
  return values.map((value) => value.replace(/[\\|]/g, "\\$&")).join("|");
}
