"""Breaks map files in many ways and loads them: python tests/fuzzing.py [number] [seed].

Some mutations strike the bytes of a file. The others take it apart, change what it says or holds,
and write it anew with a right SHA-256, so that the checks behind the hash are reached as well.
"""

import collections
import contextlib
import copy
import json
import math
import os
import resource
import signal
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from drlim import FileError, InputError, load
from drlim._persistence import read_map, signed

DATA = Path(__file__).parent / "data"
SECONDS_A_CASE = 20
REMARKABLE = [
    *(None, True, False, -1, 0, 1, 2, 3, 7, 255, 2**31, 2**53, 2**63, 2**200, -(2**70)),
    *(
        0.5,
        -0.0,
        1e308,
        1e-308,
        math.nan,
        math.inf,
        "",
        "all",
        "mlp",
        "lenet",
        "x" * 3000,
        "\ud800",
    ),
    *(
        [],
        {},
        [[]],
        [1] * 999,
        [2**40] * 8,
        [-1],
        [0],
        {"custom": "a.b"},
        ["a"] * 5,
        [10**6, 10**6],
    ),
    [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],
]


class Hang(BaseException):
    """A case took too long; no Exception, so that nothing in between can catch it."""


def cases(number, seed):
    """Yield the name of each mutation and the bytes of the file that it makes."""
    rng = np.random.default_rng(seed)
    wholes = [(path.read_bytes(), *read_map(path)) for path in sorted(DATA.glob("format-*.drlim"))]
    kinds = [*ON_BYTES, *ON_CONTENT, *ON_CONTENT]
    for _ in range(number):
        whole, description, tensors = wholes[rng.integers(len(wholes))]
        kind = kinds[rng.integers(len(kinds))]
        if kind in ON_BYTES:
            yield kind.__name__, kind(bytearray(whole), rng)
            continue
        description, tensors = copy.deepcopy(description), dict(tensors)
        for _ in range(rng.integers(1, 4)):
            kind(description, tensors, rng)
        with contextlib.suppress(TypeError, ValueError):  # nothing that could be written
            metadata = {"drlim": json.dumps(signed(description, tensors), sort_keys=True)}
            yield kind.__name__, save(tensors, metadata)


# On bytes.


def flip(whole, rng):
    for place in rng.integers(0, len(whole), rng.integers(1, 9)):
        whole[place] ^= int(rng.integers(1, 256))
    return bytes(whole)


def flip_header(whole, rng):
    for place in rng.integers(0, min(len(whole), 300), rng.integers(1, 5)):
        whole[place] ^= int(rng.integers(1, 256))
    return bytes(whole)


def truncate(whole, rng):
    return bytes(whole[: rng.integers(0, len(whole))])


def insert(whole, rng):
    place = rng.integers(0, len(whole) + 1)
    return bytes(whole[:place]) + rng.bytes(rng.integers(1, 50)) + bytes(whole[place:])


def cut(whole, rng):
    place = rng.integers(0, len(whole))
    return bytes(whole[:place]) + bytes(whole[place + rng.integers(1, 50) :])


def relength(whole, rng):
    length = int.from_bytes(whole[:8], "little")
    wrong = [length + int(rng.integers(-20, 20)), 0, 2**24, 2**63, 2**64 - 1, len(whole), 1]
    return max(wrong[rng.integers(len(wrong))], 0).to_bytes(8, "little") + bytes(whole[8:])


def reheader(whole, rng):
    """Change what the header says of the tensors; the description stays as it was."""
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    strike(header, rng)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(whole[8 + length :])


def bomb(whole, rng):
    """Write a header that is deep, or of very many parts."""
    unit, close = [(b"[", b""), (b'{"a":', b""), (b"[],", b""), (b"1", b"")][rng.integers(4)]
    text = b'{"__metadata__":{"drlim":' + unit * int(rng.integers(1, 200_000)) + close + b"}}"
    return len(text).to_bytes(8, "little") + text + bytes(whole[-100:])


# On content.


def restate(description, tensors, rng):
    strike(description, rng)


def restate_network(description, tensors, rng):
    strike({key: description[key] for key in ("network", "sample_shape", "parameters")}, rng)
    network = description["network"]
    if isinstance(network, dict) and rng.random() < 0.3:
        name = ["lenet", "mlp", "linear", "convnet", "backbone", "os.system"][rng.integers(6)]
        arguments = [{}, {"hidden": [2**40]}, {"depth": 10**9}, {"width": 10**6}, {"hidden": "ab"}]
        network.clear()
        network.update(name=name, arguments=arguments[rng.integers(len(arguments))])


