/** Thumbnails of samples, cut from sheets of many. */
import type { Data } from "./scene.ts";
import type { Source } from "./source.ts";

export class Sheets {
  private readonly sheets: (ImageBitmap | undefined)[] = [];
  private loading: Promise<void> | null = null;
  private done = false;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly source: Source, private readonly data: Data) {}

  get tile(): [number, number] | null {
    return this.data.scene.sprites?.tile ?? null;
  }

  has(row: number): boolean {
    return this.data.tiles !== null && this.data.tiles[row]! >= 0;
  }

  /** Read all sheets once; `then` is called after each that was not there yet. */
  load(then: () => void): Promise<void> {
    const sprites = this.data.scene.sprites;
    if (this.done) return Promise.resolve();
    this.waiting.push(then);
    this.loading ??= (async () => {
      for (let k = 0; k < (sprites?.sheets ?? 0); k++) {
        this.sheets[k] = await this.source.picture(`sprites/${k}`);
        for (const call of this.waiting) call();
      }
      this.done = true;
      this.waiting.length = 0;
    })();
    return this.loading;
  }

  /** Draw the thumbnail of a row; false where there is none yet. */
  draw(context: CanvasRenderingContext2D, row: number, x: number, y: number, width: number, height: number): boolean {
    const sprites = this.data.scene.sprites;
    if (!sprites || !this.has(row)) return false;
    const slot = this.data.tiles![row]!;
    const each = sprites.columns * sprites.rows;
    const sheet = this.sheets[Math.floor(slot / each)];
    if (!sheet) return false;
    const place = slot % each;
    const [w, h] = sprites.tile;
    context.drawImage(sheet, (place % sprites.columns) * w, Math.floor(place / sprites.columns) * h, w, h, x, y, width, height);
    return true;
  }
}
