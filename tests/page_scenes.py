"""Small scenes for the tests of the page, written as the folder that an export writes."""

import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np

STATIC = Path(__file__).parents[1] / "src" / "drlim" / "exploring" / "static"
SPLIT = ["learnt", "held out", "never seen", "new"]


def write_folder(folder, scene, arrays, pictures=None, names=None):
    """Write the page with a scene: arrays, pictures (PNG bytes) and the names of its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in STATIC.iterdir():
        if file.name != "ort.wasm":
            shutil.copy(file, folder / file.name)
    scene = {**defaults(), **scene}
    scene["n_points"], scene["n_components"] = arrays["points"].shape
    scene["arrays"] = {
        name: {"dtype": str(array.dtype), "shape": list(array.shape)}
        for name, array in arrays.items()
    }
    for name, array in arrays.items():
        _deliver(folder, name, np.ascontiguousarray(array).tobytes())
    for name, png in (pictures or {}).items():
        _deliver(folder, name, png)
    if names is not None:
        scene["has_names"] = True
        _deliver(folder, "names", json.dumps(names).encode())
    text = json.dumps(scene)
    (folder / "scene.js").write_text(f"(window.drlim = window.drlim || {{}}).scene = {text};\n")
    return folder


def defaults():
    return {
        "version": 1,
        "title": "a map",
        "margin": 1.0,
        "caption": "Learnt from 80 % of the samples; the others were held out.",
        "split": SPLIT,
        "factors": [],
        "sprites": None,
        "typical": 1.0,
        "unusual": None,
        "trails": [],
        "groups": [],
        "proof": None,
        "no_proof": "No report was made of this map.",
        "mapping": None,
        "no_mapping": "This map was not exported as ONNX.",
        "onnx": None,
    }


def _deliver(folder, name, content, file=None):
    text = base64.b64encode(content).decode()
    (folder / (file or f"data-{name.replace('/', '-')}.js")).write_text(
        f'drlim.receive("{name}", "{text}");\n'
    )


def png(pixels):
    """The bytes of a PNG of grey (h, w) or colour (h, w, 3) bytes."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def sheet(images, columns):
    """Grey images (n, h, w) of bytes as one sheet of tiles."""
    n, h, w = images.shape
    rows = -(-n // columns)
    page = np.zeros((rows * columns, h, w), np.uint8)
    page[:n] = images
    page = page.reshape(rows, columns, h, w).transpose(0, 2, 1, 3).reshape(rows * h, columns * w)
    return png(page)


def principal(X, k):
    """The first principal components, in units of the first one's spread."""
    X = X.reshape(len(X), -1).astype(float)
    X = X - X.mean(axis=0)
    _, _, rows = np.linalg.svd(X, full_matrices=False)
    Z = X @ rows[:k].T
    return (Z / Z[:, 0].std()).astype(np.float32)


def _split(n):
    return (np.arange(n) % 5 == 0).astype(np.uint8)


def _typical(Z):
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(Z), (2, 1000))
    return float(np.linalg.norm(Z[pairs[0]] - Z[pairs[1]], axis=1).mean())


