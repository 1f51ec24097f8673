"""The type checker of jaxtyping's import hook: array shapes and dtypes, and nothing else.

Whether an int is given where a float is asked for is mypy's business, and what happens to a
value of the wrong type is drlim's own: its message is tested, so no checker may come before it.
"""

from collections.abc import Callable
from inspect import isclass
from typing import Any

from beartype import beartype
from jaxtyping import AbstractArray


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    function.__annotations__ = {
        name: annotation
        for name, annotation in function.__annotations__.items()
        if isclass(annotation) and issubclass(annotation, AbstractArray)
    }
    return beartype(function)
