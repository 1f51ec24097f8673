/** The colour of each point by a factor, and the legend that explains it. */
import { CATEGORIES, category, css, cyclic, packed, type Rgb, sequential, UNKNOWN } from "./palette.ts";
import { type Factor, readable } from "./scene.ts";

export interface LegendEntry { code: number; label: string; colour: string; count: number }

export interface Legend {
  kind: "class" | "number" | "cyclic";
  title: string;
  entries: LegendEntry[];
  /** Stops of the bar or the ring of numbers. */
  stops: string[];
  ticks: string[];
  note: string;
}

export interface Colouring {
  /** Colours as bytes, by row. */
  colours: Uint32Array;
  legend: Legend;
  colourOf(row: number): Rgb;
}

/** The range of numbers without the few most extreme ones, if these would flatten the rest. */
export function rangeOf(values: ArrayLike<number>): { low: number; high: number; cut: boolean } {
  const step = Math.max(1, Math.floor(values.length / 20000));
  const sorted: number[] = [];
  for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i]!)) sorted.push(values[i]!);
  sorted.sort((a, b) => a - b);
  if (sorted.length === 0) return { low: 0, high: 1, cut: false };
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  const [low, high, inner, outer] = [at(0), at(1), at(0.01), at(0.99)];
  if (outer > inner && high - low > 3 * (outer - inner)) return { low: inner, high: outer, cut: true };
  return { low, high: high > low ? high : low + 1, cut: false };
}

function stopsOf(colour: (share: number) => Rgb, n: number): string[] {
  return Array.from({ length: n }, (_, k) => css(colour(k / (n - 1))));
}

export function colourBy(factor: Factor, background: Rgb, dark: boolean): Colouring {
  const n = factor.data.length;
  const colours = new Uint32Array(n);
  const unknown = packed(UNKNOWN);
  if (factor.kind === "class") {
    const values = factor.values ?? [];
    const counts = new Int32Array(values.length + 1);
    const table = values.map((_, code) => packed(category(code, background)));
    for (let i = 0; i < n; i++) {
      const code = factor.data[i]!;
      counts[code < 0 ? values.length : code]!++;
      colours[i] = code < 0 ? unknown : table[code]!;
    }
    const entries = values.map((label, code) => ({
      code, label, colour: css(category(code, background)), count: counts[code]!,
    }));
    if (counts[values.length]! > 0) {
      entries.push({ code: -1, label: "unknown", colour: css(UNKNOWN), count: counts[values.length]! });
    }
    const note = values.length > CATEGORIES.length
      ? `Ten colours serve ${values.length} values: choose one here to see it alone.` : "";
    return {
      colours,
      legend: { kind: "class", title: factor.name, entries, stops: [], ticks: [], note },
      colourOf: (row) => category(factor.data[row]!, background),
    };
  }
  const unit = factor.unit ? ` ${factor.unit}` : "";
  if (factor.kind === "cyclic") {
    const period = factor.period ?? 360;
    const colour = (value: number): Rgb => (Number.isNaN(value) ? UNKNOWN : cyclic(value / period));
    for (let i = 0; i < n; i++) colours[i] = packed(colour(factor.data[i]!));
    const ticks = [0, 0.25, 0.5, 0.75].map((share) => readable(share * period) + unit);
    return {
      colours,
      legend: { kind: "cyclic", title: factor.name, entries: [], stops: stopsOf(cyclic, 25), ticks, note: "" },
      colourOf: (row) => colour(factor.data[row]!),
    };
  }
  const { low, high, cut } = rangeOf(factor.data);
  const colour = (value: number): Rgb =>
    Number.isNaN(value) ? UNKNOWN : sequential((value - low) / (high - low), dark);
  for (let i = 0; i < n; i++) colours[i] = packed(colour(factor.data[i]!));
  const ticks = [low, (low + high) / 2, high].map((value) => readable(value) + unit);
  if (cut) {
    ticks[0] = `≤ ${ticks[0]}`;
    ticks[2] = `≥ ${ticks[2]}`;
  }
  return {
    colours,
    legend: {
      kind: "number", title: factor.name, entries: [], stops: stopsOf((s) => sequential(s, dark), 13), ticks, note: "",
    },
    colourOf: (row) => colour(factor.data[row]!),
  };
}
