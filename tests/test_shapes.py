"""The types of arrays are checked while the tests run; what has none runs unwrapped."""

import dataclasses

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from drlim import DrLIM, SimilarityGraph
from drlim.losses._distances import distances_among
from drlim.networks._layers import Standardize
from drlim.pairs import PairSampler


@pytest.fixture
def batch():
    sampler = PairSampler(SimilarityGraph([(0, 1), (1, 2)], 3), batch_size=2, n_dissimilar=1)
    return next(iter(sampler.epoch(0)))


def test_an_array_of_another_type_is_refused_by_a_function_a_method_and_a_dataclass(batch):
    with pytest.raises(TypeCheckError):
        distances_among(torch.zeros(3))
    with pytest.raises(TypeCheckError):
        Standardize(0.0, 1.0)(np.zeros((3, 2)))
    with pytest.raises(TypeCheckError):
        dataclasses.replace(batch, points=batch.points[None])


def test_an_array_of_another_dtype_is_refused_as_the_value_of_a_property(batch):
    object.__setattr__(batch, "points", batch.points.astype(float))
    with pytest.raises(TypeCheckError):
        _ = batch.left


def test_a_function_without_an_array_in_its_signature_is_not_wrapped():
    assert not hasattr(DrLIM.fit, "__wrapped__")
    assert hasattr(distances_among, "__wrapped__")
