/** Rows as a CSV file: what is known of each, and its point. */
import { type Data, valueOf } from "./scene.ts";
import { nameOf } from "./picture.ts";

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function tableOf(data: Data, rows: readonly number[]): string {
  const { scene, points, factors } = data;
  const k = scene.n_components;
  const header = ["row", ...(data.names ? ["name"] : []), "split", ...factors.map((factor) => factor.name),
    ...Array.from({ length: k }, (_, a) => `component ${a + 1}`)];
  const lines = rows.map((row) => [
    String(row), ...(data.names ? [nameOf(data, row)] : []), scene.split[data.split[row]!] ?? "",
    ...factors.map((factor) => (factor.kind === "class" ? valueOf(factor, row) : Number.isNaN(factor.data[row]!) ? "" : String(factor.data[row]))),
    ...Array.from({ length: k }, (_, a) => String(points[row * k + a])),
  ]);
  return [header, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Hand a text over as a file. */
export function save(text: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
