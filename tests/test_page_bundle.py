"""The page in the package is the one that its sources make, and asks nobody for anything."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
STATIC = ROOT / "src" / "drlim" / "exploring" / "static"


def digest_of_sources():
    names = [path.relative_to(WEB).as_posix() for path in (WEB / "src").iterdir()]
    digest = hashlib.sha256()
    for name in sorted([*names, "build.mjs", "package-lock.json"]):
        digest.update(f"{name}\n".encode())
        digest.update((WEB / name).read_bytes())
    return digest.hexdigest()


def test_the_bundle_is_as_new_as_its_sources():
    kept = (STATIC / "sources.sha256").read_text().strip()
    assert kept == digest_of_sources(), "the sources of the page have changed: run `make page`"


@pytest.mark.parametrize("name", ["index.html", "page.js", "page.css", "ort.js"])
def test_the_page_names_no_address_elsewhere(name):
    text = (STATIC / name).read_text(encoding="utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w{2,}[\w./-]*", text))
    # The name of a vocabulary, and a page that a message of onnxruntime-web names: never requested.
    known = {"http://www.w3.org/2000/svg", "https://web.dev/cross-origin-isolation-guide/"}
    assert addresses <= known


def test_the_page_has_no_script_or_style_in_its_markup():
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []


@pytest.mark.parametrize("name", ["page.js", "ort.js"])
def test_scripts_make_no_markup_of_text_and_run_no_text(name):
    text = (STATIC / name).read_text(encoding="utf-8")
    assert re.findall(r"\.(?:inner|outer)HTML|document\.write|\beval\(|new Function", text) == []
