"""What is declared, and what it makes of data: each error says where, each rule is a graph."""

import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from drlim import DrLIM, DrlimError, FileError, InputError
from drlim._errors import DataWarning
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, prove, read_data, rules, split
from drlim.declaration._repeats import find_repeats
from drlim.declaration._resolve import resolve
from drlim.evaluation.quality import knn_accuracy
from drlim.experiments import _airplane, _shift_invariant
from drlim.graphs import (
    SimilarityGraph,
    _approximate,
    _neighbors,
    adjacent,
    copies,
    mutual_neighbors,
    near_values,
    neighbors,
    same,
)
from drlim.transforms import shifted_copies

from_edges = SimilarityGraph.from_edges


@pytest.fixture
def read(tmp_path):
    """Read a declaration from a text."""

    def read(text):
        (tmp_path / "d.toml").write_text(text, "utf-8")
        return Declaration.read(tmp_path / "d.toml")

    return read


def crossed(n_each=4, **levels):
    """A dataset with each combination of the values of some factors, repeated."""
    values = np.meshgrid(*levels.values(), np.arange(n_each), indexing="ij")
    factors = {name: v.ravel() for name, v in zip(levels, values[:-1], strict=True)}
    n = values[0].size
    return Dataset(np.random.default_rng(0).normal(size=(n, 3)), factors)


LAMPS = crossed(lamp=[0, 1, 2], pose=[0, 10, 20, 30])


# What is written in the file.

FULL = """
keep = [
    "class",
    {factor = "azimuth", step = 20, period = 360},
]
ignore = ["lighting", {transform = "shift", range = [-3, 3], along = "both"}]
pairs = "pairs.csv"

[data]
path = "photographs"
factors = "/elsewhere/factors.csv"
size = [32, 48]
source = "specimen"

[held_out]
share = 0.25
unseen.class = ["sheep", "goat"]

[map]
n_components = 3
network = {name = "convnet", width = 8}
"""


def test_a_file_says_what_python_says(read, tmp_path):
    declared = read(FULL)
    assert declared.keep[0].factor == "class"
    assert (declared.keep[1].step, declared.keep[1].period) == (20, 360)
    assert (declared.ignore[0].factor, declared.ignore[0].transform) == ("lighting", None)
    assert (declared.ignore[1].range, declared.ignore[1].along) == ((-3, 3), "both")
    assert declared.held_out.unseen == {"class": ("sheep", "goat")}
    assert declared.map.network == {"name": "convnet", "width": 8}
    assert Declaration(**declared.as_json()).as_json() == declared.as_json()


def test_paths_in_a_file_are_relative_to_it(read, tmp_path):
    declared = read(FULL)
    assert declared.data.path == tmp_path / "photographs"
    assert declared.pairs.path == tmp_path / "pairs.csv"
    assert str(declared.data.factors) == "/elsewhere/factors.csv"
    assert declared.folder == tmp_path
    assert declared.with_options(keep=["pose"]).folder == tmp_path


def test_a_declaration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Declaration().keep = ()


# One message that names the key, the line, and the nearest name or the rule. Without a line it
# is what Python says of the same parts.

WRONG = {
    "an unknown key at the top": ('kep = ["a"]', 1, "kep", "did you mean 'keep'?"),
    "an unknown key in a table": (
        'keep = ["a"]\n# path = 1\n[data]\n\npth = "x"',
        5,
        "data.pth",
        "did you mean 'path'?",
    ),
    "an unknown table": ("[dta]\npath = 'x'", 1, "dta", "did you mean 'data'?"),
    "an unknown key by a dotted name": ("map.margn = 2", 1, "map.margn", "did you mean 'margin'"),
    "an unknown key of an inline table": (
        'keep = [\n  "a",  # ] keep = [\n  {factor = "b", stp = 3},\n]',
        3,
        "keep[1].stp",
        "known: across, factor, kind, neighbors, period, step, .*; did you mean 'step'?",
    ),
    "an unknown key of an array of tables": (
        '\n[[keep]]\nfactor = "a"\n\n\n[[keep]]\nfactor = "b"\n\nperod = 9\n\n[[keep]]\nfactor="c"',
        9,
        "keep[1].perod",
        "did you mean 'period'?",
    ),
    "a wrong type in an array of tables": (
        '[map]\nmargin = 2\n\n[[keep]]\nfactor = "a"\nstep = 1\n[[keep]]\nfactor="b"\nstep = "x"',
        9,
        "keep[1].step",
        r"valid number.*given: 'x'",
    ),
    "a wrong type of an item over several lines": (
        "[data]\ncolumns = [\n  'a',\n  # 'b',\n  '[,',\n  3, 'd',\n]",
        6,
        "data.columns[2]",
        "valid string.*given: 3",
    ),
    "a wrong type after strings of many lines": (
        'pairs = """\n[map] margin = \\""" " \n"""\n[data]\npath = \'\'\'\n\n\'\'\'\nskip_bad = "no!"',  # noqa: E501
        8,
        "data.skip_bad",
        "valid boolean.*given: 'no!'",
    ),
    "a table in an array of tables": (
        "[[keep]]\nfactor = 'a'\n[[keep]]\nfactor = 'b'\n[keep.stp]\nx = 1",
        5,
        "keep[1].stp",
        "did you mean 'step'",
    ),
    "a string of two lines": ('[data]\nsize = [\n"""\n""", 3]', 3, "data.size[0]", "integer"),
    "a key in quotes": ('[data]\n"path" = \'x\'\n"by" = 3', 3, "data.by", "valid string"),
    "an item that is no table": ("keep = ['a',\n3]", 2, "keep[1]", "valid table .given: 3"),
    "a string for a list": ("keep = 'class'", 1, "keep", "valid list .given: 'class'"),
    "a nested table": ("[held_out.unseen]\nclass = 3", 2, "held_out.unseen.class", "valid list"),
    "a table of a table": (
        "[held_out]\nshare = 0.5\n[held_out.unsen]\nclass = ['a']",
        3,
        "held_out.unsen",
        "did you mean 'unseen'",
    ),
    "one of several words": ("[data]\n\ncolour = 'gray'", 3, "data.colour", "'grey' or 'colour'"),
    "a fraction of a dimension": ("[map]\nn_components = 2.5", 2, "map.n_components", "integer"),
    "no dimension": ("[map]\nn_components = 0", 2, "map.n_components", "greater than or equal to"),
    "neither a number nor all": (
        "[map]\nn_dissimilar = 'many'",
        2,
        "map.n_dissimilar",
        "valid number.*, or input should be 'all' .given: 'many'",
    ),
    "no dissimilar pairs": ("[map]\nn_dissimilar = 0", 2, "map.n_dissimilar", "greater than 0"),
    "no margin": ("[map]\nmargin = 0", 2, "map.margin", "greater than 0"),
    "an infinite margin": ("[map]\nmargin = inf", 2, "map.margin", "finite"),
    "an infinite balance": ("[map]\nn_dissimilar = inf", 2, "map.n_dissimilar", "finite"),
    "no rate": ("[map]\nlearning_rate = 0", 2, "map.learning_rate", "greater than 0"),
    "fewer than no epochs": ("[map]\nmax_epochs = -1", 2, "map.max_epochs", "equal to 0"),
    "an empty batch": ("[map]\nbatch_size = 0", 2, "map.batch_size", "equal to 1"),
    "a seed below 0": ("[map]\nrandom_state = -1", 2, "map.random_state", "equal to 0"),
    "a network that is a number": ("[map]\nnetwork = 3", 2, "map.network", "string, or .*table"),
    "one side of two": ("[data]\nsize = [32]", 2, "data.size", "item 2 is missing"),
    "pairs without a path": ("[pairs]", 1, "pairs", "'path' is missing"),
    "all held out": ("[held_out]\nshare = 1.0", 2, "held_out.share", "less than 1"),
    "nothing held out": ("[held_out]\nshare = 0", 2, "held_out.share", "greater than 0"),
    "nothing to keep": ("keep = [{}]", 1, "keep[0]", "either a factor or a number of neighbors"),
    "two things to keep": (
        "keep = [{factor='a', neighbors=3}]",
        1,
        "keep[0]",
        "either a factor or a number of neighbors",
    ),
    "within without neighbours": ("keep = [{factor='a', within='b'}]", 1, "keep[0]", "belongs to"),
    "a step of neighbours": ("keep = [{neighbors=3, step=2}]", 1, "keep[0]", "belong to a factor"),
    "a step and a tolerance": (
        "keep = [{factor='a', step=2, tolerance=1}]",
        1,
        "keep[0]",
        "a step .* or a tolerance",
    ),
    "a period of a class": (
        "keep = [{factor='a', period=9, kind='class'}]",
        1,
        "keep[0]",
        "period belongs to a number",
    ),
    "a step of nothing": ("keep = [{factor='a', step=0}]", 1, "keep[0].step", "greater than 0"),
    "a period of nothing": (
        "keep = [{factor='a', step=1, period=0}]",
        1,
        "keep[0].period",
        "greater than 0",
    ),
    "a tolerance of nothing": (
        "keep = [{factor='a', tolerance=0}]",
        1,
        "keep[0].tolerance",
        "greater than 0",
    ),
    "no neighbours": ("keep = [{neighbors=0}]", 1, "keep[0].neighbors", "equal to 1"),
    "two things to ignore": (
        "ignore = [{factor='a', transform='shift'}]",
        1,
        "ignore[0]",
        "either a factor or a transform",
    ),
    "nothing to ignore": ("ignore = [{}]", 1, "ignore[0]", "either a factor or a transform"),
    "a factor with a range": (
        "ignore = [{factor='a', range=[0, 1]}]",
        1,
        "ignore[0]",
        "belong to a transform",
    ),
    "a weight without copies": (
        "ignore = [{transform='shift', range=[0, 1], weight=2}]",
        1,
        "ignore[0]",
        "give values",
    ),
    "a weight of nothing": (
        "ignore = [{transform='shift', values=[1], weight=0}]",
        1,
        "ignore[0].weight",
        "greater than 0",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_error_in_a_file_names_its_key_its_line_and_the_remedy(case, read, tmp_path):
    text, line, key, says = WRONG[case]
    with pytest.raises(InputError) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'd.toml'}, line {line}, {key}: ")
    assert re.search(says, message), message
    assert "\n" not in message
    assert message.count("given:") <= 1


@pytest.mark.parametrize("case", WRONG)
def test_python_says_the_same_without_a_line(case, read):
    import tomllib

    text, _, key, says = WRONG[case]
    with pytest.raises(InputError) as caught:
        Declaration(**tomllib.loads(text))
    assert str(caught.value).startswith(f"the declaration, {key}: ")
    assert re.search(says, str(caught.value))


def test_a_long_value_is_shown_in_part(read):
    with pytest.raises(InputError) as caught:
        read(f"keep = [{{factor = '{'a' * 500}', within = 'b'}}]")
    assert len(str(caught.value)) < 300


def test_text_that_is_not_toml_is_refused_with_its_line(read):
    with pytest.raises(InputError, match=r"d\.toml.*line 2"):
        read("keep = ['a']\nignore = 'a' 'b'")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "no text"])
