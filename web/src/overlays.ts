/** What is drawn over the points: the chosen sample and its neighbours, the unit of length, the axes. */
import type { MapView, Overlay } from "./mapview.ts";
import { nearest, placeOf } from "./nearest.ts";

export const NEIGHBOURS = 5;

export function ink(map: MapView, alpha = 1): string {
  return map.store.now.dark ? `rgb(240 242 245 / ${alpha})` : `rgb(20 24 30 / ${alpha})`;
}

export function paper(map: MapView, alpha = 1): string {
  return map.store.now.dark ? `rgb(20 23 28 / ${alpha})` : `rgb(253 253 252 / ${alpha})`;
}

export function ring(context: CanvasRenderingContext2D, map: MapView, x: number, y: number, radius: number): void {
  const ratio = map.ratio;
  for (const [width, style] of [[5, paper(map)], [2.2, ink(map)]] as const) {
    context.lineWidth = width * ratio;
    context.strokeStyle = style;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

export const selection: Overlay = (context, map) => {
  const { hovered, selected } = map.store.now;
  const { data, ratio } = map;
  const size = Math.max(6 * ratio, map.pointSize() * 0.5 + 4 * ratio);
  const k = data.scene.n_components;
  for (const row of new Set([selected, hovered])) {
    if (row < 0) continue;
    const [x, y, z] = map.pixelOfRow(row);
    if (!(z < Infinity)) continue;
    if (row === selected) {
      context.lineWidth = 1.4 * ratio;
      context.strokeStyle = ink(map, 0.75);
      for (const near of nearest(data.points, k, placeOf(data.points, k, row), NEIGHBOURS, row)) {
        const [nx, ny] = map.pixelOfRow(near.row);
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(nx, ny);
        context.stroke();
        ring(context, map, nx, ny, size * 0.62);
      }
    }
    ring(context, map, x, y, size);
  }
};

/** A bar as long as a round number of margins, where the view is flat. */
export const unit: Overlay = (context, map) => {
  const { camera, ratio } = map;
  if (camera.solid || map.store.now.axes.chosen.length < 2) return;
  const margin = map.data.scene.margin;
  if (!(margin > 0)) return;
  const exact = (90 * ratio) / camera.scale / margin;
  const power = 10 ** Math.floor(Math.log10(exact));
  const step = [5, 2, 1].find((m) => m * power <= exact) ?? 1;
  const length = step * power * margin * camera.scale;
  const [x, y] = [camera.width - 16 * ratio - length, camera.height - 16 * ratio];
  context.strokeStyle = ink(map, 0.7);
  context.fillStyle = ink(map, 0.8);
  context.lineWidth = 1.5 * ratio;
  context.beginPath();
  context.moveTo(x, y - 4 * ratio);
  context.lineTo(x, y);
  context.lineTo(x + length, y);
  context.lineTo(x + length, y - 4 * ratio);
  context.stroke();
  context.font = `${12 * ratio}px system-ui, sans-serif`;
  context.textAlign = "right";
  const amount = Number((step * power).toPrecision(2));
  const text = `${amount} ${amount > 1 ? "margins" : "margin"}`;
  context.strokeStyle = paper(map, 0.9);
  context.lineWidth = 3 * ratio;
  context.strokeText(text, x + length, y - 8 * ratio);
  context.fillText(text, x + length, y - 8 * ratio);
};

/** Three short arrows that show how a solid view is turned. */
export const axes: Overlay = (context, map) => {
  const { camera, ratio } = map;
  if (!camera.solid) return;
  const p = camera.projection();
  const long = (34 * ratio) / camera.scale;
  const [cx, cy] = [camera.width - 62 * ratio, camera.height - 52 * ratio];
  const ends: [number, number, string][] = [
    [p.xx, p.yx, "1"], [p.xy, p.yy, "2"], [p.xz, p.yz, "3"],
  ].map(([x, y], k) => [(x as number) * long, (y as number) * long, String((map.store.now.axes.chosen[k] ?? k) + 1)]);
  context.lineWidth = 1.6 * ratio;
  context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const [dx, dy, label] of ends) {
    context.strokeStyle = ink(map, 0.65);
    context.beginPath();
    context.moveTo(cx, cy);
    context.lineTo(cx + dx, cy + dy);
    context.stroke();
    context.fillStyle = ink(map, 0.85);
    context.fillText(label, cx + dx * 1.28, cy + dy * 1.28);
  }
  context.textBaseline = "alphabetic";
};
