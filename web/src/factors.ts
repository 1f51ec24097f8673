/** Which factor is shown first. */
import type { Factor } from "./scene.ts";

/** The factor shown first: what is kept, classes and angles before other numbers. */
export function firstFactor(factors: readonly Factor[]): number {
  const value = (factor: Factor): number =>
    (factor.role === "kept" ? 4 : factor.role === "source" ? -4 : 0) + (factor.kind === "number" ? 0 : 1) -
    ((factor.values?.length ?? 0) > 60 ? 3 : 0);
  let best = 0;
  factors.forEach((factor, k) => {
    if (value(factor) > value(factors[best]!)) best = k;
  });
  return best;
}
