/** The panel in which a new sample is put on the map. */
import { neighbourList } from "./card.ts";
import { empty, h } from "./dom.ts";
import type { Mapper, Placed } from "./mapper.ts";
import type { MapView, Overlay } from "./mapview.ts";
import { ink, paper } from "./overlays.ts";
import { canDraw, handOf, pad } from "./pad.ts";
import { curveView, imageView, rowView } from "./picture.ts";
import type { Sheets } from "./sheets.ts";
import type { Upload } from "./upload.ts";

const MOST_BYTES = 50e6;

/** In words, how unusual a sample is among those that were held out. */
export function unusualWords(placed: Pick<Placed, "unusual" | "judged">): string {
  if (placed.unusual === null) return "";
  const share = Math.round(100 * placed.unusual);
  const compared = placed.unusual === 0 ? "Its nearest learnt sample is nearer than that of any held-out sample"
    : placed.unusual === 1 ? "Its nearest learnt sample is farther away than that of every held-out sample"
      : `Its nearest learnt sample is farther away than that of ${share} % of the held-out samples`;
  // Whether it is foreign is judged where the map is.
  const words = placed.judged === "foreign" || placed.judged === "perhaps foreign" ? `: ${placed.judged}` : "";
  return `${compared}${words}.`;
}

export class NewSample {
  readonly element = h("div", { class: "new" });
  placed: Placed | null = null;
  private readonly result = h("div", { class: "result", "aria-live": "polite" });
  private request = 0;

  constructor(private readonly map: MapView, private readonly sheets: Sheets, private readonly mapper: Mapper, private readonly follow: (placed: Placed) => void) {
    const info = map.data.scene.sample;
    const wanted = info.kind === "image" ? "a picture" : info.kind === "curve" ? "a curve as a row of a CSV file" : "a row of a table as CSV";
    const file = h("input", { type: "file", class: "unseen", id: "new-file", accept: info.kind === "image" ? "image/*,.csv,text/csv" : ".csv,.txt,text/csv,text/plain", tabindex: -1, "aria-hidden": "true" });
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      if (chosen) void this.takeFile(chosen);
      file.value = "";
    });
    this.element.append(h("section", {}, h("h2", {}, "Put a new sample on the map"),
      h("p", {}, `Drop ${wanted} anywhere on this page, or`),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "action", click: () => file.click() }, "Choose a file"),
        h("button", { type: "button", class: "action", click: () => void this.pick() }, "Pick a held-out one"), file)));
    if (canDraw(info)) {
      this.element.append(h("section", {}, h("h2", {}, "Or draw one"), pad(info, handOf(info, map.data.samples), (values) => void this.take({ kind: "values", values }))));
    }
    if (info.kind !== "image") {
      const text = h("textarea", { rows: 3, spellcheck: "false", id: "new-row", placeholder: "1.2, 0.5, ..." });
      this.element.append(h("section", {}, h("h2", {}, h("label", { for: "new-row" }, "Or type its numbers")), text,
        h("div", { class: "buttons" }, h("button", { type: "button", class: "action", click: () => void this.take({ kind: "table", text: text.value }) }, "Map it"))));
    }
    this.element.append(this.result);
    map.overlays.push(this.overlay);
  }

  /** A file is dropped or chosen. */
  async takeFile(file: File): Promise<void> {
    if (file.size > MOST_BYTES) {
      this.fail(`${file.name} has ${Math.round(file.size / 1e6)} MB; the most is ${MOST_BYTES / 1e6} MB.`);
      return;
    }
    if (file.type.startsWith("image/")) await this.take({ kind: "image", file });
    else if (/^text\/|csv|excel/.test(file.type) || /\.(csv|tsv|txt)$/i.test(file.name)) await this.take({ kind: "table", text: await file.text() });
    else this.fail(`${file.name} is neither a picture nor a CSV file.`);
  }

  async pick(): Promise<void> {
    const { split } = this.map.data;
    const rows = [...split.keys()].filter((row) => split[row]! > 0 && this.map.isShown(row));
    if (rows.length === 0) {
      this.fail("No held-out sample is shown.");
      return;
    }
    await this.take({ kind: "row", row: rows[Math.floor(Math.random() * rows.length)]! });
  }

  async take(upload: Upload): Promise<void> {
    const request = ++this.request;
    this.element.setAttribute("aria-busy", "true");
    try {
      const placed = await this.mapper.place(upload);
      if (request !== this.request) return;
      this.placed = placed;
      this.render(placed);
      this.follow(placed);
      this.map.store.set({ selected: -1, hovered: -1 });
      this.map.revealPoint(placed.point);
    } catch (error) {
      if (request === this.request) this.fail(error instanceof Error ? error.message : String(error));
    } finally {
      if (request === this.request) this.element.removeAttribute("aria-busy");
    }
    this.map.redrawUpper();
  }

  private fail(message: string): void {
    this.placed = null;
    empty(this.result, h("p", { role: "alert", class: "alert" }, message));
    this.map.redrawUpper();
  }

  private render(placed: Placed): void {
    const info = this.map.data.scene.sample;
    const { sample, unusual } = placed;
    const label = "the new sample, as the map got it";
    const view = sample && (info.kind === "image" ? imageView(info, sample, label, 112)
      : info.kind === "curve" ? curveView(info, sample, label, 284, 120) : rowView(info, sample, 6));
    const filled = h("span", {});
    filled.style.width = `${Math.round(100 * (unusual ?? 0))}%`;
    const bar = unusual === null ? "" : h("div", { class: "share", "aria-hidden": "true" }, filled);
    empty(this.result, h("h2", {}, "Where it lies"),
      h("div", { class: info.kind === "image" ? "beside" : "" }, view ?? "", h("div", {}, h("p", {}, unusualWords(placed)), bar)),
      h("p", { class: "caption" }, "Nearest in the map"), neighbourList(this.map, this.sheets, placed.nearest.slice(0, 5)));
  }

  private readonly overlay: Overlay = (context, map) => {
    if (!this.placed) return;
    const ratio = map.ratio;
    const [x, y, z] = map.pixelOf(this.placed.point, 0);
    if (!(z < Infinity)) return;
    context.strokeStyle = ink(map, 0.75);
    context.lineWidth = 1.4 * ratio;
    for (const { row } of this.placed.nearest.slice(0, 5)) {
      const [u, v] = map.pixelOfRow(row);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(u, v);
      context.stroke();
    }
    star(context, x, y, 13 * ratio);
    context.lineWidth = 4 * ratio;
    context.lineJoin = "round";
    context.strokeStyle = paper(map);
    context.stroke();
    context.fillStyle = ink(map);
    context.fill();
  };
}

function star(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  for (let k = 0; k < 10; k++) {
    const r = k % 2 ? radius * 0.45 : radius, angle = (Math.PI * k) / 5 - Math.PI / 2;
    if (k === 0) context.moveTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
    else context.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  context.closePath();
}
