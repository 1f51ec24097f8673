"""Values of factors are equal to the precision of their own dtype, wherever they are compared."""

import numpy as np
import pytest

from drlim import InputError
from drlim._values import alike, equals, is_in
from drlim.datasets import Dataset
from drlim.declaration import Declaration, rules, split
from drlim.evaluation.invariance import from_kept, leakage
from drlim.evaluation.proof import measure_kept
from drlim.evaluation.retention import retention
from drlim.evaluation.verification import judge_by
from drlim.graphs import adjacent, same

pytestmark = pytest.mark.fault("B11")
TENTHS = np.array([k / 10 for k in range(17)] * 2)
KEPT = {"factor": "depth", "tolerance": 0.01}
KINDS = ["float64", "float32", ">f4", ">f8", "longdouble"]


@pytest.mark.parametrize("dtype", [*KINDS, "float16"])
@pytest.mark.parametrize("start", [0, 1, 20])
def test_a_step_joins_the_same_pairs_in_every_dtype(dtype, start):
    grid = np.arange(17)
    wanted = adjacent(grid, 1)
    found = adjacent((start + grid / 10).astype(dtype), 0.1)
    assert found.edges.tolist() == wanted.edges.tolist()


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("start", [1e3, -1e4, 1e5])
def test_a_step_is_judged_at_the_precision_of_large_values(dtype, start):
    found = adjacent((start + np.arange(9) / 10).astype(dtype), 0.1)
    assert found.edges.tolist() == [[k, k + 1] for k in range(8)]


@pytest.mark.parametrize("dtype", KINDS)
def test_an_angle_closes_on_itself_in_every_dtype(dtype):
    turns = (np.arange(10) / 10).astype(dtype)
    ring = [[0, 1], [0, 9], *[[k, k + 1] for k in range(1, 9)]]
    assert adjacent(turns, 0.1, period=1).edges.tolist() == ring


@pytest.mark.parametrize("dtype", [*KINDS, "int64"])
def test_angles_a_whole_period_apart_are_the_same(dtype):
    X = np.random.default_rng(0).normal(size=(6, 3))
    azimuth = np.array([0, 90, 180, 360, 450, 270]).astype(dtype)
    declared = Declaration(keep=[{"factor": "azimuth", "step": 10, "period": 360}])
    similar = rules(declared, Dataset(X, {"azimuth": azimuth})).similar
    assert similar.edges.tolist() == [[0, 3], [1, 4]]


def test_a_dtype_too_coarse_for_the_step_joins_no_further_values():
    integers = np.arange(2048, 2060, 2).astype(np.float16)
    assert adjacent(integers, 0.1).n_edges == 0
    assert adjacent(integers, 2).n_edges == 5


@pytest.mark.parametrize("keep", [{"step": 0.1}, {"tolerance": 0.1}])
@pytest.mark.parametrize("dtype", KINDS)
def test_a_declaration_says_the_same_of_every_dtype(keep, dtype):
    X = np.random.default_rng(0).normal(size=(len(TENTHS), 3))
    declared = Declaration(keep=[{"factor": "depth", **keep}])
    wanted = rules(declared, Dataset(X, {"depth": TENTHS})).similar
    found = rules(declared, Dataset(X, {"depth": TENTHS.astype(dtype)})).similar
    assert found.edges.tolist() == wanted.edges.tolist()
    by_option = Declaration().with_options(keep=["depth:0.1"])
    if "step" in keep:
        again = rules(by_option, Dataset(X, {"depth": TENTHS.astype(dtype)})).similar
        assert again.edges.tolist() == wanted.edges.tolist()


@pytest.mark.parametrize("dtype", [*KINDS, "float16"])
def test_unseen_values_are_found_in_every_dtype(dtype):
    data = Dataset(np.eye(34), {"depth": TENTHS.astype(dtype)})
    declared = Declaration(keep=[KEPT], held_out={"unseen": {"depth": [0.1, 0.7]}})
    assert split(declared, data).unseen.tolist() == [1, 7, 18, 24]
    absent = Declaration(keep=[KEPT], held_out={"unseen": {"depth": [0.15]}})
    with pytest.raises(InputError, match=r"0\.15"):
        split(absent, data)


@pytest.mark.parametrize(
    ("factor", "value", "found"),
    [
        (np.array([1, 2]), 1, [1, 0]),
        (np.array([1, 2]), 1.0, [1, 0]),
        (np.array([1, 2]), "2", [0, 1]),
        (np.array([1, 2]), "two", [0, 0]),
        (np.array(["1", "x"]), 1, [1, 0]),
        (np.array(["0.1", "x"]), 0.1, [1, 0]),
        (np.array(["m5", "m6"]), "m5", [1, 0]),
        (np.array([0.1, 0.2], np.float32), "0.1", [1, 0]),
        (np.array([True, False]), True, [1, 0]),
        (np.array(["a", None, 1], object), None, [0, 1, 0]),
        (np.array([1, 300], np.int16), 300, [0, 1]),
        (np.array([1e30], np.float32), 1e300, [0]),
    ],
)
def test_what_a_user_writes_is_compared_as_the_factor_is(factor, value, found):
    assert equals(factor, value).tolist() == [bool(f) for f in found]


def test_learnt_and_held_out_values_of_two_dtypes_are_the_same_values(rng):
    half = TENTHS[:12].repeat(5)
    Z = np.stack([10 * half, rng.normal(size=60) / 9], axis=1)
    single = half.astype(np.float32)
    assert is_in(single, half).all()
    assert judge_by(single, half) == judge_by(half, half) == "sample"
    for learnt, held_out in ((half, single), (single, half)):
        kept = retention(Z, learnt, Z + 1e-4, held_out, kind="class", random_state=0)
        assert kept.value > 0.9
        leak = leakage(
            Z, held_out, kind="class", Z_train=Z, factor_train=learnt, probe="trees", random_state=0
        )
        assert leak.chance == pytest.approx(1 / 12)
        assert leak.accuracy > 0.9
        of_kept = from_kept(
            {"depth": held_out},
            np.arange(60) % 2,
            kept_train={"depth": learnt},
            factor_train=np.arange(60) % 2,
            random_state=0,
        )
        assert of_kept.n == 60
    found = measure_kept(
        "depth",
        {"map": Z},
        single,
        kind="class",
        train={"map": Z + 1e-4},
        factor_train=half,
        random_state=0,
    )
    assert found.n_left_out == 0


def test_equal_values_stay_equal_and_others_stay_apart():
    left, right = alike(np.array([0.1, 0.2]), np.array([0.1, 0.3], np.float32))
    assert (left == right).tolist() == [True, False]
    assert same(np.array([0.0, -0.0, 1.0])).edges.tolist() == [[0, 1]]
    assert same(np.array([2048, 2050], np.float16)).n_edges == 0
