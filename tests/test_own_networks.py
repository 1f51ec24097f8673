"""Networks of the user's own: what is refused before learning, and what a file gives back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st
from torch import nn

from drlim import DrLIM, InputError, load

SAMPLES = np.random.default_rng(0).normal(size=(30, 4))


def _map(network, **changed):
    return DrLIM(**{"network": network, "max_epochs": 1, "random_state": 0, **changed})


class _Gives(nn.Module):
    """A linear network whose points are changed."""

    def __init__(self, change, n_in=4, n_out=2):
        super().__init__()
        self.layer, self.change = nn.Linear(n_in, n_out), change

    def forward(self, X):
        return self.change(self.layer(X), self.training)


def _frozen(shape, n):
    return nn.Linear(*shape, n).requires_grad_(False)


WRONG = {
    "tuple": (lambda s, n: _Gives(lambda Z, _: (Z, Z)), "tuple"),
    "dict": (lambda s, n: _Gives(lambda Z, _: {"points": Z}), "points"),
    "tuple while it trains": (
        lambda s, n: _Gives(lambda Z, trains: (Z, Z) if trains else Z),
        "tuple",
    ),
    "whole numbers": (lambda s, n: _Gives(lambda Z, _: Z.long()), "int64"),
    "bfloat16": (lambda s, n: nn.Linear(*s, n).bfloat16(), "bfloat16"),
    "float64": (lambda s, n: nn.Linear(*s, n).double(), "float64"),
    "frozen": (_frozen, "requires_grad"),
    "detached": (lambda s, n: _Gives(lambda Z, _: Z.detach()), "requires_grad"),
    "expects another width": (lambda s, n: nn.Linear(7, n), r"\(4,\)"),
    "gives another width": (lambda s, n: nn.Linear(*s, 7), r"\(2, 7\)"),
    "one axis too many": (lambda s, n: _Gives(lambda Z, _: Z[None]), r"\(1, 2, 2\)"),
}


@pytest.mark.fault("C5")
@pytest.mark.parametrize(("builder", "value"), WRONG.values(), ids=WRONG)
def test_a_network_that_cannot_learn_is_refused_in_one_sentence(builder, value):
    with pytest.raises(InputError, match=value) as refused:
        _map(builder).fit(SAMPLES)
    assert "\n" not in str(refused.value)


@pytest.mark.fault("C5")
def test_a_frozen_network_can_be_a_baseline():
    assert _map(_frozen, max_epochs=0).fit(SAMPLES).embedding_.shape == (30, 2)


class _Buffered(nn.Module):
    """A linear network with buffers, each of which the points depend on."""

    def __init__(self, shape, n, dtypes, persistent=True):
        super().__init__()
        self.layer = nn.Linear(*shape, n)
        for k, dtype in enumerate(dtypes):
            values = torch.tensor([1.0, 0.0]) if k % 2 else torch.tensor([[2.0]])
            self.register_buffer(f"b{k}", values.to(dtype), persistent=persistent)

    def forward(self, X):
        Z = self.layer(X)
        for buffer in self.buffers():
            Z = Z + buffer.sum().real.float()
        return Z


class _Tied(nn.Module):
    def __init__(self, shape, n):
        super().__init__()
        self.first = nn.Linear(*shape, *shape)
        self.second = nn.Linear(*shape, *shape)
        self.second.weight = self.first.weight
        self.last = nn.Linear(*shape, n)

    def forward(self, X):
        return self.last(self.second(self.first(X).tanh()))


class _PlainAttribute(nn.Module):
    """Points depend on a tensor that is no part of the state."""

    def __init__(self, shape, n, register=False):
        super().__init__()
        self.layer = nn.Linear(*shape, n)
        drawn = torch.rand(1)
        if register:
            self.register_buffer("drawn", drawn, persistent=False)
        else:
            self.drawn = drawn

    def forward(self, X):
        return self.layer(X) + self.drawn


def _lazy(shape, n):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(n))


def _normed(shape, n):
    return nn.utils.parametrizations.weight_norm(nn.Linear(*shape, n))


def _spectral(shape, n):
    return nn.utils.parametrizations.spectral_norm(nn.Linear(*shape, n))


def _orthogonal(shape, n):
    return nn.utils.parametrizations.orthogonal(nn.Linear(*shape, n))


def _batch_normed(shape, n):
    return nn.Sequential(nn.Linear(*shape, 8), nn.BatchNorm1d(8), nn.Linear(8, n))


class _ExtraState(nn.Linear):
    def get_extra_state(self):
        return {"any": "thing"}

    def set_extra_state(self, state):
        pass


BUILDERS = {
    "lazy": _lazy,
    "tied": _Tied,
    "weight_norm": _normed,
    "spectral_norm": _spectral,
    "orthogonal": _orthogonal,
    "batch norm": _batch_normed,
    "fixed buffer that is not persistent": lambda s, n: _Buffered(s, n, [torch.float32], False),
    "tensor that is no buffer": _PlainAttribute,
    "drawn buffer that is not persistent": lambda s, n: _PlainAttribute(s, n, True),
    "extra state": lambda s, n: _ExtraState(*s, n),
    "nine axes": lambda s, n: nn.Sequential(nn.Linear(*s, n), _NineAxes()),
}


class _NineAxes(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("axes", torch.ones([1] * 9))

    def forward(self, X):
        return X * self.axes.sum()


WRAPPERS = {
    "as it is": lambda map_: map_,
    "compiled": lambda map_: _with(map_, torch.compile(map_.network_)),
    "network compiled": lambda map_: _with(
        map_, nn.Sequential(map_.network_[0], torch.compile(map_.network_[1]))
    ),
    "parallel": lambda map_: _with(map_, nn.DataParallel(map_.network_)),
    "half": lambda map_: _with(map_, nn.Sequential(map_.network_[0], map_.network_[1].half())),
    "another network": lambda map_: _with(
        map_, nn.Sequential(map_.network_[0], nn.Sequential(map_.network_[1], nn.Tanh()))
    ),
    "no standardisation": lambda map_: _with(map_, map_.network_[1]),
}


def _with(map_, network):
    map_.network_ = network
    return map_


def _check_law(map_, builder, path):
    """What save accepts, load reads as the same map; what it refuses is not written."""
    plain = builder if callable(builder) else None
    try:
        map_.save(path)
    except InputError:
        assert not path.exists()
        return False
    found = load(path, network=plain)
    names = {name: value.dtype for name, value in found.network_.state_dict().items()}
    assert all(dtype not in (torch.bfloat16, torch.complex64) for dtype in names.values())
    network = getattr(map_.network_, "_orig_mod", getattr(map_.network_, "module", map_.network_))
    if not any(type(part).__name__ == "OptimizedModule" for part in network):
        np.testing.assert_array_equal(
            found.transform(SAMPLES), _with(map_, network).transform(SAMPLES)
        )
    else:  # compiling takes longer than the test may
        np.testing.assert_array_equal(found.transform(SAMPLES), map_.embedding_)
    path.unlink()
    return True


@pytest.mark.fault("C4")
@pytest.mark.parametrize("name", BUILDERS)
def test_a_map_is_saved_only_if_it_can_be_loaded(name, tmp_path):
    builder = BUILDERS[name]
    accepted = _check_law(_map(builder).fit(SAMPLES), builder, tmp_path / "map.drlim")
    assert accepted == (
        name
        not in {
            "tensor that is no buffer",
            "drawn buffer that is not persistent",
            "extra state",
            "nine axes",
        }
    )


@pytest.mark.fault("C4")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("builder", ["mlp", _batch_normed], ids=["mlp", "own"])
@pytest.mark.parametrize("name", WRAPPERS)
def test_a_network_that_was_wrapped_after_the_fit_is_saved_plain_or_refused(
    name, builder, tmp_path
):
    map_ = WRAPPERS[name](_map(builder).fit(SAMPLES))
    accepted = _check_law(map_, builder, tmp_path / "map.drlim")
    assert accepted == (name in {"as it is", "compiled", "network compiled", "parallel"})


DTYPES = [
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64),
]


@pytest.mark.fault("C4")
@given(dtypes=st.lists(st.sampled_from(DTYPES), min_size=1, max_size=3), persistent=st.booleans())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_buffers_of_every_dtype_come_back_or_are_refused(dtypes, persistent, tmp_path):
    def builder(shape, n):
        return _Buffered(shape, n, dtypes, persistent)

    map_ = _map(builder, max_epochs=0).fit(SAMPLES)
    accepted = _check_law(map_, builder, tmp_path / "map.drlim")
    unknown = {torch.bfloat16, torch.complex64} & set(dtypes)
    assert accepted == (not (persistent and unknown))


@pytest.mark.fault("C4")
def test_a_map_is_saved_with_the_network_it_was_fitted_with(tmp_path):
    map_ = _map("mlp").fit(SAMPLES).set_params(network="linear")
    map_.save(tmp_path / "map.drlim")
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(SAMPLES), map_.embedding_)


@pytest.mark.fault("C4")
def test_a_checkpoint_of_a_dtype_that_no_file_holds_is_refused_by_name(tmp_path):
    def builder(shape, n):
        return _Buffered(shape, n, [torch.bfloat16])

    with pytest.raises(InputError, match="bfloat16"):
        _map(builder).fit(SAMPLES, checkpoint=tmp_path)


BESIDE = "import torch\nfrom torch import nn\n\nWIDTH = 6\n"
FEATURES = """
import functools
from torch import nn
from beside_{n} import WIDTH
from drlim import networks

