/** The page: read the scene, show it. */
import { dockedCard, hoverCard } from "./card.ts";
import { colourBy } from "./colouring.ts";
import { mapPanel } from "./controls.ts";
import { empty, h, icon } from "./dom.ts";
import { firstFactor } from "./factors.ts";
import { listen, zoom } from "./gestures.ts";
import { lasso } from "./lasso.ts";
import { shapeOf } from "./legend.ts";
import { mapperFor } from "./mapper.ts";
import { BACKGROUNDS, MapView } from "./mapview.ts";
import { NewSample } from "./newsample.ts";
import { axes, selection, unit } from "./overlays.ts";
import { proofPanel } from "./proof.ts";
import { count, type Data, type Factor, type Scene } from "./scene.ts";
import { Sheets } from "./sheets.ts";
import { type Source, theSource } from "./source.ts";
import { Store } from "./store.ts";
import { type Tab, tabs } from "./tabs.ts";
import { TrailPanel } from "./trailpanel.ts";
import { WatchPanel } from "./watch.ts";

const KEYS =
  "Arrow keys move the map, or turn it in 3-D; plus and minus zoom; 0 shows all. Enter selects the sample nearest to " +
  "the middle, N its nearest neighbour; L starts the lasso; Escape ends the selection.";

async function read(source: Source, scene: Scene): Promise<Data> {
  const array = (name: string): ReturnType<Source["array"]> => source.array(scene, name);
  const points = (await array("points")) as Float32Array;
  const split = scene.arrays["split"] ? ((await array("split")) as Uint8Array) : new Uint8Array(scene.n_points);
  const factors: Factor[] = [];
  for (const info of scene.factors) factors.push({ ...info, data: await array(info.array) });
  const names = scene.has_names ? await source.names() : null;
  const samples = scene.arrays["samples"] ? await array("samples") : null;
  let tiles: Int32Array | null = null;
  if (scene.sprites) {
    tiles = new Int32Array(scene.n_points).fill(-1);
    const of = scene.arrays["sprite_of"] ? await array("sprite_of") : null;
    for (let slot = 0; slot < scene.sprites.n; slot++) tiles[of ? of[slot]! : slot] = slot;
  }
  return { scene, points, split, factors, names, samples, tiles };
}

