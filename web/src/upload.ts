/** What a visitor hands over: a picture, a row of a table, or numbers; and how it becomes a sample. */
import { pixelsOf } from "./picture.ts";
import type { NumberArray, SampleInfo } from "./scene.ts";

export type Upload =
  | { kind: "image"; file: Blob }
  | { kind: "table"; text: string }
  | { kind: "values"; values: Float32Array }
  | { kind: "row"; row: number };

/** The request by which a server gets it. */
export function requestOf(upload: Upload, path: string, info: SampleInfo): { path: string; options: RequestInit } {
  const join = path.includes("?") ? "&" : "?";
  if (upload.kind === "row") return { path: `${path}${join}row=${upload.row}`, options: { method: "POST" } };
  if (upload.kind === "image") {
    return { path, options: { method: "POST", body: upload.file, headers: { "Content-Type": upload.file.type || "image/png" } } };
  }
  if (upload.kind === "table") {
    return { path, options: { method: "POST", body: upload.text, headers: { "Content-Type": "text/csv" } } };
  }
  const headers = { "Content-Type": "application/octet-stream", "X-Shape": info.shape.join(",") };
  return { path, options: { method: "POST", body: upload.values as Float32Array<ArrayBuffer>, headers } };
}

export function sizeOf(info: SampleInfo): number {
  return info.shape.reduce((a, b) => a * b, 1);
}

/** The first row of numbers of a text, by name where it has a line of names. */
export function rowOf(text: string, info: SampleInfo): Float32Array {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new Error("The file is empty: a row of numbers is needed.");
  const cells = (line: string): string[] =>
    line.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const n = sizeOf(info);
  const first = cells(lines[0]!);
  const plain = first.length === 1 && n > 1 ? lines.map((line) => line.trim()).join(" ").split(/\s+/) : first;
  if (plain.every((cell) => cell !== "" && Number.isFinite(Number(cell)))) {
    if (plain.length !== n) throw new Error(`The row has ${plain.length} numbers; a sample has ${n}.`);
    return Float32Array.from(plain, Number);
  }
  if (lines.length < 2) throw new Error(`The file has no row of numbers; a sample has ${n} of them, with commas between.`);
  const row = cells(lines[1]!);
  const names = info.names ?? [];
  const values = names.length > 0
    ? names.map((name) => {
        const at = first.indexOf(name);
        if (at < 0) throw new Error(`The table has no column "${name}", which the map needs.`);
        return row[at] ?? "";
      })
    : row;
  if (values.length !== n) throw new Error(`The row has ${values.length} numbers; a sample has ${n}.`);
  values.forEach((cell, k) => {
    if (cell === "" || !Number.isFinite(Number(cell))) {
      throw new Error(`"${cell}" in the column "${names[k] ?? k + 1}" is not a number.`);
    }
  });
  return Float32Array.from(values, Number);
}

const MOST_PIXELS = 50e6;

/** A picture as numbers of the map's own shape and unit; of another size, it is scaled. */
export async function imageOf(file: Blob, info: SampleInfo): Promise<Float32Array> {
  if (info.kind !== "image") throw new Error("This map knows no pictures: drop a CSV file with a row of numbers.");
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error("The file is not a picture that this browser can read. PNG and JPEG work everywhere.");
  }
  if (picture.width * picture.height > MOST_PIXELS) throw new Error("The picture has more than 50 million pixels: make it smaller.");
  const [height, width] = info.shape.slice(-2) as [number, number];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return fromPixels(context.getImageData(0, 0, width, height).data, info);
}

/** Red, green, blue and alpha bytes as a sample; grey as the weights of ITU-R 601 make it. */
export function fromPixels(bytes: ArrayLike<number>, info: SampleInfo): Float32Array {
  const n = bytes.length / 4;
  const channels = info.shape.length === 3 ? info.shape[0]! : 1;
  const values = new Float32Array(channels * n);
  const unit = (info.high - info.low) / 255;
  for (let i = 0; i < n; i++) {
    const [r, g, b] = [bytes[4 * i]!, bytes[4 * i + 1]!, bytes[4 * i + 2]!];
    if (channels === 3) [r, g, b].forEach((value, c) => (values[c * n + i] = info.low + value * unit));
    else values[i] = info.low + Math.round(r * 0.299 + g * 0.587 + b * 0.114) * unit;
  }
  return values;
}

/** A sample as a file of a picture, as another program would hand it over. */
export async function fileOf(info: SampleInfo, sample: NumberArray): Promise<Blob> {
  const { width, height, bytes } = pixelsOf(info, sample);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")!.putImageData(new ImageData(bytes as Uint8ClampedArray<ArrayBuffer>, width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
