/** A sample as people look at it: a picture, a curve, or the values of a row. */
import { h, svg } from "./dom.ts";
import { type Data, type NumberArray, readable, type SampleInfo } from "./scene.ts";
import type { Sheets } from "./sheets.ts";

/** Pixels of an image sample as grey or colour bytes; `(h, w)` or `(channels, h, w)`. */
export function pixelsOf(info: SampleInfo, sample: ArrayLike<number>): { width: number; height: number; bytes: Uint8ClampedArray } {
  const [height, width] = info.shape.slice(-2) as [number, number];
  const channels = info.shape.length === 3 ? info.shape[0]! : 1;
  const bytes = new Uint8ClampedArray(4 * width * height);
  const span = info.high - info.low || 1;
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const value = sample[(channels === 3 ? c : 0) * width * height + i]!;
      bytes[4 * i + c] = (255 * (value - info.low)) / span;
    }
    bytes[4 * i + 3] = 255;
  }
  return { width, height, bytes };
}

function enlarged(width: number, height: number, across: number): [number, number] {
  const scale = across / Math.max(width, height);
  return [Math.round(width * scale), Math.round(height * scale)];
}

export function imageView(info: SampleInfo, sample: ArrayLike<number>, label: string, across: number): HTMLCanvasElement {
  const { width, height, bytes } = pixelsOf(info, sample);
  const canvas = h("canvas", { class: "picture", role: "img", "aria-label": label, width, height });
  canvas.getContext("2d")!.putImageData(new ImageData(bytes as Uint8ClampedArray<ArrayBuffer>, width, height), 0, 0);
  const [w, high] = enlarged(width, height, across);
  canvas.style.width = `${w}px`;
  canvas.style.height = `${high}px`;
  return canvas;
}

export function tileView(sheets: Sheets, row: number, label: string, across: number): HTMLCanvasElement | null {
  const tile = sheets.tile;
  if (!tile || !sheets.has(row)) return null;
  const [w, high] = enlarged(tile[0], tile[1], across);
  const ratio = Math.max(1, Math.round(window.devicePixelRatio || 1));
  const names = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  const canvas = h("canvas", { class: "picture", ...names, width: w * ratio, height: high * ratio });
  canvas.style.width = `${w}px`;
  canvas.style.height = `${high}px`;
  const context = canvas.getContext("2d")!;
  context.imageSmoothingEnabled = Math.max(...tile) > across;
  const draw = (): boolean => sheets.draw(context, row, 0, 0, canvas.width, canvas.height);
  if (!draw()) void sheets.load(draw);
  return canvas;
}

/** A curve with its axis, at most as many points as the picture is wide. */
export function curveView(info: SampleInfo, sample: ArrayLike<number>, label: string, width: number, height: number): SVGElement {
  const n = sample.length;
  const axis = info.axis ?? Array.from({ length: n }, (_, i) => i);
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < n; i++) {
    low = Math.min(low, sample[i]!);
    high = Math.max(high, sample[i]!);
  }
  if (!(high > low)) high = low + 1;
  const [first, last] = [axis[0]!, axis[n - 1]!];
  const step = Math.max(1, Math.ceil(n / width));
  const parts: string[] = [];
  for (let i = 0; i < n; i += step) {
    const x = ((axis[i]! - first) / (last - first || 1)) * (width - 2) + 1;
    const y = height - 17 - ((sample[i]! - low) / (high - low)) * (height - 21);
    parts.push(`${parts.length ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`);
  }
  return svg("svg", { class: "curve", role: "img", "aria-label": label, width, height, viewBox: `0 0 ${width} ${height}` },
    svg("line", { class: "axis", x1: 0, x2: width, y1: height - 15.5, y2: height - 15.5 }),
    svg("path", { class: "line", d: parts.join("") }),
    svg("text", { x: 0, y: height - 3 }, readable(first)),
    svg("text", { x: width, y: height - 3, "text-anchor": "end" }, readable(last) + (info.unit ? ` ${info.unit}` : "")));
}

/** The values of a row: a table with small bars, the largest rows first cut at `most`. */
export function rowView(info: SampleInfo, sample: ArrayLike<number>, most: number): HTMLTableElement {
  const table = h("table", { class: "row-values" });
  const n = Math.min(sample.length, most);
  for (let i = 0; i < n; i++) {
    table.append(h("tr", {}, h("th", { scope: "row" }, info.names?.[i] ?? `feature ${i + 1}`), h("td", {}, readable(sample[i]!))));
  }
  if (sample.length > n) table.append(h("tr", {}, h("td", { colspan: 2 }, `and ${sample.length - n} more`)));
  return table;
}

export function sampleAt(data: Data, row: number): NumberArray | null {
  if (!data.samples) return null;
  const size = data.scene.sample.shape.reduce((a, b) => a * b, 1);
  if ((row + 1) * size > data.samples.length) return null;
  return data.samples.subarray(row * size, (row + 1) * size);
}

/** The best view of a known sample; null where the scene holds nothing of it. */
export function viewOfSample(data: Data, sheets: Sheets, row: number, across: number, most = 12): Element | null {
  const info = data.scene.sample;
  const label = `sample ${nameOf(data, row)}`;
  const sample = sampleAt(data, row);
  if (info.kind === "image") {
    const tile = sheets.tile;
    // Whichever holds more of the picture.
    if (sample && !(tile && sheets.has(row) && tile[0] > info.shape.at(-1)!)) return imageView(info, sample, label, across);
    return tileView(sheets, row, label, across);
  }
  if (!sample) return null;
  return info.kind === "curve"
    ? curveView(info, sample, label, Math.max(220, across), 110)
    : rowView(info, sample, most);
}

export function nameOf(data: Data, row: number): string {
  return data.names?.[row] ?? `row ${row}`;
}