def digits(folder, n=1000, k=2):
    """Handwritten digits along their principal components, with trails and the map as ONNX."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    X, y = _bytes(bunch.images[:n]).astype(np.float32), bunch.target[:n].astype(np.int32)
    mean = X.reshape(n, -1).mean(axis=0)
    weights = np.linalg.svd(X.reshape(n, -1) - mean, full_matrices=False)[2][:k].T / 200
    weights = weights.astype(np.float32)

    def transform(samples):
        return ((samples.reshape(len(samples), -1) - mean) @ weights).astype(np.float32)

    Z, split, shifts = transform(X), _split(n), np.arange(-3, 4)
    held_out = np.flatnonzero(split)
    learnt = Z[split == 0]
    nearest = np.linalg.norm(Z[held_out, None] - learnt[None], axis=2).min(axis=1)
    copies = np.stack([_shifted(X[held_out[:32]], shift) for shift in shifts], axis=1)
    trail = transform(copies.reshape(-1, 8, 8)).reshape(32, len(shifts), k)
    scene = {
        "title": "Handwritten digits",
        "typical": _typical(Z),
        "factors": [
            {
                "name": "digit",
                "kind": "class",
                "values": [str(d) for d in range(10)],
                "array": "factor/0",
                "role": "kept",
            },
            {"name": "ink", "kind": "number", "array": "factor/1", "role": None},
        ],
        "sample": {"kind": "image", "shape": [8, 8], "channels": 1, "low": 0, "high": 255},
        "sprites": {"tile": [8, 8], "columns": 32, "rows": 32, "n": n, "sheets": 1},
        "unusual": {"nearest_held_out": np.sort(nearest).tolist()},
        "mapping": "onnx",
        "no_mapping": None,
        "onnx": {"shape": [8, 8], "dtype": "float32"},
        "trails": [
            {
                "name": "shift",
                "along": "horizontal",
                "strengths": shifts.tolist(),
                "range_trained": [-2, 2],
                "unit": "pixels",
                "declared": True,
                "identity": 0,
                "rows": held_out[:32].tolist(),
                "array": "trail/0",
                "images": "trail_images/0",
            }
        ],
    }
    arrays = {
        "points": Z,
        "split": split,
        "factor/0": y,
        "factor/1": X.mean(axis=(1, 2)),
        "samples": X,
        "trail/0": trail,
    }
    pictures = {
        "sprites/0": sheet(X.astype(np.uint8), 32),
        "trail_images/0": sheet(copies.reshape(-1, 8, 8).astype(np.uint8), len(shifts)),
    }
    write_folder(folder, scene, arrays, pictures)
    _deliver(folder, "ort.wasm", (STATIC / "ort.wasm").read_bytes(), "ort.wasm.js")
    _deliver(folder, "map.onnx", linear_onnx(weights, -mean @ weights), "map.onnx.js")
    return folder


def _bytes(X):
    return np.round(X * 255 / 16).astype(np.uint8)


def _shifted(X, shift):
    moved = np.roll(X, shift, axis=2)
    if shift > 0:
        moved[:, :, :shift] = 0
    elif shift < 0:
        moved[:, :, shift:] = 0
    return moved


def linear_onnx(weights, offset):
    """A linear map of pictures of 8 x 8 as the bytes of an ONNX model."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["X"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "offset"], ["Z"]),
        ],
        "linear",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["n", 8, 8])],
        [helper.make_tensor_value_info("Z", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [
            numpy_helper.from_array(weights.astype(np.float32), "weights"),
            numpy_helper.from_array(offset.astype(np.float32), "offset"),
        ],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()


def ring(folder):
    """A cylinder: 18 azimuths, 9 elevations and 6 lightings of a small picture."""
    azimuth, elevation, light = (
        a.ravel()
        for a in np.meshgrid(np.arange(0, 360, 20), np.arange(30, 75, 5), range(6), indexing="ij")
    )
    rng = np.random.default_rng(0)
    turn = np.radians(azimuth)
    Z = np.stack([np.cos(turn), elevation / 40 - 1.3, np.sin(turn)], axis=1)
    Z = (Z + rng.normal(0, 0.02, Z.shape)).astype(np.float32)
    v, u = np.mgrid[-1:1:24j, -1:1:24j]
    along = u[None] * np.cos(turn)[:, None, None] + v[None] * np.sin(turn)[:, None, None]
    across = -u[None] * np.sin(turn)[:, None, None] + v[None] * np.cos(turn)[:, None, None]
    shape = (np.abs(across) < 0.12 + 0.1 * along) & (np.abs(along) < 0.9)
    images = np.where(shape, 90 + 30 * light[:, None, None], 20 + 6 * light[:, None, None])
    n = len(Z)
    start = rng.normal(0, 0.1, Z.shape)
    frames = np.stack([start + (Z - start) * share for share in np.linspace(0, 1, 12) ** 0.5])
    history = [
        {
            "epoch": k + 1,
            "n_epochs": 12,
            "frame": k,
            "loss": 1 / (k + 1),
            "similar": 0.4 / (k + 1),
            "dissimilar": 0.6 / (k + 1),
            "active": 0.5 / (k + 1),
        }
        for k in range(12)
    ]
    same = np.arange(n).reshape(-1, 6)
    lines = np.concatenate([same[:, [0, j]] for j in range(1, 6)]).astype(np.int32)
    scene = {
        "title": "Airplane, 972 views",
        "typical": _typical(Z),
        "factors": [
            {
                "name": "azimuth",
                "kind": "cyclic",
                "period": 360,
                "array": "factor/0",
                "role": "kept",
            },
            {"name": "elevation", "kind": "number", "array": "factor/1", "role": "kept"},
            {
                "name": "lighting",
                "kind": "class",
                "values": [str(j) for j in range(6)],
                "array": "factor/2",
                "role": "ignored",
            },
        ],
        "sample": {"kind": "image", "shape": [24, 24], "channels": 1, "low": 0, "high": 255},
        "sprites": {"tile": [24, 24], "columns": 40, "rows": 40, "n": n, "sheets": 1},
        "groups": [{"factor": "lighting", "array": "lines/0"}],
        "watch": {"live": False, "history": history},
    }
    arrays = {
        "points": Z,
        "split": _split(n),
        "factor/0": azimuth.astype(np.float32),
        "factor/1": elevation.astype(np.float32),
        "factor/2": light.astype(np.int32),
        "lines/0": lines,
        "frames": frames.astype(np.float32),
    }
    return write_folder(folder, scene, arrays, {"sprites/0": sheet(images.astype(np.uint8), 40)})


def curves(folder):
    """Spectra of three kinds, each a sum of peaks."""
    rng = np.random.default_rng(0)
    n, kinds = 120, np.arange(120) % 3
    axis = np.linspace(800, 3000, 300)
    centres = np.array([[1000, 1700], [1200, 1700], [1000, 2900]])[kinds]
    peaks = np.exp(-(((axis - centres[:, :, None]) / 60) ** 2)) * rng.uniform(0.6, 1, (n, 2, 1))
    X = (peaks.sum(axis=1) + rng.normal(0, 0.02, (n, 300))).astype(np.float32)
    Z = principal(X, 2)
    scene = {
        "title": "Oils by their infrared spectra",
        "typical": _typical(Z),
        "factors": [
            {
                "name": "country",
                "kind": "class",
                "values": ["Greece", "Italy", "Spain"],
                "array": "factor/0",
                "role": "kept",
            }
        ],
        "sample": {
            "kind": "curve",
            "shape": [300],
            "axis": axis.tolist(),
            "channels": 1,
            "low": float(X.min()),
            "high": float(X.max()),
        },
    }
    arrays = {
        "points": Z,
        "split": _split(n),
        "factor/0": kinds.astype(np.int32),
        "samples": X,
    }
    return write_folder(folder, scene, arrays, names=[f"oil {i + 1}" for i in range(n)])


def rows(folder):
    """The wines of scikit-learn: rows of a table, in five components."""
    from sklearn.datasets import load_wine

    bunch = load_wine()
    X, y = bunch.data.astype(np.float32), bunch.target.astype(np.int32)
    Z = principal((X - X.mean(0)) / X.std(0), 5)
    scene = {
        "title": "Wines",
        "typical": _typical(Z),
        "factors": [
            {
                "name": "cultivar",
                "kind": "class",
                "values": [str(name) for name in bunch.target_names],
                "array": "factor/0",
                "role": "kept",
            }
        ],
        "sample": {
            "kind": "row",
            "shape": [13],
            "names": list(bunch.feature_names),
            "channels": 1,
            "low": float(X.min()),
            "high": float(X.max()),
        },
    }
    arrays = {"points": Z, "split": _split(len(Z)), "factor/0": y, "samples": X}
    return write_folder(folder, scene, arrays)


def many(folder, n, k=2):
    """A cloud of so many points, for measuring."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 2, (20, k))
    code = rng.integers(0, 20, n)
    Z = (centres[code] + rng.normal(0, 0.5, (n, k))).astype(np.float32)
    scene = {
        "title": f"{n:,} points",
        "typical": _typical(Z),
        "factors": [
            {
                "name": "cluster",
                "kind": "class",
                "values": [f"cluster {c + 1}" for c in range(20)],
                "array": "factor/0",
                "role": "kept",
            }
        ],
        "sample": {"kind": "row", "shape": [k], "channels": 1, "low": -1, "high": 1},
    }
    arrays = {"points": Z, "split": _split(n), "factor/0": code.astype(np.int32)}
    return write_folder(folder, scene, arrays)


def digits_shown():
    """The digit of each row of the scene of digits."""
    from sklearn.datasets import load_digits

    return load_digits().target[:1000]


def digit_images(n):
    """The first digits as bytes: (n, 8, 8)."""
    from sklearn.datasets import load_digits

    return _bytes(load_digits().images[:n])


def picture_of(row):
    """A digit as the bytes of a PNG."""
    from sklearn.datasets import load_digits

    return png(_bytes(load_digits().images[row]))


def points(folder, k):
    """The points of a scene, read back from its file."""
    return _numbers(folder / "data-points.js").reshape(-1, k)


def trail(folder, k):
    """The rows of the first trail of the scene of digits, and its points."""
    text = (folder / "scene.js").read_text()
    info = json.loads(text.split(".scene = ")[1].rstrip(";\n"))["trails"][0]
    points = _numbers(folder / "data-trail-0.js").reshape(len(info["rows"]), -1, k)
    return info["rows"], points


def _numbers(file):
    return np.frombuffer(base64.b64decode(file.read_text().split('"')[3]), np.float32)
