/** The pixels of a picture of the map, and beside them the point that each pixel shows. */
import { LARGEST, STEPS, Stamps } from "./stamps.ts";
import type { Projection } from "./camera.ts";

/** Room around the picture, so that a point at its edge needs no check of each pixel. */
export const PAD = LARGEST + 4;

export interface Cloud {
  /** x, y, z of each point, in the order of drawing, which is random: `(n, 3)`. */
  readonly positions: Float32Array;
  /** Colours as the bytes red, green, blue, 255. */
  readonly colours: Uint32Array;
  /** 0 hidden, otherwise 1 + shape. */
  readonly marks: Uint8Array;
}

export class Frame {
  readonly stride: number;
  readonly rows: number;
  readonly image: ImageData | null;
  readonly pixels: Uint32Array;
  /** 1 + the point (in the order of drawing) that a pixel shows; 0 where there is none. */
  readonly ids: Uint32Array;
  private readonly depth: Float32Array;
  private readonly stamps: Stamps;

  constructor(readonly width: number, readonly height: number) {
    this.stride = width + 2 * PAD;
    this.rows = height + 2 * PAD;
    const n = this.stride * this.rows;
    this.image = typeof ImageData === "undefined" ? null : new ImageData(this.stride, this.rows);
    this.pixels = this.image ? new Uint32Array(this.image.data.buffer) : new Uint32Array(n);
    this.ids = new Uint32Array(n);
    this.depth = new Float32Array(n);
    this.stamps = new Stamps(this.stride);
  }

  clear(background: number): void {
    this.pixels.fill(background);
    this.ids.fill(0);
    this.depth.fill(Infinity);
  }

  /** Draw the points `start` to `stop`; `size` is in pixels. Returns how many were within the frame. */
  draw(cloud: Cloud, view: Projection, size: number, start: number, stop: number): number {
    return view.perspective > 0
      ? this.drawDeep(cloud, view, size, start, stop)
      : this.drawFlat(cloud, view, size, start, stop);
  }

  private drawFlat(cloud: Cloud, view: Projection, size: number, start: number, stop: number): number {
    const { positions, colours, marks } = cloud;
    const { pixels, ids, stride, width, height, stamps } = this;
    const [a, b, c, d] = [view.xx, view.xy, view.xz, view.x];
    const [e, f, g, h] = [view.yx, view.yy, view.yz, view.y];
    const half = clampSize(size);
    let seen = 0;
    for (let i = start; i < stop; i++) {
      const mark = marks[i]!;
      if (mark === 0) continue;
      const px = positions[3 * i]!, py = positions[3 * i + 1]!, pz = positions[3 * i + 2]!;
      const x = a * px + b * py + c * pz + d;
      const y = e * px + f * py + g * pz + h;
      if (!(x > -LARGEST && y > -LARGEST && x < width + LARGEST && y < height + LARGEST)) continue;
      seen++;
      const column = Math.floor(x), row = Math.floor(y);
      const stamp = stamps.get(mark - 1, half, ((x - column) * STEPS) | 0, ((y - row) * STEPS) | 0);
      const base = (row + PAD) * stride + column + PAD;
      const offsets = stamp.offsets, cover = stamp.cover, colour = colours[i]!;
      for (let k = 0; k < offsets.length; k++) {
        const at = base + offsets[k]!, share = cover[k]!;
        if (share === 256) {
          pixels[at] = colour;
          ids[at] = i + 1;
        } else {
          pixels[at] = blend(colour, pixels[at]!, share);
          if (share >= 128) ids[at] = i + 1;
        }
      }
    }
    return seen;
  }

  private drawDeep(cloud: Cloud, view: Projection, size: number, start: number, stop: number): number {
    const { positions, colours, marks } = cloud;
    const { pixels, ids, depth, stride, width, height, stamps } = this;
    let seen = 0;
    for (let i = start; i < stop; i++) {
      const mark = marks[i]!;
      if (mark === 0) continue;
      const px = positions[3 * i]!, py = positions[3 * i + 1]!, pz = positions[3 * i + 2]!;
      const z = view.zx * px + view.zy * py + view.zz * pz + view.z;
      const near = view.perspective / (view.perspective + z);
      if (!(near > 0)) continue;
      const x = (view.xx * px + view.xy * py + view.xz * pz + view.dx) * near + view.cx;
      const y = (view.yx * px + view.yy * py + view.yz * pz + view.dy) * near + view.cy;
      if (!(x > -LARGEST && y > -LARGEST && x < width + LARGEST && y < height + LARGEST)) continue;
      seen++;
      const column = Math.floor(x), row = Math.floor(y);
      const half = clampSize(size * near);
      const stamp = stamps.get(mark - 1, half, ((x - column) * STEPS) | 0, ((y - row) * STEPS) | 0);
      const base = (row + PAD) * stride + column + PAD;
      // What is farther away is paler, down to half its colour.
      const fog = Math.min(128, Math.max(0, z * view.fog)) | 0;
      const colour = fog > 0 ? blend(view.background, colours[i]!, fog) : colours[i]!;
      const offsets = stamp.offsets, cover = stamp.cover;
      for (let k = 0; k < offsets.length; k++) {
        const at = base + offsets[k]!;
        if (z >= depth[at]!) continue;
        const share = cover[k]!;
        if (share === 256) {
          pixels[at] = colour;
          ids[at] = i + 1;
          depth[at] = z;
        } else {
          pixels[at] = blend(colour, pixels[at]!, share);
          if (share >= 128) {
            ids[at] = i + 1;
            depth[at] = z;
          }
        }
      }
    }
    return seen;
  }

  /** The point (in the order of drawing) nearest to a pixel, at most `reach` pixels away; -1 if none. */
  pick(x: number, y: number, reach = 6): number {
    let best = -1, nearest = (reach + 0.5) ** 2;
    const column = Math.round(x), row = Math.round(y);
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const away = dx * dx + dy * dy;
        if (away >= nearest) continue;
        const cx = column + dx, cy = row + dy;
        if (cx < 0 || cy < 0 || cx >= this.width || cy >= this.height) continue;
        const id = this.ids[(cy + PAD) * this.stride + cx + PAD]!;
        if (id > 0) {
          best = id - 1;
          nearest = away;
        }
      }
    }
    return best;
  }
}

function clampSize(size: number): number {
  return Math.min(2 * LARGEST, Math.max(2, Math.round(2 * size)));
}

/** `share` of 256 parts of one colour over another, each channel by itself. */
export function blend(over: number, under: number, share: number): number {
  const rest = 256 - share;
  const rb = ((over & 0xff00ff) * share + (under & 0xff00ff) * rest) >>> 8;
  const g = ((over & 0xff00) * share + (under & 0xff00) * rest) >>> 8;
  return ((rb & 0xff00ff) | (g & 0xff00) | 0xff000000) >>> 0;
}
