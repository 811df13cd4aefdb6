// Products as cards: photo, title, what speaks for and against, thumbs.

import { photoOf } from "./api.js";
import { arrange, icon, make, plain } from "./dom.js";

const UP = "M7 11v9H4v-9zm0 0 4-8a2.2 2.2 0 0 1 2.2 2.200V9h5.300a2 2 0 0 1 2 2.300l-1.2 7a2 2 0 0 1-2 1.700H7";

/** Cards of one column of results.
 *  on: {like(hit), judge(hit, grade)}. */
export class Column {
  constructor(system, on) {
    this.on = on;
    this.cards = new Map();
    this.list = make("ol", { className: "cards" });
    this.element = make("section", { className: "column", aria: { label: system.title } });
    if (system.heading) {
      const meaning = make("span", {}, system.meaning);
      this.element.append(make("h2", {}, system.heading, meaning));
    }
    this.element.append(this.list);
  }

  /** Shows hits; what is a card already stays one, so that its photo does not flash. */
  show(hits, judging) {
    const strongest = Math.max(
      0.01, ...hits.flatMap((hit) => hit.contributions.map(([, value]) => Math.abs(value))));
    const shown = new Map();
    hits.forEach((hit, place) => {
      const card = this.cards.get(hit.id) ?? new Card(hit, this.on);
      card.update(hit, place + 1, strongest, judging);
      shown.set(hit.id, card);
    });
    this.cards = shown;
    arrange(this.list, [...shown.values()].map((card) => card.element));
  }

  grade(grades) {
    for (const [id, card] of this.cards) card.grade(grades[id]);
  }
}

class Card {
  constructor(hit, on) {
    this.rank = make("span", { className: "rank" });
    this.bars = make("ul", { className: "bars" });
    const title = hit.title || hit.id;
    this.title = make("h3", { dir: "auto", title }, title);
    this.thumbs = [1, 0].map((grade) => {
      const aria = { label: `${grade ? "Good" : "Bad"} result: ${title}`, pressed: "false" };
      const button = make("button", { type: "button", aria, data: { grade } }, icon(UP));
      button.addEventListener("click", () =>
        on.judge(hit, button.ariaPressed === "true" ? null : grade));
      return button;
    });
    this.judging = make("div", { className: "thumbs" }, ...this.thumbs);
    this.element = make("li", { className: "card", data: { id: hit.id } },
      this.photo(hit), this.title, this.bars, this.judging);
    if (hit.photo) {
      const aria = { label: `More like this: ${title}` };
      const like = make("button", { type: "button", className: "like", aria,
        title: "More like this" }, "Similar");
      like.addEventListener("click", () => on.like(hit));
      this.judging.append(like);
    }
    for (const [event, name] of [["mouseenter", "add"], ["mouseleave", "remove"],
      ["focusin", "add"], ["focusout", "remove"]]) {
      this.element.addEventListener(event, () => sameProducts(this.element)
        .forEach((card) => card.classList[name]("same")));
    }
  }

  photo(hit) {
    const frame = make("div", { className: "photo" }, this.rank);
    if (hit.photo) {
      frame.append(make("img", { loading: "lazy", src: photoOf(hit.id), alt: "", decoding: "async" }));
    } else {
      frame.classList.add("none");
      frame.append(make("span", { aria: { hidden: "true" } }, "no photo"));
    }
    return frame;
  }

  update(hit, rank, strongest, judging) {
    this.rank.textContent = rank;
    this.rank.hidden = !hit.score;
    this.rank.title = `score ${hit.score.toFixed(3)}`;
    this.judging.classList.toggle("unjudged", !judging);
    this.bars.replaceChildren(...hit.contributions.map(([name, value]) => {
      const speaks = value < 0 ? "against" : "for";
      const number = `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
      const bar = make("i", { aria: { hidden: "true" } });
      bar.style.setProperty("--share", Math.abs(value) / strongest);
      return make("li", { className: speaks, title: `speaks ${speaks} it` },
        make("span", { className: "name" }, plain(name)), bar,
        make("span", { className: "number" }, number));
    }));
  }

  grade(grade) {
    for (const button of this.thumbs) {
      button.ariaPressed = String(grade !== undefined && (grade > 0) === (button.dataset.grade === "1"));
    }
  }
}

/** The cards of a product in other columns. */
function sameProducts(element) {
  return [...document.querySelectorAll(".compared .card")]
    .filter((card) => card.dataset.id === element.dataset.id);
}
