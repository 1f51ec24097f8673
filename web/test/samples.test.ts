import { describe, expect, it } from "vitest";
import { ticksOf } from "../src/chart.ts";
import { meanLength } from "../src/groups.ts";
import { inside } from "../src/lasso.ts";
import { unusualOf } from "../src/mapper.ts";
import { unusualWords } from "../src/newsample.ts";
import { centred, handOf } from "../src/pad.ts";
import { pixelsOf } from "../src/picture.ts";
import type { Data, SampleInfo, TrailInfo } from "../src/scene.ts";
import { tableOf } from "../src/table.ts";
import { movedOf, stillOf } from "../src/trails.ts";
import { fromPixels, requestOf, rowOf } from "../src/upload.ts";

const row: SampleInfo = { kind: "row", shape: [3], names: ["a", "b", "c"], channels: 1, low: 0, high: 1 };
const image: SampleInfo = { kind: "image", shape: [2, 2], channels: 1, low: 0, high: 16 };

describe("a row of a table", () => {
  it("is read by place where it holds nothing but numbers", () => {
    expect([...rowOf("1, 2;3\n", row)]).toEqual([1, 2, 3]);
    expect([...rowOf("1 2 3", row)]).toEqual([1, 2, 3]);
    expect([...rowOf("1\n2\n3\n", row)]).toEqual([1, 2, 3]);
  });

  it("is read by name where it has a line of names", () => {
    expect([...rowOf('\uFEFFid,c,"b",a\r\nx,3,2,1\r\n', row)]).toEqual([1, 2, 3]);
  });

  it("is refused with the value that is wrong", () => {
    expect(() => rowOf("", row)).toThrow("empty");
    expect(() => rowOf("1,2", row)).toThrow("2 numbers");
    expect(() => rowOf("a,b\n1,2", row)).toThrow('"c"');
    expect(() => rowOf("a,b,c\n1,?,3", row)).toThrow('"?"');
    expect(() => rowOf("a,b,c", row)).toThrow("no row");
  });
});

describe("a picture", () => {
  it("becomes a sample in the unit of the map, and is shown as it was", () => {
    const bytes = [0, 255, 51, 102].flatMap((grey) => [grey, grey, grey, 255]);
    const sample = fromPixels(bytes, image);
    expect([...sample].map((value) => value.toFixed(2))).toEqual(["0.00", "16.00", "3.20", "6.40"]);
    expect([...pixelsOf(image, sample).bytes]).toEqual(bytes);
  });

  it("keeps its colours apart", () => {
    const info: SampleInfo = { ...image, shape: [3, 1, 2], channels: 3, high: 255 };
    const bytes = [1, 2, 3, 255, 4, 5, 6, 255];
    const sample = fromPixels(bytes, info);
    expect([...sample].map(Math.round)).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...pixelsOf(info, sample).bytes]).toEqual(bytes);
  });
});

describe("a drawing", () => {
  it("is put into the middle whatever its place and size", () => {
    const drawn = (x0: number, y0: number, side: number): Float32Array => {
      const grey = new Float32Array(100 * 100);
      for (let y = y0; y < y0 + side; y++) for (let x = x0; x < x0 + side; x++) grey[y * 100 + x] = 1;
      return centred(grey, 100, 8, 8, 0.72);
    };
    const big = drawn(10, 5, 60), small = drawn(70, 70, 24);
    expect(big[4 * 8 + 4]).toBe(1);
    expect(big[0]).toBe(0);
    big.forEach((value, i) => expect(small[i]!).toBeCloseTo(value, 0));
  });

  it("is as large as known samples and has their contrast", () => {
    const light = [0, 0, 0, 0, 16, 0, 0, 0, 0], info: SampleInfo = { ...image, shape: [3, 3] };
    expect(handOf(info, Float32Array.from(light))).toEqual({ share: 1 / 3, dark: false });
    expect(handOf(info, Float32Array.from(light, (value) => 16 - value))).toEqual({ share: 1 / 3, dark: true });
    expect(handOf(info, null).dark).toBe(false);
  });

  it("of a thin line is as bright as one of a thick line", () => {
    const grey = new Float32Array(100 * 100);
    for (let y = 20; y < 80; y++) for (let x = 48; x < 53; x++) grey[y * 100 + x] = 1;
    expect(Math.max(...centred(grey, 100, 8, 8, 0.72))).toBe(1);
  });

  it("of nothing is empty", () => {
    expect(Math.max(...centred(new Float32Array(100), 10, 4, 4, 1))).toBe(0);
  });
});

