"""The wheel, installed where there is no checkout: it has all that drlim needs to run."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest
from samples import X

pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[1]

# One process: what costs most is to load torch.
USE = """
import sys
from pathlib import Path
import drlim
from drlim import cli
for line in ("fit sides.npz --keep side --epochs 1", "explore map.drlim sides.npz --export page"):
    sys.argv = ["drlim", *line.split()]
    cli.main()
print(Path(drlim.__file__).parent)
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """An environment with drlim's wheel; what drlim depends on is taken from this one."""
    folder = tmp_path_factory.mktemp("bare")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    [packages] = (folder / "env" / "lib").glob("python*/site-packages")
    # Only the folder itself: its own .pth files, such as that of the checkout, are not read.
    others = [sysconfig.get_path("purelib"), *(p for p in sys.path if "site-packages" in p)]
    (packages / "others.pth").write_text("\n".join(dict.fromkeys(others)))
    return folder


def run(bare, *words):
    done = subprocess.run(
        [bare / "env" / "bin" / words[0], *words[1:]],
        cwd=bare,
        env={"PATH": "/usr/bin:/bin", "HOME": str(bare), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_is_installed(bare):
    import drlim

    assert run(bare, "drlim", "--version").strip() == f"drlim {drlim.__version__}"


def test_a_map_is_learnt_proven_and_shown_without_the_checkout(bare):
    pytest.importorskip("jinja2")
    np.savez(bare / "sides.npz", X=X, side=np.arange(60) % 2)
    printed = run(bare, "python", "-c", USE)
    assert Path(printed.splitlines()[-1]).is_relative_to(bare)
    assert "<html" in (bare / "map-report" / "report.html").read_text()
    for name in ("index.html", "page.js", "page.css", "scene.js", "data-points.js"):
        assert (bare / "page" / name).stat().st_size > 0
