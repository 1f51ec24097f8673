"""The report of a proof: the verdict, the pictures, the numbers, and what is not concluded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drlim import baselines, plotting
from drlim._deprecated import renamed_arguments
from drlim._files import whole_folder
from drlim._version import REPORTING, versions
from drlim.datasets import Dataset
from drlim.declaration._evidence import Evidence
from drlim.declaration._recognition import Recognition
from drlim.declaration._rules import Rules
from drlim.declaration._schema import Declaration, Keep
from drlim.declaration._shown import classes_read, looked_at, nearest_strips
from drlim.estimator import DrLIM
from drlim.evaluation.invariance import MOST_FEATURES, Displacement
from drlim.evaluation.proof import IGNORED_CAPTION, KEPT_CAPTION, NOT_CONCLUDED, Ignored, Kept
from drlim.reporting import Picture, Viewer, page
from drlim.reporting._json import write_json
from drlim.reporting._machine import machine
from drlim.reporting._pages import InteractiveMap
from drlim.reporting._samples import SampleDrawer
from drlim.transforms import Change, beyond

# A map and its references, in the order of tables and pictures.
_NAMES = {
    "map": "the map",
    "untrained": "untrained network",
    "pca": "PCA",
    "samples": "samples",
    "colours": "colours alone",
    "cosine": "samples, cosine",
    "lda": "samples, shrinkage LDA",
    "features": "pretrained features, cosine",
    "features-lda": "pretrained features, shrinkage LDA",
}


@renamed_arguments(anyway="force")
def write_report(
    folder: Path,
    evidence: Evidence,
    map_: DrLIM,
    declaration: Declaration,
    *,
    rules: Rules | None = None,
    force: bool = False,
    interactive: InteractiveMap | None = None,
) -> list[Path]:
    """Write ``report.html``, ``proof.json`` and the pictures of a proof.

    Parameters
    ----------
    folder : path
        Made if it does not exist. Interrupted, the report leaves it as it was before.
    evidence : Evidence
        What `drlim.declaration.prove` found.
    map_ : DrLIM
    declaration : Declaration
    rules : Rules, optional
        Who was similar to whom, if the map was just learnt.
    force : bool, default=False
        Whether the map was learnt although no invariance could be promised.
    interactive : callable, optional
        ``(map_, held_out) -> HTML`` of a page in which the map can be explored, such as
        `drlim.exploring.held_out_page`. None: pictures alone.

    Returns
    -------
    list of path
        The files, the page first.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    settings = _settings(map_, declaration)
    with whole_folder(folder, last="proof.json", what="the report") as scratch:
        pictures = _pictures(evidence, declaration)
        html = page(
            "proof.html.j2",
            "what the map ignores, and what it keeps",
            [] if interactive else _viewers(evidence, declaration),
            {
                "interactive": interactive(map_, evidence.held_out) if interactive else "",
                "data": _data(evidence.held_out),
                "evidence": evidence,
                "not_concluded": NOT_CONCLUDED,
                "entries": evidence.proof.entries,
                "answers": evidence.answers,
                "unusual": evidence.unusual_lines,
                "foreign": evidence.unusual,
                "nearest": nearest_strips(evidence, map_, declaration),
                "looked_at": looked_at(evidence, map_),
                "classes": classes_read(evidence, map_, declaration),
                "how": SampleDrawer(evidence.held_out.X, evidence.held_out.feature_names).how,
                "promised_nothing": _PROMISED_NOTHING if force else "",
                "pictures": [picture.write(scratch) for picture in pictures],
                "tables": tables(evidence),
                "summary": [] if rules is None else rules.summary(),
                "skipped": list(evidence.held_out.skipped),
                "left_out": list(evidence.held_out.left_out),
                "repeats": list(evidence.repeats),
                "settings": json.dumps(settings, indent=2),
            },
        )
        (scratch / "report.html").write_text(html, "utf-8")
        write_json(scratch / "proof.json", {**evidence.as_json(), **settings})
    stems = [f"{picture.stem}.{kind}" for picture in pictures for kind in ("png", "svg")]
    return [folder / name for name in ("report.html", "proof.json", *stems)]


_PROMISED_NOTHING = (
    "Learnt with --force: too few similar pairs cross what should be ignored, so no invariance "
    "to it was promised."
)


