import { describe, expect, it } from "vitest";
import { placing, principal, shuffled } from "../src/axes.ts";
import { colourBy, rangeOf } from "../src/colouring.ts";
import { toggled } from "../src/legend.ts";
import { firstFactor } from "../src/factors.ts";
import { nearest } from "../src/nearest.ts";
import { hex } from "../src/palette.ts";
import { type Factor, readable, valueOf } from "../src/scene.ts";
import { Store, type State } from "../src/store.ts";
import { chooseThumbs } from "../src/thumbs.ts";

const WHITE = hex("ffffff");

function random(n: number): Float32Array {
  let state = 7;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff - 0.5;
  });
}

function factor(kind: Factor["kind"], data: number[], values?: string[]): Factor {
  return { name: "f", kind, values, array: "factor/0", role: null, data: kind === "class" ? Int32Array.from(data) : Float32Array.from(data) };
}

describe("coordinates", () => {
  it("are the chosen components, in their order", () => {
    const out = [0, 0, 0];
    placing(Float32Array.from([1, 2, 3, 4]), 4, { principal: false, chosen: [3, 1] }).place(Float32Array.from([1, 2, 3, 4]), 0, out, 0);
    expect(out).toEqual([4, 2, 0]);
  });

  it("are principal components of falling variance that keep all distances", () => {
    const points = random(400);
    for (let i = 0; i < points.length; i += 4) points[i + 2]! *= 5;
    const { rows, share } = principal(points, 4);
    expect(share[0]).toBeGreaterThan(0.8);
    expect([...share].sort((a, b) => b - a)).toEqual(share);
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b <= a; b++) {
        const dot = rows[a]!.reduce((sum, value, k) => sum + value * rows[b]![k]!, 0);
        expect(dot).toBeCloseTo(a === b ? 1 : 0, 6);
      }
    }
    expect(Math.abs(rows[0]![2]!)).toBeGreaterThan(0.99);
  });

  it("are drawn in an order that holds each row once, the same each time", () => {
    const order = shuffled(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(shuffled(1000)).toEqual(order);
  });
});

describe("nearest points", () => {
  it("are those of a sorted list of all distances", () => {
    const points = random(600);
    const found = nearest(points, 3, points.subarray(30, 33), 6, 10);
    const all = Array.from({ length: 200 }, (_, row) => ({ row, distance: Math.hypot(...[0, 1, 2].map((a) => points[3 * row + a]! - points[30 + a]!)) }));
    const expected = all.filter(({ row }) => row !== 10).sort((a, b) => a.distance - b.distance).slice(0, 6);
    expect(found.map(({ row }) => row)).toEqual(expected.map(({ row }) => row));
    expect(found[5]!.distance).toBeCloseTo(expected[5]!.distance, 6);
  });

  it("are all points where there are fewer than asked for", () => {
    expect(nearest(Float32Array.from([0, 1, 2]), 1, [0], 9).map(({ row }) => row)).toEqual([0, 1, 2]);
  });
});

describe("colours", () => {
  it("count the values of a class and mark the unknown", () => {
    const { legend, colours } = colourBy(factor("class", [0, 1, 1, -1], ["a", "b"]), WHITE, false);
    expect(legend.entries.map(({ label, count }) => [label, count])).toEqual([["a", 1], ["b", 2], ["unknown", 1]]);
    expect(colours[1]).toBe(colours[2]);
    expect(colours[0]).not.toBe(colours[1]);
  });

  it("say that they repeat where there are more than ten values", () => {
    const values = Array.from({ length: 12 }, (_, k) => `v${k}`);
    expect(colourBy(factor("class", [0], values), WHITE, false).legend.note).toContain("12");
    expect(colourBy(factor("class", [0], ["a"]), WHITE, false).legend.note).toBe("");
  });

  it("are not flattened by one extreme number", () => {
    const values = Array.from({ length: 1000 }, (_, k) => k / 1000).concat([1e6]);
    expect(rangeOf(values).high).toBeLessThan(2);
    expect(rangeOf([1, NaN, 3])).toEqual({ low: 1, high: 3, cut: false });
    expect(rangeOf([5, 5]).high).toBeGreaterThan(5);
    expect(rangeOf([])).toEqual({ low: 0, high: 1, cut: false });
  });

  it("of a cyclic number are the same after a period", () => {
    const { colours } = colourBy({ ...factor("cyclic", [10, 10 + 20 * 360, 190]), period: 360 }, WHITE, false);
    expect(colours[0]).toBe(colours[1]);
    expect(colours[0]).not.toBe(colours[2]);
  });

  it("begin with what is kept, a class before a number, and not with sources", () => {
    const some = [
      { ...factor("class", [0], ["a"]), role: "source" as const }, { ...factor("number", [0]), role: "kept" as const },
      { ...factor("class", [0], ["a"]), role: "kept" as const }, factor("class", [0], ["a"]),
    ];
    expect(firstFactor(some)).toBe(2);
    expect(firstFactor([some[3]!, some[1]!])).toBe(1);
  });
});

describe("a legend", () => {
  it("shows a value alone, and all again", () => {
    const alone = toggled(new Set(), 1, [0, 1, 2], true);
    expect([...alone]).toEqual([0, 2]);
    expect([...toggled(alone, 1, [0, 1, 2], true)]).toEqual([]);
    expect([...toggled(alone, 0, [0, 1, 2], true)]).toEqual([1, 2]);
    expect([...toggled(new Set([0]), 1, [0, 1, 2], false)]).toEqual([0, 1]);
    expect([...toggled(new Set([0]), 0, [0, 1, 2], false)]).toEqual([]);
  });
});

describe("words", () => {
  it("give numbers few digits, and say what is unknown", () => {
    expect(readable(0.123456)).toBe("0.1235");
    expect(readable(-2)).toBe("−2");
    expect(readable(NaN)).toBe("–");
    expect(readable(12345678)).toBe("1.23e+7");
    expect(valueOf(factor("class", [-1], ["a"]), 0)).toBe("unknown");
    expect(valueOf(factor("number", [NaN]), 0)).toBe("unknown");
    expect(valueOf({ ...factor("number", [20]), unit: "degrees" }, 0)).toBe("20 degrees");
  });
});

describe("thumbnails", () => {
  it("never cover each other, and those shown stay", () => {
    const at = random(3000).map((value) => value * 300 + 150);
    const rows = Int32Array.from({ length: 1000 }, (_, i) => i);
    const first = chooseThumbs(rows, at, 1000, 300, 30, new Set());
    for (const a of first) {
      for (const b of first) if (a !== b) expect(Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y))).toBeGreaterThanOrEqual(30);
    }
    expect(first.length).toBeGreaterThan(20);
    const backwards = rows.slice().reverse();
    const turned = Float32Array.from({ length: 3000 }, (_, k) => at[3 * (999 - Math.floor(k / 3)) + (k % 3)]!);
    const again = chooseThumbs(backwards, turned, 1000, 300, 30, new Set(first.map(({ row }) => row)));
    expect(again.map(({ row }) => row).sort()).toEqual(first.map(({ row }) => row).sort());
  });
});

describe("a store", () => {
  it("calls only those who listen to what changed", () => {
    const store = new Store({ dark: false, colour: 0 } as State);
    const calls: string[] = [];
    store.on(["dark"], () => calls.push("dark"));
    store.on(["colour"], () => calls.push("colour"));
    store.set({ dark: true, colour: 0 });
    store.set({ dark: true });
    expect(calls).toEqual(["dark"]);
  });
});
