"""Bad input to what writes and reads map files: DrLIM.save, load and export."""

import errno
import os
from unittest import mock

from bad_input.rows import (
    altered,
    bad,
    bad_file,
    file,
    fitted,
    folder,
    not_fitted,
    saved,
    truncated,
)
from drlim import DrLIM, export, load, networks


def refused(number, call, where="tempfile.mkstemp"):
    """Let the operating system refuse the call. Root could write anywhere."""

    def refused_call():
        with mock.patch(where, side_effect=OSError(number, os.strerror(number))):
            call()

    return refused_call


def unreadable():
    path = saved()
    refused(errno.EACCES, lambda: load(path), "pathlib.Path.open")()


ROWS = {
    "estimator.DrLIM.save": [
        not_fitted("not fitted", lambda: DrLIM().save("a"), "DrLIM"),
        bad_file("under a file", lambda: fitted().save(file(b"", "a") / "b"), "a/b", "Not a directory"),
        bad_file("a folder", lambda: fitted().save(folder()), "empty", "folder"),
        bad_file(
            "no permission",
            refused(errno.EACCES, lambda: fitted().save("m.drlim")),
            "m.drlim",
            "Permission denied",
        ),
        bad_file(
            "full disk",
            refused(errno.ENOSPC, lambda: fitted().save("m.drlim")),
            "m.drlim",
            "No space left on device",
        ),
    ],
    "loading.load": [
        bad_file("missing file", lambda: load("no.drlim"), "no.drlim", "No such file or directory"),
        bad_file("wrong file", lambda: load(file(b"hello", "a.drlim")), "a.drlim"),
        bad_file("a folder", lambda: load(folder()), "empty"),
        bad("number", lambda: load(3.5), "path", "3.5"),
        bad("None", lambda: load(None), "path", "None"),
        bad_file("truncated", lambda: load(truncated()), "part.drlim"),
        bad_file("altered", lambda: load(altered()), "altered.drlim", "SHA-256"),
        bad(
            "network of another shape",
            lambda: load(saved(), network=networks.with_arguments("mlp", {"hidden": (5,)})),
            "m.drlim",
            "(5, 3)",
            "(256, 3)",
        ),
        bad("network of int", lambda: load(saved(), network=3), "network", "int"),
        bad_file("no permission", unreadable, "m.drlim", "Permission denied"),
    ],
    "exporting.export": [
        not_fitted("not fitted", lambda: export(DrLIM(), "a"), "DrLIM"),
        bad_file("under a file", lambda: export(fitted(), file(b"", "x") / "a"), "x/a", "Not a directory"),
        bad("not a map", lambda: export(3, "a"), "map_", "int"),
    ],
}
