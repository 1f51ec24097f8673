/** The legend: what colours and shapes mean; a value chosen in it stands alone. */
import { empty, h, svg } from "./dom.ts";
import type { MapView } from "./mapview.ts";
import { count } from "./scene.ts";

const MOST = 60;

export function toggled(hidden: ReadonlySet<number>, code: number, all: readonly number[], alone: boolean): Set<number> {
  const result = new Set(hidden);
  if (alone) {
    const others = all.filter((other) => other !== code);
    const already = !hidden.has(code) && others.every((other) => hidden.has(other));
    return already ? new Set() : new Set(others);
  }
  if (result.has(code)) result.delete(code);
  else result.add(code);
  return result;
}

export function shapeIcon(shape: number): SVGElement {
  const icon = svg("svg", { class: "shape", width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" });
  if (shape === 0) icon.append(svg("circle", { r: 5, fill: "currentColor" }));
  else if (shape === 1) icon.append(svg("circle", { r: 4.2, fill: "none", stroke: "currentColor", "stroke-width": 2.2 }));
  else icon.append(svg("path", { d: "M0-6L6 0 0 6-6 0z", fill: "none", stroke: "currentColor", "stroke-width": 2.2 }));
  return icon;
}

/** Shape by the code of the split: learnt discs, held-out rings, the rest diamonds. */
export function shapeOf(code: number): number {
  return Math.min(2, code);
}

export function legend(map: MapView): HTMLElement {
  const { store } = map;
  const box = h("div", { class: "legend" });
  const show = (): void => {
    const given = map.colouring.legend;
    if (given.kind === "class") {
      const codes = given.entries.map((entry) => entry.code);
      const list = h("ul", { class: "values", "aria-label": `values of ${given.title}` });
      for (const entry of given.entries.slice(0, MOST)) {
        const dot = h("span", { class: "dot" });
        dot.style.background = entry.colour;
        const hidden = store.now.hiddenValues.has(entry.code);
        list.append(h("li", {}, h("button", {
          type: "button", "aria-pressed": String(!hidden), class: hidden ? "off" : "",
          title: "Click: show it alone. Shift and click: hide it.",
          click: (event: MouseEvent) =>
            store.set({ hiddenValues: toggled(store.now.hiddenValues, entry.code, codes, !event.shiftKey) }),
        }, dot, h("span", { class: "name" }, entry.label), h("span", { class: "count" }, count(entry.count)))));
      }
      empty(box, list,
        given.entries.length > MOST && h("p", { class: "quiet" }, `and ${given.entries.length - MOST} more values`),
        given.note ? h("p", { class: "quiet" }, given.note) : "");
      return;
    }
    if (given.kind === "number") {
      const bar = h("div", { class: "bar", role: "img", "aria-label": `colours from ${given.ticks[0]} to ${given.ticks[2]}` });
      bar.style.background = `linear-gradient(to right, ${given.stops.join(", ")})`;
      empty(box, bar, h("div", { class: "ticks", "aria-hidden": "true" }, ...given.ticks.map((tick) => h("span", {}, tick))));
      return;
    }
    const wheel = h("div", { class: "wheel", role: "img", "aria-label": `colours of a full turn, from ${given.ticks[0]} by ${given.ticks[1]} and back` });
    wheel.style.background = `conic-gradient(from 90deg, ${given.stops.join(", ")})`;
    const around = h("div", { class: "around" }, wheel);
    ["right", "bottom", "left", "top"].forEach((side, k) => around.append(h("span", { class: side, "aria-hidden": "true" }, given.ticks[k])));
    empty(box, around);
  };
  store.on(["colour", "dark", "hiddenValues"], show);
  show();
  return box;
}

/** What was learnt from and what was held out, by shape. */
export function splitLegend(map: MapView): HTMLElement {
  const { store, data } = map;
  const counts = new Array<number>(data.scene.split.length).fill(0);
  for (const code of data.split) counts[code] = (counts[code] ?? 0) + 1;
  const codes = data.scene.split.map((_, code) => code).filter((code) => counts[code]! > 0);
  const list = h("ul", { class: "values", "aria-label": "learnt and held out" });
  const show = (): void => {
    empty(list, ...codes.map((code) => {
      const hidden = store.now.hiddenSplits.has(code);
      return h("li", {}, h("button", {
        type: "button", "aria-pressed": String(!hidden), class: hidden ? "off" : "",
        title: "Click: show these alone. Shift and click: hide them.",
        click: (event: MouseEvent) =>
          store.set({ hiddenSplits: toggled(store.now.hiddenSplits, code, codes, !event.shiftKey) }),
      }, shapeIcon(shapeOf(code)), h("span", { class: "name" }, data.scene.split[code]), h("span", { class: "count" }, count(counts[code]!))));
    }));
  };
  store.on(["hiddenSplits"], show);
  show();
  return list;
}
