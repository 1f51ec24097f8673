/** What a scene says: the shape of scene.json, and its arrays once they are read. */

import type { WatchInfo } from "./watch.ts";

export interface FactorInfo {
  name: string;
  kind: "class" | "number" | "cyclic";
  period?: number;
  values?: string[];
  array: string;
  role: "kept" | "ignored" | "source" | null;
  unit?: string;
}

export interface SampleInfo {
  kind: "image" | "curve" | "row";
  shape: number[];
  names?: string[];
  axis?: number[];
  unit?: string;
  channels: 1 | 3;
  low: number;
  high: number;
}

export interface Sprites {
  tile: [number, number];
  columns: number;
  rows: number;
  n: number;
  sheets: number;
}

export interface TrailInfo {
  name: string;
  along: string | null;
  strengths: number[];
  range_trained: [number, number] | null;
  unit: string;
  declared?: boolean;
  identity?: number;
  rows: number[];
  array: string;
  images: string | null;
}

export interface GroupInfo { factor: string; array: string }

export interface ArrayInfo { dtype: "float32" | "uint8" | "int32"; shape: number[] }

export interface Scene {
  version: number;
  title: string;
  n_points: number;
  n_components: number;
  margin: number;
  caption: string;
  split: string[];
  has_names?: boolean;
  factors: FactorInfo[];
  sample: SampleInfo;
  sprites: Sprites | null;
  typical: number;
  unusual: { nearest_held_out: number[] } | null;
  trails: TrailInfo[];
  groups: GroupInfo[];
  proof: unknown;
  no_proof?: string | null;
  mapping: "server" | "onnx" | null;
  no_mapping?: string | null;
  watch?: WatchInfo | null;
  onnx: { shape: (number | string)[]; dtype: "float32" } | null;
  arrays: Record<string, ArrayInfo>;
}

export type NumberArray = Float32Array | Int32Array | Uint8Array;

/** One factor with its value for each row; a class by its code. */
export interface Factor extends FactorInfo { data: NumberArray }

export interface Data {
  scene: Scene;
  /** Points of the map, `(n, n_components)`. */
  points: Float32Array;
  split: Uint8Array;
  factors: Factor[];
  names: string[] | null;
  /** Samples as the map gets them, where the scene holds them. */
  samples: NumberArray | null;
  /** The tile of each row among the sprites; -1 where it has none. */
  tiles: Int32Array | null;
}

export function viewOf(info: ArrayInfo, bytes: ArrayBuffer): NumberArray {
  const length = info.shape.reduce((a, b) => a * b, 1);
  if (info.dtype === "uint8") return new Uint8Array(bytes, 0, length);
  if (info.dtype === "int32") return new Int32Array(bytes, 0, length);
  return new Float32Array(bytes, 0, length);
}

/** The value of a factor as people read it. */
export function valueOf(factor: Factor, row: number): string {
  const value = factor.data[row]!;
  if (factor.kind === "class") return value < 0 ? "unknown" : (factor.values?.[value] ?? String(value));
  if (Number.isNaN(value)) return "unknown";
  return factor.unit ? `${readable(value)} ${factor.unit}` : readable(value);
}

/** A number in few digits: four of them matter. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

export function count(n: number): string {
  return n.toLocaleString("en");
}
