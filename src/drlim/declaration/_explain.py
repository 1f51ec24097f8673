"""What pydantic found wrong with a declaration, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from drlim._errors import nearest_name
from drlim.declaration._lines import TomlText


def message(
    error: ValidationError, parts: Mapping[str, Any], text: TomlText, model: type[BaseModel]
) -> str:
    """Turn the first error of pydantic into one sentence: the place, the rule, the value."""
    first, *others = error.errors()
    keys = _keys_of(first["loc"], parts)
    if first["type"] == "extra_forbidden":
        known = nearest_name(str(keys[-1]), _keys_at(keys[:-1], model))
        return f"{text.where(keys)}: there is no such key; {known}"
    if first["type"] == "missing":
        part = first["loc"][-1]
        what = repr(part) if isinstance(part, str) else f"item {part + 1}"
        return f"{text.where(keys)}: {what} is missing"
    # For a value of one type or another, pydantic gives an error for each of the types.
    errors = [first, *(other for other in others if _keys_of(other["loc"], parts) == keys)]
    rules = [_in_words(each["msg"].removeprefix("Value error, ")) for each in errors]
    return f"{text.where(keys)}: {', or '.join(rules)} (given: {_shown(first['input'])})"


def _in_words(rule: str) -> str:
    rule = re.sub(r"dictionary( or instance of \w+)?", "table", rule).replace("tuple", "list")
    return rule[0].lower() + rule[1:]


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) < 80 else f"{shown[:76]} ..."


def _keys_of(loc: Sequence[str | int], parts: Any) -> tuple[str | int, ...]:
    """Return the keys of pydantic's path that the user wrote, without the branches of unions."""
    keys: list[str | int] = []
    for part in loc:
        known = range(len(parts)) if isinstance(parts, list | tuple) else parts
        if isinstance(known, Mapping | range) and part in known:
            parts = parts[part]
            keys.append(part)
    return tuple(keys)


def _keys_at(keys: Sequence[str | int], model: Any) -> list[str]:
    for part in keys:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation)
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
