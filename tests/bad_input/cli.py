"""Bad input to the command line: it ends with exit code 2 and one line on stderr.

An argument that is a function writes a file; its path is what the command gets.
"""

from bad_input.rows import (
    LABELS,
    X_NAN,
    X,
    altered,
    bad_command,
    file,
    folder,
    npy,
    saved,
    table,
    truncated,
)


def numbers():
    return npy(X, "x.npy")


def narrow():
    return npy(X[:, :2], "narrow.npy")


def holes():
    return npy(X_NAN, "holes.npy")


def factors():
    return table("\n".join(["c", *map(str, LABELS)]), "f.csv")


def under_a_file():
    return file(b"", "plain") / "out.npy"


LEARN = ("fit", numbers, "--factors", factors, "--keep", "c")
CHECK = ("verify", saved, numbers, "--factors", factors, "--same", "c")


ROWS = {
    "cli.fit": [
        bad_command("missing file", ["fit", "no.toml"], "no.toml", "No such file or directory"),
        bad_command("missing data", ["fit", "no.npy"], "data.path", "no.npy"),
        bad_command("nothing declared", ["fit", numbers], "keep"),
        bad_command("unknown factor", ["fit", numbers, "--keep", "d"], "keep[0]", "'d'"),
        bad_command(
            "neighbours >= n", ["fit", numbers, "--keep", "neighbors:99"], "keep[0]", "n_neighbors", "99"
        ),
        bad_command(
            "a text for a number", ["fit", numbers, "--keep", "neighbors:x"], "keep[0].neighbors", "'x'"
        ),
        bad_command("missing table", ["fit", numbers, "--factors", "no.csv"], "data.factors", "no.csv"),
        bad_command("missing pairs", [*LEARN, "--pairs", "no.csv"], "pairs.path", "no.csv"),
        bad_command("out under a file", [*LEARN, "-o", under_a_file], "plain/out.npy", "Not a directory"),
        bad_command("out a folder", [*LEARN, "-o", folder], "empty"),
        bad_command("a size of one side", [*LEARN, "--size", "x48"], "--size", "'x48'"),
        bad_command("a side of no pixels", [*LEARN, "--size", "48x0"], "--size", "'48x0'"),
        bad_command("epochs of text", [*LEARN, "--epochs", "many"], "--epochs", "'many'"),
        bad_command("unknown loss", [*LEARN, "--loss", "los"], "map.loss", "'los'"),
        bad_command("unknown network", [*LEARN, "--network", "lenett"], "map.network", "'lenett'"),
        bad_command("network of no module", [*LEARN, "--network", "no:f"], "map.network", "'no:f'"),
        bad_command("no components", [*LEARN, "--components", "0"], "map.n_components", "0"),
        bad_command("negative seed", [*LEARN, "--seed", "-1"], "map.random_state", "-1"),
        bad_command("seed of text", [*LEARN, "--seed", "one"], "--seed", "'one'"),
        bad_command("a shift of vectors", [*LEARN, "--ignore", "shift"], "ignore[0]", "'shift'", "3"),
        bad_command("contradictory", [*LEARN, "--ignore", "c"], "ignore[0]", "'c'", "keep[0]"),
        bad_command("resume nothing", [*LEARN, "--resume"], "resume=True", "checkpoint"),
        bad_command(
            "checkpoint under a file",
            [*LEARN, "--checkpoint", under_a_file],
            "plain/out.npy",
            "Not a directory",
        ),
        bad_command("NaN", ["fit", holes, "--keep", "neighbors:2"], "keep[0]", "X", "NaN"),
        bad_command(
            "wrong type in the file",
            ["fit", lambda: table("keep = 3", "a.toml")],
            "a.toml",
            "line 1",
            "keep",
            "3",
        ),
        bad_command(
            "unknown key",
            ["fit", lambda: table("keeep = ['c']", "a.toml")],
            "a.toml",
            "line 1",
            "keeep",
            "'keep'",
        ),
        bad_command("no argument", ["fit"], "DECLARATION"),
        bad_command("misspelt option", ["fit", "x.npy", "--kep", "a"], "'--kep'", "'--keep'"),
        bad_command("unknown option", ["fit", "x.npy", "--see", "1"], "fit", "'--see'"),
        bad_command("two data sets", ["fit", "x.npy", "y.npy"], "y.npy"),
        bad_command("an option without its value", ["fit", "x.npy", "--keep"], "--keep"),
        bad_command("a value for a switch", ["fit", "x.npy", "--force=1"], "--force"),
        bad_command("an option of four parts", ["fit", numbers, "--keep", "a:b:c:d"], "--keep", "'a:b:c:d'"),
    ],
    "cli.transform": [
        bad_command(
            "missing map",
            ["transform", "no.drlim", numbers, "-o", "o.npy"],
            "no.drlim",
            "No such file or directory",
        ),
        bad_command("wrong file", ["transform", numbers, numbers, "-o", "o.npy"], "x.npy"),
        bad_command(
            "altered file", ["transform", altered, numbers, "-o", "o.npy"], "altered.drlim", "SHA-256"
        ),
        bad_command("missing data", ["transform", saved, "no.npy", "-o", "o.npy"], "no.npy"),
        bad_command("another shape", ["transform", saved, narrow, "-o", "o.npy"], "X", "2", "3"),
        bad_command("NaN", ["transform", saved, holes, "-o", "o.npy"], "X", "NaN"),
        bad_command("size 0", ["transform", saved, lambda: npy(X[:0]), "-o", "o.npy"], "a.npy", "(0, 3)"),
        bad_command("unknown ending", ["transform", saved, numbers, "-o", "o.xyz"], "o.xyz", "'.xyz'"),
        bad_command(
            "out under a file",
            ["transform", saved, numbers, "-o", under_a_file],
            "plain/out.npy",
            "Not a directory",
        ),
        bad_command("no out", ["transform", saved, numbers], "--out"),
        bad_command(
            "missing module", ["transform", saved, numbers, "-o", "o.npy", "--network", "no:f"], "'no:f'"
        ),
        bad_command(
            "misspelt option", ["transform", "m.drlim", "x.npy", "--otu", "o.npy"], "'--otu'", "'--out'"
        ),
    ],
    "cli.report": [
        bad_command("missing map", ["report", "no.drlim", numbers], "no.drlim", "No such file or directory"),
        bad_command("nothing declared", ["report", saved, numbers], "declaration"),
    ],
    "cli.neighbors": [
        bad_command(
            "missing map", ["neighbors", "no.drlim", numbers, "0"], "no.drlim", "No such file or directory"
        ),
        bad_command("missing data", ["neighbors", saved, "no.npy", "0"], "no.npy"),
        bad_command("no such sample", ["neighbors", saved, numbers, "99"], "'99'"),
        bad_command("none asked for", ["neighbors", saved, numbers, "0", "-n", "0"], "-n", "'0'"),
        bad_command("more than there are", ["neighbors", saved, numbers, "0", "-n", "99"], "99", "24", "-n"),
        bad_command("another shape", ["neighbors", saved, numbers, narrow], "X", "2", "3"),
        bad_command("NaN", ["neighbors", saved, holes, "0"], "X", "NaN"),
        bad_command("fewer than none", ["neighbors", "m.drlim", "x.npy", "0", "-n", "-3"], "-n", "'-3'"),
    ],
    "cli.explore": [
        bad_command("missing map", ["explore", "no.drlim"], "no.drlim", "No such file or directory"),
        bad_command("missing data", ["explore", saved, "no.npy"], "no.npy"),
        bad_command("another shape", ["explore", saved, narrow, "--export", "p"], "X", "2", "3"),
        bad_command("export to a file", ["explore", saved, numbers, "--export", numbers], "x.npy"),
        bad_command("port of text", ["explore", saved, numbers, "--port", "web"], "--port", "'web'"),
    ],
    "cli.serve": [
        bad_command("missing map", ["serve", "no.drlim"], "no.drlim", "No such file or directory"),
        bad_command("missing data", ["serve", saved, "no.npy"], "no.npy"),
        bad_command("no argument", ["serve"], "MAP"),
    ],
    "cli.verify": [
        bad_command("missing map", ["verify", "no.drlim", numbers], "no.drlim", "No such file or directory"),
        bad_command("no factor", ["verify", saved, numbers], "'class'"),
        bad_command(
            "unknown factor", ["verify", saved, numbers, "--factors", factors, "--same", "d"], "'d'", "c"
        ),
        bad_command("rate out of range", [*CHECK, "--false-accept-rate", "2"], "false_accept_rate", "2.0"),
        bad_command("rate of text", [*CHECK, "--false-accept-rate", "few"], "--false-accept-rate", "'few'"),
        bad_command("no such sample", [*CHECK, "--pair", "0", "99"], "'99'"),
        bad_command(
            "a short table",
            ["verify", saved, numbers, "--factors", lambda: table("c\n1\n")],
            "t.csv",
            "1",
            "24",
        ),
        bad_command("a pair of one", ["verify", "m.drlim", "x.npy", "--pair", "0"], "--pair"),
    ],
    "cli.export": [
        bad_command("missing map", ["export", "no.drlim"], "no.drlim", "No such file or directory"),
        bad_command("wrong file", ["export", numbers], "x.npy"),
        bad_command("truncated file", ["export", truncated], "part.drlim"),
        bad_command("a folder", ["export", folder], "empty"),
        bad_command(
            "out under a file", ["export", saved, "-o", under_a_file], "plain/out.npy", "Not a directory"
        ),
        bad_command("no argument", ["export"], "MAP"),
    ],
    "cli.reproduce": [
        bad_command("unknown name", ["reproduce", "spring"], "'spring'", "'springs'"),
        bad_command("negative seed", ["reproduce", "loss", "--seed", "-1"], "seed", "-1"),
        bad_command(
            "out under a file",
            ["reproduce", "loss", "--out", under_a_file],
            "plain/out.npy",
            "Not a directory",
        ),
        bad_command("unknown option", ["reproduce", "loss", "--fast"], "reproduce", "'--fast'"),
        bad_command("no name", ["reproduce"], "NAME"),
        bad_command("seed of text", ["reproduce", "loss", "--seed", "one"], "--seed", "'one'"),
    ],
    "cli.main": [
        bad_command("unknown command", ["redo"], "'redo'", "'report'"),
        bad_command("misspelt option", ["--versoin"], "'--version'"),
    ],
}
