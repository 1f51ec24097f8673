"""The type checker of jaxtyping's import hook: array shapes and dtypes, and nothing else.

Whether an int is given where a float is asked for is mypy's business, and what happens to a
value of the wrong type is drlim's own: its message is tested, so no checker may come before it.
"""

import dataclasses
from collections.abc import Callable
from inspect import isclass
from typing import Any

import jaxtyping
from beartype import beartype

_jaxtyped = jaxtyping.jaxtyped


def install() -> None:
    """Check the array types of drlim in each function that has one, from the next import on.

    The hook wraps every function. Nine of ten have no array in their signature, and wrappers that
    check nothing made a training a third slower.
    """
    jaxtyping.jaxtyped = _jaxtyped_where_arrays
    jaxtyping.install_import_hook("drlim", "shapes.checked")


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    function.__annotations__ = {
        name: annotation
        for name, annotation in function.__annotations__.items()
        if _is_array(annotation, {})
    }
    return beartype(function)


def _jaxtyped_where_arrays(*, typechecker: Callable[..., Any]) -> Callable[..., Any]:
    wrap = _jaxtyped(typechecker=typechecker)
    return lambda decorated: wrap(decorated) if _has_arrays(decorated) else decorated


def _has_arrays(decorated: Any) -> bool:
    """Whether a function, a method or a class has an array in its signature."""
    if isclass(decorated):  # of classes, jaxtyping checks the constructors of dataclasses
        return dataclasses.is_dataclass(decorated) and _has_arrays(decorated.__init__)
    if isinstance(decorated, classmethod | staticmethod):
        return _has_arrays(decorated.__func__)
    if isinstance(decorated, property):
        return any(map(_has_arrays, filter(None, (decorated.fget, decorated.fset, decorated.fdel))))
    annotations = getattr(decorated, "__annotations__", {})
    return any(_is_array(annotation, decorated.__globals__) for annotation in annotations.values())


def _is_array(annotation: Any, names: dict[str, Any]) -> bool:
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, names)
        except Exception:  # a name that is imported for mypy alone: jaxtyping ignores these too
            return False
    return isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray)
