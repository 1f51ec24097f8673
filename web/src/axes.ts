/** Which coordinates are shown: components of the map, or their principal components. */

export interface Axes {
  principal: boolean;
  /** Two or three components, counted from 0. */
  chosen: number[];
}

/** Principal components of points `(n, k)`: rows of a k x k matrix, by falling variance, and the mean. */
export function principal(points: Float32Array, k: number): { mean: Float64Array; rows: Float64Array[]; share: number[] } {
  const n = points.length / k;
  const step = Math.max(1, Math.floor(n / 20000));
  const mean = new Float64Array(k);
  let used = 0;
  for (let i = 0; i < n; i += step, used++) for (let a = 0; a < k; a++) mean[a]! += points[i * k + a]!;
  for (let a = 0; a < k; a++) mean[a]! /= Math.max(1, used);
  const spread = Array.from({ length: k }, () => new Float64Array(k));
  for (let i = 0; i < n; i += step) {
    for (let a = 0; a < k; a++) {
      const left = points[i * k + a]! - mean[a]!;
      for (let b = 0; b <= a; b++) spread[a]![b]! += (left * (points[i * k + b]! - mean[b]!)) / used;
    }
  }
  for (let a = 0; a < k; a++) for (let b = 0; b < a; b++) spread[b]![a] = spread[a]![b]!;
  const vectors = jacobi(spread);
  const order = Array.from({ length: k }, (_, a) => a).sort((a, b) => spread[b]![b]! - spread[a]![a]!);
  const total = order.reduce((sum, a) => sum + spread[a]![a]!, 0) || 1;
  return {
    mean,
    rows: order.map((a) => Float64Array.from(vectors, (row) => row[a]!)),
    share: order.map((a) => spread[a]![a]! / total),
  };
}

/** Diagonalise a symmetric matrix in place by Jacobi's rotations; returns the eigenvectors as columns. */
function jacobi(m: Float64Array[]): Float64Array[] {
  const k = m.length;
  const vectors = Array.from({ length: k }, (_, a) => Float64Array.from({ length: k }, (_, b) => (a === b ? 1 : 0)));
  for (let sweep = 0; sweep < 40; sweep++) {
    let off = 0;
    for (let a = 0; a < k; a++) for (let b = 0; b < a; b++) off += m[a]![b]! ** 2;
    if (off < 1e-20) break;
    for (let p = 0; p < k; p++) {
      for (let q = p + 1; q < k; q++) {
        if (Math.abs(m[p]![q]!) < 1e-15) continue;
        const theta = (m[q]![q]! - m[p]![p]!) / (2 * m[p]![q]!);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1), s = t * c;
        for (const rows of [m, vectors]) {
          for (let i = 0; i < k; i++) {
            const x = rows[i]![p]!, y = rows[i]![q]!;
            rows[i]![p] = c * x - s * y;
            rows[i]![q] = s * x + c * y;
          }
        }
        for (let i = 0; i < k; i++) {
          const x = m[p]![i]!, y = m[q]![i]!;
          m[p]![i] = c * x - s * y;
          m[q]![i] = s * x + c * y;
        }
      }
    }
  }
  return vectors;
}

export type Place = (points: Float32Array, row: number, out: Float32Array | number[], at: number) => void;

/** How a point of the map becomes x, y and z of the view. */
export function placing(points: Float32Array, k: number, axes: Axes): { place: Place; labels: string[] } {
  const chosen = axes.chosen;
  if (!axes.principal) {
    return {
      place: (from, row, out, at) => {
        for (let a = 0; a < 3; a++) out[at + a] = a < chosen.length ? from[row * k + chosen[a]!]! : 0;
      },
      labels: chosen.map((a) => `component ${a + 1}`),
    };
  }
  const { mean, rows, share } = principal(points, k);
  return {
    place: (from, row, out, at) => {
      for (let a = 0; a < 3; a++) {
        let sum = 0;
        if (a < chosen.length) {
          const weights = rows[chosen[a]!]!;
          for (let b = 0; b < k; b++) sum += weights[b]! * (from[row * k + b]! - mean[b]!);
        }
        out[at + a] = sum;
      }
    },
    labels: chosen.map((a) => `principal component ${a + 1} (${Math.round(100 * share[a]!)} % of the variance)`),
  };
}

/** A fixed random order of 0 ... n-1: points are drawn in it, so that no class covers another by its place. */
export function shuffled(n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let state = 0x9e3779b9;
  for (let i = n - 1; i > 0; i--) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0;
    const j = state % (i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