def test_a_file_that_cannot_be_read_is_named(content, tmp_path):
    if content is not None:
        (tmp_path / "d.toml").write_bytes(content)
    with pytest.raises(FileError, match=r"d\.toml"):
        Declaration.read(tmp_path / "d.toml")


FILES = {
    "no data": ("[data]\n\npath = 'x.npy'", "line 3, data.path: .*x.npy is not there"),
    "no factors": (
        "[data]\npath = 'X.npy'\nfactors = 'y.csv'",
        "line 3, data.factors: .*y.csv",
    ),
    "no column of names": (
        "[data]\npath = 'images'\nfactors = 'f.csv'\nby = 'fil'",
        "line 4, data.by: .*'fil'.*'file'",
    ),
    "no feature": (
        "[data]\npath = 'f.csv'\ncolumns = ['clas']",
        "line 3, data.columns: .*'clas'.*'class'",
    ),
    "no path": ("keep = ['a']", "d.toml, data: .*data.path"),
    "no known ending": ("[data]\npath = 'd.toml'", "line 2, data.path: .*'.toml'"),
    "sizes that differ": (
        "\n[data]\npath = 'mixed'",
        r"line 2, data.size: .*size = \[4, 4\]",
    ),
    "a size of no images": (
        "[data]\npath = 'X.npy'\nsize = [8, 8]",
        "line 3, data.size: .*X.npy",
    ),
    "names of samples without names": (
        "[data]\npath = 'X.npy'\nfactors = 'f.csv'\nby = 'file'",
        "line 4, data.by: .*'file'",
    ),
    "other rows": (
        "[data]\npath = 'X.npy'\nfactors = 'f.csv'",
        "line 3, data.factors: .*2 .* 3 ",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_data_that_cannot_be_read_is_refused_with_its_key_and_line(case, read, tmp_path):
    from PIL import Image

    text, says = FILES[case]
    np.save(tmp_path / "X.npy", np.eye(3))
    (tmp_path / "f.csv").write_text("file,class\na.png,u\nb.png,v\n")
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.eye(4, dtype=np.uint8)).save(tmp_path / "images" / f"{name}.png")
    (tmp_path / "mixed").mkdir()
    for n in (4, 5):
        Image.fromarray(np.eye(n, dtype=np.uint8)).save(tmp_path / "mixed" / f"{n}.png")
    with pytest.raises(DrlimError, match=says):
        read_data(read(text))


def test_other_data_is_read_in_the_declared_way(read, tmp_path):
    (tmp_path / "a.csv").write_text("u,v,lamp\n1,2,x\n3,4,y\n")
    (tmp_path / "b.csv").write_text("v,u\n6,5\n")
    declared = read("data = {path = 'a.csv', columns = ['v', 'u']}")
    assert read_data(declared).X.tolist() == [[2, 1], [4, 3]]
    assert read_data(declared, tmp_path / "b.csv").X.tolist() == [[6, 5]]
    with pytest.raises(FileError, match=r"^[^,]*c\.csv"):  # it was not declared
        read_data(declared, tmp_path / "c.csv")


# The command line's short forms.


def test_short_options_are_added_to_what_is_declared(read, tmp_path):
    declared = read(FULL).with_options(
        keep=[
            "pose",
            "tilt:5",
            "turn:20:360",
            "neighbors:4",
            "neighbors:4:lamp",
            "neighbors:4::day",
            "neighbors:4:lamp:day",
        ],
        ignore=["blur", "rotation:-9:9"],
        data={"by": "file", "size": None},
        pairs=tmp_path / "other.csv",
        map={"n_components": None, "random_state": 7},
    )
    kept = [keep.model_dump(exclude_defaults=True) for keep in declared.keep[2:]]
    assert kept == [
        {"factor": "pose"},
        {"factor": "tilt", "step": 5},
        {"factor": "turn", "step": 20, "period": 360},
        {"neighbors": 4},
        {"neighbors": 4, "within": "lamp"},
        {"neighbors": 4, "across": "day"},
        {"neighbors": 4, "within": "lamp", "across": "day"},
    ]
    assert [ignore.name for ignore in declared.ignore] == ["lighting", "shift", "blur", "rotation"]
    assert declared.ignore[3].range == (-9, 9)
    assert (declared.data.by, declared.data.size) == ("file", (32, 48))
    assert declared.data.path == tmp_path / "photographs"
    assert declared.pairs.path == tmp_path / "other.csv"
    assert (declared.map.n_components, declared.map.random_state) == (3, 7)
    assert declared.held_out.unseen == {"class": ("sheep", "goat")}
    assert "line 4" in declared.where("keep", 1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"keep": ["a:1:2:3"]}, r"--keep 'a:1:2:3'"),
        ({"keep": ["neighbors"]}, r"--keep 'neighbors'"),
        ({"keep": ["neighbors:many"]}, r"keep\[0\].neighbors: .*integer"),
        ({"keep": ["a:near"]}, r"keep\[0\].step: .*number"),
        ({"ignore": ["shift:3"]}, r"--ignore 'shift:3'"),
        ({"ignore": ["shift:1:2:3"]}, r"--ignore 'shift:1:2:3'"),
        ({"ignore": ["shift:a:b"]}, r"ignore\[0\].range\[0\]: .*number"),
        ({"map": {"n_components": 0}}, r"map.n_components: .*greater"),
    ],
)
def test_short_options_that_cannot_be_read_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        Declaration().with_options(**options)


# Every check before training.

