"""Every annotated shape and dtype of drlim is checked at every call that a test makes."""

import random
import sys

import jaxtyping
import numpy as np
import pytest

# The hook rewrites modules while they are imported, so it must come before the first of them.
assert "drlim" not in sys.modules
jaxtyping.install_import_hook("drlim", "shapes.checked")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def fitted():
    """A map that tests may use and must not change."""
    from samples import X

    from drlim import DrLIM

    return DrLIM(max_epochs=2, random_state=0).fit(X)


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
