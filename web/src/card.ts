/** The card of a sample: what it looks like, what is known of it, and what lies near it. */
import { empty, h } from "./dom.ts";
import { factsOf, sentenceOf, splitOf } from "./labels.ts";
import type { MapView } from "./mapview.ts";
import { nearest, placeOf } from "./nearest.ts";
import { NEIGHBOURS } from "./overlays.ts";
import { nameOf, tileView, viewOfSample } from "./picture.ts";
import { readable, valueOf } from "./scene.ts";
import type { Sheets } from "./sheets.ts";

export function facts(map: MapView, row: number): HTMLDListElement {
  const list = h("dl", { class: "facts" });
  for (const [name, value] of factsOf(map.data, row)) list.append(h("dt", {}, name), h("dd", {}, value));
  return list;
}

/** The nearest samples as buttons, each with its thumbnail or its value of the colouring factor. */
export function neighbourList(map: MapView, sheets: Sheets, near: { row: number; distance: number }[]): HTMLElement {
  const { data, store } = map;
  const list = h("ol", { class: sheets.tile ? "neighbours" : "neighbours words" });
  for (const { row, distance } of near) {
    const factor = data.factors[store.now.colour];
    const value = factor ? valueOf(factor, row) : nameOf(data, row);
    const share = data.scene.typical > 0 ? readable(Number((distance / data.scene.typical).toPrecision(2))) : readable(distance);
    const colour = map.colouring.colourOf(row);
    const dot = h("span", { class: "dot" });
    dot.style.background = `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
    list.append(h("li", {}, h("button", {
      type: "button", title: `${sentenceOf(data, row)}; ${share} of the typical distance away`,
      "aria-label": `select ${sentenceOf(data, row)}, ${share} of the typical distance away`,
      click: () => {
        store.set({ selected: row });
        map.reveal(row);
      },
    }, tileView(sheets, row, "", 40), h("span", { class: "value" }, dot, value))));
  }
  return list;
}

export function cardContent(map: MapView, sheets: Sheets, row: number, across: number): Node[] {
  const { data } = map;
  const k = data.scene.n_components;
  const near = nearest(data.points, k, placeOf(data.points, k, row), NEIGHBOURS, row);
  const picture = viewOfSample(data, sheets, row, across);
  const split = splitOf(data, row);
  return [
    h("header", {}, h("strong", {}, nameOf(data, row)), split && h("span", { class: "tag" }, split)),
    picture ?? h("p", { class: "quiet" }, "No picture of this sample is stored with the page."),
    facts(map, row),
    h("p", { class: "caption" }, "Nearest in the map"),
    neighbourList(map, sheets, near),
  ];
}

/** The card beside the pointer. */
export function hoverCard(map: MapView, sheets: Sheets): HTMLElement {
  const card = h("div", { class: "card hover", "aria-hidden": "true", hidden: true });
  let pointer = { x: 0, y: 0 };
  const put = (): void => {
    const [w, high] = [card.offsetWidth, card.offsetHeight];
    const [width, height] = [map.element.clientWidth, map.element.clientHeight];
    const x = pointer.x + 18 + w > width ? Math.max(4, pointer.x - w - 18) : pointer.x + 18;
    const y = Math.min(Math.max(4, pointer.y - 30), Math.max(4, height - high - 4));
    card.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  };
  map.element.addEventListener("pointermove", (event) => {
    const box = map.element.getBoundingClientRect();
    pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
    if (!card.hidden) put();
  });
  map.store.on(["hovered"], () => {
    const row = map.store.now.hovered;
    card.hidden = row < 0 || row === map.store.now.selected;
    map.element.classList.toggle("pointing", row >= 0);
    if (card.hidden) return;
    empty(card, ...cardContent(map, sheets, row, 112));
    card.dataset["row"] = String(row);
    put();
  });
  return card;
}

/** The card of the selected sample, at the side of the map. */
export function dockedCard(map: MapView, sheets: Sheets, say: (text: string) => void): HTMLElement {
  const card = h("section", { class: "card docked", "aria-label": "selected sample", hidden: true });
  const show = (): void => {
    const row = map.store.now.selected;
    card.hidden = row < 0;
    if (row < 0) {
      empty(card);
      return;
    }
    card.dataset["row"] = String(row);
    empty(card,
      h("button", { type: "button", class: "close", "aria-label": "close", click: () => {
        map.store.set({ selected: -1 });
        map.element.focus();
      } }, "×"),
      ...cardContent(map, sheets, row, map.element.clientWidth < 500 ? 96 : 168));
    say(sentenceOf(map.data, row));
  };
  map.store.on(["selected", "colour", "dark"], show);
  return card;
}
