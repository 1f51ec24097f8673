/** The panel of the demonstration: transform a sample, and see whether its point stays. */
import { chart } from "./chart.ts";
import { field } from "./controls.ts";
import { empty, h, quietMotion } from "./dom.ts";
import { groupButtons } from "./groups.ts";
import type { MapView, Overlay } from "./mapview.ts";
import { ink, paper, ring } from "./overlays.ts";
import { curveView, nameOf, rowView, tileView } from "./picture.ts";
import { readable, type TrailInfo } from "./scene.ts";
import type { Sheets } from "./sheets.ts";
import type { Source } from "./source.ts";
import { hasTrail, stillOf, type Trail, Trails } from "./trails.ts";
import type { Upload } from "./upload.ts";

export function titleOf(info: TrailInfo): string {
  return info.along ? `${info.name}, ${info.along}` : info.name;
}

function declared(info: TrailInfo): boolean {
  return info.declared ?? true;
}

/** A sentence on how far a point moved. */
export function verdict(moved: number): string {
  const share = moved < 0.005 ? "less than 0.01" : moved.toFixed(2);
  return `moved ${share} of the typical distance between two samples`;
}

export class TrailPanel {
  readonly element = h("div", { class: "trails" });
  private info: TrailInfo | null = null;
  private trail: Trail | null = null;
  private at = 0;
  private upload: Upload | null = null;
  private open = false;
  private request = 0;
  private playing = 0;
  /** Lines are shown in place of the trail. */
  private covered = false;
  private readonly trails: Trails;
  private readonly body = h("div", {});

  constructor(private readonly map: MapView, private readonly sheets: Sheets, private readonly source: Source, private readonly say: (text: string) => void) {
    this.trails = new Trails(source, map.data);
    const { trails, groups } = map.data.scene;
    const parts: HTMLElement[] = [];
    if (trails.length > 0) parts.push(this.transforming(trails));
    if (groups.length > 0) {
      const lines = groupButtons(map, (on) => (this.covered = on));
      // What the map was asked to ignore comes first.
      if (trails.some(declared)) parts.push(lines);
      else parts.unshift(lines);
    }
    this.element.append(...parts);
    map.overlays.push(this.overlay);
    map.store.on(["selected"], () => {
      if (map.store.now.selected >= 0) this.follow({ kind: "row", row: map.store.now.selected });
    });
    map.store.on(["dark"], () => this.render());
  }

  private transforming(trails: readonly TrailInfo[]): HTMLElement {
    const choice = h("select", { change: () => this.choose(trails[Number(choice.value)]!) });
    for (const [label, asked] of [["asked to ignore", true], ["not asked to ignore", false]] as const) {
      const some = trails.map((info, k) => ({ info, k })).filter(({ info }) => declared(info) === asked);
      if (some.length > 0) choice.append(h("optgroup", { label }, ...some.map(({ info, k }) => h("option", { value: k }, titleOf(info)))));
    }
    const first = Math.max(0, trails.findIndex(declared));
    choice.value = String(first);
    this.info = trails[first]!;
    return h("section", {}, h("h2", {}, "Transform a sample"), field("change", choice), this.body);
  }

  /** The panel is seen, or no more. */
  show(open: boolean): void {
    this.open = open;
    this.stop();
    if (open && this.info && !this.upload) this.follow({ kind: "row", row: this.info.rows[0] ?? this.map.store.now.selected });
    if (open && !this.trail) void this.load();
    this.map.redrawUpper();
  }

  /** Take another sample. */
  follow(upload: Upload): void {
    if (upload.kind === "row" && upload.row < 0) upload = { kind: "row", row: this.map.rowInTheMiddle() };
    this.upload = upload;
    this.trail = null;
    this.stop();
    if (this.open) void this.load();
  }

  private choose(info: TrailInfo): void {
    this.covered = false;
    this.info = info;
    this.trail = null;
    this.stop();
    void this.load();
  }

  private async load(): Promise<void> {
    const { info, upload } = this;
    if (!info || !upload) return;
    const request = ++this.request;
    this.body.inert = true;
    if (!hasTrail(this.source, info, upload)) {
      empty(this.body, h("p", {}, `Without a server this page knows the trails of ${info.rows.length} held-out samples. Choose one:`), this.choices(info));
      this.body.inert = false;
      this.map.redrawUpper();
      return;
    }
    try {
      const trail = await this.trails.get(info, upload);
      if (request !== this.request) return;
      this.trail = trail;
      this.at = stillOf({ ...info, strengths: trail.strengths });
      this.render();
    } catch (error) {
      if (request === this.request) empty(this.body, h("p", { role: "alert", class: "alert" }, error instanceof Error ? error.message : String(error)));
    }
    if (request === this.request) this.body.inert = false;
    this.map.redrawUpper();
  }

  private choices(info: TrailInfo): HTMLElement {
    return h("div", { class: "choices" }, ...info.rows.map((row) => h("button", {
      type: "button", "aria-label": `transform ${nameOf(this.map.data, row)}`, title: nameOf(this.map.data, row),
      click: () => {
        this.map.store.set({ selected: row });
        this.follow({ kind: "row", row });
      },
    }, tileView(this.sheets, row, "", 36) ?? nameOf(this.map.data, row))));
  }

