/** The first panel: colours, what is shown, and how. */
import { empty, h } from "./dom.ts";
import { legend, splitLegend } from "./legend.ts";
import type { MapView } from "./mapview.ts";
import { count } from "./scene.ts";
import { save, tableOf } from "./table.ts";

const KEYS = [
  ["drag", "move; turn in 3-D"], ["Shift and drag", "move in 3-D"], ["wheel, pinch, + −", "zoom"], ["0", "show all"],
  ["arrows", "move or turn"], ["click", "select"], ["Enter", "select the middle one"], ["N", "go to the nearest"], ["L", "lasso"], ["Escape", "let go"],
] as const;

let made = 0;

/** A control with its visible name. */
export function field(name: string, control: HTMLElement): HTMLElement {
  const id = `field-${++made}`;
  control.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, name), control);
}

function options(select: HTMLSelectElement, names: string[], chosen: number): void {
  empty(select, ...names.map((name, k) => h("option", { value: k, selected: k === chosen }, name)));
}

const ROLES: Record<string, string> = { kept: "kept", ignored: "ignored" };

export function mapPanel(map: MapView): HTMLElement {
  const { data, store } = map;
  const { scene } = data;
  const k = scene.n_components;
  const parts: HTMLElement[] = [];

  const colour = h("select", { change: () => store.set({ colour: Number(colour.value), hiddenValues: new Set() }) });
  options(colour, data.factors.map((factor) => {
    const role = factor.role ? ROLES[factor.role] : undefined;
    return role ? `${factor.name} (${role})` : factor.name;
  }), store.now.colour);
  if (data.factors.length > 0) parts.push(h("section", {}, field("colour by", colour), legend(map)));

  parts.push(h("section", {}, h("h2", {}, "Samples"), splitLegend(map), h("p", { class: "quiet" }, scene.caption),
    h("div", { class: "buttons" }, h("button", { type: "button", click: () => save(tableOf(data, map.rowsWhere(() => true)), "samples.csv") }, "Save those shown as CSV"))));

  const view = h("section", {}, h("h2", {}, "View"));
  if (k >= 3) {
    const flat = h("button", { type: "button", click: () => setSolid(map, false) }, "2-D");
    const solid = h("button", { type: "button", click: () => setSolid(map, true) }, "3-D");
    const turn = h("button", { type: "button", class: "turn", click: () => store.set({ turning: !store.now.turning }) }, "Turn");
    const mark = (): void => {
      flat.setAttribute("aria-pressed", String(!store.now.solid));
      solid.setAttribute("aria-pressed", String(store.now.solid));
      turn.setAttribute("aria-pressed", String(store.now.turning));
      turn.disabled = !store.now.solid;
    };
    store.on(["solid", "turning"], mark);
    mark();
    view.append(h("div", { class: "buttons", role: "group", "aria-label": "dimensions" }, flat, solid, turn));
  }
  if (k > 2) view.append(axesControls(map));

  const size = h("input", { type: "range", min: -2, max: 2, step: 0.25, value: 0, input: () => store.set({ size: 2 ** (Number(size.value) / 2) }) });
  view.append(field("size of points", size));
  if (scene.sprites) {
    const thumbs = h("select", { change: () => store.set({ thumbnails: thumbs.value as "near" | "spread" | "off" }) },
      h("option", { value: "near" }, "when near enough"), h("option", { value: "spread" }, "as many as fit"), h("option", { value: "off" }, "none"));
    thumbs.value = store.now.thumbnails;
    view.append(field("thumbnails", thumbs));
  }
  parts.push(view);
  parts.push(h("details", {}, h("summary", {}, "Keys and gestures"), h("table", { class: "row-values keys" },
    ...KEYS.map(([key, does]) => h("tr", {}, h("th", { scope: "row" }, key), h("td", {}, does))))));
  parts.push(h("p", { class: "quiet" }, `${count(scene.n_points)} samples, ${k} ${k === 1 ? "component" : "components"}.`));
  return h("div", {}, ...parts);
}

/** Two or three dimensions, with as many components. */
export function setSolid(map: MapView, solid: boolean): void {
  const { axes } = map.store.now;
  const chosen = axes.chosen.slice(0, solid ? 3 : 2);
  for (let c = 0; solid && chosen.length < 3; c++) if (!chosen.includes(c)) chosen.push(c);
  map.store.set({ solid, turning: false, axes: { ...axes, chosen } });
}

/** Any two or three of the components, or of their principal components. */
function axesControls(map: MapView): HTMLElement {
  const { store } = map;
  const k = map.data.scene.n_components;
  const box = h("div", { class: "axes" });
  const show = (): void => {
    const { axes, solid } = store.now;
    const wanted = solid ? 3 : 2;
    const selects = ["x", "y", "z"].slice(0, wanted).map((name, at) => {
      const select = h("select", { change: () => {
        const chosen = [...axes.chosen];
        chosen[at] = Number(select.value);
        store.set({ axes: { ...axes, chosen } });
      } });
      options(select, Array.from({ length: k }, (_, c) => String(c + 1)), axes.chosen[at] ?? at);
      return field(name, select);
    });
    const principal = h("input", { type: "checkbox", change: () => store.set({ axes: { chosen: axes.chosen.map((_, a) => a), principal: principal.checked } }) });
    principal.checked = axes.principal;
    empty(box,
      h("div", { class: "triple", role: "group", "aria-label": axes.principal ? "principal components shown" : "components shown" }, ...selects),
      h("div", { class: "check" }, field("principal components", principal)),
      h("p", { class: "quiet" }, map.labels.map((label, a) => `${"xyz"[a]}: ${label}`).join("; ") + "."));
  };
  store.on(["axes", "solid"], show);
  show();
  return box;
}
