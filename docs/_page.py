"""Write the page of the airplane's map beside the documentation, which shows it live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import drlim
from drlim.declaration import Declaration
from drlim.experiments import _airplane
from drlim.experiments._run import Options

HERE = Path(__file__).parent

# What `_airplane.prior_knowledge` says, as a declaration: the page shows what is kept and ignored.
RULES = Declaration(
    ignore=["lighting"],
    keep=[
        {"factor": "azimuth", "step": 20, "period": 360},
        {"factor": "elevation", "step": 5},
    ],
)


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx write the page before it reads the documents."""
    (HERE / "_pages").mkdir(exist_ok=True)  # Sphinx looks for it earlier
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}


def _write(app: Any) -> None:
    options = Options(
        "norb", "", random_state=0, quick=False, download=False, say=lambda line: None
    )
    views = _airplane.load(options)
    map_ = drlim.load(HERE / "_static" / "airplane.drlim")
    map_.annotations_ = {"declaration": RULES.as_json()}
    drlim.explore(
        map_,
        views.data.subset(views.test),
        export=HERE / "_pages" / "airplane",
        title="A rendered airplane under six lamps: held-out views",
    )
