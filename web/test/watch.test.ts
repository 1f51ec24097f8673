import { describe, expect, it } from "vitest";
import { between, type EpochInfo, sentenceOfEpoch, seriesOf } from "../src/watch.ts";

const each: EpochInfo = { epoch: 3, n_epochs: 10, frame: 2, loss: 0.25, similar: 0.1, dissimilar: 0.15, active: 0.04 };

describe("watching", () => {
  it("says in words where learning stands", () => {
    expect(sentenceOfEpoch(each)).toBe("Epoch 3 of 10: loss 0.25; 4 % of the dissimilar pairs are active.");
    expect(sentenceOfEpoch({ ...each, epoch: 0, loss: null })).toContain("Before learning");
    expect(sentenceOfEpoch({ ...each, n_epochs: null, active: null })).toBe("Epoch 3: loss 0.25.");
  });

  it("draws only curves that every epoch has", () => {
    expect(seriesOf([each, each]).map(({ name }) => name)).toEqual(["loss", "of similar pairs", "of dissimilar pairs"]);
    expect(seriesOf([each, { ...each, similar: null }]).map(({ name }) => name)).toEqual(["loss", "of dissimilar pairs"]);
  });

  it("moves points straight from one frame to the next", () => {
    const out = new Float32Array(2);
    between(Float32Array.from([0, 4]), Float32Array.from([1, 0]), 0.25, out);
    expect([...out]).toEqual([0.25, 3]);
  });
});
