"""What a declared map is for, and what follows where nothing is set."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from drlim import recipes
from drlim._plan import COMPONENTS_FOR_CLASSES, COMPONENTS_FOR_NUMBERS
from drlim.datasets import Dataset
from drlim.declaration._resolve import Resolved
from drlim.declaration._schema import Declaration
from drlim.estimator import DrLIM
from drlim.evaluation._probes import kind_of


class Purpose(NamedTuple):
    """What follows from what a declaration keeps.

    Attributes
    ----------
    n_components : int
    reason : str
        Why, in a few words.
    new_classes : str or None
        The kept factor of which classes are to be told apart that were never learnt: one with
        values that are held out as never seen, or the first one of the recipe for verification;
        None if there is none.
    """

    n_components: int
    reason: str
    new_classes: str | None


def recipe_of(declaration: Declaration, X: np.ndarray) -> DrLIM | None:
    """Return the unfitted map of the declared recipe, for samples X; None if none is declared."""
    name = declaration.map.recipe
    return None if name is None else recipes.named(name, len(X), X.shape[1:])


def purpose_of(resolved: Resolved, learnt: Dataset) -> Purpose:
    """Return what follows from what a declaration keeps; numbers that are set stay as they are."""
    declaration = resolved.declaration
    kept = [keep for keep in declaration.keep if keep.factor is not None]
    kinds = {
        str(keep.factor): keep.kind or kind_of(learnt.factor(str(keep.factor)), keep.period)
        for keep in kept
    }
    classes = [name for name, kind in kinds.items() if kind == "class"]
    new_classes = next((name for name in classes if name in declaration.held_out.unseen), None)
    if declaration.map.recipe == "verification" and new_classes is None:
        new_classes = next(iter(classes), None)
    if declaration.map.n_components is not None:
        return Purpose(declaration.map.n_components, "as set", new_classes)
    recipe = recipe_of(declaration, learnt.X)
    if recipe is not None:
        reason = f"as the recipe {declaration.map.recipe} has"
        return Purpose(recipe.n_components, reason, new_classes)
    if classes:
        n, reason = COMPONENTS_FOR_CLASSES, f"to tell apart values of {classes[0]}"
    elif kinds:
        n, reason = COMPONENTS_FOR_NUMBERS, f"to read {next(iter(kinds))} from the map"
    elif declaration.pairs is not None or declaration.data.source:
        n, reason = COMPONENTS_FOR_CLASSES, "to tell the same from different"
    else:
        n, reason = 2, "to be looked at"
    n_features = int(np.prod(learnt.X.shape[1:]))
    if n > n_features:
        n, reason = n_features, f"{reason}; samples have no more features"
    return Purpose(n, reason, new_classes)
