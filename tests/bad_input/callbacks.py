"""Bad input to drlim.callbacks and drlim.checkpoints."""

import contextlib
import sys
from unittest import mock

from bad_input.rows import GRAPH, LABELS, X_NAN, X, bad, bad_file, file, fitted, folder
from drlim import DrLIM, MissingExtraError, training
from drlim.callbacks import EarlyStopping, MetricsFile, PlotEpochs, TensorBoard
from drlim.checkpoints import Checkpoint


def learn(callback):
    DrLIM(max_epochs=1, callbacks=[callback]).fit(X)


def without_tensorboard():
    fitted()  # the patch would drop the modules that the first fit imports, and torch needs them
    with mock.patch.dict(sys.modules, {"torch.utils.tensorboard": None}):
        learn(TensorBoard(folder()))


def half_a_checkpoint():
    class Stop(training.Callback):
        def on_epoch_end(self, history):
            if len(history) == 2:
                raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        DrLIM(max_epochs=4, random_state=0, callbacks=[Stop()]).fit(X, checkpoint=folder())
    DrLIM(max_epochs=4, random_state=0).fit(X, checkpoint=folder())


ROWS = {
    "callbacks.EarlyStopping": [
        bad("graph of other samples", lambda: EarlyStopping(X[:5], GRAPH), "graph", "24", "5"),
        bad("not a graph", lambda: EarlyStopping(X, "graph"), "graph", "str"),
        bad("patience 0", lambda: EarlyStopping(X, GRAPH, patience=0), "patience", "0"),
        bad("NaN", lambda: EarlyStopping(X_NAN, GRAPH), "X", "NaN"),
        bad("another shape", lambda: learn(EarlyStopping(X[:, :2], GRAPH)), "(2,)"),
    ],
    "callbacks.MetricsFile": [
        bad_file("in a file", lambda: learn(MetricsFile(file(b"", "f") / "m")), "f/m", "Not a directory"),
        bad("number", lambda: MetricsFile(3), "path", "3"),
    ],
    "callbacks.TensorBoard": [
        bad("number", lambda: TensorBoard(3), "path", "3"),
        bad(
            "missing package",
            without_tensorboard,
            "'tensorboard'",
            "pip install tensorboard",
            error=MissingExtraError,
        ),
    ],
    "callbacks.PlotEpochs": [
        bad("every 0", lambda: PlotEpochs(folder(), X, LABELS, every=0), "every", "0"),
        bad("too few labels", lambda: PlotEpochs(folder(), X, LABELS[:4]), "labels", "(4,)", "24"),
        bad_file(
            "folder in file",
            lambda: learn(PlotEpochs(file(b"", "f") / "m", X, LABELS)),
            "f/m",
            "Not a directory",
        ),
    ],
    "checkpoints.Checkpoint": [
        bad("no folder", lambda: Checkpoint(None), "folder", "NoneType"),
        bad("every 0 epochs", lambda: Checkpoint(folder(), 0), "every_epochs", "0"),
        bad("every -1 minutes", lambda: Checkpoint(folder(), 1, -1), "every_minutes", "-1"),
        bad("interrupted, and not resumed", half_a_checkpoint, "empty", "resume=True"),
    ],
}
