"""Bad input to drlim.experiments."""

from bad_input.rows import bad, bad_file, file, folder
from drlim.experiments import reproduce

ROWS = {
    "experiments.reproduce": [
        bad("unknown name", lambda: reproduce("spring", folder()), "'spring'", "'springs'"),
        bad("negative seed", lambda: reproduce("loss", "a", random_state=-1), "random_state", "-1"),
        bad_file("under a file", lambda: reproduce("loss", file(b"", "x") / "a"), "x/a", "Not a directory"),
    ],
}
