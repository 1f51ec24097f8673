/** The map itself: points drawn when something changes, and the pointer and keys that move the view. */
import { type Axes, type Place, placing, shuffled } from "./axes.ts";
import { boundsOf, Camera, project, type Projection, type Vector } from "./camera.ts";
import { type Colouring } from "./colouring.ts";
import { h, quietMotion } from "./dom.ts";
import { blend, Frame, PAD } from "./frame.ts";
import { hex, packed, type Rgb } from "./palette.ts";
import type { Data, NumberArray } from "./scene.ts";
import type { Sheets } from "./sheets.ts";
import type { Store } from "./store.ts";
import { chooseThumbs, type Thumb } from "./thumbs.ts";

export const BACKGROUNDS: { light: Rgb; dark: Rgb } = { light: hex("fdfdfc"), dark: hex("14171c") };

/** Milliseconds that a picture may take while the view moves; at rest every point is drawn. */
const BUDGET = 45;
const MOST_THUMBS = 20000;

export type Overlay = (context: CanvasRenderingContext2D, map: MapView) => void;

export class MapView {
  readonly element: HTMLDivElement;
  readonly camera = new Camera();
  readonly overlays: Overlay[] = [];
  readonly order: Uint32Array;
  colouring!: Colouring;
  labels: string[] = [];
  /** Milliseconds of the last whole redraw, for tests and the curious. */
  lastRedraw = 0;
  redraws = 0;

  private readonly canvas: HTMLCanvasElement;
  private readonly upper: HTMLCanvasElement;
  private frame = new Frame(1, 1);
  private readonly cloud: { positions: Float32Array; colours: Uint32Array; marks: Uint8Array };
  private place!: Place;
  private waiting = false;
  private moving = false;
  private restTimer = 0;
  private perPoint = 0;
  private thumbs: Thumb[] = [];
  private view: Projection;
  private seen = 0;

  constructor(
    readonly data: Data, private readonly sheets: Sheets, readonly store: Store,
    /** Reads the pairs of rows that lines join. */
    readonly lines: (info: { array: string }) => Promise<NumberArray>,
  ) {
    const n = data.scene.n_points;
    this.order = shuffled(n);
    this.cloud = { positions: new Float32Array(3 * n), colours: new Uint32Array(n), marks: new Uint8Array(n) };
    this.canvas = h("canvas", { class: "points", "aria-hidden": "true" });
    this.upper = h("canvas", { class: "upper", "aria-hidden": "true" });
    this.element = h("div", {
      class: "map", tabindex: 0, role: "application", "aria-roledescription": "map", "aria-describedby": "map-keys",
    }, this.canvas, this.upper);
    this.view = this.camera.projection();
    new ResizeObserver(() => this.resize()).observe(this.element);
    store.on(["thumbnails", "size"], () => this.redraw());
    store.on(["hovered", "selected"], () => this.redrawUpper());
    store.on(["turning"], () => this.moved());
  }

  get ratio(): number {
    return Math.min(2, window.devicePixelRatio || 1);
  }

  get background(): Rgb {
    return this.store.now.dark ? BACKGROUNDS.dark : BACKGROUNDS.light;
  }

  /** Take other coordinates; the view turns or moves so that all is in sight. */
  setAxes(axes: Axes, solid: boolean): void {
    const { points, scene } = this.data;
    const { place, labels } = placing(points, scene.n_components, axes);
    this.place = place;
    this.labels = labels;
    for (let i = 0; i < this.order.length; i++) place(points, this.order[i]!, this.cloud.positions, 3 * i);
    if (solid && !this.camera.solid && this.camera.yaw === 0 && this.camera.pitch === 0) {
      this.camera.yaw = 0.6;
      this.camera.pitch = 0.35;
    }
    this.camera.solid = solid;
    this.fit();
  }

  /** Take other points of the same samples; a view of the whole map stays one. */
  setPoints(points: Float32Array): void {
    const whole = this.camera.untouched;
    this.data.points = points;
    for (let i = 0; i < this.order.length; i++) this.place(points, this.order[i]!, this.cloud.positions, 3 * i);
    if (whole) this.camera.fit(boundsOf(this.cloud.positions));
    this.moved();
  }

  fit(): void {
    this.camera.fit(boundsOf(this.cloud.positions));
    this.redraw();
  }

  setColours(colouring: Colouring): void {
    this.colouring = colouring;
    const background = packed(this.background);
    for (let i = 0; i < this.order.length; i++) {
      const row = this.order[i]!, colour = colouring.colours[row]!;
      this.cloud.colours[i] = !this.emphasised || this.emphasised.has(row) ? colour : blend(colour, background, 56);
    }
    this.redraw();
  }

  private emphasised: ReadonlySet<number> | null = null;

  /** Show some rows in their colours and all others pale; null: all in their colours. */
  emphasise(rows: ReadonlySet<number> | null): void {
    this.emphasised = rows;
    this.setColours(this.colouring);
  }

