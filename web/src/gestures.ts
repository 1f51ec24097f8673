/** Pointer, wheel and keys over the map. */
import { nearest, placeOf } from "./nearest.ts";
import type { MapView } from "./mapview.ts";

export interface Gestures {
  /** A tool that takes the pointer while it is on, as the lasso does. */
  tool: PointerTool | null;
}

export interface PointerTool {
  down(x: number, y: number): void;
  move(x: number, y: number): void;
  up(): void;
}

const STEP = 60;

export function listen(map: MapView): Gestures {
  const gestures: Gestures = { tool: null };
  const { element, camera, store } = map;
  const down = new Map<number, { x: number; y: number }>();
  let travelled = 0;
  let panning = false;
  let tooling = false;

  const place = (event: MouseEvent): { x: number; y: number } => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Element && event.target.closest("button, a, input, .docked")) return;
    element.setPointerCapture(event.pointerId);
    const at = place(event);
    if (gestures.tool && down.size === 0) {
      tooling = true;
      gestures.tool.down(at.x, at.y);
      return;
    }
    down.set(event.pointerId, at);
    travelled = 0;
    panning = event.shiftKey || event.button === 2 || event.button === 1;
  });

  element.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (tooling) {
      gestures.tool?.move(at.x, at.y);
      return;
    }
    const before = down.get(event.pointerId);
    if (!before) {
      const onMap = event.target instanceof Element && !event.target.closest("button, .docked");
      if (event.pointerType === "mouse") store.set({ hovered: onMap ? map.rowAt(at.x, at.y) : -1 });
      return;
    }
    const [dx, dy] = [(at.x - before.x) * map.ratio, (at.y - before.y) * map.ratio];
    travelled += Math.abs(dx) + Math.abs(dy);
    if (down.size === 2) {
      const other = [...down.entries()].find(([id]) => id !== event.pointerId)![1];
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      const is = Math.hypot(at.x - other.x, at.y - other.y);
      camera.zoomAt(is / Math.max(1, was), ((at.x + other.x) / 2) * map.ratio, ((at.y + other.y) / 2) * map.ratio);
      camera.pan(dx / 2, dy / 2);
    } else if (travelled > 3) {
      store.set({ turning: false });
      if (camera.solid && !panning) camera.turn(dx / map.ratio, dy / map.ratio);
      else camera.pan(dx, dy);
      store.set({ hovered: -1 });
    }
    down.set(event.pointerId, at);
    map.moved();
  });

  const end = (event: PointerEvent): void => {
    if (tooling) {
      tooling = false;
      gestures.tool?.up();
      return;
    }
    const before = down.get(event.pointerId);
    down.delete(event.pointerId);
    if (before && travelled <= 3 && event.type === "pointerup") {
      store.set({ selected: map.rowAt(before.x, before.y), hovered: -1 });
    }
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  element.addEventListener("pointerleave", () => store.set({ hovered: -1 }));
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("wheel", (event) => {
    // Within another page the wheel moves that page, until the map is chosen.
    if (window.self !== window.top && document.activeElement !== element && !event.ctrlKey) return;
    event.preventDefault();
    const at = place(event);
    const lines = event.deltaMode === 1 ? 20 : 1;
    camera.zoomAt(Math.exp(-event.deltaY * lines * 0.0016), at.x * map.ratio, at.y * map.ratio);
    map.moved();
  }, { passive: false });
  element.addEventListener("dblclick", (event) => {
    const at = place(event);
    zoom(map, 2, at.x * map.ratio, at.y * map.ratio);
  });

  const visited = new Set<number>();
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key;
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
    };
    const arrow = arrows[key];
    if (arrow) {
      if (camera.solid && !event.shiftKey) camera.turn(-arrow[0] * 20, -arrow[1] * 20);
      else camera.pan(arrow[0] * STEP * map.ratio, arrow[1] * STEP * map.ratio);
      map.moved();
    } else if (key === "+" || key === "=") zoom(map, 1.4);
    else if (key === "-" || key === "_") zoom(map, 1 / 1.4);
    else if (key === "0") map.fit();
    else if (key === "Enter" || key === " ") {
      visited.clear();
      store.set({ selected: map.rowInTheMiddle() });
    } else if (key === "n" || key === "N") {
      walk(map, visited);
    } else if (key === "Escape") store.set({ selected: -1, hovered: -1 });
    else return;
    event.preventDefault();
  });
  return gestures;
}

export function zoom(map: MapView, factor: number, x = map.camera.width / 2, y = map.camera.height / 2): void {
  let done = 0;
  map.glide((share) => {
    map.camera.zoomAt(factor ** (share - done), x, y);
    done = share;
  });
}

/** Select the nearest neighbour that this walk has not been at. */
function walk(map: MapView, visited: Set<number>): void {
  const { data, store } = map;
  const from = store.now.selected;
  if (from < 0) {
    store.set({ selected: map.rowInTheMiddle() });
    return;
  }
  visited.add(from);
  const k = data.scene.n_components;
  const near = nearest(data.points, k, placeOf(data.points, k, from), visited.size + 40, from);
  const next = near.find(({ row }) => !visited.has(row) && map.isShown(row));
  if (!next) return;
  store.set({ selected: next.row });
  map.reveal(next.row);
}