def revalue(description, tensors, rng):
    """Change the numbers, the shape or the kind of a tensor."""
    if not tensors:
        return
    name = sorted(tensors)[rng.integers(len(tensors))]
    tensor = tensors[name]
    match rng.integers(7):
        case 0:
            del tensors[name]
        case 1:
            tensors[f"1.{rng.integers(9)}.weight"] = tensor
        case 2:
            dtypes = [np.float16, np.float32, np.float64, np.int64, np.uint8, bool]
            with np.errstate(all="ignore"):
                tensors[name] = tensor.astype(dtypes[rng.integers(len(dtypes))])
        case 3:
            tensors[name] = tensor.reshape(-1)[: rng.integers(0, tensor.size + 1)].copy()
        case 4:
            tensors[name] = tensor[None].copy()
        case 5:
            filled = np.array(tensor)
            with np.errstate(all="ignore"):
                filled.reshape(-1)[:] = np.array([0, np.nan, np.inf, -1, 1e38])[
                    rng.integers(5)
                ].astype(filled.dtype)
            tensors[name] = filled
        case 6:
            others = sorted(tensors)
            tensors[name] = tensors[others[rng.integers(len(others))]]


def reprogram(description, tensors, rng):
    """Strike the bytes of the program, or give one to a map that has none."""
    if "program" not in tensors:
        _, other = read_map(DATA / "format-1-program.drlim")
        tensors["program"] = other["program"]
        if rng.random() < 0.7:
            description["network"] = {"custom": "lost.network"}
    program = bytearray(tensors["program"].tobytes() or b"\0")
    strikes = [flip, flip, flip, truncate, insert, cut]
    struck = strikes[rng.integers(len(strikes))](program, rng)
    tensors["program"] = np.frombuffer(struck, np.uint8)


def strike(tree, rng):
    """Change one random part of a tree of JSON."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        deeper = isinstance(tree[key], dict | list) and len(tree[key]) > 0
        if not deeper or rng.random() < 0.3:
            break
        tree = tree[key]
    match rng.integers(6):
        case 0:
            del tree[key]
        case 1 if isinstance(tree, dict):
            tree[["extra", "network", "device", "callbacks", "kind"][rng.integers(5)]] = tree[key]
        case 2 if isinstance(tree, list):
            tree.extend(copy.deepcopy(tree) * int(rng.integers(1, 30)))
        case 3 if isinstance(tree[key], int | float):
            tree[key] = tree[key] * [2, -1, 1000, 0.5, 10**9][rng.integers(5)] + 1
        case _:
            tree[key] = copy.deepcopy(REMARKABLE[rng.integers(len(REMARKABLE))])


ON_BYTES = [flip, flip_header, truncate, insert, cut, relength, reheader, bomb]
ON_CONTENT = [restate, restate_network, revalue, reprogram]


def outcome(content, path):
    """Load what was broken; return what came of it. Whatever else is raised is a defect."""
    path.write_bytes(content)
    try:
        map_ = load(path)
        if math.prod(map_.sample_shape_) > 10**6:
            return "a map"  # of enormous images: convnet takes any size
        Z = map_.transform(np.zeros((3, *map_.sample_shape_)))
    except FileError:
        return "FileError"
    except InputError:
        return "InputError"
    assert Z.shape == (3, map_.n_components)
    assert Z.dtype == np.float32
    return "a map"


def run(number, seed, folder, say=None):
    """Try a number of mutations; count how they ended, and measure the growth of memory in MB."""

    def stop(*_):
        raise Hang

    counts = collections.Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    previous = signal.signal(signal.SIGALRM, stop)
    path = Path(folder) / "case.drlim"
    try:
        for case, (kind, content) in enumerate(cases(number, seed)):
            signal.alarm(SECONDS_A_CASE)
            try:
                counts[kind, outcome(content, path)] += 1
            except BaseException as error:
                kept = Path(tempfile.gettempdir()) / f"drlim-fuzz-{seed}-{case}.drlim"
                kept.write_bytes(content)
                raise AssertionError(f"case {case} of seed {seed} ({kind}), {kept}") from error
            finally:
                signal.alarm(0)
            if say and case % 5000 == 0:
                say(f"{case} of {number}: {dict(total(counts))}")
    finally:
        signal.signal(signal.SIGALRM, previous)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return counts, grown


def total(counts):
    """Add up over the kinds of mutation."""
    outcomes = collections.Counter()
    for (_, ended), count in counts.items():
        outcomes[ended] += count
    return outcomes


if __name__ == "__main__":
    warnings.simplefilter("error")
    number, seed = (int(word) for word in (sys.argv[1:] + ["200000", "0"][len(sys.argv) - 1 :])[:2])
    # scikit-learn's, where the map has names of features and the samples have none.
    warnings.filterwarnings("ignore", "X does not have valid feature names")
    with tempfile.TemporaryDirectory() as folder:
        counts, grown = run(number, seed, folder, say=lambda line: print(line, flush=True))
    for (kind, ended), count in sorted(counts.items()):
        print(f"{kind:16} {ended:10} {count}")
    print(f"{counts.total()} files, {dict(total(counts))}, memory grew by {grown:.0f} MB")
    os._exit(0) if grown < 1000 else sys.exit("memory grew by more than 1 GB")
