"""Sphinx: the documentation."""

import sys
from pathlib import Path

from drlim import __version__

sys.path.insert(0, str(Path(__file__).parent))  # for _gallery, _math and _page

project = "drlim"
author = "the drlim developers"
copyright = "2026, the drlim developers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "_math",
    "_page",
]
html_math_renderer = "mathml"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
exclude_patterns = ["_build", "_pages", "gallery/*.py", "gallery/*.ipynb", "gallery/*.json"]
templates_path = ["_templates"]
autosummary_generate = True
default_role = "autolink"  # a name in a docstring links to its page, if it has one
autodoc_typehints = "none"  # shapes and meanings are in the docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
html_theme = "furo"
html_title = "drlim"
html_static_path = ["_static"]
html_extra_path = ["_pages"]
html_css_files = ["custom.css"]
html_theme_options = {"navigation_with_keys": True}
pygments_style, pygments_dark_style = "tango", "native"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"__\w+__\.py$",
    "image_scrapers": ("_gallery",),
    "reset_argv": "_gallery.quick",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,  # that page loads scripts from a network
}
