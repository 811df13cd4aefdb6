// Filters from the catalogue's attributes, with the count of products that each would leave.

import { arrange, make, plain } from "./dom.js";
import { joinValues, splitValues } from "./state.js";

const FEW = 6;
const OPEN_AT_FIRST = 4;
const number = new Intl.NumberFormat("en");

/** The panel. change(name, text) is called with a filter's new text, "" for none. */
export class Filters {
  constructor(parent, declared, change) {
    this.parent = parent;
    this.change = change;
    this.groups = declared.map((one) =>
      one.kind === "number" ? new Numbers(one.name, change) : new Values(one.name, change));
    this.isNew = true;
  }

  update(counts, filters) {
    const useful = this.groups.filter((group) =>
      group.update(counts, filters.get(group.name) ?? ""));
    if (this.isNew) useful.slice(0, OPEN_AT_FIRST).forEach((group) => { group.element.open = true; });
    this.isNew = false;
    arrange(this.parent, useful.map((group) => group.element));
  }
}

class Group {
  constructor(name, change) {
    this.name = name;
    this.change = (text) => change(name, text);
    this.body = make("div", { aria: { role: "group", label: plain(name) } });
    this.element = make("details", { className: "group", data: { name } },
      make("summary", {}, make("span", {}, plain(name))), this.body);
  }
}

class Values extends Group {
  constructor(name, change) {
    super(name, change);
    this.rows = new Map();
    this.list = make("ul");
    this.all = make("button", { type: "button", className: "all" });
    this.all.addEventListener("click", () => {
      this.showsAll = !this.showsAll;
      this.draw();
    });
    this.body.append(this.list, this.all);
  }

  /** Whether there is a value to choose. */
  update(counts, text) {
    const given = splitValues(text);
    const isChosen = (value) => given.some((one) => one.toLowerCase() === value.toLowerCase());
    const counted = new Map(counts.values[this.name] ?? []);
    for (const value of given) {
      if (![...counted.keys()].some((one) => one.toLowerCase() === value.toLowerCase())) {
        counted.set(value, 0);
      }
    }
    this.shown = [...counted].map(([value, count]) => this.row(value, count, isChosen(value)));
    this.draw();
    return counted.size > 0;
  }

  draw() {
    const rows = this.shown.filter(({ box }, place) => this.showsAll || place < FEW || box.checked);
    arrange(this.list, rows.map(({ element }) => element));
    this.all.hidden = this.shown.length <= FEW;
    this.all.textContent = this.showsAll ? "Show fewer" : `Show all ${this.shown.length}`;
    this.all.ariaExpanded = String(Boolean(this.showsAll));
  }

  row(value, count, chosen) {
    if (!this.rows.has(value)) {
      const box = make("input", { type: "checkbox", value });
      const counter = make("span", { className: "counter" });
      box.addEventListener("change", () => this.change(joinValues(
        this.shown.filter((row) => row.box.checked).map((row) => row.box.value))));
      const label = make("label", {}, box, make("span", { dir: "auto", className: "value" }, value), counter);
      this.rows.set(value, { element: make("li", {}, label), box, counter });
    }
    const row = this.rows.get(value);
    row.box.checked = chosen;
    row.counter.textContent = number.format(count);
    return row;
  }
}

class Numbers extends Group {
  constructor(name, change) {
    super(name, change);
    this.bars = make("div", { className: "histogram", aria: { hidden: "true" } });
    [this.low, this.high] = ["from", "to"].map((word) => {
      const aria = { label: `${plain(name)} ${word}` };
      const input = make("input", { type: "number", step: "any", aria });
      input.addEventListener("change", () => this.changed());
      return input;
    });
    this.body.append(this.bars,
      make("div", { className: "range" }, this.low, make("span", {}, "to"), this.high));
  }

  changed() {
    let [low, high] = [this.low, this.high].map((input) => input.value);
    if (low && high && Number(low) > Number(high)) [low, high] = [high, low];
    this.change(low || high ? `${low}..${high}` : "");
  }

  update(counts, text) {
    const counted = counts.numbers[this.name];
    if (!counted || counted.low === counted.high) return Boolean(text);
    const [, low, high] = /^([^.]*(?:\.\d+)?)\.\.(.*)$/.exec(text) ?? [text, text, text];
    for (const [input, given, end] of [[this.low, low, counted.low], [this.high, high, counted.high]]) {
      // What is being typed is not overwritten by the answer to an earlier change.
      if (input !== document.activeElement) input.value = given;
      input.placeholder = end;
    }
    const most = Math.max(1, ...counted.bins);
    this.bars.replaceChildren(...counted.bins.map((count) => {
      const bar = make("i");
      bar.style.setProperty("--share", count / most);
      return bar;
    }));
    return true;
  }
}