def body():
    return nn.Linear(4, WIDTH)

def build(sample_shape, n_components, weights=None):
    return networks.backbone(body, weights=weights)(sample_shape, n_components)
"""


def _project(folder, n):
    """Write a declaration whose builder imports a file beside it and reads weights beside it."""
    from safetensors.torch import save_file

    folder.mkdir()
    (folder / f"beside_{n}.py").write_text(BESIDE)
    (folder / f"features_{n}.py").write_text(FEATURES.format(n=n))
    save_file(nn.Linear(4, 6).state_dict(), folder / "weights.safetensors")
    rng = np.random.default_rng(0)
    pose = np.arange(60) % 3
    np.savez(folder / "x.npz", X=rng.normal(size=(60, 4)) + pose[:, None], pose=pose)
    (folder / "d.toml").write_text(
        'keep = ["pose"]\n[data]\npath = "x.npz"\n[map]\nmax_epochs = 1\n'
        f'[map.network]\nbuilder = "features_{n}:build"\nweights = "weights.safetensors"\n'
    )
    return folder


@pytest.mark.fault("C11")
@pytest.mark.fault("C13")
def test_a_declared_network_has_its_files_beside_the_declaration(tmp_path, monkeypatch):
    from drlim.declaration import open_map, run
    from drlim.exporting import export

    folder = _project(tmp_path / "project", 1)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    lines = []
    done = run(folder / "d.toml", Path("map.drlim"), say=lines.append)
    expected = done.fitted.map.transform(np.ones((3, 4)))
    # C13: the program stands in for the builder.
    assert any("program" in line for line in lines)
    alone = load("map.drlim")
    np.testing.assert_allclose(alone.transform(np.ones((3, 4))), expected, atol=1e-5)
    # C11: the map holds the weights, so that their file is not needed again.
    (folder / "weights.safetensors").unlink()
    monkeypatch.chdir(folder)
    again = open_map(tmp_path / "elsewhere" / "map.drlim", "features_1:build")
    np.testing.assert_array_equal(again.transform(np.ones((3, 4))), expected)
    assert export(again, tmp_path / "map.onnx").max_difference < 1e-5


@pytest.mark.fault("C11")
def test_weights_are_not_read_again_by_a_map_that_holds_them(tmp_path):
    from safetensors.torch import save_file

    from drlim import networks

    path = tmp_path / "weights.safetensors"
    save_file(nn.Linear(4, 6).state_dict(), path)
    builder = networks.backbone(lambda: nn.Linear(4, 6), weights=path)
    map_ = _map(builder).fit(SAMPLES)
    path.unlink()
    map_.save(tmp_path / "map.drlim")
    found = load(tmp_path / "map.drlim", network=builder)
    np.testing.assert_array_equal(found.transform(SAMPLES), map_.embedding_)


class _NoProgram(nn.Module):
    """A network that torch cannot translate."""

    def __init__(self, shape, n):
        super().__init__()
        self.layer = nn.Linear(*shape, n)

    def forward(self, X):
        Z = self.layer(X)
        return Z if float(Z.detach().sum()) > 0 else Z * 1


@pytest.mark.fault("C13")
def test_a_map_whose_network_is_no_program_says_what_it_needs(tmp_path):
    from drlim.declaration._run import _save

    map_ = _map(_NoProgram).fit(SAMPLES)
    lines = []
    _save(map_, tmp_path / "map.drlim", lines.append)
    assert "_NoProgram" in lines[0]
    with pytest.raises(InputError, match="_NoProgram"):
        load(tmp_path / "map.drlim")
    np.testing.assert_array_equal(
        load(tmp_path / "map.drlim", network=_NoProgram).transform(SAMPLES), map_.embedding_
    )