  private render(): void {
    const { info, trail, upload } = this;
    if (!info || !trail || !upload) return;
    const view = h("div", { class: "transformed" });
    const reading = h("output", { class: "reading", "aria-live": "off" });
    const plot = h("div", {});
    const slider = h("input", { type: "range", min: 0, max: trail.strengths.length - 1, step: 1, value: this.at });
    const update = (): void => {
      const strength = trail.strengths[this.at]!;
      slider.value = String(this.at);
      slider.setAttribute("aria-valuetext", `${readable(strength)} ${info.unit}, ${verdict(trail.moved[this.at]!)}`);
      empty(view, this.picture(trail, `${titleOf(info)} ${readable(strength)} ${info.unit}`));
      const moved = trail.moved[this.at]!;
      empty(reading, h("strong", {}, moved < 0.005 ? "0.00" : moved.toFixed(2)), " of the typical distance",
        h("span", { class: "strength" }, `${readable(strength)} ${info.unit}`));
      reading.classList.toggle("still", moved < 0.2);
      empty(plot, chart({
        label: `distance moved against ${titleOf(info)}; at most ${readable(Math.max(...trail.moved))} of the typical distance`,
        strengths: trail.strengths, trained: info.range_trained, unit: `${titleOf(info)} (${info.unit})`, width: 284, height: 150, at: this.at,
        series: [{ name: "this sample", mean: trail.moved, style: "s0" }],
      }));
      this.map.redrawUpper();
    };
    slider.addEventListener("input", () => {
      this.stop();
      this.covered = false;
      this.at = Number(slider.value);
      update();
    });
    slider.addEventListener("change", () => this.say(verdict(trail.moved[this.at]!)));
    const play = h("button", { type: "button", class: "action", click: () => {
      if (this.playing) this.stop();
      else this.play(trail, update);
      play.textContent = this.playing ? "Stop" : "Play";
    } }, "Play");
    const name = upload.kind === "row" ? nameOf(this.map.data, upload.row) : "the new sample";
    const another = this.source.kind === "folder" && h("details", {}, h("summary", {}, "another sample"), this.choices(info));
    empty(this.body,
      h("p", { class: "quiet" }, `Of ${name}. `, declared(info)
        ? "The map was asked to ignore this: its point should stay where it is."
        : "The map was not asked to ignore this: its point may move."),
      h("div", { class: "stage" }, view, reading),
      field("strength", slider), h("div", { class: "buttons" }, play), plot,
      h("p", { class: "quiet" }, info.range_trained
        ? `Shaded: the range it was learnt with, ${readable(info.range_trained[0])} to ${readable(info.range_trained[1])} ${info.unit}.`
        : "", " 1 is the mean distance between two samples."),
      another || "");
    update();
  }

  private picture(trail: Trail, label: string): Element {
    const { sample } = this.map.data.scene;
    if (trail.picture) {
      const { image, x, y, tile } = trail.picture;
      const scale = Math.max(1, Math.floor(128 / Math.max(...tile)));
      const canvas = h("canvas", { class: "picture", role: "img", "aria-label": label, width: tile[0], height: tile[1] });
      canvas.getContext("2d")!.drawImage(image, x + this.at * tile[0], y, tile[0], tile[1], 0, 0, tile[0], tile[1]);
      canvas.style.width = `${tile[0] * scale}px`;
      canvas.style.height = `${tile[1] * scale}px`;
      return canvas;
    }
    const values = trail.samples?.[this.at];
    if (values && sample.kind === "curve") return curveView(sample, values, label, 270, 110);
    if (values) return rowView(sample, values, 8);
    return h("span", {});
  }

  private play(trail: Trail, update: () => void): void {
    const n = trail.strengths.length;
    let step = 1;
    const every = quietMotion() ? 700 : Math.max(60, 1600 / n);
    this.playing = window.setInterval(() => {
      if (this.at + step < 0 || this.at + step >= n) step = -step;
      this.at += step;
      update();
    }, every);
  }

  private stop(): void {
    window.clearInterval(this.playing);
    this.playing = 0;
  }

  /** The trail on the map: solid within the range of learning, dashed beyond; a ring where it starts. */
  private readonly overlay: Overlay = (context, map) => {
    const { trail, info } = this;
    if (!this.open || this.covered || !trail || !info) return;
    const ratio = map.ratio;
    const pixels = trail.strengths.map((_, s) => map.pixelOf(trail.points, s));
    const [low, high] = info.range_trained ?? [-Infinity, Infinity];
    context.lineJoin = "round";
    for (const [width, style] of [[6, paper(map, 0.85)], [2.5, ink(map)]] as const) {
      context.lineWidth = width * ratio;
      context.strokeStyle = style;
      for (let s = 1; s < pixels.length; s++) {
        const inside = trail.strengths[s - 1]! >= low - 1e-9 && trail.strengths[s]! <= high + 1e-9;
        context.setLineDash(inside ? [] : [3 * ratio, 4 * ratio]);
        context.beginPath();
        context.moveTo(pixels[s - 1]![0], pixels[s - 1]![1]);
        context.lineTo(pixels[s]![0], pixels[s]![1]);
        context.stroke();
      }
    }
    context.setLineDash([]);
    const still = pixels[stillOf({ ...info, strengths: trail.strengths })]!;
    ring(context, map, still[0], still[1], 7 * ratio);
    const [x, y] = pixels[this.at]!;
    context.fillStyle = ink(map);
    context.beginPath();
    context.arc(x, y, 5 * ratio, 0, 7);
    context.fill();
    if (trail.picture) {
      const { image, tile } = trail.picture;
      const scale = (52 * ratio) / Math.max(...tile);
      const [w, high] = [tile[0] * scale, tile[1] * scale];
      const [left, top] = [x + 12 * ratio, y - high - 12 * ratio];
      context.fillStyle = ink(map);
      context.fillRect(left - 2 * ratio, top - 2 * ratio, w + 4 * ratio, high + 4 * ratio);
      context.imageSmoothingEnabled = Math.max(...tile) > 52;
      context.drawImage(image, trail.picture.x + this.at * tile[0], trail.picture.y, tile[0], tile[1], left, top, w, high);
    }
  };
}
