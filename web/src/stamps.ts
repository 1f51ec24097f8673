/** The pixels a point covers, prepared once for each shape, size and position within a pixel. */

export const SHAPES = ["disc", "ring", "diamond"] as const;
export const STEPS = 4; // positions within a pixel, along each side
export const LARGEST = 28; // pixels across

export interface Stamp {
  /** Offsets of the covered pixels from the pixel that holds the centre. */
  readonly offsets: Int32Array;
  /** How much of each pixel is covered, 0 to 256. */
  readonly cover: Uint16Array;
}

function distance(shape: number, x: number, y: number): number {
  return shape === 2 ? (Math.abs(x) + Math.abs(y)) * 0.8 : Math.hypot(x, y);
}

/** Share of a pixel that lies within the shape, from its distance to the outline. */
function coverage(shape: number, x: number, y: number, radius: number): number {
  const away = distance(shape, x, y);
  const outer = Math.min(1, Math.max(0, radius - away + 0.5));
  if (shape === 0) return outer;
  const width = Math.max(1.2, radius * 0.42);
  const inner = Math.min(1, Math.max(0, radius - width - away + 0.5));
  return outer - inner;
}

export function makeStamp(shape: number, size: number, fx: number, fy: number, stride: number): Stamp {
  const radius = size / 2;
  const reach = Math.ceil(radius * 1.3 + 1);
  const offsets: number[] = [];
  const cover: number[] = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const share = Math.round(256 * coverage(shape, dx + 0.5 - fx, dy + 0.5 - fy, radius));
      if (share > 12) {
        offsets.push(dy * stride + dx);
        cover.push(share > 244 ? 256 : share);
      }
    }
  }
  return { offsets: Int32Array.from(offsets), cover: Uint16Array.from(cover) };
}

/** Stamps of one frame width, made when they are first needed. */
export class Stamps {
  private readonly made: (Stamp | undefined)[] = [];

  constructor(readonly stride: number) {}

  /** All positions within a pixel of a shape and size (in half pixels), as one row of stamps. */
  get(shape: number, halfPixels: number, fx: number, fy: number): Stamp {
    const at = ((shape * (2 * LARGEST + 1) + halfPixels) * STEPS + fy) * STEPS + fx;
    let stamp = this.made[at];
    if (!stamp) {
      stamp = makeStamp(shape, halfPixels / 2, (fx + 0.5) / STEPS, (fy + 0.5) / STEPS, this.stride);
      this.made[at] = stamp;
    }
    return stamp;
  }
}
