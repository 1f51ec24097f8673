/** Lines between samples that differ in one ignored factor alone. */
import { empty, h } from "./dom.ts";
import type { MapView } from "./mapview.ts";
import { ink } from "./overlays.ts";
import { count, type GroupInfo } from "./scene.ts";

/** Lines drawn at most; the others are like them. */
const MOST = 3000;

/** Mean length of lines in the map, in units of the typical distance. */
export function meanLength(points: Float32Array, k: number, pairs: Int32Array, typical: number): number {
  let sum = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    let square = 0;
    for (let a = 0; a < k; a++) square += (points[pairs[i]! * k + a]! - points[pairs[i + 1]! * k + a]!) ** 2;
    sum += Math.sqrt(square);
  }
  return sum / Math.max(1, pairs.length / 2) / (typical || 1);
}

/** `pressed` is called when lines appear, or are gone. */
export function groupButtons(map: MapView, pressed: (on: boolean) => void): HTMLElement {
  const { data } = map;
  const { groups } = data.scene;
  let shown: { info: GroupInfo; pairs: Int32Array } | null = null;
  const note = h("p", { class: "quiet", "aria-live": "polite" });
  map.overlays.unshift((context) => {
    if (!shown) return;
    const { pairs } = shown;
    const step = 2 * Math.max(1, Math.ceil(pairs.length / 2 / MOST));
    context.strokeStyle = ink(map, pairs.length > 1000 ? 0.4 : 0.6);
    context.lineWidth = 1.2 * map.ratio;
    context.beginPath();
    for (let i = 0; i < pairs.length; i += step) {
      const [left, right] = [pairs[i]!, pairs[i + 1]!];
      if (!map.isShown(left) || !map.isShown(right)) continue;
      const [x, y, z] = map.pixelOfRow(left), [u, v, w] = map.pixelOfRow(right);
      if (!(z < Infinity && w < Infinity)) continue;
      context.moveTo(x, y);
      context.lineTo(u, v);
    }
    context.stroke();
  });
  const buttons = groups.map((info) => h("button", { type: "button", "aria-pressed": "false", click: () => void press(info) }, info.factor));
  async function press(info: GroupInfo): Promise<void> {
    if (shown?.info === info) {
      shown = null;
      empty(note);
    } else {
      const pairs = (await map.lines(info)) as Int32Array;
      shown = { info, pairs };
      const length = meanLength(data.points, data.scene.n_components, pairs, data.scene.typical);
      const drawn = Math.min(pairs.length / 2, Math.ceil(pairs.length / 2 / Math.max(1, Math.ceil(pairs.length / 2 / MOST))));
      empty(note, `${count(pairs.length / 2)} pairs that differ in ${info.factor} alone, ` +
        `${length.toFixed(2)} of the typical distance apart on average` +
        (drawn < pairs.length / 2 ? `; ${count(drawn)} of them are drawn.` : "."));
    }
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(groups[k] === shown?.info)));
    map.setPlain(shown !== null);
    pressed(shown !== null);
    map.redrawUpper();
  }
  return h("section", {}, h("h2", {}, "Join samples that differ only in"),
    h("div", { class: "buttons", role: "group", "aria-label": "join samples that differ only in" }, ...buttons), note);
}
