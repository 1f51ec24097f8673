"""The page in one file, for a report: the held-out samples on the map, to turn and point at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drlim._random import generator
from drlim.datasets import Dataset
from drlim.estimator import DrLIM
from drlim.exploring._export import data_scripts, script_of_scene, static
from drlim.exploring._known import HELD_OUT, SPLIT, known_of
from drlim.exploring._scene import Scene, scene_of

# A report is one file, and should stay one that a browser opens at once.
_MOST_SAMPLES = 2000
_MOST_BYTES = 4 * 10**6


def held_out_page(map_: DrLIM, held_out: Dataset) -> str:
    """Return the page of held-out samples as HTML that needs no other file.

    Of more than 2,000 samples as many are drawn at random. New samples are not mapped there.
    """
    if len(held_out) > _MOST_SAMPLES:
        rows = generator(0).permutation(len(held_out))[:_MOST_SAMPLES]
        held_out = held_out.subset(np.sort(rows))
    known = known_of(map_, held_out, "The map")
    split = np.full(len(known), HELD_OUT, np.uint8)
    scene = scene_of(replace(known, split=split, split_names=SPLIT))
    why = "this page is a part of a report; drlim explore maps new samples"
    return one_file(_lighter(scene.with_parts({"no_mapping": why, "no_proof": why})))


def _lighter(scene: Scene) -> Scene:
    """Leave out the numbers of samples that thumbnails show, or that are many."""
    samples = scene.arrays.get("samples")
    if samples is None or (scene.tile is None and samples.nbytes <= _MOST_BYTES):
        return scene
    arrays = {name: array for name, array in scene.arrays.items() if name != "samples"}
    described = {name: scene.description["arrays"][name] for name in arrays}
    return replace(scene, arrays=arrays, description={**scene.description, "arrays": described})


def one_file(scene: Scene) -> str:
    """Return a page as one HTML file, its scripts and its data in it."""
    scripts = [
        script_of_scene(scene.description),
        static("page.js").read_bytes(),
        *(content for _, content in data_scripts(scene)),
    ]
    # No text of a user may end the element of a script; in JSON the sign has an escape.
    scripts[0] = scripts[0].replace(b"<", b"\\u003c")
    style = static("page.css").read_text("utf-8")
    body = "".join(f"<script>{script.decode()}</script>\n" for script in scripts)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>The map</title>\n'
        f"<style>{style}</style>\n<body>\n{body}</body>\n</html>\n"
    )