  /** Show only the rows for which `shown` says so, each in the shape of its split. */
  setShown(shown: (row: number) => boolean, shape: (row: number) => number): void {
    for (let i = 0; i < this.order.length; i++) {
      const row = this.order[i]!;
      this.cloud.marks[i] = shown(row) ? 1 + shape(row) : 0;
    }
    this.redraw();
  }

  isShown(row: number): boolean {
    this.inverse ??= inverseOf(this.order);
    return this.cloud.marks[this.inverse[row]!]! > 0;
  }

  private inverse: Uint32Array | null = null;

  /** Pixel and depth of a row. */
  pixelOfRow(row: number): Vector {
    return this.pixelOf(this.data.points, row);
  }

  private readonly scratch = [0, 0, 0];

  /** Pixel and depth of point `at` among points of the map's dimension. */
  pixelOf(points: Float32Array, at: number): Vector {
    this.place(points, at, this.scratch, 0);
    return project(this.view, this.scratch[0]!, this.scratch[1]!, this.scratch[2]!);
  }

  /** The row under a pixel (of the element), or -1. */
  rowAt(x: number, y: number): number {
    const [px, py] = [x * this.ratio, y * this.ratio];
    const half = this.thumbSize() / 2;
    for (let k = this.thumbs.length - 1; k >= 0; k--) {
      const thumb = this.thumbs[k]!;
      if (Math.abs(thumb.x - px) <= half && Math.abs(thumb.y - py) <= half) return thumb.row;
    }
    const at = this.frame.pick(px, py, Math.round(6 * this.ratio));
    return at < 0 ? -1 : this.order[at]!;
  }

  /** The shown row nearest to the middle of the view. */
  rowInTheMiddle(): number {
    let best = -1, nearest = Infinity;
    for (let i = 0; i < this.order.length; i++) {
      if (!this.cloud.marks[i]) continue;
      const [x, y] = this.pixelOfCloud(i);
      const away = (x - this.camera.width / 2) ** 2 + (y - this.camera.height / 2) ** 2;
      if (away < nearest) {
        nearest = away;
        best = this.order[i]!;
      }
    }
    return best;
  }

  private pixelOfCloud(i: number): Vector {
    const p = this.cloud.positions;
    return project(this.view, p[3 * i]!, p[3 * i + 1]!, p[3 * i + 2]!);
  }

  /** All shown rows whose pixel fulfils a condition. */
  rowsWhere(inside: (x: number, y: number) => boolean): number[] {
    const rows: number[] = [];
    for (let i = 0; i < this.order.length; i++) {
      if (!this.cloud.marks[i]) continue;
      const [x, y, z] = this.pixelOfCloud(i);
      if (z < Infinity && inside(x, y)) rows.push(this.order[i]!);
    }
    return rows.sort((a, b) => a - b);
  }

  /** Bring a row into view if it is outside. */
  reveal(row: number): void {
    const [x, y] = this.pixelOfRow(row);
    const edge = 30 * this.ratio;
    if (x < edge || y < edge || x > this.camera.width - edge || y > this.camera.height - edge) {
      this.camera.pan(this.camera.width / 2 - x, this.camera.height / 2 - y);
      this.redraw();
    }
  }

  /** Bring a point of the map into view if it is outside, with some room around it. */
  revealPoint(point: Float32Array): void {
    const [x, y] = this.pixelOf(point, 0);
    const { width, height } = this.camera;
    if (x > 0 && y > 0 && x < width && y < height) return;
    this.camera.fit(boundsOf(this.cloud.positions));
    this.view = this.camera.projection();
    const [u, v] = this.pixelOf(point, 0);
    const out = Math.max(Math.abs(u / width - 0.5), Math.abs(v / height - 0.5)) / 0.45;
    if (out > 1) this.camera.zoomAt(1 / out, width / 2, height / 2);
    this.redraw();
  }

  pointSize(): number {
    const n = this.data.scene.n_points;
    const base = Math.min(8, Math.max(1.5, 21 - 3.2 * Math.log10(Math.max(10, n)) - (n < 3000 ? 3 : 0)));
    const grown = Math.min(2.2, Math.max(0.8, this.camera.zoom ** 0.35));
    return base * grown * this.store.now.size * this.ratio;
  }

  private thumbSize(): number {
    return Math.min(56, 34 * Math.max(1, Math.min(1.6, this.camera.zoom ** 0.2))) * this.ratio;
  }

