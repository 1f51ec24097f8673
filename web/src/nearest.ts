/** The nearest points of the map to a place in it, by their distance in all its components. */

export interface Near { row: number; distance: number }

export function nearest(points: Float32Array, k: number, place: ArrayLike<number>, n: number, except = -1): Near[] {
  const total = points.length / k;
  const rows: number[] = [], away: number[] = [];
  let worst = Infinity;
  for (let i = 0; i < total; i++) {
    let sum = 0;
    for (let a = 0; a < k; a++) {
      const d = points[i * k + a]! - place[a]!;
      sum += d * d;
    }
    if (sum >= worst || i === except) continue;
    let at = rows.length < n ? rows.length : n - 1;
    while (at > 0 && away[at - 1]! > sum) at--;
    rows.splice(at, 0, i);
    away.splice(at, 0, sum);
    if (rows.length > n) {
      rows.pop();
      away.pop();
    }
    if (rows.length === n) worst = away[n - 1]!;
  }
  return rows.map((row, at) => ({ row, distance: Math.sqrt(away[at]!) }));
}

export function placeOf(points: Float32Array, k: number, row: number): Float32Array {
  return points.subarray(row * k, row * k + k);
}
