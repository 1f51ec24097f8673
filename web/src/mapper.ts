/** Maps a new sample: a server does it, or the ONNX map in the browser itself. */
import { type Near, nearest } from "./nearest.ts";
import { sampleAt } from "./picture.ts";
import { type Data, type NumberArray, viewOf } from "./scene.ts";
import { asked, decoded, FolderSource, script, type Source } from "./source.ts";
import { imageOf, requestOf, rowOf, sizeOf, type Upload } from "./upload.ts";

export interface Placed {
  upload: Upload;
  point: Float32Array;
  nearest: Near[];
  /** The share of held-out samples that are nearer to a learnt one; null where it is not known. */
  unusual: number | null;
  judged: string | null;
  /** The sample as the map got it. */
  sample: NumberArray | null;
}

export interface Mapper { place(upload: Upload): Promise<Placed> }

export const NEAREST_SHOWN = 8;

interface Encoded { shape: number[]; dtype: string; data: string }

export function decodedSample(encoded: Encoded): NumberArray {
  return viewOf({ dtype: encoded.dtype === "uint8" ? "uint8" : "float32", shape: encoded.shape }, decoded(encoded.data));
}

interface Answer { point: number[]; nearest: Near[]; unusual: number | null; judged?: string | null; sample: Encoded | null }

class ServerMapper implements Mapper {
  constructor(private readonly data: Data) {}

  async place(upload: Upload): Promise<Placed> {
    const { path, options } = requestOf(upload, `api/embed?n=${NEAREST_SHOWN}`, this.data.scene.sample);
    const answer = (await (await asked(path, options)).json()) as Answer;
    return {
      upload, point: Float32Array.from(answer.point), nearest: answer.nearest, unusual: answer.unusual,
      judged: answer.judged ?? null, sample: answer.sample && decodedSample(answer.sample),
    };
  }
}

/** Parts of onnxruntime-web that are used here. */
export interface Ort {
  env: { wasm: { wasmBinary?: ArrayBufferLike | Uint8Array; numThreads?: number; proxy?: boolean } };
  InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  Tensor: new (type: "float32", values: Float32Array, shape: number[]) => object;
}

interface Session {
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Record<string, object>): Promise<Record<string, { data: unknown }>>;
}

class OnnxMapper implements Mapper {
  private session: Promise<Session> | null = null;

  constructor(private readonly source: FolderSource, private readonly data: Data) {}

  private async open(): Promise<Session> {
    await script("ort.js");
    const ort = window.drlim!.ort!;
    ort.env.wasm.wasmBinary = await this.source.bytes("ort.wasm", "ort.wasm.js");
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.proxy = false;
    const model = new Uint8Array(await this.source.bytes("map.onnx", "map.onnx.js"));
    return ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  }

  private async values(upload: Upload): Promise<Float32Array> {
    const info = this.data.scene.sample;
    if (upload.kind === "values") return upload.values;
    if (upload.kind === "image") return imageOf(upload.file, info);
    if (upload.kind === "table") return rowOf(upload.text, info);
    const sample = sampleAt(this.data, upload.row);
    if (!sample) throw new Error("This page holds no samples of this map, only their points.");
    return Float32Array.from(sample);
  }

  async place(upload: Upload): Promise<Placed> {
    const { scene, points, split } = this.data;
    const values = await this.values(upload);
    const session = await (this.session ??= this.open());
    if (values.length !== sizeOf(scene.sample)) throw new Error(`The sample has ${values.length} numbers; the map takes ${sizeOf(scene.sample)}.`);
    const input = new window.drlim!.ort!.Tensor("float32", values, [1, ...scene.sample.shape]);
    const output = await session.run({ [session.inputNames[0]!]: input });
    const point = Float32Array.from(output[session.outputNames[0]!]!.data as Float32Array);
    const except = upload.kind === "row" ? upload.row : -1;
    return {
      upload, point, nearest: nearest(points, scene.n_components, point, NEAREST_SHOWN, except),
      unusual: unusualOf(points, split, scene.n_components, point, scene.unusual?.nearest_held_out, except),
      judged: null, sample: values,
    };
  }
}

/** The share of held-out samples that are nearer to a learnt sample than a point is. */
export function unusualOf(
  points: Float32Array, split: Uint8Array, k: number, point: Float32Array, heldOut: number[] | undefined, except = -1,
): number | null {
  if (!heldOut || heldOut.length === 0) return null;
  let least = Infinity;
  for (let i = 0; i < split.length; i++) {
    if (split[i] !== 0 || i === except) continue;
    let sum = 0;
    for (let a = 0; a < k; a++) sum += (points[i * k + a]! - point[a]!) ** 2;
    if (sum < least) least = sum;
  }
  const distance = Math.sqrt(least);
  return heldOut.filter((other) => other < distance).length / heldOut.length;
}

export function mapperFor(source: Source, data: Data): Mapper | null {
  if (data.scene.mapping === "server") return new ServerMapper(data);
  if (data.scene.mapping === "onnx" && source instanceof FolderSource) return new OnnxMapper(source, data);
  return null;
}
