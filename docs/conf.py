"""Sphinx: the documentation."""

from drlim import __version__

project = "drlim"
author = "the drlim developers"
copyright = "2026, the drlim developers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
myst_enable_extensions = ["dollarmath"]
exclude_patterns = ["_build"]
autosummary_generate = True
autodoc_typehints = "none"  # shapes and meanings are in the docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
html_theme = "alabaster"
html_theme_options = {"description": "A map from what is similar alone", "fixed_sidebar": True}
