/** Colours that people with any kind of colour vision can tell apart. */

export type Rgb = readonly [number, number, number];

export function hex(text: string): Rgb {
  const n = parseInt(text.replace("#", ""), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

/** Ten colours chosen for all kinds of colour vision: M. Petroff, arXiv:2107.02270. */
export const CATEGORIES: readonly Rgb[] = [
  "3f90da", "ffa90e", "bd1f01", "94a4a2", "832db6", "a96b59", "e76300", "b9ac70", "717581", "92dadd",
].map(hex);

const VIRIDIS: readonly Rgb[] = (
  "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 " +
  "d8e219 fde725"
).split(" ").map(hex);

export const UNKNOWN: Rgb = [150, 150, 150];

export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return [0, 1, 2].map((k) => Math.round(a[k]! + (b[k]! - a[k]!) * share)) as unknown as Rgb;
}

/** The palette of numbers, at `share` 0 to 1 of their range; the end that the background hides is left out. */
export function sequential(share: number, dark: boolean): Rgb {
  const [from, to] = dark ? [0.22, 1] : [0, 0.93];
  const at = (from + (to - from) * Math.min(1, Math.max(0, share))) * (VIRIDIS.length - 1);
  const k = Math.min(VIRIDIS.length - 2, Math.floor(at));
  return mix(VIRIDIS[k]!, VIRIDIS[k + 1]!, at - k);
}

/** sRGB of a colour in Oklab (B. Ottosson, 2020). */
export function fromOklab(light: number, a: number, b: number): Rgb {
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((value) => {
    const bounded = Math.min(1, Math.max(0, value));
    return Math.round(255 * (bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055));
  }) as unknown as Rgb;
}

/** Oklab of a colour in sRGB. */
export function toOklab(colour: Rgb): Rgb {
  const [r, g, b] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
  ];
}

const CYCLE = makeCycle(256);

/** A closed curve in Oklab, in equal steps.
 *
 * Blue and yellow are opposite; so are dark and light, along which red and green vary too. Who confuses red
 * with green still sees a circle: of blueness and lightness.
 */
function makeCycle(n: number): Rgb[] {
  const fine = 4096;
  const points: Rgb[] = [];
  for (let i = 0; i <= fine; i++) {
    const angle = (2 * Math.PI * i) / fine;
    points.push([0.66 + 0.13 * Math.sin(angle), -0.085 * Math.sin(angle) + 0.012, 0.1 * Math.cos(angle) + 0.005]);
  }
  const along = [0];
  for (let i = 1; i <= fine; i++) {
    const [p, q] = [points[i - 1]!, points[i]!];
    along.push(along[i - 1]! + Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]));
  }
  const colours: Rgb[] = [];
  let k = 0;
  for (let i = 0; i < n; i++) {
    const goal = (along[fine]! * i) / n;
    while (along[k + 1]! < goal) k++;
    colours.push(fromOklab(...points[k]!));
  }
  return colours;
}

/** The palette of cyclic numbers, at `share` of a turn. */
export function cyclic(share: number): Rgb {
  return CYCLE[Math.floor((share - Math.floor(share)) * CYCLE.length) % CYCLE.length]!;
}

export function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of two colours as WCAG 2.2 defines it, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** A colour moved towards black or white until it stands out from the background. */
export function standOut(colour: Rgb, background: Rgb, least: number): Rgb {
  const end: Rgb = luminance(background) > 0.4 ? [0, 0, 0] : [255, 255, 255];
  let result = colour;
  for (let k = 1; k <= 20 && contrast(result, background) < least; k++) result = mix(colour, end, k / 20);
  return result;
}

export function category(code: number, background: Rgb): Rgb {
  if (code < 0) return UNKNOWN;
  return standOut(CATEGORIES[code % CATEGORIES.length]!, background, 1.9);
}

/** The bytes of a colour as one number, as an ImageData holds them. */
export function packed(colour: Rgb): number {
  return ((255 << 24) | (colour[2] << 16) | (colour[1] << 8) | colour[0]) >>> 0;
}

export function css(colour: Rgb): string {
  return `rgb(${colour[0]} ${colour[1]} ${colour[2]})`;
}