function prefersDark(): boolean {
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function show(source: Source, data: Data): void {
  const { scene } = data;
  const solid = scene.n_components >= 3;
  const store = new Store({
    dark: prefersDark(), solid, turning: false,
    axes: { principal: scene.n_components > 3, chosen: Array.from({ length: Math.min(scene.n_components, solid ? 3 : 2) }, (_, a) => a) },
    colour: firstFactor(data.factors), hiddenValues: new Set(), hiddenSplits: new Set(),
    size: 1, thumbnails: "near", hovered: -1, selected: -1,
  });
  const sheets = new Sheets(source, data);
  const map = new MapView(data, sheets, store, (info) => source.array(scene, info.array));
  map.overlays.push(unit, axes, selection);
  const onChoose: ((chosen: number) => void)[] = [];
  const status = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const say = (text: string): void => {
    status.textContent = text;
  };

  const recolour = (): void => {
    const { dark } = store.now;
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    const factor: Factor = data.factors[store.now.colour] ??
      { name: "sample", kind: "class", values: ["sample"], array: "", role: null, data: new Int32Array(scene.n_points) };
    map.setColours(colourBy(factor, dark ? BACKGROUNDS.dark : BACKGROUNDS.light, dark));
  };
  const reveal = (): void => {
    const { hiddenValues, hiddenSplits, colour } = store.now;
    const factor = data.factors[colour];
    const byValue = factor?.kind === "class" && hiddenValues.size > 0 ? factor.data : null;
    map.setShown(
      (row) => !hiddenSplits.has(data.split[row]!) && !(byValue && hiddenValues.has(Math.max(-1, byValue[row]!))),
      (row) => shapeOf(data.split[row]!));
  };
  const place = (): void => map.setAxes(store.now.axes, store.now.solid);
  recolour();
  reveal();
  place();
  store.on(["colour", "dark"], recolour);
  store.on(["hiddenValues", "hiddenSplits", "colour"], reveal);
  store.on(["axes", "solid"], place);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => store.set({ dark: prefersDark() }));

  const gestures = listen(map);
  map.element.setAttribute("aria-label", `map of ${count(scene.n_points)} samples: ${scene.title}`);
  const theme = h("button", { type: "button", class: "plain", click: () => store.set({ dark: !store.now.dark }) });
  const nameTheme = (): void => {
    theme.textContent = store.now.dark ? "Light" : "Dark";
    theme.setAttribute("aria-label", store.now.dark ? "light colours" : "dark colours");
  };
  nameTheme();
  store.on(["dark"], nameTheme);
  const tools = h("div", { class: "zoom", role: "group", "aria-label": "view" },
    h("button", { type: "button", "aria-label": "zoom in", title: "zoom in", click: () => zoom(map, 1.6) }, icon("M8 3v10M3 8h10")),
    h("button", { type: "button", "aria-label": "zoom out", title: "zoom out", click: () => zoom(map, 1 / 1.6) }, icon("M3 8h10")),
    h("button", { type: "button", "aria-label": "show all", title: "show all", click: () => map.fit() },
      icon("M6 2H2v4M10 2h4v4M6 14H2v-4M10 14h4v-4")),
    lasso(map, gestures, say));

  const all: Tab[] = [{ name: "Map", content: mapPanel(map) }];
  let trails: TrailPanel | null = null;
  let fresh: NewSample | null = null;
  const mapper = mapperFor(source, data);
  if (mapper) {
    fresh = new NewSample(map, sheets, mapper, (placed) => trails?.follow(placed.upload));
    all.push({ name: "New sample", content: fresh.element });
    acceptDrops(fresh, () => open(1));
  }
  if (scene.trails.length > 0 || scene.groups.length > 0) {
    trails = new TrailPanel(map, sheets, source, say);
    const at = all.length;
    all.push({ name: "Ignores", content: trails.element });
    onChoose.push((chosen) => trails!.show(chosen === at));
  }
  if (scene.proof || (source.kind === "server" && !scene.watch?.live)) {
    const proof = proofPanel(scene, source.kind === "server");
    const at = all.length;
    all.push({ name: "Proof", content: proof.element });
    onChoose.push((chosen) => {
      document.body.classList.toggle("wide", chosen === at);
      if (chosen === at) proof.opened();
    });
  }
  if (scene.watch) all.push({ name: "Learning", content: new WatchPanel(map, source, scene.watch, say).element });
  const { element: panels, choose: open } = tabs(all, (chosen) => onChoose.forEach((call) => call(chosen)));

  map.element.append(dockedCard(map, sheets, say), hoverCard(map, sheets), tools);
  empty(document.body,
    h("a", { class: "skip", href: "#panel" }, "skip the map"),
    h("header", { class: "top" }, h("h1", {}, scene.title), theme),
    h("main", {}, map.element, h("aside", { id: "panel", tabindex: -1, "aria-label": "controls" }, panels),
      h("p", { id: "map-keys", class: "unseen" }, KEYS), status));
  document.title = `${scene.title} – drlim`;
  window.drlim!.map = map;
  window.drlim!.page = { fresh, trails };
}

/** A file dropped anywhere on the page is a new sample. */
function acceptDrops(fresh: NewSample, open: () => void): void {
  const over = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.toggle("dropping", event.type === "dragover");
  };
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", over);
  document.addEventListener("drop", (event) => {
    over(event);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    open();
    void fresh.takeFile(file);
  });
}

// At once, so that data in scripts behind this one are received.
const source = theSource();

async function start(): Promise<void> {
  try {
    const scene = await source.scene();
    show(source, await read(source, scene));
  } catch (error) {
    empty(document.body, h("main", { class: "failed" }, h("h1", {}, "The map cannot be shown"),
      h("p", { role: "alert" }, error instanceof Error ? error.message : String(error))));
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => void start());
else void start();
