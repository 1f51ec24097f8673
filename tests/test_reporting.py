"""Pages: what they show is text, whatever it holds."""

import json
from html.parser import HTMLParser

import numpy as np

from drlim.experiments._run import Options, Result, Section, report
from drlim.reporting import Claim, Viewer

ODD = "</script><img src=x onerror=alert(1)>"


class Names(HTMLParser):
    """Collects the names of the elements of a page."""

    def __init__(self):
        super().__init__()
        self.names = []

    def handle_starttag(self, name, attributes):
        self.names.append(name)


def a_viewer(rng):
    return Viewer("a map", rng.normal(size=(3, 3)), {ODD: np.arange(3.0)}, np.ones((3, 4, 4)))


def test_the_name_of_a_factor_cannot_end_the_script_that_holds_it(rng):
    options = Options("name", "summary", 0, False, False, print)
    result = Result("digits", "", 1, 1, [], viewers=[a_viewer(rng)])
    read = Names()
    read.feed(report(ODD, [Section(options, result, {"total": 1.0}, "{}", [])]))
    assert "canvas" in read.names
    assert "img" not in read.names


def test_what_a_viewer_holds_is_json_that_gives_the_names_back(rng):
    viewer = a_viewer(rng)
    assert "<" not in viewer.as_json()
    assert json.loads(viewer.as_json())["factors"] == {ODD: [0, 1, 2]}


def test_a_claim_says_in_one_line_whether_it_holds():
    held, failed = (Claim("it is large", "a test", value, 0.5, ">=") for value in (0.75, 0.25))
    assert held.line.split() == ["holds", "0.75", ">=", "0.5", "it", "is", "large"]
    assert failed.line.split()[0] == "FAILED"
