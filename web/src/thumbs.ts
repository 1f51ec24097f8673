/** Which points show their thumbnail: as many as fit without covering each other. */

export interface Thumb { row: number; x: number; y: number; z: number }

/** Choose among points `(x, y, z)` by pixel, those shown before first. `count` points are in `at`. */
export function chooseThumbs(
  rows: Int32Array, at: Float32Array, count: number, width: number, cell: number,
  before: ReadonlySet<number>,
): Thumb[] {
  const columns = Math.ceil(width / cell) + 2;
  const taken = new Set<number>();
  const chosen: Thumb[] = [];
  const free = (x: number, y: number): boolean => {
    const [cx, cy] = [Math.floor(x / cell) + 1, Math.floor(y / cell) + 1];
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const other = places.get((cy + dy) * columns + cx + dx);
        if (other && Math.abs(other.x - x) < cell && Math.abs(other.y - y) < cell) return false;
      }
    }
    return true;
  };
  const places = new Map<number, Thumb>();
  const take = (k: number): void => {
    const x = at[3 * k]!, y = at[3 * k + 1]!;
    if (!free(x, y)) return;
    const thumb = { row: rows[k]!, x, y, z: at[3 * k + 2]! };
    places.set((Math.floor(y / cell) + 1) * columns + Math.floor(x / cell) + 1, thumb);
    taken.add(k);
    chosen.push(thumb);
  };
  if (before.size) for (let k = 0; k < count; k++) if (before.has(rows[k]!)) take(k);
  for (let k = 0; k < count; k++) if (!taken.has(k)) take(k);
  return chosen;
}
