/** The proof: what was measured on held-out samples, and what it shows. */
import { chart, type Series } from "./chart.ts";
import { empty, h } from "./dom.ts";
import type { Scene } from "./scene.ts";
import { asked } from "./source.ts";

interface Judged { name: string; verdict: string; reason?: string; line: string }

export interface Proof {
  headline: string;
  outcome?: string;
  lines: string[];
  ignored?: Judged[];
  kept?: Judged[];
  cannot?: string[];
  skipped?: string[];
  worse?: string[];
  n_held_out?: number;
  tables?: { caption: string; header: string[]; rows: string[][] }[];
  curves?: {
    name: string; unit: string; strengths: number[]; trained: [number, number] | null;
    maps: Record<string, { mean: number[]; low: number[]; high: number[] }>;
  }[];
}

/** A sign beside the word, so that no verdict is told by colour alone. */
const SIGNS: Record<string, string> = { holds: "✓", fails: "✗" };

function judged(each: Judged): HTMLElement {
  return h("li", { class: `verdict ${each.verdict.replaceAll(" ", "-")}` },
    h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[each.verdict] ?? "?"),
    h("div", {}, h("strong", {}, each.verdict), ` – ${each.line}`, each.reason ? h("p", { class: "quiet" }, each.reason) : ""));
}

export function proofView(proof: Proof): HTMLElement {
  const verdicts = [...(proof.ignored ?? []), ...(proof.kept ?? [])];
  const box = h("div", { class: "proof" }, h("h2", { class: "headline" }, proof.headline),
    verdicts.length > 0
      ? h("ul", { class: "verdicts" }, ...verdicts.map(judged))
      : h("ul", {}, ...proof.lines.map((line) => h("li", {}, line))));
  if (proof.n_held_out) box.append(h("p", { class: "quiet" }, `Measured on ${proof.n_held_out} held-out samples.`));
  for (const curve of proof.curves ?? []) {
    const series: Series[] = Object.entries(curve.maps).map(([name, values], k) => ({ name, ...values, style: `s${k % 5}` }));
    box.append(h("figure", {},
      h("figcaption", {}, `How far points move under ${curve.name}`),
      chart({ label: `distance moved under ${curve.name}, for ${series.map(({ name }) => name).join(", ")}`, strengths: curve.strengths, trained: curve.trained, series, unit: `strength of ${curve.name}`, width: 460, height: 230 }),
      h("ul", { class: "series-names" }, ...series.map(({ name, style }) => h("li", { class: style }, name))),
      h("p", { class: "quiet" }, `In ${curve.unit}.${curve.trained ? " Shaded: the range it was learnt with." : ""}`)));
  }
  for (const table of proof.tables ?? []) {
    box.append(h("figure", {}, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": table.header.join(", ") }, h("table", {},
      h("thead", {}, h("tr", {}, ...table.header.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, ...table.rows.map((row) => h("tr", {}, ...row.map((value, k) => k === 0 ? h("th", { scope: "row" }, value) : h("td", {}, value))))))),
      h("figcaption", { class: "quiet" }, table.caption)));
  }
  const limits = [...(proof.cannot ?? []), ...(proof.skipped ?? [])];
  if (limits.length > 0) box.append(h("details", {}, h("summary", {}, "What this does not show"), h("ul", {}, ...limits.map((line) => h("li", {}, line)))));
  return box;
}

/** The panel of the proof; a server measures it when the panel is opened. */
export function proofPanel(scene: Scene, onServer: boolean): { element: HTMLElement; opened: () => void } {
  const element = h("div", { "aria-live": "polite" });
  let asking = false;
  const opened = (): void => {
    if (scene.proof) {
      if (!element.firstChild) empty(element, proofView(scene.proof as Proof));
      return;
    }
    if (!onServer || asking) return;
    asking = true;
    empty(element, h("p", { role: "status" }, "Measuring on held-out samples. This may take a minute …"));
    asked("api/report").then(async (answer) => empty(element, proofView((await answer.json()) as Proof))).catch((error: unknown) => {
      empty(element, h("p", { role: "alert", class: "alert" }, error instanceof Error ? error.message : String(error)));
    });
  };
  if (!scene.proof && !onServer) empty(element, h("p", {}, scene.no_proof ?? "There is no proof of this map."));
  return { element, opened };
}
