/** How the point of a sample moves while the sample is transformed. */
import { decodedSample } from "./mapper.ts";
import type { Data, NumberArray, TrailInfo } from "./scene.ts";
import { asked, decoded, type Source } from "./source.ts";
import { requestOf, type Upload } from "./upload.ts";

export interface Trail {
  strengths: number[];
  /** `(n_strengths, n_components)`. */
  points: Float32Array;
  /** Distance from the untransformed sample, in units of the typical distance. */
  moved: number[];
  /** One picture that holds a tile for each strength, and where the first one lies. */
  picture: { image: ImageBitmap; x: number; y: number; tile: [number, number] } | null;
  /** The transformed samples, where they are no pictures. */
  samples: NumberArray[] | null;
}

/** The position of the untransformed sample among the strengths. */
export function stillOf(info: TrailInfo): number {
  const identity = info.identity ?? 0;
  let best = 0;
  info.strengths.forEach((strength, k) => {
    if (Math.abs(strength - identity) < Math.abs(info.strengths[best]! - identity)) best = k;
  });
  return best;
}

export function movedOf(points: Float32Array, k: number, still: number, typical: number): number[] {
  return Array.from({ length: points.length / k }, (_, s) => {
    let sum = 0;
    for (let a = 0; a < k; a++) sum += (points[s * k + a]! - points[still * k + a]!) ** 2;
    return Math.sqrt(sum) / (typical || 1);
  });
}

/** Whether a folder holds the trail of a row; a server makes any. */
export function hasTrail(source: Source, info: TrailInfo, upload: Upload): boolean {
  return source.kind === "server" || (upload.kind === "row" && info.rows.includes(upload.row));
}

export class Trails {
  private readonly arrays = new Map<string, Promise<NumberArray>>();
  private readonly pictures = new Map<string, Promise<ImageBitmap>>();

  constructor(private readonly source: Source, private readonly data: Data) {}

  get(info: TrailInfo, upload: Upload): Promise<Trail> {
    return this.source.kind === "server" ? this.ask(info, upload) : this.read(info, upload);
  }

  private async ask(info: TrailInfo, upload: Upload): Promise<Trail> {
    const { path, options } = requestOf(upload, `api/trail?name=${encodeURIComponent(info.name)}`, this.data.scene.sample);
    const answer = (await (await asked(path, options)).json()) as {
      strengths: number[]; points: number[][]; moved: number[]; tile: [number, number] | null; images: string | null;
      samples: { shape: number[]; dtype: string; data: string } | null;
    };
    let samples: NumberArray[] | null = null;
    if (answer.samples) {
      const all = decodedSample(answer.samples), each = all.length / answer.strengths.length;
      samples = answer.strengths.map((_, s) => all.subarray(s * each, (s + 1) * each));
    }
    const image = answer.images && answer.tile
      ? await createImageBitmap(new Blob([decoded(answer.images)], { type: "image/png" })) : null;
    return {
      strengths: answer.strengths, points: Float32Array.from(answer.points.flat()), moved: answer.moved,
      picture: image && answer.tile ? { image, x: 0, y: 0, tile: answer.tile } : null, samples,
    };
  }

  private async read(info: TrailInfo, upload: Upload): Promise<Trail> {
    const at = upload.kind === "row" ? info.rows.indexOf(upload.row) : -1;
    if (at < 0) throw new Error(`This page holds the trails of ${info.rows.length} samples; this is none of them.`);
    const { scene } = this.data;
    const k = scene.n_components, steps = info.strengths.length;
    if (!this.arrays.has(info.array)) this.arrays.set(info.array, this.source.array(scene, info.array));
    const all = (await this.arrays.get(info.array)!) as Float32Array;
    const points = all.slice(at * steps * k, (at + 1) * steps * k);
    let picture: Trail["picture"] = null;
    const tile = scene.sprites?.tile;
    if (info.images && tile) {
      if (!this.pictures.has(info.images)) this.pictures.set(info.images, this.source.picture(info.images));
      picture = { image: await this.pictures.get(info.images)!, x: 0, y: at * tile[1], tile };
    }
    return { strengths: info.strengths, points, moved: movedOf(points, k, stillOf(info), scene.typical), picture, samples: null };
  }
}
