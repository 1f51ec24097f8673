/** A pad to draw on with the pointer: what is drawn becomes a sample of the map. */
import { h } from "./dom.ts";
import type { SampleInfo } from "./scene.ts";

const ACROSS = 220;

/** Whether drawings make sense: small pictures in grey, such as digits. */
export function canDraw(info: SampleInfo): boolean {
  const [height, width] = info.shape.slice(-2);
  return info.kind === "image" && info.channels === 1 && Math.max(height ?? 999, width ?? 999) <= 64;
}

/** Grey values of a drawing as a sample, placed as MNIST's digits are: by its box, in the middle. */
export function centred(grey: Float32Array, across: number, width: number, height: number): Float32Array {
  let left = across, right = -1, top = across, bottom = -1;
  for (let y = 0; y < across; y++) {
    for (let x = 0; x < across; x++) {
      if (grey[y * across + x]! <= 0.1) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  const out = new Float32Array(width * height);
  if (right < 0) return out;
  const scale = (0.72 * Math.min(width, height)) / Math.max(right - left + 1, bottom - top + 1);
  const [cx, cy] = [(left + right + 1) / 2, (top + bottom + 1) / 2];
  // Each pixel of the sample is the mean of the drawing under it.
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      const steps = 6;
      for (let j = 0; j < steps; j++) {
        for (let i = 0; i < steps; i++) {
          const u = Math.floor(cx + (x + (i + 0.5) / steps - width / 2) / scale);
          const v = Math.floor(cy + (y + (j + 0.5) / steps - height / 2) / scale);
          if (u >= 0 && v >= 0 && u < across && v < across) sum += grey[v * across + u]!;
        }
      }
      out[y * width + x] = sum / (steps * steps);
    }
  }
  return out;
}

/** `drawn` gets a sample after each stroke, in the unit of the map's samples. */
export function pad(info: SampleInfo, drawn: (values: Float32Array) => void): HTMLElement {
  const canvas = h("canvas", { class: "pad", width: ACROSS, height: ACROSS, role: "img", "aria-label": "a pad to draw on with the pointer" });
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const clear = (): void => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, ACROSS, ACROSS);
  };
  clear();
  let last: [number, number] | null = null;
  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * ACROSS) / box.width, ((event.clientY - box.top) * ACROSS) / box.height];
  };
  const stroke = (to: [number, number]): void => {
    context.strokeStyle = "#fff";
    context.lineWidth = 20;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...(last ?? to));
    context.lineTo(...to);
    context.stroke();
    last = to;
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    stroke(at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last) stroke(at(event));
  });
  const end = (): void => {
    if (!last) return;
    last = null;
    const bytes = context.getImageData(0, 0, ACROSS, ACROSS).data;
    const grey = Float32Array.from({ length: ACROSS * ACROSS }, (_, i) => bytes[4 * i]! / 255);
    const [height, width] = info.shape.slice(-2) as [number, number];
    const values = centred(grey, ACROSS, width, height);
    drawn(values.map((value) => info.low + value * (info.high - info.low)));
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  return h("div", { class: "draw" }, canvas, h("button", { type: "button", class: "action", click: clear }, "Clear"));
}
