/** The panel of learning: losses by epoch, and points that move to where forces balance. */
import { chart, type Series } from "./chart.ts";
import { field } from "./controls.ts";
import { empty, h, quietMotion } from "./dom.ts";
import type { MapView } from "./mapview.ts";
import { count, readable } from "./scene.ts";
import { asked, type Source } from "./source.ts";

export interface EpochInfo {
  epoch: number;
  n_epochs: number | null;
  frame: number;
  /** Null before learning. */
  loss: number | null;
  similar: number | null;
  dissimilar: number | null;
  active: number | null;
}

export interface WatchInfo { live: boolean; history: EpochInfo[] }

/** Curves that every epoch of a history has. */
export function seriesOf(history: readonly EpochInfo[]): Series[] {
  const names = [["loss", "loss"], ["similar", "of similar pairs"], ["dissimilar", "of dissimilar pairs"]] as const;
  return names.flatMap(([key, name], k) => {
    const values = history.map((each) => each[key]);
    return values.every((value) => value !== null) ? [{ name, mean: values, style: `s${k}` }] : [];
  });
}

export function sentenceOfEpoch(each: EpochInfo): string {
  if (each.loss === null) return "Before learning: the untrained network.";
  const of = each.n_epochs === null ? "" : ` of ${count(each.n_epochs)}`;
  const active = each.active === null ? "" : `; ${readable(100 * each.active)} % of the dissimilar pairs are active`;
  return `Epoch ${count(each.epoch)}${of}: loss ${readable(each.loss)}${active}.`;
}

/** Points on the way from one frame to the next. */
export function between(a: Float32Array, b: Float32Array, share: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! + share * (b[i]! - a[i]!);
}

const GLIDE = 450;

export class WatchPanel {
  readonly element = h("div", { class: "watch" });
  private readonly words = h("p", { "aria-live": "off" });
  private readonly plots = h("div", {});
  private readonly ending = h("p", { role: "status" });
  private readonly history: EpochInfo[];
  private frames: Float32Array | null = null;
  private moving = 0;
  private playing = 0;
  private fetching = false;
  private behind = false;

  constructor(private readonly map: MapView, private readonly source: Source, info: WatchInfo, private readonly say: (text: string) => void) {
    this.history = [...info.history];
    this.element.append(h("section", {}, h("h2", {}, info.live ? "Learning, as it happens" : "How it learnt"), this.words));
    if (info.live && source.kind === "server") this.listen();
    else if (map.data.scene.arrays["frames"]) this.replay();
    this.element.append(this.plots, this.ending);
    this.render(this.history.length - 1);
  }

  private render(at: number): void {
    const { history } = this;
    const each = history[at];
    if (!each) {
      this.words.textContent = "Waiting for the first epoch …";
      return;
    }
    this.words.textContent = sentenceOfEpoch(each);
    const learning = history.filter(({ loss }) => loss !== null);
    if (learning.length < 2) return;
    const epochs = learning.map(({ epoch }) => epoch);
    const series = seriesOf(learning);
    const place = learning.indexOf(each);
    const marker = place < 0 ? {} : { at: place };
    const parts: Element[] = [h("figure", {}, h("figcaption", {}, "Loss"),
      chart({ label: "loss by epoch", strengths: epochs, trained: null, series, unit: "epoch", width: 300, height: 150, most: 0, ...marker }),
      h("ul", { class: "series-names" }, ...series.map(({ name, style }) => h("li", { class: style }, name))))];
    const active = learning.map((entry) => entry.active);
    if (active.every((value) => value !== null)) {
      parts.push(h("figure", {}, h("figcaption", {}, "Dissimilar pairs within the margin, in %"),
        chart({
          label: "share of active pairs by epoch, in percent", strengths: epochs, trained: null, unit: "epoch", width: 300, height: 120, most: 0, ...marker,
          series: [{ name: "active", mean: active.map((value) => 100 * value), style: "s0" }],
        })));
    }
    empty(this.plots, ...parts);
  }

  /** Events of a training that runs; only the newest points are asked for, one request at a time. */
  private listen(): void {
    const events = new EventSource("api/events");
    events.addEventListener("epoch", (event) => {
      const each = JSON.parse(event.data as string) as EpochInfo;
      if (this.history.some(({ epoch }) => epoch === each.epoch)) return;
      this.history.push(each);
      this.render(this.history.length - 1);
      this.behind = true;
      void this.catchUp();
    });
    events.addEventListener("done", (event) => {
      events.close();
      const { message } = JSON.parse(event.data as string) as { message: string };
      this.ending.textContent = message;
      this.say(message);
    });
  }

  private async catchUp(): Promise<void> {
    if (this.fetching || document.hidden) return;
    this.fetching = true;
    try {
      while (this.behind) {
        this.behind = false;
        const points = new Float32Array(await (await asked("data/frame")).arrayBuffer());
        await this.glideTo(points);
      }
    } catch (error) {
      this.ending.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      this.fetching = false;
    }
  }

  /** Move the points to a frame; at once where motion is not wanted or there are too many. */
  private glideTo(points: Float32Array): Promise<void> {
    const from = this.map.data.points.slice();
    if (quietMotion() || points.length > 200000 || from.length !== points.length) {
      this.map.setPoints(points);
      return Promise.resolve();
    }
    const now = new Float32Array(points.length);
    const start = performance.now(), turn = ++this.moving;
    return new Promise((resolve) => {
      const step = (time: number): void => {
        const share = Math.min(1, Math.max(0, (time - start) / GLIDE));
        if (turn !== this.moving) {
          resolve();
          return;
        }
        between(from, points, share, now);
        this.map.setPoints(share < 1 ? now : points);
        if (share < 1) requestAnimationFrame(step);
        else resolve();
      };
      requestAnimationFrame(step);
    });
  }

  private replay(): void {
    const last = this.history.length - 1;
    const slider = h("input", { type: "range", min: 0, max: last, step: 1, value: last });
    const play = h("button", { type: "button", class: "action" }, "Play");
    const show = async (at: number): Promise<void> => {
      slider.value = String(at);
      slider.setAttribute("aria-valuetext", this.history[at] ? sentenceOfEpoch(this.history[at]) : "");
      this.render(at);
      const { scene } = this.map.data;
      this.frames ??= (await this.source.array(scene, "frames")) as Float32Array;
      const each = scene.n_points * scene.n_components;
      await this.glideTo(this.frames.subarray(at * each, (at + 1) * each));
    };
    const stop = (): void => {
      this.playing++;
      play.textContent = "Play";
    };
    slider.addEventListener("input", () => {
      stop();
      void show(Number(slider.value));
    });
    play.addEventListener("click", () => {
      if (play.textContent === "Stop") {
        stop();
        return;
      }
      play.textContent = "Stop";
      const turn = ++this.playing;
      const run = async (): Promise<void> => {
        for (let at = Number(slider.value) >= last ? 0 : Number(slider.value); at <= last && turn === this.playing; at++) {
          await show(at);
          if (quietMotion()) await new Promise((resolve) => setTimeout(resolve, 600));
        }
        if (turn === this.playing) stop();
      };
      void run();
    });
    this.element.append(field("epoch", slider), h("div", { class: "buttons" }, play));
  }
}
