/** The page: read the scene, show it. */
import { dockedCard, hoverCard } from "./card.ts";
import { colourBy } from "./colouring.ts";
import { mapPanel } from "./controls.ts";
import { empty, h } from "./dom.ts";
import { firstFactor } from "./factors.ts";
import { listen, zoom } from "./gestures.ts";
import { shapeOf } from "./legend.ts";
import { BACKGROUNDS, MapView } from "./mapview.ts";
import { axes, selection, unit } from "./overlays.ts";
import { count, type Data, type Factor, type Scene } from "./scene.ts";
import { Sheets } from "./sheets.ts";
import { type Source, theSource } from "./source.ts";
import { Store } from "./store.ts";
import { tabs } from "./tabs.ts";

const KEYS =
  "Arrow keys move the map, or turn it in 3-D; plus and minus zoom; 0 shows all. Enter selects the sample nearest to " +
  "the middle, N its nearest neighbour; Escape ends the selection.";

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
    dark: prefersDark(), solid: solid,
    axes: { principal: scene.n_components > 3, chosen: Array.from({ length: Math.min(scene.n_components, solid ? 3 : 2) }, (_, a) => a) },
    colour: firstFactor(data.factors), hiddenValues: new Set(), hiddenSplits: new Set(),
    size: 1, thumbnails: "near", hovered: -1, selected: -1,
  });
  const sheets = new Sheets(source, data);
  const map = new MapView(data, sheets, store);
  map.overlays.push(unit, axes, selection);
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

  listen(map);
  map.element.setAttribute("aria-label", `map of ${count(scene.n_points)} samples: ${scene.title}`);
  const theme = h("button", { type: "button", class: "plain", click: () => store.set({ dark: !store.now.dark }) });
  const nameTheme = (): void => {
    theme.textContent = store.now.dark ? "Light" : "Dark";
    theme.setAttribute("aria-label", store.now.dark ? "light colours" : "dark colours");
  };
  nameTheme();
  store.on(["dark"], nameTheme);
  const zoomButtons = h("div", { class: "zoom", role: "group", "aria-label": "zoom" },
    h("button", { type: "button", "aria-label": "zoom in", click: () => zoom(map, 1.6) }, "+"),
    h("button", { type: "button", "aria-label": "zoom out", click: () => zoom(map, 1 / 1.6) }, "−"),
    h("button", { type: "button", "aria-label": "show all", title: "show all", click: () => map.fit() }, "⤢"));

  map.element.append(dockedCard(map, sheets, say, () => []), hoverCard(map, sheets), zoomButtons);
  empty(document.body,
    h("a", { class: "skip", href: "#panel" }, "skip the map"),
    h("header", { class: "top" }, h("h1", {}, scene.title), theme),
    h("main", {}, map.element, h("aside", { id: "panel", "aria-label": "controls" },
      tabs([{ name: "Map", content: mapPanel(map) }]))),
    h("p", { id: "map-keys", class: "unseen" }, KEYS), status);
  document.title = `${scene.title} – drlim`;
  window.drlim!.map = map;
}

async function start(): Promise<void> {
  try {
    const source = theSource();
    const scene = await source.scene();
    show(source, await read(source, scene));
  } catch (error) {
    empty(document.body, h("main", { class: "failed" }, h("h1", {}, "The map cannot be shown"),
      h("p", { role: "alert" }, error instanceof Error ? error.message : String(error))));
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => void start());
else void start();