def _data(held_out: Dataset) -> str:
    return (
        f"Measured on {len(held_out):,} held-out samples of {held_out.name}, none of which was "
        "learnt from."
    )


def _settings(map_: DrLIM, declaration: Declaration) -> dict[str, Any]:
    return {
        "declaration": declaration.as_json(),
        "scale": None if map_.scaling_ is None else str(map_.scaling_),
        "epochs": len(map_.history_),
        "versions": versions(REPORTING),
        "machine": machine(),
    }


Table = tuple[list[str], list[list[str]]]


def tables(evidence: Evidence) -> dict[str, Table]:
    """Lay out the numbers of a proof, each table under its caption."""
    laid = {}
    n_features = int(np.prod(evidence.held_out.X.shape[1:]))
    few = f" Samples are their first {MOST_FEATURES} principal components, of {n_features:,}."
    few = few if n_features > MOST_FEATURES else ""
    if evidence.proof.ignored:
        laid[IGNORED_CAPTION + few] = _ignored_table(evidence.proof.ignored)
    kept = [*evidence.proof.kept, *evidence.proof.unseen]
    if kept:
        laid[KEPT_CAPTION + few] = _kept_table(kept)
    for recognition in evidence.recognition:
        laid[
            f"{recognition.factor}: {_counted(recognition)}. 5-NN accuracy; retrieval: "
            "mean average precision; false rejects at 1 % false accepts and equal error rate of "
            f"same or different, with 95 % intervals.{_read_apart(recognition)}"
            f"{_tried_on_all(recognition)}{few}"
        ] = _recognition_table(recognition)
    return laid


def _read_apart(recognition: Recognition) -> str:
    if "map" not in recognition.through_learnt or "samples" in recognition.through_learnt:
        return ""
    return (
        " The neighbours of the map are learnt points, which its file holds; those of the "
        "references, which it does not hold, are others of these samples."
    )


def _tried_on_all(recognition: Recognition) -> str:
    if all(threshold.by != "all" for threshold in recognition.verification.values()):
        return ""
    return (
        " Of so few samples none were set apart: the threshold was tried on the samples that it "
        "was chosen on."
    )


def _counted(recognition: Recognition) -> str:
    n, n_classes, who = recognition.n, recognition.n_classes, recognition.who
    if who == "classes never seen":
        return f"{n:,} samples of {n_classes:,} {who}"
    return f"{n:,} {who} of {n_classes:,} classes"


def _ordered(names: Mapping[str, Any]) -> list[str]:
    return [name for name in _NAMES if name in names]


def _ignored_table(entries: Sequence[Ignored]) -> Table:
    rows = []
    for entry in entries:
        for name in _ordered(entry.leakage):
            worst = max(entry.leakage[name], key=lambda leak: leak.value)
            ratio = entry.orbit_ratio.get(name)
            rows.append(
                [
                    f"{entry.name}: {_NAMES[name]}",
                    f"{worst.value:.3f} ({worst.low:.3f} to {worst.high:.3f})",
                    worst.probe,
                    f"{entry.chance:.3f}",
                    "–" if ratio is None else f"{ratio:.3f}",
                ]
            )
    return ["ignored", "read", "probe", "chance", "orbit ratio"], rows


def _kept_table(entries: Sequence[Kept]) -> Table:
    rows = [
        [
            f"{entry.name}: {_NAMES[name]}",
            f"{entry.retention[name].value:.3f} "
            f"({entry.retention[name].low:.3f} to {entry.retention[name].high:.3f})",
            f"{entry.retention[name].chance:.3f}",
            entry.retention[name].measure,
        ]
        for entry in entries
        for name in _ordered(entry.retention)
    ]
    return ["kept", "value", "chance", "measure"], rows


def _recognition_table(recognition: Recognition) -> Table:
    rows = []
    for name in _ordered(recognition.knn_accuracy):
        verified = recognition.verification.get(name)
        rates = (None, None) if verified is None else (verified.false_rejects, verified.equal_error)
        rows.append(
            [
                _NAMES[name],
                f"{recognition.knn_accuracy[name]:.3f}",
                f"{recognition.mean_average_precision[name]:.3f}",
                *(
                    "–" if rate is None else f"{rate.value:.3f} ({rate.low:.3f} to {rate.high:.3f})"
                    for rate in rates
                ),
            ]
        )
    return ["map", "5-NN", "retrieval", "false rejects at 1 %", "equal error"], rows


