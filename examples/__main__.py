"""``python -m examples``: run the examples at full size, and print which claims hold."""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path

NAMES = (
    "shifted_digits",
    "airplane",
    "textiles",
    "weaves",
    "instruments",
    "unseen_digits",
    "signatures",
)
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run some or all examples for each seed, and write ``examples/results.json``."""
    parser = argparse.ArgumentParser(prog="python -m examples", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--quick", action="store_true", help="small data; other bounds")
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES:
            parser.error(f"there is no example {name!r}; known: {', '.join(NAMES)}")
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name in options.names or NAMES:
        run = importlib.import_module(f"examples.{name}").run
        for seed in options.seeds:
            start = time.perf_counter()
            claims, evidence, _ = run(seed, quick=options.quick)
            seconds = time.perf_counter() - start
            print(f"\n{name}, seed {seed}{' (quick)' * options.quick}, {seconds:.0f} s")
            for line in (*evidence.proof.lines(), *(claim.line for claim in claims)):
                print(f"  {line}", flush=True)
            results[f"{name}, seed {seed}{', quick' * options.quick}"] = {
                "claims": [claim.as_json() for claim in claims],
                "proof": evidence.as_json(),
                "seconds": round(seconds),
            }
            RESULTS.write_text(json.dumps(results, indent=1), "utf-8")
    failed = [
        f"{key}: {claim['claim']}"
        for key, result in results.items()
        for claim in result["claims"]
        if not claim["holds"]
    ]
    print("\nAll claims hold." if not failed else "\n".join(["\nFAILED:", *failed]))
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
