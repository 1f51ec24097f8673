import { describe, expect, it } from "vitest";
import { CATEGORIES, category, contrast, cyclic, hex, type Rgb, sequential, toOklab } from "../src/palette.ts";

const LIGHT = hex("fdfdfc"), DARK = hex("14171c");

function apart(a: Rgb, b: Rgb): number {
  const [p, q] = [toOklab(a), toOklab(b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

/** What a person without green cones sees (Machado et al. 2009, severity 1), in linear light. */
function deuteranope(colour: Rgb): Rgb {
  const linear = colour.map((v) => (v / 255) ** 2.2) as unknown as Rgb;
  const m = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]];
  return m.map((row) => {
    const sum = row.reduce((total, weight, k) => total + weight * linear[k]!, 0);
    return Math.round(255 * Math.min(1, Math.max(0, sum)) ** (1 / 2.2));
  }) as unknown as Rgb;
}

describe("the palettes", () => {
  it("give ten categories that differ, and stand out from both backgrounds", () => {
    for (const background of [LIGHT, DARK]) {
      for (let a = 0; a < 10; a++) {
        expect(contrast(category(a, background), background)).toBeGreaterThan(1.8);
        for (let b = 0; b < a; b++) expect(apart(category(a, background), category(b, background))).toBeGreaterThan(0.06);
      }
    }
  });

  it("repeat the categories beyond the tenth, and mark the unknown", () => {
    expect(category(10, LIGHT)).toEqual(category(0, LIGHT));
    expect(CATEGORIES.length).toBe(10);
    expect(category(-1, LIGHT)).toEqual([150, 150, 150]);
  });

  it("rise in lightness with the number", () => {
    for (const dark of [false, true]) {
      const light = Array.from({ length: 20 }, (_, k) => toOklab(sequential(k / 19, dark))[0]);
      for (let k = 1; k < light.length; k++) expect(light[k]!).toBeGreaterThan(light[k - 1]!);
    }
  });

  it("close the circle of a cyclic number in equal steps", () => {
    const steps = Array.from({ length: 32 }, (_, k) => apart(cyclic(k / 32), cyclic((k + 1) / 32)));
    expect(Math.max(...steps)).toBeLessThan(1.6 * Math.min(...steps));
    expect(cyclic(1)).toEqual(cyclic(0));
    expect(cyclic(-0.25)).toEqual(cyclic(0.75));
  });

  it("keep the circle open for people who confuse red with green", () => {
    for (let a = 0; a < 12; a++) {
      for (let b = 0; b < a; b++) expect(apart(deuteranope(cyclic(a / 12)), deuteranope(cyclic(b / 12)))).toBeGreaterThan(0.05);
    }
  });
});
