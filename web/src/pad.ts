/** A pad to draw on with the pointer: what is drawn becomes a sample of the map. */
import { h } from "./dom.ts";
import type { NumberArray, SampleInfo } from "./scene.ts";

const ACROSS = 220;

/** Whether drawings make sense: small pictures in grey, such as digits. */
export function canDraw(info: SampleInfo): boolean {
  const [height, width] = info.shape.slice(-2);
  return info.kind === "image" && info.channels === 1 && Math.max(height ?? 999, width ?? 999) <= 64;
}

/** How known pictures are drawn: how much of their side the ink spans, and whether it is dark on light. */
export interface Hand { share: number; dark: boolean }

export function handOf(info: SampleInfo, samples: NumberArray | null): Hand {
  const [height, width] = info.shape.slice(-2) as [number, number];
  const size = width * height, n = Math.min(200, samples ? Math.floor(samples.length / size) : 0);
  if (!samples || n === 0) return { share: 0.72, dark: false };
  const middle = (info.low + info.high) / 2;
  let light = 0;
  for (let i = 0; i < n; i++) if (samples[i * size]! > middle) light++;
  const dark = light > n / 2;
  const spans: number[] = [];
  for (let i = 0; i < n; i++) {
    let left = width, right = -1, top = height, bottom = -1;
    for (let at = 0; at < size; at++) {
      if (samples[i * size + at]! > middle === dark) continue;
      const x = at % width, y = Math.floor(at / width);
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
    if (right >= 0) spans.push(Math.max(right - left + 1, bottom - top + 1));
  }
  spans.sort((a, b) => a - b);
  const span = spans[spans.length >> 1] ?? 0.72 * Math.min(width, height);
  return { share: Math.min(1, Math.max(0.3, span / Math.min(width, height))), dark };
}

/** Grey values of a drawing as a sample: its box in the middle, as large as known ones, in full contrast. */
export function centred(grey: Float32Array, across: number, width: number, height: number, share: number): Float32Array {
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
  const scale = (share * Math.min(width, height)) / Math.max(right - left + 1, bottom - top + 1);
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
  const most = Math.max(...out);
  return most > 0 ? out.map((value) => value / most) : out;
}

/** `drawn` gets a sample after each stroke, in the unit of the map's samples. */
export function pad(info: SampleInfo, hand: Hand, drawn: (values: Float32Array) => void): HTMLElement {
  const canvas = h("canvas", { class: "pad", width: ACROSS, height: ACROSS, role: "img", "aria-label": "a pad to draw on with the pointer" });
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const clear = (): void => {
    context.fillStyle = hand.dark ? "#fff" : "#000";
    context.fillRect(0, 0, ACROSS, ACROSS);
  };
  clear();
  let last: [number, number] | null = null;
  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * ACROSS) / box.width, ((event.clientY - box.top) * ACROSS) / box.height];
  };
  const stroke = (to: [number, number]): void => {
    context.strokeStyle = hand.dark ? "#000" : "#fff";
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
    const grey = Float32Array.from({ length: ACROSS * ACROSS }, (_, i) => (hand.dark ? 255 - bytes[4 * i]! : bytes[4 * i]!) / 255);
    const [height, width] = info.shape.slice(-2) as [number, number];
    const values = centred(grey, ACROSS, width, height, hand.share);
    const ink = (value: number): number => (hand.dark ? 1 - value : value);
    drawn(values.map((value) => info.low + ink(value) * (info.high - info.low)));
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  return h("div", { class: "draw" }, canvas, h("button", { type: "button", class: "action", click: clear }, "Clear"));
}
