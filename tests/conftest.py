"""Every annotated shape and dtype of drlim is checked at every call that a test makes.

Tests call what is public. They replace a private name only where nothing else shows their law:

- the size of a block or a limit of memory, so that small samples need several blocks;
- what another party refuses: a full disk, a missing right, a server that does not answer;
- the address of a download, and the hashes of files that a test writes itself;
- the number of samples, epochs or trees of an experiment, so that it takes seconds.

Anywhere else a comment has the reason.
"""

import random
import sys

import numpy as np
import pytest
import shapes

# The hook rewrites modules while they are imported, so it must come before the first of them.
assert "drlim" not in sys.modules
shapes.install()


def pytest_collection_modifyitems(items):
    """Run pages without coverage, which slows training by a half; tests cover what they call."""
    for item in items:
        if item.path.suffix == ".md":
            item.add_marker("no_cover")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def fitted():
    """A map that tests may use and must not change."""
    from samples import X

    from drlim import DrLIM

    return DrLIM(max_epochs=2, random_state=0).fit(X)


@pytest.fixture(scope="module")
def few_trees():
    """Let probes have eight trees: most of their time, and beside the point of most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drlim.evaluation._models._N_TREES", 8)
        yield


@pytest.fixture
def untouched_globals():
    """Fail if the test moves a global generator: random's, numpy's or torch's."""
    import torch

    def states():
        _, keys, *position = np.random.get_state()  # noqa: NPY002
        return random.getstate(), keys.tolist(), position, torch.get_rng_state().tolist()

    before = states()
    yield
    assert states() == before
