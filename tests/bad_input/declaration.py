"""Bad input to drlim.declaration."""

import numpy as np

from bad_input.rows import DATA, LABELS, X_NAN, X, bad, bad_file, file, fitted, table
from drlim import Dataset, Declaration
from drlim.declaration import (
    Data,
    Evidence,
    HeldOut,
    Ignore,
    Keep,
    Map,
    Pairs,
    declaration_of,
    fit,
    how_unusual,
    nearest,
    open_map,
    prove,
    read_data,
    rules,
    run,
    split,
    verify,
    write_neighbors,
    write_report,
)
from drlim.evaluation import proof


def declared(**parts):
    return Declaration(keep=["c"], **parts)


def declared_map():
    return fit(declared(map={"max_epochs": 0}), DATA).map


def report_under_a_file():
    evidence = Evidence(proof.Proof((), ()), (), DATA, {"map": fitted().transform(X)})
    write_report(file(b"", "f") / "r", evidence, fitted(), declared())


ROWS = {
    "declaration.Declaration": [
        bad("unknown key", lambda: Declaration(kept=1), "kept", "'keep'"),
        bad("an empty rule", lambda: Declaration(keep=({},)), "keep[0]", "{}"),
        bad("keep of int", lambda: Declaration(keep=3), "keep", "3"),
    ],
    "declaration.Declaration.read": [
        bad_file("missing file", lambda: Declaration.read("no.toml"), "no.toml", "No such file or directory"),
        bad("not TOML", lambda: Declaration.read(table("a = = 3", "a.toml")), "a.toml", "line 1"),
        bad_file(
            "bytes that are no text", lambda: Declaration.read(file(b"\xff\xfe", "a.toml")), "a.toml", "0xff"
        ),
    ],
    "declaration.Declaration.with_options": [
        bad(
            "an option of five parts",
            lambda: Declaration().with_options(keep=["a:b:c:d:e"]),
            "--keep",
            "'a:b:c:d:e'",
        ),
        bad(
            "an option of text",
            lambda: Declaration().with_options(ignore=["shift:x:3"]),
            "ignore[0].range[0]",
            "'x'",
        ),
        bad(
            "a key of the map",
            lambda: Declaration().with_options(map={"n_components": 0}),
            "map.n_components",
            "0",
        ),
    ],
    "declaration.Data": [
        bad("size of three", lambda: Data(size=(1, 2, 3)), "size", "(1, 2, 3)"),
        bad("unknown colour", lambda: Data(colour="red"), "colour", "'red'"),
    ],
    "declaration.HeldOut": [
        bad("share out of range", lambda: HeldOut(share=1.5), "share", "1.5"),
    ],
    "declaration.Ignore": [
        bad(
            "both factor and transform",
            lambda: Ignore(factor="a", transform="b"),
            "factor",
            "'a'",
            "transform",
            "'b'",
        ),
    ],
    "declaration.Keep": [
        bad("neither factor nor neighbors", lambda: Keep(), "factor", "neighbors", "{}"),
        bad("negative step", lambda: Keep(factor="a", step=-1), "step", "-1"),
    ],
    "declaration.Map": [
        bad("no components", lambda: Map(n_components=0), "n_components", "0"),
        bad("infinite margin", lambda: Map(margin=np.inf), "margin", "inf"),
    ],
    "declaration.Pairs": [
        bad("no path", lambda: Pairs(), "'path'"),
    ],
    "declaration.read_data": [
        bad("no path", lambda: read_data(Declaration()), "data.path"),
        bad_file("missing file", lambda: read_data(Declaration(), "no.npy"), "no.npy"),
        bad("number for a path", lambda: read_data(Declaration(), 3), "path", "3"),
    ],
    "declaration.split": [
        bad("unknown factor", lambda: split(Declaration(held_out={"unseen": {"d": (1,)}}), DATA), "'d'"),
        bad("one sample", lambda: split(declared(), DATA.subset([0])), "held_out.share", "0.2", "1"),
    ],
    "declaration.rules": [
        bad("nothing declared", lambda: rules(Declaration(), DATA), "keep"),
        bad("unknown factor", lambda: rules(Declaration(keep=({"factor": "x"},)), DATA), "keep[0]", "'x'"),
        bad("rows beyond", lambda: rules(declared(), DATA, np.array([99])), "indices", "99"),
    ],
    "declaration.fit": [
        bad(
            "unknown network",
            lambda: fit(declared(map={"network": "lenett"}), DATA),
            "map.network",
            "'lenett'",
            "'lenet'",
        ),
        bad("negative epochs", lambda: fit(declared(map={"max_epochs": -1}), DATA), "max_epochs", "-1"),
        bad("nothing kept", lambda: fit(Declaration(), DATA), "keep"),
        bad("two samples", lambda: fit(declared(), DATA.subset(slice(2))), "held_out.share", "0.2", "2"),
        bad("NaN", lambda: fit(declared(), Dataset(X_NAN, {"c": LABELS})), "X", "NaN"),
    ],
    "declaration.run": [
        bad_file("missing declaration", lambda: run("no.toml"), "no.toml"),
        bad_file("out in no folder", lambda: run(declared(), "no/map.drlim", data=DATA), "no/map.drlim"),
        bad("no data", lambda: run(declared()), "data.path"),
        bad("report of two paths", lambda: run(declared(), data=DATA, report=("a", "b")), "report"),
    ],
    "declaration.prove": [
        bad("no samples", lambda: prove(fitted(), declared(), DATA.subset(slice(0))), "X", "(0, 3)"),
        bad(
            "other features",
            lambda: prove(fitted(), declared(), Dataset(X[:, :2], {"c": LABELS})),
            "X",
            "2",
            "3",
        ),
        bad("unknown factor", lambda: prove(fitted(), declared(), Dataset(X)), "'c'"),
    ],
    "declaration.nearest": [
        bad("more than there are", lambda: nearest(fitted(), DATA, "0", 99), "99", "24"),
        bad("unknown sample", lambda: nearest(fitted(), DATA, "x"), "'x'"),
        bad("none asked for", lambda: nearest(fitted(), DATA, "0", 0), "0", "24"),
    ],
    "declaration.how_unusual": [
        bad("other features", lambda: how_unusual(declared_map(), Dataset(X[:, :2])), "X", "2", "3"),
    ],
    "declaration.write_neighbors": [
        bad("more than there are", lambda: write_neighbors("p.html", fitted(), DATA, "0", 99), "99", "24"),
        bad("unknown sample", lambda: write_neighbors("p.html", fitted(), DATA, "x"), "'x'"),
        bad_file("in no folder", lambda: write_neighbors("no/p.html", fitted(), DATA, "0"), "no/p.html"),
    ],
    "declaration.open_map": [
        bad_file("missing file", lambda: open_map("no.drlim"), "no.drlim", "No such file or directory"),
        bad("a builder without its module", lambda: open_map("a", "foo"), "'foo'"),
        bad("missing module", lambda: open_map("a", "no_module:foo"), "'no_module:foo'"),
    ],
    "declaration.verify": [
        bad("unknown factor", lambda: verify(fitted(), declared(), Dataset(X)), "'c'"),
        bad("rate out of range", lambda: verify(fitted(), declared(), DATA, 7.0), "false_accept_rate", "7.0"),
        bad("unknown factor to verify by", lambda: verify(fitted(), declared(), DATA, same="x"), "'x'"),
    ],
    "declaration.declaration_of": [
        bad("no declaration", lambda: declaration_of(fitted(), needed=True), "declaration"),
    ],
    "declaration.write_report": [
        bad_file("under a file", report_under_a_file, "f/r", "Not a directory"),
    ],
}
