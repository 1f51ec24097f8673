"""drlim: learn a small, reusable map from what is similar alone.

The public names, each loaded when it is first used, so that ``import drlim`` costs nothing:
torch and scikit-learn take seconds to load, and a command that only prints its help, or
code that only reads a graph, should not pay for them.
"""

from __future__ import annotations

import importlib

from drlim._version import __version__

TYPE_CHECKING = False  # as typing has it, which takes as long to load as an interpreter
if TYPE_CHECKING:
    from drlim import (
        baselines as baselines,
        callbacks as callbacks,
        checkpoints as checkpoints,
        datasets as datasets,
        declaration as declaration,
        evaluation as evaluation,
        experiments as experiments,
        graphs as graphs,
        losses as losses,
        networks as networks,
        pairs as pairs,
        plotting as plotting,
        training as training,
        transforms as transforms,
    )
    from drlim._errors import (
        DataWarning as DataWarning,
        DrlimError as DrlimError,
        FileError as FileError,
        InputError as InputError,
        LabelError as LabelError,
        MissingExtraError as MissingExtraError,
        TrainingWarning as TrainingWarning,
    )
    from drlim.datasets import Dataset as Dataset
    from drlim.declaration import Declaration as Declaration
    from drlim.estimator import DrLIM as DrLIM
    from drlim.exporting import export as export
    from drlim.graphs import SimilarityGraph as SimilarityGraph
    from drlim.loading import load as load


_HOME = {
    "Declaration": "drlim.declaration",
    "DrLIM": "drlim.estimator",
    "export": "drlim.exporting",
    "load": "drlim.loading",
    "Dataset": "drlim.datasets",
    "SimilarityGraph": "drlim.graphs",
    **dict.fromkeys(
        (
            "DataWarning",
            "DrlimError",
            "FileError",
            "InputError",
            "LabelError",
            "MissingExtraError",
            "TrainingWarning",
        ),
        "drlim._errors",
    ),
}
_MODULES = (
    "baselines",
    "callbacks",
    "checkpoints",
    "datasets",
    "declaration",
    "evaluation",
    "experiments",
    "graphs",
    "losses",
    "networks",
    "pairs",
    "plotting",
    "training",
    "transforms",
)

__all__ = [
    "DataWarning",
    "Dataset",
    "Declaration",
    "DrLIM",
    "DrlimError",
    "FileError",
    "InputError",
    "LabelError",
    "MissingExtraError",
    "SimilarityGraph",
    "TrainingWarning",
    "__version__",
    "baselines",
    "callbacks",
    "checkpoints",
    "datasets",
    "declaration",
    "evaluation",
    "experiments",
    "export",
    "graphs",
    "load",
    "losses",
    "networks",
    "pairs",
    "plotting",
    "training",
    "transforms",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"drlim.{name}")
    raise AttributeError(f"module 'drlim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
