"""The version of drlim, and the versions of what its numbers depend on."""

from __future__ import annotations

__version__ = "0.1.0"

# Map files and checkpoints name scikit-learn by its module, reports by its package; both spellings
# are part of a format. A map's numbers depend on the first four, its drawn figures on the others.
LEARNING = {
    "numpy": "numpy",
    "torch": "torch",
    "sklearn": "scikit-learn",
    "safetensors": "safetensors",
}
REPORTING = {name: name for name in ("numpy", "scipy", "scikit-learn", "torch")}


def versions(packages: dict[str, str]) -> dict[str, str]:
    """Return the installed versions of drlim, Python and `packages` (key to package name)."""
    # Slow to load, and `import drlim` needs none of it.
    import platform
    from importlib import metadata

    return {
        "drlim": __version__,
        "python": platform.python_version(),
        **{key: metadata.version(package) for key, package in packages.items()},
    }
