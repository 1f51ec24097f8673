/** What is known about a sample, in words: for cards, lists and screen readers. */
import { type Data, valueOf } from "./scene.ts";
import { nameOf } from "./picture.ts";

export function factsOf(data: Data, row: number): [string, string][] {
  return data.factors.map((factor) => [factor.name, valueOf(factor, row)]);
}

export function splitOf(data: Data, row: number): string {
  return data.scene.split[data.split[row]!] ?? "";
}

export function sentenceOf(data: Data, row: number): string {
  const facts = factsOf(data, row).slice(0, 4).map(([name, value]) => `${name} ${value}`);
  return [nameOf(data, row), splitOf(data, row), ...facts].filter(Boolean).join(", ");
}
