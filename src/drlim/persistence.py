"""Deprecated: use `drlim.load` and `DrLIM.save`; this module goes in the next release."""

from __future__ import annotations

from drlim._deprecated import renamed_names

__all__: list[str] = []

__getattr__ = renamed_names(
    __name__,
    {name: f"drlim._persistence.{name}" for name in ("FORMAT_VERSION", "read_map", "write_map")},
)
