/** Small charts of how far points move, drawn as SVG. */
import { svg } from "./dom.ts";
import { readable } from "./scene.ts";

export interface Series { name: string; mean: number[]; low?: number[]; high?: number[]; style: string }

export interface ChartOptions {
  label: string;
  strengths: number[];
  trained: [number, number] | null;
  series: Series[];
  unit: string;
  width: number;
  height: number;
  /** What the axis reaches at least; 1 unless it is given. */
  most?: number;
  /** Where the marker stands, as the position among the strengths. */
  at?: number;
}

const LEFT = 34, BOTTOM = 30, TOP = 8, RIGHT = 8;

/** A round number of steps for an axis up to `most`. */
export function ticksOf(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most || 1));
  const step = ([0.2, 0.5, 1, 2].find((m) => most / (m * power) <= 5) ?? 2) * power;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, k) => k * step);
}

export function chart(options: ChartOptions): SVGElement {
  const { strengths, series, width, height } = options;
  const [low, high] = [strengths[0]!, strengths[strengths.length - 1]!];
  const most = 1.05 * Math.max(options.most ?? 1, ...series.flatMap(({ mean, high: upper }) => [...mean, ...(upper ?? [])]));
  const x = (value: number): number => LEFT + ((value - low) / (high - low || 1)) * (width - LEFT - RIGHT);
  const y = (value: number): number => height - BOTTOM - (value / most) * (height - BOTTOM - TOP);
  const line = (values: number[]): string =>
    values.map((value, k) => `${k ? "L" : "M"}${x(strengths[k]!).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const root = svg("svg", { class: "chart", role: "img", "aria-label": options.label, width, height, viewBox: `0 0 ${width} ${height}` });
  if (options.trained) {
    const [from, to] = options.trained.map((value) => x(Math.min(high, Math.max(low, value)))) as [number, number];
    root.append(svg("rect", { class: "trained", x: from, width: Math.max(1, to - from), y: TOP, height: height - BOTTOM - TOP }));
  }
  for (const tick of ticksOf(most)) {
    root.append(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
      svg("text", { x: LEFT - 5, y: y(tick) + 4, "text-anchor": "end" }, readable(tick)));
  }
  for (const each of series) {
    if (each.low && each.high) {
      const back = strengths.map((_, k) => strengths.length - 1 - k);
      const band = line(each.high) + back.map((k) => `L${x(strengths[k]!).toFixed(1)} ${y(each.low![k]!).toFixed(1)}`).join("") + "Z";
      root.append(svg("path", { class: `band ${each.style}`, d: band }));
    }
    root.append(svg("path", { class: `series ${each.style}`, d: line(each.mean) }));
  }
  for (const [value, anchor] of [[low, "start"], [high, "end"]] as const) {
    root.append(svg("text", { x: x(value), y: height - BOTTOM + 15, "text-anchor": anchor }, readable(value)));
  }
  root.append(svg("text", { x: (LEFT + width - RIGHT) / 2, y: height - 3, "text-anchor": "middle" }, options.unit));
  if (options.at !== undefined && series[0]) {
    root.append(svg("circle", { class: "marker", r: 5, cx: x(strengths[options.at]!), cy: y(series[0].mean[options.at]!) }));
  }
  return root;
}