  /** Ask for a picture; several requests before the next frame make one. */
  redraw(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  /** The view is moving: pictures may leave points out until it rests. */
  moved(): void {
    this.moving = true;
    window.clearTimeout(this.restTimer);
    this.restTimer = window.setTimeout(() => {
      this.moving = false;
      if (this.perPoint * this.order.length > BUDGET) this.redraw();
    }, 140);
    this.redraw();
  }

  private resize(): void {
    const ratio = this.ratio;
    const width = Math.max(1, Math.round(this.element.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.element.clientHeight * ratio));
    if (width === this.frame.width && height === this.frame.height) return;
    const whole = this.frame.width === 1 || this.camera.untouched;
    this.frame = new Frame(width, height);
    for (const canvas of [this.canvas, this.upper]) {
      canvas.width = width;
      canvas.height = height;
    }
    this.camera.resize(width, height);
    if (whole) this.camera.fit(boundsOf(this.cloud.positions));
    this.draw();
  }

  private draw(): void {
    if (this.frame.width === 1) return;
    const start = performance.now();
    const n = this.order.length;
    const some = this.moving && this.perPoint * n > BUDGET
      ? Math.min(n, Math.max(20000, Math.floor(BUDGET / this.perPoint))) : n;
    const background = packed(this.background);
    this.view = this.camera.projection(background);
    this.frame.clear(background);
    const size = this.pointSize() * (some < n ? Math.min(1.5, Math.sqrt(n / some)) : 1);
    const seen = this.frame.draw(this.cloud, this.view, size, 0, some);
    this.seen = Math.round((seen * n) / Math.max(1, some));
    if (this.frame.image) this.canvas.getContext("2d", { alpha: false })!.putImageData(this.frame.image, -PAD, -PAD);
    this.pickThumbs();
    this.drawUpper();
    const took = performance.now() - start;
    this.perPoint = this.perPoint ? 0.7 * this.perPoint + (0.3 * took) / some : took / some;
    if (some === n) this.lastRedraw = took;
    this.redraws++;
    if (this.store.now.turning) {
      this.camera.turn(-0.9, 0);
      this.moved();
    }
  }

  private sheetsAsked = false;
  private plain = false;

  /** Without thumbnails, which would cover lines. */
  setPlain(plain: boolean): void {
    this.plain = plain;
    this.redraw();
  }

  private pickThumbs(): void {
    const how = this.store.now.thumbnails;
    const cell = this.thumbSize() + 3 * this.ratio;
    const room = (this.frame.width * this.frame.height) / (cell * cell);
    const wanted = !this.plain && this.sheets.tile !== null && how !== "off" && (how === "spread" || this.seen < 1.2 * room);
    if (!wanted) {
      this.thumbs = [];
      return;
    }
    if (!this.sheetsAsked) void this.sheets.load(() => this.redrawUpper());
    this.sheetsAsked = true;
    const rows: number[] = [], at: number[] = [];
    for (let i = 0; i < this.order.length && rows.length < MOST_THUMBS; i++) {
      if (!this.cloud.marks[i] || !this.sheets.has(this.order[i]!)) continue;
      const [x, y, z] = this.pixelOfCloud(i);
      if (x < -cell || y < -cell || x > this.frame.width + cell || y > this.frame.height + cell) continue;
      rows.push(this.order[i]!);
      at.push(x, y, z);
    }
    this.thumbs = chooseThumbs(
      Int32Array.from(rows), Float32Array.from(at), rows.length, this.frame.width, cell,
      new Set(this.thumbs.map((thumb) => thumb.row)));
    if (this.camera.solid) this.thumbs.sort((a, b) => b.z - a.z);
  }

  private upperWaiting = false;

  redrawUpper(): void {
    if (this.waiting || this.upperWaiting) return;
    this.upperWaiting = true;
    requestAnimationFrame(() => {
      this.upperWaiting = false;
      this.drawUpper();
    });
  }

  private drawUpper(): void {
    const context = this.upper.getContext("2d")!;
    context.clearRect(0, 0, this.upper.width, this.upper.height);
    const size = this.thumbSize(), ratio = this.ratio;
    const [w, high] = this.sheets.tile ?? [1, 1];
    const scale = size / Math.max(w, high);
    context.imageSmoothingEnabled = Math.max(w, high) > size;
    for (const { row, x, y } of this.thumbs) {
      const [tw, th] = [w * scale, high * scale];
      const colour = this.colouring.colourOf(row);
      context.fillStyle = `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
      const held = this.data.split[row]! > 0;
      const border = 2 * ratio;
      context.fillRect(x - tw / 2 - border, y - th / 2 - border, tw + 2 * border, th + 2 * border);
      this.sheets.draw(context, row, x - tw / 2, y - th / 2, tw, th);
      if (held) {
        context.beginPath();
        context.arc(x + tw / 2, y - th / 2, 4 * ratio, 0, 7);
        context.fill();
        context.fillStyle = this.store.now.dark ? "#14171c" : "#fdfdfc";
        context.beginPath();
        context.arc(x + tw / 2, y - th / 2, 2 * ratio, 0, 7);
        context.fill();
      }
    }
    for (const overlay of this.overlays) overlay(context, this);
  }

  /** Move the camera step by step, at once where motion is not wanted. */
  glide(change: (share: number) => void): void {
    if (quietMotion()) {
      change(1);
      this.redraw();
      return;
    }
    const start = performance.now();
    const step = (now: number): void => {
      const t = Math.min(1, Math.max(0, (now - start) / 350));
      change(t * t * (3 - 2 * t));
      this.moved();
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }
}

function inverseOf(order: Uint32Array): Uint32Array {
  const inverse = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) inverse[order[i]!] = i;
  return inverse;
}
