/** Selecting many samples by a line drawn around them. */
import { empty, h, icon } from "./dom.ts";
import type { Gestures } from "./gestures.ts";
import type { MapView } from "./mapview.ts";
import { ink } from "./overlays.ts";
import { count } from "./scene.ts";
import { save, tableOf } from "./table.ts";

/** Whether a place lies inside a closed line, by the number of its edges to the right. */
export function inside(line: readonly (readonly [number, number])[], x: number, y: number): boolean {
  let result = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [xi, yi] = line[i]!, [xj, yj] = line[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) result = !result;
  }
  return result;
}

export function lasso(map: MapView, gestures: Gestures, say: (text: string) => void): HTMLElement {
  let line: [number, number][] = [];
  let rows: number[] = [];
  const words = h("span", {});
  const bar = h("div", { class: "chosen docked", role: "region", "aria-label": "samples chosen by the lasso", hidden: true });
  const button = h("button", { type: "button", "aria-label": "lasso: draw around samples", "aria-pressed": "false", title: "lasso: draw around samples", click: () => set(gestures.tool === null) },
    icon("M8 2.5c3.3 0 6 1.7 6 4s-2.7 4-6 4-6-1.7-6-4 2.7-4 6-4zM5 10c-1.5.6-1.7 2.2-.4 2.5 1.4.3 1 1.4.2 2"));

  function set(on: boolean): void {
    button.setAttribute("aria-pressed", String(on));
    map.element.classList.toggle("drawing", on);
    gestures.tool = on ? tool : null;
  }

  function choose(found: number[]): void {
    rows = found;
    bar.hidden = rows.length === 0;
    map.emphasise(rows.length > 0 ? new Set(rows) : null);
    if (rows.length === 0) return;
    words.textContent = `${count(rows.length)} ${rows.length === 1 ? "sample" : "samples"}`;
    say(`${words.textContent} chosen`);
  }

  const tool = {
    down: (x: number, y: number): void => {
      line = [[x * map.ratio, y * map.ratio]];
    },
    move: (x: number, y: number): void => {
      line.push([x * map.ratio, y * map.ratio]);
      map.redrawUpper();
    },
    up: (): void => {
      const drawn = line;
      line = [];
      set(false);
      choose(drawn.length > 2 ? map.rowsWhere((x, y) => inside(drawn, x, y)) : []);
      map.redrawUpper();
    },
  };
  empty(bar, words,
    h("button", { type: "button", class: "action", click: () => save(tableOf(map.data, rows), "samples.csv") }, "Save as CSV"),
    h("button", { type: "button", class: "action", click: () => choose([]) }, "Clear"));
  map.overlays.push((context) => {
    if (line.length < 2) return;
    context.beginPath();
    line.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.fillStyle = ink(map, 0.08);
    context.fill();
    context.setLineDash([5 * map.ratio, 4 * map.ratio]);
    context.lineWidth = 1.5 * map.ratio;
    context.strokeStyle = ink(map, 0.9);
    context.stroke();
    context.setLineDash([]);
  });
  map.element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      set(false);
      choose([]);
    } else if (event.key === "l" || event.key === "L") set(gestures.tool === null);
  });
  map.element.append(bar);
  return button;
}