def _pictures(evidence: Evidence, declaration: Declaration) -> list[Picture]:
    held_out = evidence.held_out
    Z, how = _in_the_plane(evidence.points["map"], declaration.map.random_state)
    shown = f"{len(held_out):,} held-out samples, which were not learnt from{how}"
    kept = [keep for keep in declaration.keep if keep.factor]
    pictures = [_map_by(Z, held_out, str(k.factor), k, f"{shown}: kept") for k in kept]
    pictures += [
        _map_by(Z, held_out, name, None, f"{shown}: ignored") for name in evidence.ignored_factors
    ]
    if held_out.X.ndim >= 3:
        caption = f"{shown}. One sample for each cell of a grid."
        figure = plotting.thumbnails(
            Z,
            _photographs(held_out.X),
            None,
            label_name="",
            title="The map, as its samples",
            caption=caption,
        )
        pictures.append(Picture("samples", figure, caption))
    return [*pictures, *(_moved_by(name, *curve) for name, curve in evidence.curves.items())]


def _moved_by(name: str, change: Change, curves: Mapping[str, Displacement]) -> Picture:
    strengths, inside = beyond(change)
    caption = (
        f"How far held-out samples move under {name}, in mean distances between two samples; "
        "shaded: the range that was trained on."
    )
    figure = plotting.displacement_curves(
        strengths.tolist(),
        {
            _NAMES[other]: (curves[other].mean, curves[other].low, curves[other].high)
            for other in _ordered(curves)
        },
        trained=(float(strengths[inside].min()), float(strengths[inside].max())),
        strength_name=name,
        title=f"How far it holds: {name}",
        caption=caption,
    )
    return Picture(f"displacement-{_stem(name)}", figure, caption)


def _map_by(Z: np.ndarray, data: Dataset, factor: str, keep: Keep | None, caption: str) -> Picture:
    caption = f"{caption} {factor}."
    figure = plotting.coloured(
        Z,
        data.factor(factor),
        value_name=factor,
        title=f"{factor}, {'ignored' if keep is None else 'kept'}",
        caption=caption,
        cyclic=keep is not None and keep.period is not None,
    )
    return Picture(f"map-{_stem(factor)}", figure, caption)


def _in_the_plane(Z: np.ndarray, seed: int) -> tuple[np.ndarray, str]:
    """Return points in the plane to draw, and words for how they were made."""
    if Z.shape[1] == 2:
        return Z, ""
    if Z.shape[1] == 1:
        return np.hstack([Z, np.zeros_like(Z)]), " (the second axis is empty)"
    flat = baselines.fitted_pca(Z, n_components=2, random_state=seed)(Z)
    return flat, f" (the two principal directions of {Z.shape[1]})"


def _viewers(evidence: Evidence, declaration: Declaration) -> list[Viewer]:
    Z, held_out = evidence.points["map"], evidence.held_out
    names = [k.factor for k in declaration.keep if k.factor]
    names += evidence.ignored_factors
    numbers = {
        name: np.asarray(np.unique(held_out.factor(name), return_inverse=True)[1], float)
        if held_out.factor(name).dtype.kind not in "iuf"
        else np.asarray(held_out.factor(name), float)
        for name in names
    }
    if Z.shape[1] != 3 or held_out.X.ndim < 3 or not numbers:
        return []
    grey = _grey(held_out.X)
    step = max(1, max(grey.shape[1:]) // 48)
    caption = (
        f"The map in space: {len(held_out):,} held-out samples. Drag to turn it, point at a "
        "sample to see it."
    )
    return [Viewer(caption, Z, numbers, grey[:, ::step, ::step])]


def _grey(X: np.ndarray) -> np.ndarray:
    images = np.asarray(X, np.float32)
    return images.mean(axis=1) if images.ndim == 4 else images


def _photographs(X: np.ndarray) -> np.ndarray:
    """Return images as they are drawn, those of three channels in colour."""
    if X.ndim != 4 or X.shape[1] != 3:
        return _grey(X)
    # No more pixels than a thumbnail of so many has.
    step = max(1, int(max(X.shape[2:]) * np.sqrt(len(X)) / 800))
    few = np.asarray(X[:, :, ::step, ::step], np.float32)
    return np.moveaxis(np.clip(few, 0, None), 1, -1)


def _stem(name: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in name)