CONFOUNDED = Dataset(np.eye(8), {"lamp": np.repeat([0, 1], 4), "class": np.repeat([0, 1], 4)})
APART = Dataset(  # lamps 0 and 1 are joined, 2 and 3 too, and nothing joins the two halves
    np.eye(8), {"lamp": np.arange(8) % 2 + 2 * (np.arange(8) // 4), "class": np.arange(8) // 4}
)
UNLIKE = Dataset(np.eye(4), {"class": np.arange(4), "lamp": np.arange(4) % 2})
ALIKE = Dataset(np.eye(4), {"class": np.zeros(4), "lamp": np.arange(4) % 2})
IMAGES = Dataset(np.zeros((4, 8, 8)), {"class": np.arange(4) // 2})

CHECKS = {
    "a factor both ignored and kept": (
        "keep = ['pose']\nignore = [\n'lamp',\n'pose']",
        LAMPS,
        r"line 4, ignore\[1\]: 'pose' .*line 1, keep\[0\]",
    ),
    "an ignored factor that is missing": (
        "ignore = ['lampp']\nkeep = ['pose']",
        LAMPS,
        r"line 1, ignore\[0\]: .*'lampp'.*'lamp'",
    ),
    "a kept factor that is missing": (
        "keep = [\n'lamp',\n'posse']",
        LAMPS,
        r"line 3, keep\[1\]: .*'posse'.*'pose'",
    ),
    "a group of neighbours that is missing": (
        "[[keep]]\nneighbors = 2\nwithin = 'lam'",
        LAMPS,
        r"line 3, keep\[0\].within: .*'lam'.*'lamp'",
    ),
    "a source that is missing": (
        "keep = ['pose']\n[data]\nsource = 'pos'",
        LAMPS,
        r"line 3, data.source: .*'pos'.*'pose'",
    ),
    "a group that is missing": (
        "keep = ['pose']\n[data]\ngroup = 'pos'",
        LAMPS,
        r"line 3, data.group: .*'pos'.*'pose'",
    ),
    "a factor of unseen values that is missing": (
        "keep = ['pose']\n[held_out.unseen]\nposes = [1]",
        LAMPS,
        r"line 3, held_out.unseen.poses: .*'poses'.*'pose'",
    ),
    "an unknown transformation": (
        "keep = ['class']\nignore = [{transform = 'shifft'}]",
        IMAGES,
        r"line 2, ignore\[0\]: .*'shifft'.*'shift'",
    ),
    "a transformation of other samples": (
        "keep = ['pose']\nignore = ['lamp', 'rotation']",
        LAMPS,
        r"line 2, ignore\[1\]: .*'rotation'",
    ),
    "a range turned round": (
        "keep = ['class']\nignore = [{transform = 'shift', range = [3, -3]}]",
        IMAGES,
        r"line 2, ignore\[0\]: .*3",
    ),
    "a step in words": (
        "keep = [{factor = 'word', step = 2}]",
        Dataset(np.eye(3), {"word": np.array(["a", "b", "a"])}),
        r"line 1, keep\[0\]: .*<U1",
    ),
    "a period within the step": (
        "keep = ['lamp',\n{factor = 'pose', step = 20, period = 10}]",
        LAMPS,
        r"line 2, keep\[1\]: period is 10",
    ),
    "neighbours beside a step": (
        "keep = [{factor = 'pose', step = 10},\n{neighbors = 2}]",
        LAMPS,
        r"line 1, keep\[0\]: 'pose' .*line 2, keep\[1\]",
    ),
    "more neighbours than there are": (
        "keep = ['pose',\n{neighbors = 12}]",
        LAMPS,
        r"line 2, keep\[1\]: n_neighbors is 12",
    ),
    "nothing declared": ("", LAMPS, "keeps nothing and ignores nothing"),
    "nothing similar": ("keep = ['class']", UNLIKE, "no two samples are similar"),
    "nothing but an ignored factor": ("ignore = ['lamp']", LAMPS, "no two samples are similar"),
    "everything similar": ("keep = ['class']", ALIKE, "all 4 samples are similar to each other"),
    "a factor with one value": (
        "keep = ['lamp']\nignore = ['class']",
        ALIKE,
        r"line 2, ignore\[0\]: 'class' .*0.0",
    ),
}
CONFUSED = {
    "confounded": (
        "keep = ['class']\nignore = ['lamp']",
        CONFOUNDED,
        r"line 2, ignore\[0\]: 0.00% .*'lamp'.*--force",
    ),
    "values never joined": (
        "keep = ['class']\nignore = ['lamp']",
        APART,
        r"line 2, ignore\[0\]: .*lamp '0' to '2', '3'",
    ),
}


@pytest.mark.parametrize("case", CHECKS | CONFUSED)
def test_what_cannot_be_learnt_is_refused_before_training(case, read):
    text, data, says = (CHECKS | CONFUSED)[case]
    with pytest.raises(InputError, match=f"(?s){says}"):
        rules(read(text), data)


@pytest.mark.parametrize("case", CONFUSED)
def test_force_lets_confounded_data_pass_and_nothing_else(case, read):
    text, data, _ = CONFUSED[case]
    assert rules(read(text), data, force=True).crossing["lamp"] < 0.7
    with pytest.raises(InputError, match="similar"):
        rules(Declaration(keep=["class"]), UNLIKE, force=True)


@pytest.mark.parametrize(("n_crossing", "passes"), [(1, False), (2, True)])
def test_one_similar_pair_in_a_hundred_must_cross_an_ignored_factor(n_crossing, passes, tmp_path):
    # 150 pairs within each lamp's own samples come from a chain, and a few more lead across.
    n = 151
    lamp = np.repeat([0, 1], [100, n - 100])
    chain = [(i, i + 1) for i in range(n - 1) if lamp[i] == lamp[i + 1]]
    lines = [f"{i},{j}" for i, j in chain + [(k, n - 1 - k) for k in range(n_crossing)]]
    (tmp_path / "pairs.csv").write_text("left,right\n" + "\n".join(lines))
    declaration = Declaration(ignore=["lamp"], pairs=str(tmp_path / "pairs.csv"))
    data = Dataset(np.zeros((n, 2)), {"lamp": lamp})
    if passes:
        assert rules(declaration, data).crossing["lamp"] == pytest.approx(2 / 151)
    else:
        with pytest.raises(InputError, match=r"0.67%.*'lamp'"):
            rules(declaration, data)


def test_what_was_found_is_summarised_in_lines():
    factor = np.array([0, 0, 0, 1, 1, 2])
    data = Dataset(np.eye(6), {"class": factor, "lamp": np.array([0, 1, 0, 1, 0, 0])})
    found = rules(Declaration(keep=["class"], ignore=["lamp"]), data)
    assert found.summary() == [
        "4 similar pairs among 6 samples:",
        "  4 by: near in class",
        "75.0% of them cross lamp, which is ignored",
        "2 connected parts",
        "1 sample has no similar partner and can only be pushed away from the others: there is "
        "one sample of class 2; add others of it, or leave it out",
    ]


def test_an_approximate_search_for_neighbours_is_named_in_the_summary(monkeypatch):
    X = np.random.default_rng(0).normal(size=(300, 4))
    data = Dataset(X, {"lamp": np.arange(300) % 2})
    declaration = Declaration(keep=[{"neighbors": 3}], ignore=["lamp"])
    assert "approximately" not in "\n".join(rules(declaration, data).summary())
    monkeypatch.setattr(_neighbors, "_MANY_ROWS", 100)
    found = (_neighbors.nearest_rows(X, 3)[0], 0.987)
    monkeypatch.setattr(_approximate, "nearest_nearly", lambda X, k, progress: found)
    said = rules(declaration, data).summary()
    assert "neighbours were searched for approximately: 98.7% of them found" in said


def test_each_rule_says_how_many_pairs_it_made(read):
    declared = read(
        "keep = ['lamp', {factor = 'pose', step = 10, period = 40}]\ndata.source = 'pose'"
    )
    said = "\n".join(rules(declared, LAMPS).summary())
    assert "by: near in lamp and pose (step 10, period 40)" in said
    assert "by: of one pose" in said
    assert "by: near another of its pose" in said
    assert "1 connected part\n" in f"{said}\n"
    tolerant = rules(Declaration(keep=[{"factor": "pose", "tolerance": 2.5}]), LAMPS)
    assert "near in pose (tolerance 2.5)" in tolerant.by_rule
    nearest = rules(Declaration(keep=[{"neighbors": 2, "within": "lamp"}]), LAMPS)
    assert "near in 2 nearest neighbours (within lamp)" in nearest.by_rule


# What is near.


def similar(data=LAMPS, **parts):
    return rules(Declaration(**parts), data).similar


def test_large_classes_are_combined_and_checked_without_writing_their_pairs_out(rng):
    pose, scale, lamp = rng.integers(0, 4, (3, 30_000))
    data = Dataset(np.zeros((30_000, 1)), {"pose": pose, "scale": scale, "lamp": lamp})
    for kept in (["pose"], ["pose", "scale"]):
        found = rules(Declaration(keep=kept, ignore=["lamp"]), data)
        assert "_keys" not in vars(found.similar)
        left, right = found.similar.edges_at(rng.integers(0, found.similar.n_edges, 10_000)).T
        assert found.crossing["lamp"] == pytest.approx((lamp[left] != lamp[right]).mean(), abs=0.02)
    with pytest.raises(InputError, match=r"0.00%.*'scale'"):
        rules(
            Declaration(keep=["pose"], ignore=["scale"]),
            Dataset(data.X, {"pose": pose, "scale": pose}),
        )


def test_one_class_is_equal_values():
    assert similar(keep=["pose"]) == same(LAMPS.factor("pose"))


def test_two_kept_factors_must_agree_both():
    both = same(LAMPS.factor("pose")) & same(LAMPS.factor("lamp"))
    assert similar(keep=["pose", "lamp"]) == both == similar(keep=["lamp", "pose"])


def test_a_step_makes_neighbours_on_the_grid_similar_and_a_period_closes_it():
    pose = LAMPS.factor("pose")
    open_ = similar(keep=[{"factor": "pose", "step": 10}])
    assert open_ == same(pose) | adjacent(pose, 10)
    closed = similar(keep=[{"factor": "pose", "step": 10, "period": 40}])
    assert closed == same(pose) | adjacent(pose, 10, period=40)
    assert (closed - open_).n_edges == 12 * 12


def test_a_gap_of_the_hold_out_does_not_cut_a_ring_and_is_named():
    thing, azimuth = (part.ravel() for part in np.meshgrid([0, 1, 2], np.arange(0, 360, 5)))
    data = Dataset(np.zeros((216, 1)), {"thing": thing, "azimuth": azimuth})
    missing = (thing == 1) & np.isin(azimuth, [0, 5, 10, 200]) | (thing == 2) & (azimuth == 90)
    declared = Declaration(keep=["thing", {"factor": "azimuth", "step": 5, "period": 360}])
    rows = np.flatnonzero(~missing)
    found = rules(declared, data, rows)
    assert (found.similar.degree == 2).all()
    assert len(set(found.similar.components)) == 3
    bridged = adjacent(azimuth[rows], 5, period=360, within=thing[rows])
    assert found.similar == bridged
    [line] = [line for line in found.summary() if "bridged" in line]
    assert "3 gaps in azimuth" in line
    assert "20" in line
    assert "bridged" not in "\n".join(rules(declared, data).summary())


@pytest.mark.parametrize(
    ("keep", "values", "expected"),
    [
        ([{"factor": "a", "step": 1}], [0, 1, 2, 20, 21, 22], ["2 parts", "1 gap", "larger step"]),
        ([{"factor": "a", "tolerance": 1}], [0, 1, 5, 6, 6, 5], ["2 parts", "tolerance of a"]),
        (["a"], [0, 0, 0, 1, 1, 2], ["1 sample has", "one sample of a 2"]),
        ([{"factor": "a", "step": 1}], [0, 1, 2, 2, 1, 9], ["1 sample has", "1 gap", "step"]),
        ([{"neighbors": 1}], [0, 1, 10, 11, 20, 21], ["3 parts", "more neighbors than 1"]),
        (["a"], [0, 0, 1, 1, 2, 2], []),
        ([{"factor": "a", "step": 1}], [0, 1, 2, 3, 5, 5], []),
        ([{"neighbors": 1, "within": "half"}], [0, 1, 2, 10, 11, 12], []),
    ],
)
def test_parts_that_nothing_explains_and_lonely_samples_are_told_with_their_remedy(
    keep, values, expected
):
    values = np.array(values)
    data = Dataset(values[:, None] * 1.0, {"a": values, "half": np.arange(6) // 3})
    found = rules(Declaration(keep=keep), data)
    assert len(found.faults) == bool(expected)
    assert all(part in found.faults[0] for part in expected)
    assert found.summary()[-1:] == list(found.faults) or not expected
    moved = Declaration(keep=keep, ignore=[{"transform": "noise"}])
    assert not [line for line in rules(moved, data).faults if "partner" in line]


def test_a_fit_from_python_warns_of_what_hinders_learning():
    data = crossed(n_each=3, a=[0, 1, 20, 21])
    declared = Declaration(keep=[{"factor": "a", "step": 1}], map={"max_epochs": 1})
    with pytest.warns(DataWarning, match="2 parts.*1 gap"):
        fit(declared, data)


def test_measured_values_within_a_tolerance_count_as_equal():
    data = Dataset(np.eye(4), {"angle": np.array([0.0, 0.4, 0.9, 5.0])})
    graph = similar(data, keep=[{"factor": "angle", "tolerance": 0.5}])
    assert graph.edges.tolist() == [[0, 1], [1, 2]]


def test_a_tolerance_closes_around_a_period():
    data = Dataset(np.eye(5), {"angle": np.array([0.25, 3.0, 120.0, 359.5, 720.5])})
    graph = similar(data, keep=[{"factor": "angle", "tolerance": 2.5, "period": 360}])
    assert graph.edges.tolist() == [[0, 3], [0, 4], [1, 4], [3, 4]]
    by_option = Declaration().with_options(keep=["angle::360"], tolerance=["angle:2.5"])
    assert rules(by_option, data).similar == graph
    with pytest.raises(InputError, match="period"):
        similar(data, keep=[{"factor": "angle", "tolerance": 3, "period": 2}])
    nearest = similar(data, keep=[{"factor": "angle", "period": 360}])
    assert nearest == near_values(data.factor("angle"), period=360)


def test_of_two_factors_with_steps_one_at_most_may_differ():
    data = crossed(n_each=1, a=[0, 1, 2], b=[0, 1, 2], lamp=[0, 1])
    a, b = data.factor("a"), data.factor("b")
    steps = [{"factor": "a", "step": 1}, {"factor": "b", "step": 1}]
    graph = similar(data, keep=steps)
    expected = (adjacent(a, 1) & same(b)) | (adjacent(b, 1) & same(a)) | (same(a) & same(b))
    assert graph == expected
    assert not graph.has(0, 8)  # (0, 0) and (1, 1)
    with_tolerance = similar(data, keep=[steps[0], {"factor": "b", "tolerance": 1}])
    assert with_tolerance.has(0, 8)


def test_the_airplane_declared_is_the_papers_rule():
    azimuth, elevation, lighting = (
        values.ravel()
        for values in np.meshgrid(np.arange(0, 360, 20), np.arange(30, 71, 5), np.arange(6))
    )
    factors = {"azimuth": azimuth, "elevation": elevation, "lighting": lighting}
    data = Dataset(np.zeros((len(azimuth), 1)), factors)
    rows = np.random.default_rng(0).permutation(len(data))[:660]
    declared = Declaration(
        ignore=["lighting"],
        keep=[
            {"factor": "azimuth", "step": 20, "period": 360},
            {"factor": "elevation", "step": 5},
        ],
    )
    found = rules(declared, data, rows)
    assert found.similar == _airplane.prior_knowledge(data.subset(rows))
    assert 0.8 < found.crossing["lighting"] < 0.9


def test_neighbours_are_those_of_the_samples():
    assert similar(keep=[{"neighbors": 3}]) == neighbors(LAMPS.X, 3)


def test_neighbours_are_looked_for_within_a_group_and_what_else_is_kept():
    lamp, pose = LAMPS.factor("lamp"), LAMPS.factor("pose")
    within = similar(keep=[{"neighbors": 2, "within": "lamp"}])
    assert within == neighbors(LAMPS.X, 2, within=lamp)
    beside = similar(keep=["pose", {"neighbors": 2}])
    assert beside == neighbors(LAMPS.X, 2, within=pose)
    both = similar(keep=["pose", {"neighbors": 2, "within": "lamp"}])
    assert both == neighbors(LAMPS.X, 2, within=100 * lamp + pose)
    two = similar(keep=[{"neighbors": 1}, {"neighbors": 2, "within": "lamp"}])
    assert two == neighbors(LAMPS.X, 1) | within


def test_neighbours_across_a_factor_are_those_of_one_value_and_mutual_ones_between_two():
    lamp, pose = LAMPS.factor("lamp"), LAMPS.factor("pose")
    across = similar(keep=[{"neighbors": 2, "across": "lamp"}])
    near, mutual = neighbors(LAMPS.X, 2, within=lamp), mutual_neighbors(LAMPS.X, lamp, 2)
    assert across == near | mutual | near @ mutual | near @ mutual @ near
    both = similar(keep=[{"neighbors": 2, "across": "lamp", "within": "pose"}])
    near = neighbors(LAMPS.X, 2, within=100 * lamp + pose)
    mutual = mutual_neighbors(LAMPS.X, lamp, 2, within=pose)
    assert both == near | mutual | near @ mutual | near @ mutual @ near
    for wrong in ({"factor": "pose"}, {"neighbors": 2, "within": "lamp"}):
        with pytest.raises(InputError, match="across"):
            Declaration(keep=[{**wrong, "across": "lamp"}])
    with pytest.raises(InputError, match=r"keep\[0\].across.*lamb"):
        similar(keep=[{"neighbors": 2, "across": "lamb"}])


def test_a_shift_between_batches_is_removed_without_labels(rng):
    """Kinds in other mixtures, of which the second batch lacks one, and a shift of the batch."""
    kind = np.concatenate([rng.integers(0, 3, 120), np.sort(rng.integers(1, 5, 120) // 3 + 1)])
    batch = np.repeat(["first", "second"], 120)
    X = np.zeros((240, 6))
    X[:, :3] = 8 * np.eye(3)[kind]
    X[:, 4] = 5 * (batch == "second")
    X += rng.normal(size=X.shape)
    data = Dataset(X, {"batch": batch, "kind": kind})
    declared = Declaration(
        keep=[{"neighbors": 5, "across": "batch"}],
        ignore=["batch"],
        map={
            "network": "linear",
            "n_components": 3,
            "n_dissimilar": 5,
            "max_epochs": 12,
            "learning_rate": 4e-3,
        },
    )
    found = rules(declared, data)
    left, right = found.similar.edges.T
    crossing = batch[left] != batch[right]
    assert (kind[left] == kind[right])[crossing].mean() > 0.95
    done = fit(declared, data)
    Z, held_out = done.map.transform(done.held_out.X), done.held_out
    shared = np.isin(held_out.factor("kind"), [1, 2])
    here = held_out.factor("batch") == "first"
    centres = [
        Z[shared & some & (held_out.factor("kind") == k)].mean(axis=0)
        for k in (1, 2)
        for some in (here, ~here)
    ]
    shift = max(np.linalg.norm(centres[k] - centres[k + 1]) for k in (0, 2))
    apart = np.linalg.norm(centres[0] - centres[2])
    assert shift < 0.3 * apart  # of the samples: 0.44
    points = done.map.transform(done.learnt.X)
    assert knn_accuracy(points, done.learnt.factor("kind"), Z, held_out.factor("kind")) > 0.9


def test_samples_of_one_source_are_similar_and_those_near_another_of_it():
    # Three specimens on two instruments; 0 and 1 are near each other on instrument 0 alone.
    X = np.array([[0.0], [1.0], [50.0], [100.0], [300.0], [310.0]])
    data = Dataset(X, {"specimen": np.array([0, 1, 2, 0, 1, 2]), "tool": np.arange(6) // 3})
    declared = Declaration(
        keep=[{"neighbors": 1, "within": "tool"}], ignore=["tool"], data={"source": "specimen"}
    )
    found = rules(declared, data)
    near, copy = neighbors(X, 1, within=data.factor("tool")), copies(data.factor("specimen"))
    assert found.similar == near | copy | near @ copy
    joined = SimilarityGraph.empty(6)
    for graph in found.by_rule.values():
        assert (joined & graph).n_edges == 0  # each pair is counted for one rule
        joined = joined | graph
    assert joined == found.similar
    assert found.why(0, 3) == found.why(3, 0) == ["of one specimen"]
    assert found.why(0, 4) == ["near another of its specimen"]
    assert found.why(0, 1) == ["near in 1 nearest neighbours (within tool)"]
    alone = rules(Declaration(ignore=["tool"], data={"source": "specimen"}), data)
    assert alone.similar == copy


def test_a_pair_of_one_source_is_explained_by_that_rule_and_not_by_nearness():
    data = Dataset(np.eye(6), {"kind": np.arange(6) % 2, "of": np.array([0, 1, 0, 1, 2, 3])})
    found = rules(Declaration(keep=["kind"], data={"source": "of"}), data)
    assert found.why(0, 2) == ["near in kind", "of one of"]
    assert found.why(0, 4) == ["near in kind"]
    assert found.similar == same(data.factor("kind"))


@pytest.fixture(scope="module")
def digits():
    """Blobs at random places: images whose neighbours a shift by a few pixels does not change."""
    rng = np.random.default_rng(0)
    X = np.zeros((40, 20, 20))
    X[:, 5:15, 8:12] = rng.uniform(size=(40, 10, 4))
    return Dataset(X)


def test_copies_of_listed_values_are_the_closure_of_the_papers_rule(digits):
    """The paper joins copies, neighbours at one shift, and copies of neighbours.

    Declared, every copy of a sample is joined to every copy of what is similar to it. Where a
    sample's neighbours are the same at every shift, as here, both are one graph; where the
    border cuts what is shifted, the paper's neighbours at a shift may be others.
    """
    shifted = shifted_copies(digits, [-6, -3, 3, 6])
    declared = rules(Declaration(keep=[{"neighbors": 5}]), digits).similar.copied(5)
    assert declared == _shift_invariant.prior_knowledge(shifted)


def test_the_papers_rules_of_copies_are_all_in_the_closure():
    # Noise to the border: a shift cuts some of it off, and the neighbours at a shift are others.
    data = Dataset(np.random.default_rng(0).uniform(size=(40, 8, 8)))
    shifted = shifted_copies(data, [-2, 2])
    closure = rules(Declaration(keep=[{"neighbors": 5}]), data).similar.copied(3)
    copy = copies(shifted.factor("source"))
    near_unshifted = SimilarityGraph.from_edges(neighbors(data.X, 5).edges, 120)
    for_paper = near_unshifted | copy | near_unshifted @ copy  # (a) unshifted, (b), (c)
    assert (for_paper - closure).n_edges == 0
    assert (_shift_invariant.prior_knowledge(shifted) - closure).n_edges > 0


# The table of pairs.


def table(path, text):
    path = path / "pairs.csv"
    path.write_text(text)
    return str(path)


NAMED = Dataset(
    np.eye(6),
    {"class": np.array([0, 0, 1, 1, 2, 2])},
    names=np.array(["a/1", "a/2", "b/1", "b/2", "c/1", "c/2"]),
)


@pytest.mark.parametrize("lines", ["0,3\n5,0", "a/1,b/2\nc/2,a/1"], ids=["by row", "by name"])
def test_pairs_of_the_table_are_similar_beside_the_rules(lines, tmp_path):
    path = table(tmp_path, f"left,right\n{lines}\n")
    found = rules(Declaration(keep=["class"], pairs=path), NAMED)
    assert found.by_rule["the table of pairs"].edges.tolist() == [[0, 3], [0, 5]]
    assert found.similar == same(NAMED.factor("class")) | from_edges([(0, 3), (0, 5)], 6)
    assert found.dissimilar is None
    assert found.weight is None
    only = rules(Declaration(pairs=path), NAMED)
    assert only.similar.edges.tolist() == [[0, 3], [0, 5]]


def test_explicit_dissimilar_pairs_are_all_that_is_dissimilar_where_no_rule_keeps(tmp_path):
    text = "left,right,similar,weight\n1,0,true,2\n2,0,no,0.5\n4,3,yes,3\n5,1,0,4\n"
    found = rules(Declaration(pairs=table(tmp_path, text)), NAMED)
    assert found.similar.edges.tolist() == [[0, 1], [3, 4]]
    assert found.dissimilar.edges.tolist() == [[0, 2], [1, 5]]
    drawn = (found.similar | found.dissimilar).edges.tolist()
    assert dict(zip(map(tuple, drawn), found.weight, strict=True)) == {
        (0, 1): 2,
        (0, 2): 0.5,
        (1, 5): 4,
        (3, 4): 3,
    }
    assert "2 pairs are dissimilar, all others neither" in found.summary()


def test_beside_rules_a_pair_counts_what_the_table_says_and_the_others_one(tmp_path):
    text = "left,right,similar,weight\n3,0,true,5\n1,4,false,9\n1,0,true,7\n"
    found = rules(Declaration(keep=["class"], pairs=table(tmp_path, text)), NAMED)
    assert found.dissimilar is None  # all that is not similar is dissimilar anyhow
    weights = dict(zip(map(tuple, found.similar.edges.tolist()), found.weight, strict=True))
    assert weights == {(0, 1): 7, (0, 3): 5, (2, 3): 1, (4, 5): 1}


def test_each_pair_knows_its_rules_and_its_reason(tmp_path):
    text = "left,right,reason\n3,0,one workshop\n0,1,one weaver\n4,0,\n"
    found = rules(Declaration(keep=["class"], pairs=table(tmp_path, text)), NAMED)
    assert found.why(0, 3) == found.why(3, 0) == ["the table of pairs", "one workshop"]
    assert found.why(0, 1) == ["near in class", "the table of pairs", "one weaver"]
    assert found.why(0, 4) == ["the table of pairs"]
    assert found.why(2, 3) == ["near in class"]
    assert found.why(1, 5) == []


def test_pairs_with_a_held_out_sample_are_left_out_with_their_weight_and_reason(tmp_path):
    text = (
        "left,right,similar,weight,reason\n5,1,true,2,x\n0,5,true,3,y\n4,1,false,4,z\n2,0,no,5,\n"
    )
    rows = np.array([5, 4, 1])
    found = rules(Declaration(pairs=table(tmp_path, text)), NAMED, rows)
    assert found.similar.edges.tolist() == [[0, 2]]
    assert found.dissimilar.edges.tolist() == [[1, 2]]
    assert found.weight.tolist() == [2, 4]
    assert found.reasons == {(0, 2): "x", (1, 2): "z"}
    assert found.why(2, 0) == ["the table of pairs", "x"]


@pytest.mark.fault("A12")
def test_a_summary_counts_the_pairs_of_the_table_that_the_hold_out_takes(tmp_path):
    path = table(tmp_path, "left,right,similar\n5,1,true\n0,5,true\n4,1,false\n2,0,no\n")
    found = rules(Declaration(pairs=path), NAMED, np.array([5, 4, 1]))
    assert (found.n_judged, found.n_lost) == (4, 2)
    (line,) = [line for line in found.summary() if "held out" in line]
    assert re.findall("[0-9]+", line) == ["2", "4", "2"]
    whole = rules(Declaration(pairs=path), NAMED)
    assert (whole.n_judged, whole.n_lost) == (4, 0)
    assert not any("held out" in line for line in whole.summary())


BOTH = {
    "a rule and the table": (
        {"keep": ["class"]},
        "left,right,similar\n4,5,false\n",
        "pairs.path: 1 .*c/1 and c/2: .*pairs.csv.*'near in class'",
    ),
    "the table itself": (
        {},
        "left,right,similar\n0,4,true\n4,0,false\n1,5,true\n1,5,false\n",
        "2 pairs .*a/1 and c/1: .*'the same table'",
    ),
}


@pytest.mark.parametrize("case", BOTH)
def test_a_pair_that_is_both_similar_and_dissimilar_is_refused_with_both_rules(case, tmp_path):
    parts, text, says = BOTH[case]
    with pytest.raises(InputError, match=says):
        rules(Declaration(**parts, pairs=table(tmp_path, text)), NAMED)


def test_a_contradiction_names_rows_of_the_data_not_of_what_is_learnt_from(tmp_path):
    declared = Declaration(keep=["class"], pairs=table(tmp_path, "left,right,similar\n4,5,no\n"))
    with pytest.raises(InputError, match="first is 4 and 5"):
        rules(declared, Dataset(NAMED.X, NAMED.factors), np.array([2, 3, 4, 5]))


TABLES = {
    "no column": ("left,rigt\n0,1\n", "'right'.*left, rigt"),
    "no such row": ("left,right\n0,6\n", "right names row 6.* 5"),
    "a row below 0": ("left,right\n-1,3\n", "left names row -1"),
    "no such name": ("left,right\na/1,b/3\n", "'b/3'.*'b/[12]'"),
    "itself": ("left,right\n3,3\n", "pairs.path: .*3"),
    "no truth": ("left,right,similar\n0,1,perhaps\n", "'perhaps'.*similar"),
    "no weight": ("left,right,weight\n0,1,1\n0,2,0\n", "weight '0'"),
    "a weight below 0": ("left,right,weight\n0,1,-2.5\n", "the weight '-2.5'"),
    "an infinite weight": ("left,right,weight\n0,1,inf\n", "the weight 'inf'"),
    "a missing weight": ("left,right,weight\n0,1,2.5\n0,2,\n", "the weight 'nan'"),
    "a weight in words": ("left,right,weight\n0,1,heavy\n", "the weight 'heavy'"),
    "no rows": ("left,right\n", "no two samples are similar"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_of_pairs_that_cannot_be_used_is_refused(case, tmp_path):
    text, says = TABLES[case]
    with pytest.raises(InputError, match=says):
        rules(Declaration(pairs=table(tmp_path, text)), NAMED)


def test_names_are_of_no_use_to_data_without_names(tmp_path):
    declared = Declaration(pairs=table(tmp_path, "left,right\na/1,a/2\n"))
    with pytest.raises(InputError, match="'a/1'"):
        rules(declared, Dataset(np.eye(3)))


def test_a_missing_table_is_refused_with_its_key_and_line(read):
    with pytest.raises(FileError, match=r"line 2, pairs.path: .*none.csv"):
        rules(read("\npairs = 'none.csv'"), NAMED)


# Holding out.


def held(samples, **parts):
    return split(Declaration(**parts), samples)


GROUPED = Dataset(
    np.eye(60), {"source": np.arange(60) // 4, "who": np.arange(60) // 12, "n": np.arange(60) % 5}
)


@pytest.mark.parametrize("key", ["source", "group"])
def test_a_source_or_group_is_never_on_both_sides(key):
    parts = held(GROUPED, data={key: "source"})
    assert sorted([*parts.learnt, *parts.held_out]) == list(range(60))
    source = GROUPED.factor("source")
    assert not set(source[parts.learnt]) & set(source[parts.held_out])
    assert len(set(source[parts.held_out])) == 3  # 20 % of 15


def test_a_group_holds_its_sources_together():
    parts = held(GROUPED, data={"source": "source", "group": "who"})
    who = GROUPED.factor("who")
    assert len(set(who[parts.held_out])) == 1
    assert not set(who[parts.learnt]) & set(who[parts.held_out])


def test_where_groups_share_sources_neither_is_divided():
    # Two photographers took source 0, so what else they took goes where it goes.
    who, source = np.arange(40) // 4, np.arange(40) // 2
    source[4] = 0
    data = Dataset(np.eye(40), {"source": source, "who": who})
    sizes = set()
    for seed in range(20):
        declared = {"data": {"source": "source", "group": "who"}, "map": {"random_state": seed}}
        parts = held(data, held_out={"share": 0.12}, **declared)
        for factor in (who, source):
            assert not set(factor[parts.learnt]) & set(factor[parts.held_out])
        sizes.add(len(parts.held_out))
    assert sizes == {4, 8}


def test_the_share_is_of_the_samples_where_they_have_no_source():
    assert len(held(GROUPED).held_out) == 12
    assert len(held(GROUPED, held_out={"share": 0.5}).held_out) == 30


def test_values_that_are_to_stay_unseen_are_held_out_entirely():
    parts = held(GROUPED, held_out={"unseen": {"who": [1], "n": [0, 3]}, "share": 0.5})
    who, n = GROUPED.factor("who"), GROUPED.factor("n")
    unseen = (who == 1) | np.isin(n, [0, 3])
    assert parts.unseen.tolist() == np.flatnonzero(unseen).tolist()
    assert sorted([*parts.learnt, *parts.held_out]) == np.flatnonzero(~unseen).tolist()


@pytest.mark.fault("A8")
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
def test_identical_samples_are_never_on_both_sides(dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (100, 6)).astype(dtype)
    X[60:90] = X[30:60]
    for seed in range(5):
        parts = held(Dataset(X), map={"random_state": seed})
        rows = {X[row].tobytes() for row in parts.learnt}
        assert not rows & {X[row].tobytes() for row in parts.held_out}
        assert 10 <= len(parts.held_out) <= 32


@pytest.mark.fault("A8")
def test_what_repeats_an_unseen_sample_is_not_learnt_from():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[20:25] = X[:5]
    data = Dataset(X, {"who": np.repeat(np.arange(4), 10)})
    parts = held(data, held_out={"unseen": {"who": [0]}})
    assert not set(range(20, 25)) & set(parts.learnt)


@pytest.mark.fault("A8")
def test_identical_samples_join_the_groups_that_have_them():
    X = np.random.default_rng(0).normal(size=(60, 3))
    X[4] = X[0]  # of two sources
    data = Dataset(X, {"source": np.arange(60) // 4})
    for seed in range(10):
        parts = held(data, data={"source": "source"}, map={"random_state": seed})
        assert len({row in parts.learnt for row in range(8)}) == 1


@pytest.mark.fault("A8")
def test_samples_of_a_few_values_are_held_out_as_if_they_did_not_repeat():
    data = Dataset(np.eye(3)[np.arange(60) % 3])
    assert len(held(data).held_out) == 12


@pytest.mark.fault("A8")
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_images_that_are_nearly_identical_are_never_on_both_sides(channels, dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(20, 236, (50, *channels, 8, 9)).repeat(2, axis=-1).repeat(2, axis=-2)
    X[40:] = X[:10] + rng.integers(-3, 4, X[:10].shape)  # as JPEG would change them
    data = Dataset(X.astype(dtype))
    repeats = find_repeats(resolve(Declaration(), data))
    assert (repeats.n_identical, repeats.n_alike) == (0, 20)
    for seed in range(5):
        parts = held(data, map={"random_state": seed})
        assert not {row % 40 for row in parts.learnt} & {row % 40 for row in parts.held_out}


@pytest.fixture(scope="module")
def photographs():
    """Twelve scenes of blobs, large ones and small, 96 x 128 and in colour, none like another."""
    noise = np.random.default_rng(0).normal(size=(12, 3, 96, 128))
    large, small = (gaussian_filter(noise, (0, 0, width, width)) for width in (10, 3))
    return np.clip(128 + 900 * large + 300 * small, 0, 255).astype("u1")


def test_a_photograph_relit_recoloured_or_cropped_stays_on_one_side(photographs):
    relit = np.clip(photographs[:3] * 0.6 + 20, 0, 255).astype("u1")
    recoloured = np.clip(photographs[3:6] * np.array([0.7, 1, 0.8])[:, None, None] + 9, 0, 255)
    rows, columns = 8 + np.arange(96) * 80 // 96, 12 + np.arange(128) * 108 // 128
    cropped = photographs[6:9][..., rows, :][..., columns]
    X = np.concatenate([photographs, relit, recoloured.astype("u1"), cropped])
    repeats = find_repeats(resolve(Declaration(), Dataset(X)))
    assert repeats.alike[12:].tolist() == repeats.alike[:9].tolist()
    assert len(np.unique(repeats.alike)) == 12
    for seed in range(3):
        parts = held(Dataset(X), map={"random_state": seed})
        sides = [{repeats.alike[row] for row in part} for part in (parts.learnt, parts.held_out)]
        assert not sides[0] & sides[1]


def test_crops_of_cloth_that_repeats_itself_are_not_one_photograph():
    pixel = np.indices((64, 64)) / 64
    X = np.stack([np.prod(np.sin(2 * np.pi * (4 + k / 2) * pixel), axis=0) for k in range(5)])
    X = (128 + 100 * X + np.random.default_rng(0).normal(size=X.shape)).astype("u1")
    assert len(np.unique(find_repeats(resolve(Declaration(), Dataset(X))).alike)) == 5


@pytest.mark.parametrize("part", ["keep", "ignore"])
def test_views_that_differ_in_a_declared_number_or_condition_are_different(photographs, part):
    X = np.concatenate([photographs, np.clip(photographs * 0.7, 0, 255).astype("u1")])
    data = Dataset(X, {"lamp": np.arange(24) // 12, "angle": 15.5 * (np.arange(24) // 12)})
    declared = {
        "keep": {"keep": [{"factor": "angle", "tolerance": 1}]},
        "ignore": {"ignore": ["lamp"]},
    }
    assert find_repeats(resolve(Declaration(**declared[part]), data)).n_alike == 0
    assert find_repeats(resolve(Declaration(), data)).n_alike == 24


def test_labels_of_one_photograph_that_contradict_each_other_are_named(photographs):
    X = np.concatenate([photographs, np.clip(photographs[:6] * 0.7, 0, 255).astype("u1")])
    label = np.array([*(12 * ["silk"]), *(5 * ["wool"]), "silk"])
    data = Dataset(X, {"class": label}, names=[f"{n}.jpg" for n in range(18)])
    repeats = find_repeats(resolve(Declaration(keep=["class"]), data))
    (line,) = repeats.contradictions
    assert "5 groups of nearly identical images" in line
    assert "0.jpg (silk) and 12.jpg (wool)" in line
    assert "2 more" in line
    assert "0.jpg and 12.jpg" in repeats.examples


@pytest.mark.fault("A8")
def test_identical_samples_under_several_labels_are_counted_and_named():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[20:30] = X[:10]
    label = np.array(["cat", "dog"])[np.arange(40) // 20]
    label[25:30] = "cat"
    data = Dataset(
        X, {"class": label, "lamp": np.arange(40)}, names=[f"{n}.png" for n in range(40)]
    )
    declared = Declaration(keep=["class"], ignore=["lamp"], map={"max_epochs": 0})
    with pytest.warns(DataWarning) as found:
        fit(declared, data, force=True)
    said = []
    fit(declared, data, force=True, say=said.append)
    for lines in ([str(one.message) for one in found], said):
        (line,) = [line for line in lines if "contradict" in line]
        assert "5 groups" in line
        assert "class" in line
        assert "0.png (cat) and 20.png (dog)" in line
        assert "2 more" in line
        assert any("20 samples are identical to others" in line for line in lines)


@pytest.mark.parametrize("dtype", [np.uint8, int, float])
def test_numbers_within_the_tolerance_do_not_contradict_each_other(dtype):
    X = np.repeat(np.random.default_rng(0).normal(size=(2, 3)), 2, axis=0)
    angle = np.array([5, 3, 1, 200]).astype(dtype)
    declared = Declaration(keep=[{"factor": "angle", "tolerance": 3}])
    (line,) = find_repeats(resolve(declared, Dataset(X, {"angle": angle}))).contradictions
    assert "sample 2 " in line
    assert "sample 0 " not in line


def test_who_is_held_out_depends_on_the_seed_alone():
    def rows(seed):
        return held(GROUPED, map={"random_state": seed}).held_out.tolist()

    assert rows(0) == rows(0) != rows(1)


def test_unseen_values_may_be_words():
    data = Dataset(np.eye(6), {"class": np.array(list("aabbcc"))})
    assert held(data, held_out={"unseen": {"class": ["b"]}}).unseen.tolist() == [2, 3]


SHARES = {
    "too small": ("[held_out]\nshare = 0.001", "line 2, held_out.share: 0.001 of 60 "),
    "too large": (
        "data.source = 'source'\nheld_out.share = 0.99",
        "line 2, held_out.share: 0.99 of 15 .*source",
    ),
    "no such value": (
        "[held_out.unseen]\n\nwho = [1, 7]",
        "line 3, held_out.unseen.who: .*who 7.*0, 1, 2, 3, 4",
    ),
    "no such factor": ("[held_out.unseen]\nwo = [1]", "line 2, held_out.unseen.wo: .*'wo'.*'who'"),
}


@pytest.mark.parametrize("case", SHARES)
def test_a_split_that_cannot_be_is_refused(case, read):
    text, says = SHARES[case]
    with pytest.raises(InputError, match=says):
        split(read(text), GROUPED)


def test_old_names_work_for_a_release_and_warn():
    import drlim.declaration

    for old, new in (("load", "read_data"), ("declared_by", "declaration_of")):
        with pytest.warns(FutureWarning, match=new):
            assert getattr(drlim.declaration, old) is getattr(drlim.declaration, new)
    _, data, _ = CONFUSED["confounded"]
    with pytest.warns(FutureWarning, match="force"):
        rules(Declaration(keep=["class"], ignore=["lamp"]), data, anyway=True)


def test_the_reasons_of_a_table_are_given_with_its_pairs_and_in_a_contradiction(tmp_path):
    text = "left,right,similar,reason\n0,1,yes,one weaver\n2,3,yes,one weaver\n1,4,yes,a guess\n"
    path = table(tmp_path, f"{text}0,5,no,two workshops\n")
    said = rules(Declaration(pairs=path), NAMED).summary()
    at = said.index("  3 by: the table of pairs")
    assert [line.split() for line in said[at + 1 : at + 3]] == [
        ["2", "for:", "one", "weaver"],
        ["1", "for:", "a", "guess"],
    ]
    assert any("1 for: two workshops" in line for line in said)
    path = table(tmp_path, f"{text}4,5,no,two workshops\n")
    with pytest.raises(InputError, match="two workshops"):
        rules(Declaration(keep=["class"], pairs=path), NAMED)


def test_a_summary_names_the_most_frequent_reasons_and_counts_the_others(tmp_path):
    lines = [f"{i},{i + 1},reason {i}" for i in range(9)] + ["0,2,reason 8"]
    declared = Declaration(pairs=table(tmp_path, "left,right,reason\n" + "\n".join(lines)))
    said = [line.strip() for line in rules(declared, Dataset(np.eye(10))).summary()]
    assert said[2] == "2 for: reason 8"
    assert "and 4 other reasons" in said


@pytest.mark.fault("A2")
def test_the_kind_of_a_factor_can_be_said_and_is_read_back():
    declared = Declaration(
        ignore=[{"factor": "person", "kind": "class"}],
        keep=[{"factor": "age", "kind": "number"}, "country"],
    )
    assert declared.ignore[0].kind == "class"
    assert [keep.kind for keep in declared.keep] == ["number", "class"]
    again = Declaration(**declared.as_json())
    assert [keep.kind for keep in again.keep] == ["number", "class"]
    assert again.as_json() == declared.as_json()
    for wrong in (
        {"ignore": [{"transform": "noise", "kind": "class"}], "keep": ["country"]},
        {"keep": [{"neighbors": 5, "kind": "class"}]},
        {"keep": [{"factor": "age", "kind": "amount"}]},
    ):
        with pytest.raises(InputError, match="kind"):
            Declaration(**wrong)


@pytest.mark.fault("D")
def test_a_declaration_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "d.toml").write_bytes(b"\xef\xbb\xbfkeep = ['pose']\n")
    assert Declaration.read(tmp_path / "d.toml").keep[0].factor == "pose"


def test_columns_of_a_plain_table_that_are_declared_are_factors_and_no_features(tmp_path, rng):
    n = 60
    columns = {
        "width": rng.normal(size=n),
        "site": np.arange(n) % 3,
        "height": rng.normal(size=n),
        "dose": rng.uniform(size=n),
        "specimen": np.arange(n) // 2,
        "day": np.arange(n) % 5,
        "batch": np.arange(n) % 2,
        "run": np.arange(n) % 4,
    }
    rows = np.stack(list(columns.values()), axis=1)
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header=",".join(columns), comments="")
    declaration = Declaration(
        data={"path": tmp_path / "t.csv", "source": "specimen", "group": "day"},
        keep=[{"factor": "site", "kind": "class"}, {"factor": "dose", "kind": "number"}],
        ignore=[{"factor": "run", "kind": "class"}],
        held_out={"unseen": {"batch": [1]}},
    )
    data = read_data(declaration, say=lambda line: None)
    assert data.feature_names == ("width", "height")
    assert set(data.factors) == {"site", "dose", "specimen", "day", "batch", "run"}
    across = Declaration(
        data={"path": tmp_path / "t.csv"},
        keep=[{"neighbors": 3, "within": "site", "across": "batch"}],
    )
    assert set(read_data(across, say=lambda line: None).factors) == {"site", "batch"}
    kinds = {keep.factor: keep.kind for keep in resolve(declaration, data).declaration.keep}
    assert kinds == {"site": "class", "dose": "number"}


# Measured numbers.


@pytest.mark.fault("C9")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_measured_numbers_without_a_tolerance_are_near_in_value(dtype):
    moisture = np.repeat(9.5 + np.arange(12) ** 2 / 8, 3).astype(dtype)
    tool = np.tile(["a", "b", "c"], 12)
    data = Dataset(np.arange(36.0)[:, None], {"moisture": moisture, "tool": tool})
    declaration = Declaration(keep=["moisture"], ignore=["tool"])
    found = rules(declaration, data)
    assert found.similar == near_values(moisture)
    [line] = [line for line in found.summary() if "3 nearest" in line]
    assert "moisture" in line
    assert "tolerance" in line
    assert "near in moisture (nearest values)" in found.by_rule
    with_tolerance = declaration.with_options(tolerance=["moisture:0.1"])
    assert "nearest" not in "\n".join(rules(with_tolerance, data).summary())
    as_class = Declaration(keep=[{"factor": "moisture", "kind": "class"}])
    assert rules(as_class, data).similar == same(moisture)


@pytest.mark.fault("C9")
def test_measured_numbers_are_near_among_those_that_agree_in_what_else_is_kept(rng):
    moisture, sugar = rng.uniform(size=(2, 60))
    site = np.arange(60) % 2
    data = Dataset(np.eye(60), {"moisture": moisture, "sugar": sugar, "site": site})
    assert similar(data, keep=["site", "moisture"]) == near_values(moisture, within=site)
    both = similar(data, keep=["moisture", "sugar"])
    left, right = both.edges.T
    apart = [np.abs(values[left] - values[right]).mean() for values in (moisture, sugar)]
    assert max(apart) < 0.2  # of two at random: 0.33


@pytest.mark.fault("C9")
def test_a_fit_of_measured_numbers_warns_of_the_choice_and_the_map_knows_they_are_numbers(rng):
    moisture = rng.uniform(size=60)
    data = Dataset(np.stack([moisture, rng.normal(size=60)], axis=1), {"moisture": moisture})
    declaration = Declaration(keep=["moisture"], map={"max_epochs": 1})
    with pytest.warns(DataWarning, match="moisture.* 5 nearest"):
        fitted = fit(declaration, data)
    assert fitted.map.declaration_["keep"] == [{"factor": "moisture", "kind": "number"}]
    assert fitted.map.annotations_["learnt_values"] == {}


def test_whole_numbers_are_classes_in_any_dtype():
    pose = np.repeat([0.0, 10.0, 20.0], 4)
    data = Dataset(np.random.default_rng(0).normal(size=(12, 2)), {"pose": pose})
    assert rules(Declaration(keep=["pose"]), data).similar.n_edges == 18


@pytest.mark.fault("C9")
def test_a_tolerance_of_the_command_line_belongs_to_a_kept_factor():
    declared = Declaration(keep=["water", "site"]).with_options(tolerance=["water:0.5"])
    assert [keep.tolerance for keep in declared.keep] == [0.5, None]
    for wrong in ("waters:0.5", "0.5"):
        with pytest.raises(InputError, match=wrong):
            Declaration(keep=["water"]).with_options(tolerance=[wrong])


@pytest.mark.fault("D")
def test_a_declaration_may_select_the_samples_that_its_table_lists(tmp_path):
    (tmp_path / "x.csv").write_text("id,u\na,1\nb,2\nc,3\n")
    (tmp_path / "t.csv").write_text("id,light\nc,3\na,1\n")
    table = "[data]\npath = 'x.csv'\nfactors = 't.csv'\nby = 'id'\n"
    (tmp_path / "d.toml").write_text(table + "select = true\n")
    declared = Declaration.read(tmp_path / "d.toml")
    with pytest.warns(DataWarning, match="does not list 1 samples"):
        assert read_data(declared).X.tolist() == [[1], [3]]
    (tmp_path / "d.toml").write_text("[data]\npath = 'x.csv'\nselect = true\n")
    with pytest.raises(InputError, match=r"data.select.*table of factors"):
        read_data(Declaration.read(tmp_path / "d.toml"))
    (tmp_path / "d.toml").write_text(table)
    with pytest.raises(InputError, match="'b'"):
        read_data(Declaration.read(tmp_path / "d.toml"))


def test_a_class_of_which_no_sample_was_held_out_is_named():
    kind = np.repeat(["ash", "elm", "oak"], 20)
    data = Dataset(np.random.default_rng(0).normal(size=(60, 3)), {"kind": kind})
    learnt, held_out = data.subset(np.arange(0, 60, 2)), data.subset(np.arange(1, 40, 2))
    map_ = DrLIM(network="linear", max_epochs=0).fit(learnt.X)
    proof = prove(map_, Declaration(keep=["kind"]), held_out, learnt).proof
    named = [line for line in proof.cannot if "oak" in line]
    assert len(named) == 1
    assert "elm" not in named[0]
