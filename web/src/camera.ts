/** From points of the map to pixels: one projection for flat and for solid views. */

export interface Projection {
  xx: number; xy: number; xz: number; x: number; dx: number;
  yx: number; yy: number; yz: number; y: number; dy: number;
  zx: number; zy: number; zz: number; z: number;
  cx: number; cy: number;
  /** Distance of the eye in pixels; 0 for a flat view, in which depth has no effect. */
  perspective: number;
  /** Parts of 256 of the background per pixel of depth. */
  fog: number;
  background: number;
}

export type Vector = [number, number, number];

export interface Bounds { centre: Vector; radius: number; halfWidth: number; halfHeight: number }

export function boundsOf(positions: Float32Array): Bounds {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  for (let i = 0; i < positions.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      const value = positions[i + k]!;
      if (value < low[k]!) low[k] = value;
      if (value > high[k]!) high[k] = value;
    }
  }
  const centre = low.map((value, k) => (Number.isFinite(value) ? (value + high[k]!) / 2 : 0)) as Vector;
  const half = low.map((value, k) => (Number.isFinite(value) ? Math.max(1e-9, (high[k]! - value) / 2) : 1));
  let far = 0;
  for (let i = 0; i < positions.length; i += 3) {
    const away = (positions[i]! - centre[0]) ** 2 + (positions[i + 1]! - centre[1]) ** 2 + (positions[i + 2]! - centre[2]) ** 2;
    if (away > far) far = away;
  }
  return { centre, radius: Math.sqrt(far) || 1, halfWidth: half[0]!, halfHeight: half[1]! };
}

export class Camera {
  target: Vector = [0, 0, 0];
  /** Pixels per unit of the map. */
  scale = 100;
  /** The scale at which the whole map is in view. */
  fitted = 100;
  yaw = 0;
  pitch = 0;
  solid = false;
  width = 1;
  height = 1;
  /** The whole map is in view: nobody has moved or zoomed since. */
  untouched = true;

  resize(width: number, height: number): void {
    const before = Math.min(this.width, this.height), now = Math.min(width, height);
    if (before > 1) {
      this.scale *= now / before;
      this.fitted *= now / before;
    }
    this.width = width;
    this.height = height;
  }

  fit(bounds: Bounds): void {
    const margin = 0.9;
    this.target = [...bounds.centre];
    this.fitted = this.solid
      ? (margin * 1.1 * Math.min(this.width, this.height)) / (2 * bounds.radius)
      : margin * Math.min(this.width / (2 * bounds.halfWidth), this.height / (2 * bounds.halfHeight));
    this.scale = this.fitted;
    this.untouched = true;
  }

  get zoom(): number {
    return this.scale / this.fitted;
  }

  projection(background = 0): Projection {
    const s = this.scale;
    const yaw = this.solid ? this.yaw : 0, pitch = this.solid ? this.pitch : 0;
    const [ca, sa, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    // Rows: right, down, away from the eye. Pixels count downwards.
    const right: Vector = [s * ca, 0, s * sa];
    const down: Vector = [s * sa * sp, -s * cp, -s * ca * sp];
    const away: Vector = [-s * sa * cp, -s * sp, s * ca * cp];
    const shift = (row: Vector): number =>
      -(row[0] * this.target[0] + row[1] * this.target[1] + row[2] * this.target[2]);
    const cx = this.width / 2, cy = this.height / 2;
    const size = Math.min(this.width, this.height);
    return {
      xx: right[0], xy: right[1], xz: right[2], dx: shift(right), x: shift(right) + cx,
      yx: down[0], yy: down[1], yz: down[2], dy: shift(down), y: shift(down) + cy,
      zx: away[0], zy: away[1], zz: away[2], z: shift(away),
      cx, cy,
      perspective: this.solid ? 2.2 * size : 0,
      fog: this.solid ? 200 / (size * Math.max(1, this.zoom)) : 0,
      background,
    };
  }

  /** Move the map under the pointer by so many pixels. */
  pan(dx: number, dy: number): void {
    this.untouched = false;
    const p = this.projection();
    const s2 = this.scale * this.scale;
    this.target = [
      this.target[0] - (p.xx * dx + p.yx * dy) / s2,
      this.target[1] - (p.xy * dx + p.yy * dy) / s2,
      this.target[2] - (p.xz * dx + p.yz * dy) / s2,
    ];
  }

  turn(dx: number, dy: number): void {
    this.yaw -= dx * 0.008;
    this.pitch = Math.min(1.5, Math.max(-1.5, this.pitch + dy * 0.008));
  }

  /** Zoom by a factor so that the pixel (x, y) keeps its place. */
  zoomAt(factor: number, x: number, y: number): void {
    const bounded = Math.min(this.fitted * 4000, Math.max(this.fitted / 8, this.scale * factor)) / this.scale;
    const [ox, oy] = [x - this.width / 2, y - this.height / 2];
    this.pan(-ox, -oy);
    this.scale *= bounded;
    this.untouched = false;
    this.pan(ox, oy);
  }
}

/** The pixel of one point, and its depth. */
export function project(view: Projection, px: number, py: number, pz: number): Vector {
  const z = view.zx * px + view.zy * py + view.zz * pz + view.z;
  const near = view.perspective > 0 ? view.perspective / (view.perspective + z) : 1;
  return [
    (view.xx * px + view.xy * py + view.xz * pz + view.dx) * near + view.cx,
    (view.yx * px + view.yy * py + view.yz * pz + view.dy) * near + view.cy,
    near > 0 ? z : Infinity,
  ];
}