describe("how unusual a sample is", () => {
  it("is the share of held-out samples that are nearer to a learnt one", () => {
    const points = Float32Array.from([0, 10, 100]), split = Uint8Array.from([0, 0, 1]);
    expect(unusualOf(points, split, 1, Float32Array.from([13]), [1, 2, 4, 8])).toBe(0.5);
    expect(unusualOf(points, split, 1, Float32Array.from([10]), [1, 2], 1)).toBe(1);
    expect(unusualOf(points, split, 1, Float32Array.from([100]), [1, 2])).toBe(1);
    expect(unusualOf(points, split, 1, Float32Array.from([10]), undefined)).toBeNull();
  });

  it("is said in words", () => {
    expect(unusualWords({ unusual: 0.5, judged: null })).toContain("50 %");
    expect(unusualWords({ unusual: 1, judged: "foreign" })).toContain("every held-out sample: foreign");
    expect(unusualWords({ unusual: 0, judged: "known" })).toBe("Its nearest learnt sample is nearer than that of any held-out sample.");
    expect(unusualWords({ unusual: null, judged: null })).toBe("");
  });
});

describe("a trail", () => {
  const info = { strengths: [-2, -1, 0, 1, 2], identity: 0 } as unknown as TrailInfo;

  it("starts at the untransformed sample and is measured from there", () => {
    expect(stillOf(info)).toBe(2);
    expect(stillOf({ ...info, strengths: [0.5, 1, 2], identity: 1 })).toBe(1);
    const moved = movedOf(Float32Array.from([3, 4, 0, 0, 0, 2]), 2, 1, 2);
    expect(moved).toEqual([2.5, 0, 1]);
  });

  it("has an axis of few round numbers", () => {
    expect(ticksOf(1.05).map((tick) => tick.toFixed(1))).toEqual(["0.0", "0.5", "1.0"]);
    for (const most of [0.013, 1, 7, 1234]) expect(ticksOf(most).length).toBeLessThanOrEqual(6);
  });
});

describe("lines", () => {
  it("are measured in units of the typical distance", () => {
    expect(meanLength(Float32Array.from([0, 0, 3, 4, 0, 1]), 2, Int32Array.from([0, 1, 0, 2]), 2)).toBe(1.5);
  });
});

describe("the lasso", () => {
  it("holds what is inside a line of any shape", () => {
    const line: [number, number][] = [[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]];
    expect(inside(line, 2, 2)).toBe(true);
    expect(inside(line, 5, 8)).toBe(false);
    for (const [x, y] of [[11, 2], [-1, 2], [2, -1], [2, 11]] as const) expect(inside(line, x, y)).toBe(false);
  });

  it("gives a table in which every value can be read back", () => {
    const data = {
      scene: { n_components: 2, split: ["learnt", "held out"] }, points: Float32Array.from([0.5, 1, 2, 3]), split: Uint8Array.from([0, 1]),
      names: ['a "b", c', "d"], factors: [{ name: "f, g", kind: "number", data: Float32Array.from([1.5, NaN]), array: "", role: null }],
    } as unknown as Data;
    expect(tableOf(data, [0, 1])).toBe(
      'row,name,split,"f, g",component 1,component 2\r\n0,"a ""b"", c",learnt,1.5,0.5,1\r\n1,d,held out,,2,3\r\n');
  });
});

describe("an upload", () => {
  it("goes to a server with its type and shape", () => {
    const { path, options } = requestOf({ kind: "values", values: new Float32Array(4) }, "api/trail?name=x", image);
    expect(path).toBe("api/trail?name=x");
    expect(options.headers).toEqual({ "Content-Type": "application/octet-stream", "X-Shape": "2,2" });
    expect(requestOf({ kind: "row", row: 3 }, "api/embed", image).path).toBe("api/embed?row=3");
    expect(requestOf({ kind: "row", row: 3 }, "api/trail?name=x", image).path).toBe("api/trail?name=x&row=3");
  });
});
