"""Bad input, in one table: where it comes in, what is wrong with it, and what is said of it.

A message names the value, the rule and the remedy, and never comes from a library underneath. Each
row is an entry point, what is wrong, a call, the exception and key words of its message; a row of
the command line ends with exit code 2 and its words on stderr.
"""

import contextlib
import errno
import functools
import importlib
import inspect
import os
import pkgutil
import sys
from unittest import mock

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

import drlim
from drlim import (
    Dataset,
    Declaration,
    DrLIM,
    FileError,
    InputError,
    LabelError,
    MissingExtraError,
    SimilarityGraph,
    TrainingWarning,
    baselines,
    callbacks,
    cli,
    datasets,
    declaration,
    experiments,
    export,
    graphs,
    load,
    losses,
    networks,
    pairs,
    plotting,
    training,
    transforms,
)
from drlim._random import streams
from drlim.callbacks import EarlyStopping
from drlim.checkpoints import Checkpoint
from drlim.datasets import read
from drlim.evaluation import cylinder, invariance, proof, quality, verification
from drlim.evaluation.retention import retention
from drlim.pairs import PairSampler
from drlim.transforms import change

RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 2))
LABELS = np.arange(24) % 3
IMAGES = RNG.integers(0, 256, (6, 8, 8)).astype(np.uint8)
X_NAN, X_INF = (np.where(np.eye(24, 3) > 0, value, X) for value in (np.nan, np.inf))
Z_NAN = np.where(np.eye(24, 2) > 0, np.nan, Z)
GRAPH = graphs.neighbors(X, 3)
DATA = Dataset(X, {"c": LABELS, "source": np.arange(24)})
WORDS = {"title": "", "caption": ""}


@functools.cache
def fitted():
    return DrLIM(max_epochs=1, random_state=0).fit(X)


def declared(**parts):
    return Declaration(keep=["c"], **parts)


def file(tmp, content, name):
    (tmp / name).write_bytes(content)
    return tmp / name


def table(tmp, text, name="t.csv"):
    return file(tmp, text.encode(), name)


def npy(tmp, array, name="a.npy"):
    np.save(tmp / name, array)
    return tmp / name


def a_bad_image(tmp):
    (tmp / "d").mkdir()
    file(tmp / "d", b"no image", "a.png")
    return tmp / "d"


def saved(tmp):
    fitted().save(tmp / "m.drlim")
    return tmp / "m.drlim"


def truncated(tmp):
    return file(tmp, saved(tmp).read_bytes()[:-9], "x")


def altered(tmp):
    content = bytearray(saved(tmp).read_bytes())
    content[-3] ^= 1
    return file(tmp, bytes(content), "x")


def of_other_samples(tmp):
    DrLIM(max_epochs=1, random_state=0).fit(X, checkpoint=tmp)
    DrLIM(max_epochs=1, random_state=0).fit(X[::-1], checkpoint=tmp, resume=True)


def train(**parts):
    parts = {"max_epochs": 1, "learning_rate": 0.1, "margin": 1.0, "random": streams(0), **parts}
    sampler, loss = PairSampler(GRAPH, 8), losses.Contrastive()
    training.train(nn.Linear(3, 2), loss, sampler, lambda rows: X[rows].astype(np.float32), **parts)


def refused(number, where="tempfile.mkstemp"):
    """Let the operating system say no, whoever runs the tests: root may write anywhere."""
    return mock.patch(where, side_effect=OSError(number, os.strerror(number)))


def save_refused(number):
    def call(tmp):
        with refused(number):
            fitted().save(tmp / "m.drlim")

    return call


def unreadable(tmp):
    path = saved(tmp)
    with refused(errno.EACCES, "pathlib.Path.open"):
        load(path)


def report_under_a_file(tmp):
    evidence = declaration.Evidence(proof.Proof((), ()), (), DATA, {})
    declaration.write_report(file(tmp, b"", "f") / "r", evidence, fitted(), declared())


def half_a_checkpoint(tmp):
    class Stop(training.Callback):
        def on_epoch_end(self, history):
            if len(history) == 2:
                raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        DrLIM(max_epochs=4, random_state=0, callbacks=[Stop()]).fit(X, checkpoint=tmp)
    DrLIM(max_epochs=4, random_state=0).fit(X, checkpoint=tmp)


def without(package, call):
    def missing(tmp):
        with mock.patch.dict(sys.modules, {package: None}):
            call(tmp)

    return missing


def run(*arguments):
    """A command line, in this process; an argument that is callable makes a file."""

    def call(tmp):
        given = [str(each(tmp)) if callable(each) else str(each) for each in arguments]
        with mock.patch.object(sys, "argv", ["drlim", *given]):
            cli.main()

    return call


def numbers(tmp):
    return npy(tmp, X, "x.npy")


def narrow(tmp):
    return npy(tmp, X[:, :2], "narrow.npy")


def holes(tmp):
    return npy(tmp, X_NAN, "holes.npy")


def factors(tmp):
    return table(tmp, "\n".join(["c", *map(str, LABELS)]), "f.csv")


def under_a_file(tmp):
    return file(tmp, b"", "plain") / "out.npy"


LEARN = ("fit", numbers, "--factors", factors, "--keep", "c")
CHECK = ("verify", saved, numbers, "--factors", factors, "--same", "c")

# A row is a line, however long.
# ruff: noqa: E501
# fmt: off
TABLE = [
    ("baselines.embed", "unknown method", lambda tmp: baselines.embed("pcaa", X, X), InputError, "there is no method 'pcaa'; known: classical mds,"),
    ("baselines.embed", "NaN", lambda tmp: baselines.embed("pca", X_NAN, X), InputError, "X has NaN or infinite values; a distance to them"),
    ("baselines.embed", "no samples", lambda tmp: baselines.embed("pca", X[:0], X), InputError, "X has the shape (0, 3); samples are rows,"),
    ("baselines.embed", "size 1", lambda tmp: baselines.embed("pca", X[:1], X), InputError, "pca cannot map 1 samples of 3 features with"),
    ("baselines.embed", "neighbours >= n", lambda tmp: baselines.embed("isomap", X, X, n_neighbors=24), InputError, "isomap cannot map 24 samples of 3 features with"),
    ("baselines.pca", "NaN", lambda tmp: baselines.pca(X, X_NAN), InputError, "X has NaN or infinite values; a distance to them"),
    ("baselines.pca", "n_components text", lambda tmp: baselines.pca(X, X, "two"), InputError, "n_components is 'two'; it must be an integer >= 1"),
    ("baselines.fitted_pca", "NaN", lambda tmp: baselines.fitted_pca(X_NAN), InputError, "X has NaN or infinite values; a distance to them"),
    ("baselines.fitted_pca", "too many", lambda tmp: baselines.fitted_pca(X, n_components=9), InputError, "n_components is 9; it must be an integer >= 1 and"),
    ("baselines.fitted_pca", "other features", lambda tmp: baselines.fitted_pca(X)(X[:, :1]), InputError, "the map is fitted to 3 features and the other"),
    ("baselines.colour_histograms", "grey", lambda tmp: baselines.colour_histograms(IMAGES), InputError, "images have the shape (6, 8, 8); colours are"),
    ("baselines.colour_histograms", "bins 0", lambda tmp: baselines.colour_histograms(np.zeros((1, 3, 4, 4)), 0), InputError, "n_bins is 0; it must be an integer >= 1 and <= 256"),
    ("baselines.colour_histograms", "NaN", lambda tmp: baselines.colour_histograms(np.full((1, 3, 4, 4), np.nan)), InputError, "images have NaN or infinite values; a colour is a"),
    ("callbacks.EarlyStopping", "graph of others", lambda tmp: EarlyStopping(X[:5], GRAPH), InputError, "the graph is about 24 samples and 5 are held out;"),
    ("callbacks.EarlyStopping", "not graph", lambda tmp: EarlyStopping(X, "graph"), InputError, "graph is a str; it must be a SimilarityGraph"),
    ("callbacks.EarlyStopping", "patience 0", lambda tmp: EarlyStopping(X, GRAPH, patience=0), InputError, "patience is 0; it must be an integer >= 1"),
    ("callbacks.MetricsFile", "in a file", lambda tmp: DrLIM(max_epochs=1, callbacks=[callbacks.MetricsFile(file(tmp, b"", "f") / "m")]).fit(X), FileError, "cannot be written (Not a directory); give a file"),
    ("callbacks.EarlyStopping", "NaN", lambda tmp: EarlyStopping(X_NAN, GRAPH), InputError, "X has NaN, infinite or other values"),
    ("callbacks.EarlyStopping", "another shape", lambda tmp: DrLIM(max_epochs=1, callbacks=[EarlyStopping(X[:, :2], GRAPH)]).fit(X), InputError, "does not map samples of the shape (2,)"),
    ("callbacks.MetricsFile", "number", lambda tmp: callbacks.MetricsFile(3), InputError, "the path is 3; it must be the name of a file or a"),
    ("callbacks.TensorBoard", "number", lambda tmp: callbacks.TensorBoard(3), InputError, "the path is 3; it must be the name of a file or a"),
    ("callbacks.PlotEpochs", "every 0", lambda tmp: callbacks.PlotEpochs(tmp, X, LABELS, every=0), InputError, "every is 0; it must be an integer >= 1"),
    ("callbacks.PlotEpochs", "too few labels", lambda tmp: callbacks.PlotEpochs(tmp, X, LABELS[:4]), InputError, "labels have the shape (4,) and there are 24"),
    ("callbacks.PlotEpochs", "folder in file", lambda tmp: DrLIM(max_epochs=1, callbacks=[callbacks.PlotEpochs(file(tmp, b"", "f") / "m", X, LABELS)]).fit(X), FileError, "cannot be made (Not a directory)"),
    ("checkpoints.Checkpoint", "folder none", lambda tmp: Checkpoint(None), InputError, "the checkpoint's folder is a NoneType; it must be"),
    ("checkpoints.Checkpoint", "0", lambda tmp: Checkpoint(tmp, 0), InputError, "every_epochs is 0; it must be an integer >= 1, or"),
    ("checkpoints.Checkpoint", "minutes", lambda tmp: Checkpoint(tmp, 1, -1), InputError, "every_minutes is -1; it must be a number > 0, or"),
    ("datasets.render_airplane", "NaN", lambda tmp: datasets.render_airplane(np.nan, 30, 0), InputError, "azimuth is nan; it is an angle in degrees, so"),
    ("datasets.render_airplane", "lighting 9", lambda tmp: datasets.render_airplane(0, 30, 9), InputError, "lighting is 9; it counts the lightings, so give 0"),
    ("datasets.render_airplane", "size 0", lambda tmp: datasets.render_airplane(0, 30, 0, size=0), InputError, "size is 0; give a whole number of pixels, 8 or"),
    ("datasets.Dataset", "factor length", lambda tmp: Dataset(X, {"a": [1]}), InputError, "the factor 'a' has the shape (1,) and there are"),
    ("datasets.Dataset", "names", lambda tmp: Dataset(X, names=["a"]), InputError, "the names have the shape (1,) and there are 24"),
    ("datasets.Dataset", "scalar X", lambda tmp: Dataset(3), InputError, "X has the shape () and the dtype int64; samples"),
    ("datasets.Dataset.factor", "unknown", lambda tmp: DATA.factor("digit"), InputError, "there is no factor 'digit'; known: c, source"),
    ("datasets.Dataset.split", "size out of range", lambda tmp: DATA.split(1.5), InputError, "test_size is 1.5; it is a share, between 0 and 1"),
    ("datasets.Dataset.split", "size text", lambda tmp: DATA.split("a"), InputError, "test_size is 'a'; it is a share, between 0 and 1"),
    ("datasets.Dataset.split", "NaN", lambda tmp: DATA.split(np.nan), InputError, "test_size is nan; it is a share, between 0 and 1"),
    ("datasets.Dataset.subset", "beyond", lambda tmp: DATA.subset([99]), InputError, "indices do not choose from 24 samples (index 99"),
    ("datasets.Dataset.subset", "an int", lambda tmp: DATA.subset(3), InputError, "indices choose no list of samples; of one sample,"),
    ("datasets.read", "missing file", lambda tmp: read(tmp / "no.npy"), FileError, "is not there; is it the right path?"),
    ("datasets.read", "number", lambda tmp: read(3), InputError, "the path is 3; it must be the name of a file or a"),
    ("datasets.read", "object array", lambda tmp: read(npy(tmp, np.array([{}], object))), FileError, "cannot be read: it is truncated, altered or no"),
    ("datasets.read", "unknown end", lambda tmp: read(file(tmp, b"hello", "b.xyz")), InputError, "ends in '.xyz'; known: .csv, .npy, .npz,"),
    ("datasets.read", "zero rows", lambda tmp: read(npy(tmp, X[:0])), InputError, "has no samples: the shape of its array is (0, 3)"),
    ("datasets.read", "scalar npy", lambda tmp: read(npy(tmp, np.array(3.0))), InputError, "holds an array of the shape (); samples have the"),
    ("datasets.read", "empty folder", lambda tmp: read((tmp / "d").mkdir() or tmp / "d"), InputError, "has no images (0 other files); images end in"),
    ("datasets.read", "bad image", lambda tmp: read(a_bad_image(tmp)), FileError, "is no image, whatever its ending says; mend or"),
    ("datasets.read", "csv ragged", lambda tmp: read(table(tmp, "a,b\n1,2\n3\n")), FileError, "cannot be read as a table: it is truncated,"),
    ("datasets.read", "csv text", lambda tmp: read(table(tmp, "a,b\nx,y\n")), InputError, "has no column of numbers, and features are numbers"),
    ("datasets.read", "csv empty", lambda tmp: read(table(tmp, "")), FileError, "has no columns: its first line names them"),
    ("datasets.read", "no such column", lambda tmp: read(table(tmp, "a,b\n1,2\n"), columns=["c"]), InputError, "has no column 'c'; known: a, b"),
    ("datasets.read", "factors short", lambda tmp: read(npy(tmp, X), factors=table(tmp, "c\n1\n2\n")), InputError, "has 2 rows (of 'c') and there are 24 samples;"),
    ("datasets.read", "unknown column", lambda tmp: read(npy(tmp, X), factors={"c": LABELS}, by="z"), InputError, "factors has no column 'z'; known: c"),
    ("datasets.read", "size out of range", lambda tmp: read(npy(tmp, IMAGES), size=(0, 3)), InputError, "is no folder of images; size and colour are of"),
    ("datasets.read", "a NUL in the name", lambda tmp: read("a\x00b.npy"), InputError, "the path is 'a\\x00b.npy'; it must be the name of"),
    ("datasets.blocks", "missing file", lambda tmp: list(datasets.blocks(tmp / "no.npy")), FileError, "is not there; is it the right path?"),
    ("datasets.blocks", "rows 0", lambda tmp: list(datasets.blocks(npy(tmp, X), rows=0)), InputError, "rows is 0; it must be an integer >= 1"),
    ("datasets.blocks", "rows text", lambda tmp: list(datasets.blocks(npy(tmp, X), rows="a")), InputError, "rows is 'a'; it must be an integer >= 1"),
    ("datasets.read_table", "missing file", lambda tmp: datasets.read_table(tmp / "n.csv"), FileError, "is not there; is it the right path?"),
    ("datasets.read_table", "wrong file", lambda tmp: datasets.read_table(file(tmp, b"\xff\xfe\x00", "n.parquet")), FileError, "cannot be read as a table: it is truncated,"),
    ("datasets.read_table", "duplicate", lambda tmp: datasets.read_table(table(tmp, "a,a\n1,2\n")), InputError, "has two columns called 'a'; rename one"),
    ("datasets.write_points", "a folder", lambda tmp: datasets.write_points(tmp, [(Z, None)], 2), InputError, "ends in ''; known: .csv, .npy, .parquet"),
    ("datasets.write_points", "ending", lambda tmp: datasets.write_points(tmp / "a.xls", [(Z, None)], 2), InputError, "ends in '.xls'; known: .csv, .npy, .parquet"),
    ("datasets.write_points", "under a file", lambda tmp: datasets.write_points(npy(tmp, X) / "a.npy", [(Z, None)], 2), FileError, "cannot be written (Not a directory); give a file"),
    ("datasets.instruments", "0", lambda tmp: datasets.instruments(n_samples=0), InputError, "n_samples is 0; it must be an integer >= 2"),
    ("datasets.instruments", "-1 seed", lambda tmp: datasets.instruments(seed=-1), InputError, "seed is -1; it must be an integer >= 0"),
    ("datasets.instruments", "other features", lambda tmp: datasets.instruments(n_features=0), InputError, "n_features is 0; it must be an integer >= 4"),
    ("datasets.signatures", "writers 0", lambda tmp: datasets.signatures(tmp / "a", n_writers=0), InputError, "n_writers is 0; it must be an integer >= 2"),
    ("datasets.signatures", "not empty", lambda tmp: datasets.signatures(file(tmp, b"", "x").parent, n_writers=2, n_per_writer=2), FileError, "is not empty, and images of two makings must not"),
    ("datasets.signatures", "under a file", lambda tmp: datasets.signatures(file(tmp, b"", "x") / "y", n_writers=2, n_per_writer=2), FileError, "cannot be written (Not a directory); give a"),
    ("datasets.weaves", "0", lambda tmp: datasets.weaves(tmp / "a", n_classes=0), InputError, "n_classes is 0; it must be an integer >= 2"),
    ("datasets.weaves", "under a file", lambda tmp: datasets.weaves(file(tmp, b"", "x") / "y", n_classes=2, n_per_class=2), FileError, "cannot be written (Not a directory); give a"),
    ("datasets.weaves", "size out of range", lambda tmp: datasets.weaves(tmp / "a", n_classes=2, n_per_class=2, size=0), InputError, "size is 0; it must be an integer >= 32"),
    ("datasets.mnist", "part", lambda tmp: datasets.mnist("all"), InputError, "part is 'all'; it must be 'train' or 'test'"),
    ("datasets.mnist", "digits", lambda tmp: datasets.mnist("small", digits=[12]), InputError, "part is 'small'; it must be 'train' or 'test'"),
    ("datasets.mnist", "no digits", lambda tmp: datasets.mnist("test", digits=[]), InputError, "digits are []; give some of 0 to 9"),
    ("datasets.read_idx", "missing file", lambda tmp: datasets.read_idx(tmp / "a"), FileError, "cannot be read (No such file or directory); is it"),
    ("datasets.read_idx", "wrong file", lambda tmp: datasets.read_idx(file(tmp, b"abc", "a")), FileError, "is no IDX file: it begins with 61 62 63, and an"),
    ("datasets.read_idx", "a folder", lambda tmp: datasets.read_idx(tmp), FileError, "cannot be read (Is a directory); is it the right"),
    ("datasets.read_matrix", "missing file", lambda tmp: datasets.read_matrix(tmp / "a"), FileError, "cannot be read (No such file or directory); is it"),
    ("datasets.read_matrix", "wrong file", lambda tmp: datasets.read_matrix(file(tmp, b"abc", "a")), FileError, "is no matrix of small NORB: it begins with 61 62"),
    ("datasets.norb", "part", lambda tmp: datasets.norb("x"), InputError, "part is 'x'; known: test, train"),
    ("datasets.norb", "category", lambda tmp: datasets.norb(category="cat"), InputError, "category is 'cat'; known: airplane, animal, car,"),
    ("datasets.norb", "instance", lambda tmp: datasets.norb(instance=11), InputError, "instance is 11; the part 'train' has 4, 6, 7, 8, 9"),
    ("declaration.Declaration", "unknown", lambda tmp: Declaration(kept=1), InputError, "the declaration, kept: there is no such key;"),
    ("declaration.Declaration", "empty keep", lambda tmp: Declaration(keep=({},)), InputError, "the declaration, keep[0]: give either a factor or"),
    ("declaration.Declaration", "keep text", lambda tmp: Declaration(keep=3), InputError, "the declaration, keep: input should be a valid"),
    ("declaration.Declaration.read", "missing file", lambda tmp: Declaration.read(tmp / "a.toml"), FileError, "cannot be read (No such file or directory); give"),
    ("declaration.Declaration.read", "no TOML", lambda tmp: Declaration.read(table(tmp, "a = = 3", "a.toml")), InputError, "is not TOML: Invalid value (at line 1, column 5)"),
    ("declaration.Declaration.read", "bytes that are no text", lambda tmp: Declaration.read(file(tmp, b"\xff\xfe", "a.toml")), FileError, "cannot be read ('utf-8' codec can't decode byte"),
    ("declaration.Declaration.with_options", "keep", lambda tmp: Declaration().with_options(keep=["a:b:c:d:e"]), InputError, "--keep 'a:b:c:d:e' cannot be read; give FACTOR,"),
    ("declaration.Declaration.with_options", "ignore", lambda tmp: Declaration().with_options(ignore=["shift:x:3"]), InputError, "the declaration, ignore[0].range[0]: input should"),
    ("declaration.Declaration.with_options", "map", lambda tmp: Declaration().with_options(map={"n_components": 0}), InputError, "the declaration, map.n_components: input should"),
    ("declaration.Data", "bad", lambda tmp: declaration.Data(size=(1, 2, 3)), InputError, "declaration.Data, size: tuple should have at most"),
    ("declaration.Data", "colour", lambda tmp: declaration.Data(colour="red"), InputError, "declaration.Data, colour: input should be 'grey'"),
    ("declaration.HeldOut", "share", lambda tmp: declaration.HeldOut(share=1.5), InputError, "declaration.HeldOut, share: input should be less"),
    ("declaration.Ignore", "contradictory", lambda tmp: declaration.Ignore(factor="a", transform="b"), InputError, "declaration.Ignore: give either a factor or a"),
    ("declaration.Keep", "none", lambda tmp: declaration.Keep(), InputError, "declaration.Keep: give either a factor or a"),
    ("declaration.Keep", "negative", lambda tmp: declaration.Keep(factor="a", step=-1), InputError, "declaration.Keep, step: input should be greater"),
    ("declaration.Map", "out of range", lambda tmp: declaration.Map(n_components=0), InputError, "declaration.Map, n_components: input should be"),
    ("declaration.Map", "margin", lambda tmp: declaration.Map(margin=np.inf), InputError, "declaration.Map, margin: input should be a finite"),
    ("declaration.Pairs", "no", lambda tmp: declaration.Pairs(), InputError, "declaration.Pairs: 'path' is missing"),
    ("declaration.read_data", "no path", lambda tmp: declaration.read_data(Declaration()), InputError, "the declaration, data: the declaration names no"),
    ("declaration.read_data", "missing file", lambda tmp: declaration.read_data(Declaration(), tmp / "no.npy"), FileError, "is not there; is it the right path?"),
    ("declaration.split", "one group", lambda tmp: declaration.split(Declaration(held_out={"unseen": {"d": (1,)}}), DATA), InputError, "there is no factor 'd'; known: c, source"),
    ("declaration.split", "one sample", lambda tmp: declaration.split(declared(), DATA.subset([0])), InputError, "the declaration, held_out.share: 0.2 of 1 samples"),
    ("declaration.rules", "nothing", lambda tmp: declaration.rules(Declaration(), DATA), InputError, "the declaration keeps nothing and ignores"),
    ("declaration.rules", "factor", lambda tmp: declaration.rules(Declaration(keep=({"factor": "x"},)), DATA), InputError, "the declaration, keep[0]: there is no factor 'x';"),
    ("declaration.rules", "rows", lambda tmp: declaration.rules(declared(), DATA, np.array([99])), InputError, "indices do not choose from 24 samples (index 99"),
    ("declaration.fit", "change", lambda tmp: declaration._fit.estimator(declared(map={"network": "lenett"}), [], X), InputError, "the declaration, map.network: there is no network"),
    ("declaration.fit", "epochs", lambda tmp: declaration._fit.estimator(declared(), [], X, max_epochs=-1).fit(X), InputError, "max_epochs is -1; it must be an integer >= 0"),
    ("declaration.fit", "no keep", lambda tmp: declaration.fit(Declaration(), DATA), InputError, "the declaration keeps nothing and ignores"),
    ("declaration.fit", "small", lambda tmp: declaration.fit(declared(), DATA.subset(slice(2))), InputError, "the declaration, held_out.share: 0.2 of 2 samples"),
    ("declaration.fit", "NaN", lambda tmp: declaration.fit(declared(), Dataset(X_NAN, {"c": LABELS})), InputError, "Input X contains NaN. A map needs finite numbers:"),
    ("declaration.prove", "too few", lambda tmp: declaration.prove(fitted(), declared(), DATA.subset(slice(0))), InputError, "X has the shape (0, 3); samples are rows,"),
    ("declaration.prove", "shape", lambda tmp: declaration.prove(fitted(), declared(), Dataset(X[:, :2], {"c": LABELS})), InputError, "X has 2 features, but DrLIM is expecting 3"),
    ("declaration.prove", "factor", lambda tmp: declaration.prove(fitted(), declared(), Dataset(X)), InputError, "there is no factor 'c'; known:"),
    ("declaration.nearest", "out of range", lambda tmp: declaration.nearest(fitted(), DATA, "0", 99), InputError, "99 nearest are asked for, and there are 24 known"),
    ("declaration.nearest", "name", lambda tmp: declaration.nearest(fitted(), DATA, "x"), InputError, "there is no sample 'x', and no file of that name;"),
    ("declaration.nearest", "0", lambda tmp: declaration.nearest(fitted(), DATA, "0", 0), InputError, "0 nearest are asked for, and there are 24 known"),
    ("declaration.open_map", "missing file", lambda tmp: declaration.open_map(tmp / "a"), FileError, "cannot be read (No such file or directory); is it"),
    ("declaration.open_map", "network", lambda tmp: declaration.open_map(tmp / "a", "foo"), InputError, "'foo' cannot be imported (No module named 'foo');"),
    ("declaration.open_map", "network2", lambda tmp: declaration.open_map(tmp / "a", "no_module:foo"), InputError, "'no_module:foo' cannot be imported (No module"),
    ("declaration.verify", "factor", lambda tmp: declaration.verify(fitted(), declared(), Dataset(X)), InputError, "there is no factor 'c'; known:"),
    ("declaration.verify", "rate out of range", lambda tmp: declaration.verify(fitted(), declared(), DATA, 7.0), InputError, "false_accept_rate is 7.0; it is a share, between"),
    ("declaration.verify", "same", lambda tmp: declaration.verify(fitted(), declared(), DATA, same="x"), InputError, "there is no factor 'x'; known: c, source"),
    ("declaration.declaration_of", "none", lambda tmp: declaration.declaration_of(fitted(), needed=True), InputError, "the map was learnt without a declaration, so"),
    ("evaluation.quality.trustworthiness", "NaN", lambda tmp: quality.trustworthiness(X, Z_NAN), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.quality.trustworthiness", "other lengths", lambda tmp: quality.trustworthiness(X, Z[:5]), InputError, "there are 24 samples and 5 points; a point a"),
    ("evaluation.quality.trustworthiness", "neighbours >= n", lambda tmp: quality.trustworthiness(X, Z, 24), InputError, "n_neighbors is 24 and there are 24 samples; it"),
    ("evaluation.quality.continuity", "NaN", lambda tmp: quality.continuity(X, Z_NAN), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.quality.continuity", "other lengths", lambda tmp: quality.continuity(X, Z[:5]), InputError, "there are 5 samples and 24 points; a point a"),
    ("evaluation.quality.continuity", "neighbours >= n", lambda tmp: quality.continuity(X, Z, 24), InputError, "n_neighbors is 24 and there are 24 samples; it"),
    ("evaluation.quality.neighborhood_preservation", "NaN", lambda tmp: quality.neighborhood_preservation(X, Z_NAN), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.quality.neighborhood_preservation", "other lengths", lambda tmp: quality.neighborhood_preservation(X, Z[:5]), InputError, "there are 24 samples and 5 points; a point a"),
    ("evaluation.quality.neighborhood_preservation", "neighbours >= n", lambda tmp: quality.neighborhood_preservation(X, Z, 24), InputError, "n_neighbors is 24 and there are 24 samples; it"),
    ("evaluation.quality.knn_accuracy", "NaN", lambda tmp: quality.knn_accuracy(Z_NAN, LABELS, Z, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.quality.knn_accuracy", "too few labels", lambda tmp: quality.knn_accuracy(Z, LABELS[:3], Z, LABELS), InputError, "what is known of the training points has the"),
    ("evaluation.quality.knn_accuracy", "too few held-out labels", lambda tmp: quality.knn_accuracy(Z, LABELS, Z, LABELS[:3]), InputError, "the truth about the held-out points has the shape"),
    ("evaluation.quality.knn_accuracy", "points of another map", lambda tmp: quality.knn_accuracy(Z, LABELS, X, LABELS), InputError, "training points have 2 components and held-out ones 3"),
    ("evaluation.quality.leave_one_out_accuracy", "size 1", lambda tmp: quality.leave_one_out_accuracy(Z[:1], [1]), InputError, "there is 1 point; it needs others to be told by"),
    ("evaluation.quality.leave_one_out_accuracy", "too few labels", lambda tmp: quality.leave_one_out_accuracy(Z, [1]), InputError, "labels has the shape (1,) and there are 24"),
    ("evaluation.quality.leave_one_out_accuracy", "NaN", lambda tmp: quality.leave_one_out_accuracy(Z_NAN, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.quality.factor_recovery", "NaN factor", lambda tmp: quality.factor_recovery(Z, Z_NAN[:, 0], Z, Z[:, 0]), InputError, "the factor has values that are not finite"),
    ("evaluation.quality.factor_recovery", "neighbours out of range", lambda tmp: quality.factor_recovery(Z, Z[:, 0], Z, Z[:, 0], 99), InputError, "n_neighbors is 99; it must be an integer >= 1 and"),
    ("evaluation.quality.factor_recovery", "too few labels", lambda tmp: quality.factor_recovery(Z, Z[:3, 0], Z, Z[:, 0]), InputError, "what is known of the training points has the"),
    ("evaluation.quality.evenness", "NaN", lambda tmp: quality.evenness(Z_NAN), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.quality.evenness", "one dimension", lambda tmp: quality.evenness(Z[:, 0]), InputError, "the array has the shape (24,); samples are rows,"),
    ("evaluation.quality.as_rows", "one dimension", lambda tmp: quality.as_rows([1]), InputError, "the array has the shape (1,); samples are rows,"),
    ("evaluation.quality.as_rows", "huge", lambda tmp: quality.as_rows(np.full((2, 2), 1e200)), InputError, "has values up to 1e+200, and the square of such a"),
    ("evaluation.quality.as_rows", "texts", lambda tmp: quality.as_rows([["a"]]), InputError, "the array has the dtype <U1; it must have"),
    ("evaluation.cylinder.fit_cylinder", "shape", lambda tmp: cylinder.fit_cylinder(Z), InputError, "the points have the shape (24, 2); a cylinder is"),
    ("evaluation.cylinder.fit_cylinder", "NaN", lambda tmp: cylinder.fit_cylinder(X_NAN), InputError, "Z has NaN or infinite values; a distance to them"),
    ("evaluation.cylinder.fit_cylinder", "equal", lambda tmp: cylinder.fit_cylinder(np.ones((9, 3))), InputError, "all points are one; a map that is constant has no"),
    ("evaluation.cylinder.circular_correlation", "other lengths", lambda tmp: cylinder.circular_correlation([1, 2], [1, 2, 3]), InputError, "the second angle has the shape (3,) and there are"),
    ("evaluation.cylinder.circular_correlation", "NaN", lambda tmp: cylinder.circular_correlation([1, np.nan], [1, 2]), InputError, "the first angle has NaN or infinite values; a"),
    ("evaluation.cylinder.circular_correlation", "size 0", lambda tmp: cylinder.circular_correlation([], []), InputError, "the first angle has the shape (0, 1); samples are"),
    ("evaluation.invariance.orbit_ratio", "shape", lambda tmp: invariance.orbit_ratio(Z, [1]), InputError, "source has the shape (1,) and there are 24"),
    ("evaluation.invariance.orbit_ratio", "NaN", lambda tmp: invariance.orbit_ratio(Z_NAN, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.invariance.orbit_ratio", "one source", lambda tmp: invariance.orbit_ratio(Z, np.zeros(24)), InputError, "there must be copies of one source and more"),
    ("evaluation.invariance.orbits", "none", lambda tmp: invariance.orbits({}), InputError, "no factor is kept; an orbit is made of samples"),
    ("evaluation.invariance.orbits", "other lengths", lambda tmp: invariance.orbits({"a": [1], "b": [1, 2]}), InputError, "the factors a, b are of 1, 2 samples; each must"),
    ("evaluation.invariance.orbits", "two dimensions", lambda tmp: invariance.orbits({"a": [[1, 2]]}), InputError, "one of a has a shape; a factor has one value a"),
    ("evaluation.invariance.leakage", "probe", lambda tmp: invariance.leakage(Z, LABELS, probe="x"), InputError, "probe is 'x'; known: logistic, trees"),
    ("evaluation.invariance.leakage", "unknown kind", lambda tmp: invariance.leakage(Z, LABELS, kind="x"), InputError, "kind is 'x'; known: class, number"),
    ("evaluation.invariance.leakage", "NaN", lambda tmp: invariance.leakage(Z_NAN, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.invariance.from_kept", "none", lambda tmp: invariance.from_kept({}, LABELS), InputError, "no factor is kept, so nothing can be read off"),
    ("evaluation.invariance.from_kept", "another length", lambda tmp: invariance.from_kept({"a": [1]}, LABELS), InputError, "the factor has the shape (24,) and there are 1"),
    ("evaluation.invariance.displacement", "strengths", lambda tmp: invariance.displacement(Z, [Z], [1, 2]), InputError, "there are 24 samples, 1 arrays of moved points"),
    ("evaluation.invariance.displacement", "shape", lambda tmp: invariance.displacement(Z, [X], [1]), InputError, "the points moved with the strength 1 have the"),
    ("evaluation.invariance.displacement", "size 1", lambda tmp: invariance.displacement(Z[:1], [Z[:1]], [1]), InputError, "there are 1 samples, 1 arrays of moved points and"),
    ("evaluation.proof.ignores", "no map", lambda tmp: proof.ignores("c", {"x": Z}, LABELS), InputError, "maps has x; one must be called 'map'"),
    ("evaluation.proof.ignores", "NaN", lambda tmp: proof.ignores("c", {"map": Z_NAN}, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.proof.ignores", "another length", lambda tmp: proof.ignores("c", {"map": Z}, [1]), InputError, "'c' has 1 values and there are 24 held-out"),
    ("evaluation.proof.keeps", "no map", lambda tmp: proof.keeps("c", {"x": Z}, LABELS), InputError, "maps has x; one must be called 'map'"),
    ("evaluation.proof.keeps", "train names", lambda tmp: proof.keeps("c", {"map": Z}, LABELS, train={"y": Z}, factor_train=LABELS), InputError, "train has y and maps has map; there must be"),
    ("evaluation.proof.keeps", "train without factor", lambda tmp: proof.keeps("c", {"map": Z}, LABELS, train={"map": Z}), InputError, "train has points and factor_train is None; give"),
    ("evaluation.proof.is_constant", "one dimension", lambda tmp: proof.is_constant([1.0]), InputError, "the array has the shape (1,); samples are rows,"),
    ("evaluation.proof.is_constant", "NaN", lambda tmp: proof.is_constant(Z_NAN), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.retention.retention", "unknown kind", lambda tmp: retention(Z, LABELS, Z, LABELS, kind="x"), InputError, "kind is 'x'; known: class, neighbors, number,"),
    ("evaluation.retention.retention", "components", lambda tmp: retention(X, LABELS, Z, LABELS, kind="class"), InputError, "training points have 3 components and held-out"),
    ("evaluation.retention.retention", "NaN", lambda tmp: retention(Z, LABELS, Z_NAN, LABELS, kind="class"), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.verification.verification", "rate out of range", lambda tmp: verification.verification(Z, LABELS, 2), InputError, "false_accept_rate is 2; it is a share, between 0"),
    ("evaluation.verification.verification", "rate text", lambda tmp: verification.verification(Z, LABELS, "a"), InputError, "false_accept_rate is 'a'; it is a share, between"),
    ("evaluation.verification.verification", "rate nan", lambda tmp: verification.verification(Z, LABELS, np.nan), InputError, "false_accept_rate is nan; it is a share, between"),
    ("evaluation.verification.choose_threshold", "rate out of range", lambda tmp: verification.choose_threshold(Z, LABELS, 0), InputError, "false_accept_rate is 0; it is a share, between 0"),
    ("evaluation.verification.choose_threshold", "unknown by", lambda tmp: verification.choose_threshold(Z, LABELS, 0.1, by="x"), InputError, "by is 'x'; known: class, sample"),
    ("evaluation.verification.choose_threshold", "too few", lambda tmp: verification.choose_threshold(Z, LABELS, 0.1), InputError, "there are 3 classes, the smallest of 8 points; a"),
    ("evaluation.verification.judge_by", "two dimensions", lambda tmp: verification.judge_by(Z), InputError, "(24, 2)"),
    ("evaluation.verification.judge_by", "size 0", lambda tmp: verification.judge_by([]), InputError, "(0,)"),
    ("evaluation.verification.decide", "shape", lambda tmp: verification.decide(Z, Z[:3], 1.0), InputError, "the points have the shapes (24, 2) and (3, 2);"),
    ("evaluation.verification.decide", "threshold", lambda tmp: verification.decide(Z, Z, "a"), InputError, "the threshold is 'a'; it is a distance, a finite"),
    ("evaluation.verification.decide", "negative", lambda tmp: verification.decide(Z, Z, -1.0), InputError, "the threshold is -1.0; it is a distance, a finite"),
    ("evaluation.verification.equal_error_rate", "unknown by", lambda tmp: verification.equal_error_rate(Z, LABELS, by="x"), InputError, "by is 'x'; known: class, sample"),
    ("evaluation.verification.equal_error_rate", "one class", lambda tmp: verification.equal_error_rate(Z, LABELS * 0), InputError, "there are 24 points and labels of the shape (24,)"),
    ("evaluation.verification.equal_error_rate", "NaN", lambda tmp: verification.equal_error_rate(Z_NAN, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.verification.roc", "points", lambda tmp: verification.roc(Z, LABELS, n_points=0), InputError, "n_points is 0; it must be an integer >= 2"),
    ("evaluation.verification.roc", "another length", lambda tmp: verification.roc(Z, [1]), InputError, "there are 24 points and labels of the shape (1,)"),
    ("evaluation.verification.roc", "NaN", lambda tmp: verification.roc(Z_NAN, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("evaluation.verification.mean_average_precision", "another length", lambda tmp: verification.mean_average_precision(Z, [1]), InputError, "labels has the shape (1,) and there are 24"),
    ("evaluation.verification.mean_average_precision", "all different", lambda tmp: verification.mean_average_precision(Z, np.arange(24)), InputError, "no two samples are of one class, so there is"),
    ("evaluation.verification.mean_average_precision", "NaN", lambda tmp: verification.mean_average_precision(Z_NAN, LABELS), InputError, "the array has NaN or infinite values; a distance"),
    ("experiments.reproduce", "name", lambda tmp: experiments.reproduce("spring", tmp), InputError, "there is no experiment 'spring'; known: all,"),
    ("experiments.reproduce", "seed", lambda tmp: experiments.reproduce("loss", tmp / "a", seed=-1), InputError, "seed is -1; it must be an integer >= 0"),
    ("experiments.reproduce", "under a file", lambda tmp: experiments.reproduce("loss", file(tmp, b"", "x") / "a"), FileError, "(Not a directory); give a folder that you may"),
    ("graphs.neighbors", "NaN", lambda tmp: graphs.neighbors(X_NAN, 2), InputError, "X has NaN or infinite values; a distance to them"),
    ("graphs.neighbors", "neighbours out of range", lambda tmp: graphs.neighbors(X, 24), InputError, "n_neighbors is 24 and there are 24 samples to"),
    ("graphs.neighbors", "True for a number", lambda tmp: graphs.neighbors(X, True), InputError, "n_neighbors is True; it must be an integer >= 1"),
    ("graphs.neighbors", "half a neighbour", lambda tmp: graphs.neighbors(X, 2.0), InputError, "n_neighbors is 2.0; it must be an integer >= 1"),
    ("graphs.neighbors", "texts", lambda tmp: graphs.neighbors([["a"]], 1), InputError, "X has the dtype <U1 and the shape (1, 1);"),
    ("graphs.neighbors", "ragged", lambda tmp: graphs.neighbors([[1], [1, 2]], 1), InputError, "X is no array (setting an array element with a"),
    ("graphs.neighbors", "size 0", lambda tmp: graphs.neighbors([], 1), InputError, "n_neighbors is 1 and there are 0 samples to"),
    ("graphs.neighbors", "scalar", lambda tmp: graphs.neighbors(3, 1), InputError, "X has the dtype int64 and the shape ();"),
    ("graphs.neighbors", "within", lambda tmp: graphs.neighbors(X, 1, within=[1]), InputError, "within has the shape (1,); it must have one value"),
    ("graphs.neighbors", "within few", lambda tmp: graphs.neighbors(X, 5, within=np.arange(24)), InputError, "n_neighbors is 5 and there are 1 samples to"),
    ("graphs.neighbors", "within nan", lambda tmp: graphs.neighbors(X, 2, within=np.where(np.arange(24) < 12, np.nan, 1)), InputError, "n_neighbors is 2 and there are 0 samples to"),
    ("graphs.same", "two dimensions", lambda tmp: graphs.same(Z), InputError, "the factor has the shape (24, 2); it must have"),
    ("graphs.same", "NaN", lambda tmp: graphs.same([1, np.nan]), InputError, "the factor has NaN values; every sample must have"),
    ("graphs.same", "None mixed", lambda tmp: graphs.same([1, None, "a"]), InputError, "the factor has values of several types, or"),
    ("graphs.copies", "two dimensions", lambda tmp: graphs.copies(Z), InputError, "the factor has the shape (24, 2); it must have"),
    ("graphs.adjacent", "texts", lambda tmp: graphs.adjacent(["a", "b"], 1), InputError, "the factor has the dtype <U1; near is a matter of"),
    ("graphs.adjacent", "step0", lambda tmp: graphs.adjacent([1, 2], 0), InputError, "step is 0; it must be > 0 (equal values: use same)"),
    ("graphs.adjacent", "step text", lambda tmp: graphs.adjacent([1, 2], "a"), InputError, "step is 'a'; it must be > 0 (equal values: use"),
    ("graphs.pairs", "other lengths", lambda tmp: graphs.pairs([1], [1, 2], 3), InputError, "left has the shape (1,) and right (2,); they are"),
    ("graphs.pairs", "self", lambda tmp: graphs.pairs([1], [1], 3), InputError, "pair 0 is sample 1 with itself; a pair must name"),
    ("graphs.pairs", "beyond", lambda tmp: graphs.pairs([1], [7], 3), InputError, "edges name row 7, and with n_samples=3 the rows"),
    ("graphs.SimilarityGraph.from_edges", "beyond", lambda tmp: SimilarityGraph.from_edges([(0, 9)], 3), InputError, "edges name row 9, and with n_samples=3 the rows"),
    ("graphs.SimilarityGraph.from_edges", "negative", lambda tmp: SimilarityGraph.from_edges([(0, -1)], 3), InputError, "edges name row -1, and with n_samples=3 the rows"),
    ("graphs.SimilarityGraph.from_edges", "float", lambda tmp: SimilarityGraph.from_edges([(0, 1.5)], 3), InputError, "edges have the dtype float64; they are row"),
    ("graphs.SimilarityGraph.from_edges", "huge", lambda tmp: SimilarityGraph.from_edges([(0, 1)], 2**40), InputError, "n_samples is 1099511627776; it must be an integer >= 0 and"),
    ("graphs.SimilarityGraph.from_sparse", "notsquare", lambda tmp: SimilarityGraph.from_sparse(sp.csr_array((2, 3))), InputError, "the matrix has the shape (2, 3); who is similar"),
    ("graphs.SimilarityGraph.from_sparse", "texts", lambda tmp: SimilarityGraph.from_sparse("a"), InputError, "a str is no matrix (scipy sparse array classes do"),
    ("graphs.SimilarityGraph.empty", "negative", lambda tmp: SimilarityGraph.empty(-1), InputError, "n_samples is -1; it must be an integer >= 0 and"),
    ("graphs.SimilarityGraph.complete", "texts", lambda tmp: SimilarityGraph.complete("3"), InputError, "n_samples is '3'; it must be an integer >= 0 and"),
    ("graphs.SimilarityGraph.has", "beyond", lambda tmp: GRAPH.has([99], [0]), InputError, "rows run from 99 to 99; the graph's rows are 0 to"),
    ("graphs.SimilarityGraph.has", "float", lambda tmp: GRAPH.has([0.5], [0]), InputError, "rows have the dtype float64; they must be integers"),
    ("graphs.SimilarityGraph.has", "other lengths", lambda tmp: GRAPH.has([0, 1], [0, 1, 2]), InputError, "left has the shape (2,) and right (3,); both name"),
    ("graphs.SimilarityGraph.place", "beyond", lambda tmp: GRAPH.place([99], [0]), InputError, "rows run from 99 to 99; the graph's rows are 0 to"),
    ("graphs.SimilarityGraph.restrict", "beyond", lambda tmp: GRAPH.restrict([99]), InputError, "rows run from 99 to 99; the graph's rows are 0 to"),
    ("graphs.SimilarityGraph.restrict", "twice", lambda tmp: GRAPH.restrict([1, 1]), InputError, "indices name a row twice; a sample can be kept"),
    ("graphs.SimilarityGraph.edges_at", "beyond", lambda tmp: GRAPH.edges_at([10**9]), InputError, "they must be integers from 0 to"),
    ("graphs.SimilarityGraph.restrict", "mask", lambda tmp: GRAPH.restrict([True]), InputError, "the mask has the shape (1,); the graph has 24"),
    ("graphs.SimilarityGraph.copied", "0", lambda tmp: GRAPH.copied(0), InputError, "n_copies is 0; it must be an integer >= 1"),
    ("graphs.SimilarityGraph.__or__", "another size", lambda tmp: GRAPH | SimilarityGraph.empty(3), InputError, "graph | graph: one speaks of 24 samples and the"),
    ("graphs.SimilarityGraph.__and__", "type", lambda tmp: GRAPH & 3, TypeError, "both sides must be a SimilarityGraph"),
    ("graphs.SimilarityGraph.__setattr__", "set", lambda tmp: setattr(GRAPH, "a", 3), AttributeError, "cannot be changed"),
    ("losses.from_metric_learning", "a name", lambda tmp: losses.from_metric_learning("TripletMarginLoss"), InputError, "the loss is a str; it must be one that is made"),
    ("losses.Contrastive", "margin 0", lambda tmp: losses.Contrastive(0), InputError, "margin is 0; it must be a finite number > 0: it"),
    ("losses.Contrastive", "margin inf", lambda tmp: losses.Contrastive(np.inf), InputError, "margin is inf; it must be a finite number > 0: it"),
    ("losses.DoubleMargin", "margin 0", lambda tmp: losses.DoubleMargin(0), InputError, "margin is 0; it must be a finite number > 0: it"),
    ("losses.DoubleMargin", "margin inf", lambda tmp: losses.DoubleMargin(np.inf), InputError, "margin is inf; it must be a finite number > 0: it"),
    ("losses.HeavyTailed", "margin 0", lambda tmp: losses.HeavyTailed(0), InputError, "margin is 0; it must be a finite number > 0: it"),
    ("losses.HeavyTailed", "margin inf", lambda tmp: losses.HeavyTailed(np.inf), InputError, "margin is inf; it must be a finite number > 0: it"),
    ("losses.Logistic", "margin 0", lambda tmp: losses.Logistic(0), InputError, "margin is 0; it must be a finite number > 0: it"),
    ("losses.Logistic", "margin inf", lambda tmp: losses.Logistic(np.inf), InputError, "margin is inf; it must be a finite number > 0: it"),
    ("losses.DoubleMargin", "inner", lambda tmp: losses.DoubleMargin(1, 2), InputError, "inner is 2; it is a share of the margin and must"),
    ("losses.Logistic", "no sharpness", lambda tmp: losses.Logistic(1, 0), InputError, "sharpness is 0; it must be a finite number > 0"),
    ("losses.build", "name", lambda tmp: losses.build("a", 1), InputError, "loss is 'a'; known: contrastive, double-margin,"),
    ("losses.build", "none", lambda tmp: losses.build(None, 1), InputError, "loss is None; it must be a name (contrastive,"),
    ("losses.build", "own", lambda tmp: losses.build(lambda m: 3, 1), InputError, "the loss builder gave a int; it must return an"),
    ("losses.check_margin", "texts", lambda tmp: losses.check_margin("a"), InputError, "margin is 'a'; it must be a finite number > 0: it"),
    ("losses.check_margin", "True", lambda tmp: losses.check_margin(True), InputError, "margin is True; it must be a finite number > 0:"),
    ("losses.contrastive_loss", "shape", lambda tmp: losses.contrastive_loss([0.5], [True, False], 1.0), InputError, "distance has the shape (1,) and similar (2,);"),
    ("losses.contrastive_loss", "too few labels", lambda tmp: losses.contrastive_loss([0.5], [2], 1.0), LabelError, "similar has the dtype torch.int64 and values"),
    ("losses.contrastive_loss", "dist text", lambda tmp: losses.contrastive_loss(["a"], [True], 1.0), InputError, "distance has the dtype <U1; it must be of numbers"),
    ("losses.contrastive_loss", "negative distance", lambda tmp: losses.contrastive_loss([-1.0], [True], 1.0), InputError, "distance has the value -1.0; a distance is >= 0"),
    ("losses.global_loss", "huge", lambda tmp: losses.global_loss(Z * 1e200, GRAPH, 1.0), InputError, "divide Z and the margin by one number"),
    ("losses.global_loss", "NaN", lambda tmp: losses.global_loss(Z_NAN, GRAPH, 1.0), InputError, "Z has NaN or infinite values; such a map has no"),
    ("losses.global_loss", "another length", lambda tmp: losses.global_loss(Z[:3], GRAPH, 1.0), InputError, "Z has the shape (3, 2) and the graph is about 24"),
    ("losses.global_loss", "graph", lambda tmp: losses.global_loss(Z, "g", 1.0), InputError, "graph is a str; it must be a"),
    ("networks.lenet", "shape", lambda tmp: networks.lenet((8, 8), 2), InputError, "samples have the shape (8, 8); lenet is the"),
    ("networks.lenet", "unknown activation", lambda tmp: networks.lenet((28, 28), 2, "x"), InputError, "activation is 'x'; known: gelu, relu, tanh"),
    ("networks.lenet", "out of range", lambda tmp: networks.lenet((28, 28), 0), InputError, "n_components is 0; it must be an integer >= 1"),
    ("networks.mlp", "hidden int", lambda tmp: networks.mlp((3,), 2, hidden=5), InputError, "hidden is 5; it must list the units of each"),
    ("networks.mlp", "hidden neg", lambda tmp: networks.mlp((3,), 2, hidden=(-5,)), InputError, "a number of units in hidden is -5; it must be an"),
    ("networks.mlp", "unknown activation", lambda tmp: networks.mlp((3,), 2, activation="sigmoid"), InputError, "activation is 'sigmoid'; known: gelu, relu, tanh"),
    ("networks.linear", "out of range", lambda tmp: networks.linear((3,), -1), InputError, "n_components is -1; it must be an integer >= 1"),
    ("networks.linear", "texts", lambda tmp: networks.linear((3,), "a"), InputError, "n_components is 'a'; it must be an integer >= 1"),
    ("networks.convnet", "vectors, no images", lambda tmp: networks.convnet((3,), 2), InputError, "samples have the shape (3,); convnet takes images"),
    ("networks.convnet", "depth 0", lambda tmp: networks.convnet((8, 8), 2, depth=0), InputError, "depth is 0; it must be an integer >= 1 and <= 32"),
    ("networks.convnet", "width", lambda tmp: networks.convnet((8, 8), 2, width=0), InputError, "width is 0; it must be an integer >= 4 and <="),
    ("networks.backbone", "module", lambda tmp: networks.backbone(nn.Linear(1, 1)), InputError, "the backbone's module is a Linear; it must be a"),
    ("networks.backbone", "weights missing", lambda tmp: networks.backbone(lambda: nn.Linear(3, 4), weights=tmp / "a")((3,), 2), FileError, "cannot be read (No such file or directory); is it"),
    ("networks.backbone", "weights wrong", lambda tmp: networks.backbone(lambda: nn.Linear(3, 4), weights=file(tmp, b"hello", "a"))((3,), 2), FileError, "are no safetensors file, or only a part of one"),
    ("networks.with_arguments", "unknown argument", lambda tmp: networks.with_arguments("mlp", {"hiden": 3}), InputError, "the network 'mlp' takes no 'hiden'; known: activation, hidden; did you mean"),
    ("networks.with_arguments", "no network yet", lambda tmp: networks.with_arguments(None, {"hidden": 3}), InputError, "network is None, so the samples' shape chooses it"),
    ("networks.with_arguments", "one that takes nothing", lambda tmp: networks.with_arguments(lambda shape, n: None, {"hidden": 3}), InputError, "takes no 'hidden'; it takes no arguments"),
    ("networks.resolve", "name", lambda tmp: networks.resolve("lent", (3,)), InputError, "network is 'lent'; known: convnet, lenet, linear,"),
    ("networks.resolve", "module", lambda tmp: networks.resolve(nn.Linear(1, 1), (3,)), InputError, "network is a Linear; it must be a builder, a"),
    ("networks.resolve", "an int", lambda tmp: networks.resolve(3, (3,)), InputError, "network is a int; it must be a builder, a"),
    ("networks.build", "an int", lambda tmp: networks.build(lambda s, c: 3, (3,), 2, 0), InputError, "the network builder gave a int; it must return an"),
    ("networks.build", "one argument too few", lambda tmp: networks.build(lambda s: 3, (3,), 2, 0), InputError, "cannot be called with (sample_shape,"),
    ("networks.from_description", "unknown", lambda tmp: networks.from_description({"name": "foo", "arguments": {}}), InputError, "the network is 'foo'; known: convnet, lenet,"),
    ("networks.Standardize", "scale0", lambda tmp: networks.Standardize(0.0, 0.0), InputError, "scale is 0.0; samples are divided by it, so it"),
    ("pairs.PairSampler", "batch 0", lambda tmp: PairSampler(GRAPH, 0), InputError, "batch_size is 0; it must be an integer >= 1"),
    ("pairs.PairSampler", "batch text", lambda tmp: PairSampler(GRAPH, "a"), InputError, "batch_size is 'a'; it must be an integer >= 1"),
    ("pairs.PairSampler", "graph", lambda tmp: PairSampler("g", 3), InputError, "graph is a str; it must be a"),
    ("pairs.PairSampler.epoch", "seed", lambda tmp: list(PairSampler(GRAPH, 3).epoch(-1)), InputError, "random_state is -1; it must be None, an int >= 0,"),
    ("pairs.check_disjoint", "contradictory", lambda tmp: pairs.check_disjoint(GRAPH, GRAPH), InputError, "52 pairs are both similar and dissimilar, the"),
    ("pairs.check_disjoint", "another size", lambda tmp: pairs.check_disjoint(GRAPH, SimilarityGraph.empty(3)), InputError, "graph & graph: one speaks of 24 samples and the"),
    ("plotting.scatter", "too few labels", lambda tmp: plotting.scatter(Z, [1], label_name="a", **WORDS), InputError, "what is drawn of the points has the shape (1,)"),
    ("plotting.scatter", "one dimension", lambda tmp: plotting.scatter(Z[:, 0], LABELS, label_name="a", **WORDS), InputError, "Z has the shape (24,); samples are rows,"),
    ("plotting.scatter", "5d", lambda tmp: plotting.scatter(RNG.normal(size=(24, 5)), LABELS, label_name="a", **WORDS), InputError, "Z has 5 components and this picture has 2; learn"),
    ("plotting.coloured", "too few labels", lambda tmp: plotting.coloured(Z, [1], value_name="a", **WORDS), InputError, "what is drawn of the points has the shape (1,)"),
    ("plotting.coloured", "shape", lambda tmp: plotting.coloured(Z[:, :1], LABELS, value_name="a", **WORDS), InputError, "Z has 1 components and this picture has 2; learn"),
    ("plotting.thumbnails", "images", lambda tmp: plotting.thumbnails(Z, IMAGES, LABELS, label_name="a", **WORDS), InputError, "images has the shape (6, 8, 8) and there are 24"),
    ("plotting.thumbnails", "vectors, no images", lambda tmp: plotting.thumbnails(Z, X, LABELS, label_name="a", **WORDS), InputError, "images have the shape (24, 3) and the dtype"),
    ("plotting.views", "two dimensions", lambda tmp: plotting.views(Z, LABELS, np.zeros((24, 3, 3)), value_name="a", cyclic=False, caption=""), InputError, "Z has 2 components and this picture has 3; learn"),
    ("plotting.views", "another length", lambda tmp: plotting.views(X, [1], np.zeros((24, 3, 3)), value_name="a", cyclic=False, caption=""), InputError, "what is drawn of the points has the shape (1,)"),
    ("plotting.gallery", "none", lambda tmp: plotting.gallery({}, label_name="a", caption=""), InputError, "maps is empty; there is nothing to draw"),
    ("plotting.gallery", "another length", lambda tmp: plotting.gallery({"a": (Z, LABELS[:2])}, label_name="a", caption=""), InputError, "what is drawn of the points has the shape (2,)"),
    ("plotting.bars", "none", lambda tmp: plotting.bars({}, [], ylabel="", **WORDS), InputError, "groups is empty; there is nothing to draw"),
    ("plotting.bars", "another length", lambda tmp: plotting.bars({"a": [(1, 1, 1)]}, ["x", "y"], ylabel="", **WORDS), InputError, "what 'a' has of each of the names has the shape"),
    ("plotting.displacement_curves", "another length", lambda tmp: plotting.displacement_curves([1], {"a": ([1, 2], [1, 2], [1, 2])}, trained=None, strength_name="", **WORDS), InputError, "the curve 'a' has the shape (2,) and there are 1"),
    ("plotting.roc", "another length", lambda tmp: plotting.roc({"a": ([1], [1, 2])}, **WORDS), InputError, "the curve 'a' has the shape (2,) and there are 1"),
    ("plotting.roc", "none", lambda tmp: plotting.roc({}, **WORDS), InputError, "curves is empty; there is nothing to draw"),
    ("plotting.sprite_sheet", "vectors, no images", lambda tmp: plotting.sprite_sheet(X, 2), InputError, "images have the shape (24, 3) and the dtype"),
    ("plotting.sprite_sheet", "columns", lambda tmp: plotting.sprite_sheet(IMAGES, 0), InputError, "columns is 0; it must be an integer >= 1"),
    ("plotting.loss_curves", "another length", lambda tmp: plotting.loss_curves([1], {"a": [1, 2]}, xlabel="", **WORDS), InputError, "the curve 'a' has the shape (2,) and there are 1"),
    ("plotting.partial_losses", "margin", lambda tmp: plotting.partial_losses(abs, abs, 0, caption=""), InputError, "margin is 0; it must be a finite number > 0"),
    ("plotting.spring_forces", "margin", lambda tmp: plotting.spring_forces(-1, caption=""), InputError, "margin is -1; it must be a finite number > 0"),
    ("plotting.relaxation", "none", lambda tmp: plotting.relaxation([], GRAPH.edges, LABELS, caption=""), InputError, "series is empty; there is nothing to draw"),
    ("plotting.relaxation", "another length", lambda tmp: plotting.relaxation([("a", Z[:3])], GRAPH.edges, LABELS, caption=""), InputError, "what is drawn of the points has the shape (24,)"),
    ("plotting.render", "format", lambda tmp: plotting.render(plotting.spring_forces(1, caption=""), "xyz"), InputError, "file_format is 'xyz'; it must be 'png' or 'svg'"),
    ("transforms.change", "unknown kind", lambda tmp: transforms.change("rotate"), InputError, "there is no change 'rotate'; known: blur,"),
    ("transforms.change", "range of three", lambda tmp: transforms.change("shift", range=(1, 2, 3)), InputError, "range of 'shift' is (1, 2, 3); it has two"),
    ("transforms.change", "range reversed", lambda tmp: transforms.change("shift", range=(3, 1)), InputError, "range of 'shift' is (3, 1); the lower end comes"),
    ("transforms.Change", "unknown kind", lambda tmp: transforms.Change("rotate", 0.0, 1.0, None, None).draw(3, RNG), InputError, "there is no change 'rotate'; known: blur,"),
    ("transforms.Change.apply", "vectors, no images", lambda tmp: transforms.change("rotation").apply(X, 3.0, RNG), InputError, "the change 'rotation' needs images, and the"),
    ("transforms.Change.apply", "strength", lambda tmp: transforms.change("rotation").apply(IMAGES, [1, 2], RNG), InputError, "the strength of 'rotation' has the shape (2,) and"),
    ("transforms.Augment", "not change", lambda tmp: transforms.Augment(["shift"]), InputError, "changes has 'shift'; each must be a Change, made"),
    ("transforms.Augment", "not list", lambda tmp: transforms.Augment(3), InputError, "changes is a int; it must be a list of changes"),
    ("transforms.Augment", "mean text", lambda tmp: transforms.Augment([change("noise")], feature_mean="a"), InputError, "feature_mean is 'a'; it must have a number a"),
    ("transforms.levels", "out of range", lambda tmp: transforms.levels(change("rotation"), 1), InputError, "n is 1; it must be an integer >= 2, for two ends"),
    ("transforms.levels", "not change", lambda tmp: transforms.levels("rotation"), InputError, "the change is 'rotation'; make it first:"),
    ("transforms.beyond", "out of range", lambda tmp: transforms.beyond(change("rotation"), 0), InputError, "n is 0; it must be an integer >= 2, for two ends"),
    ("transforms.beyond", "not change", lambda tmp: transforms.beyond("rotation"), InputError, "the change is 'rotation'; make it first:"),
    ("transforms.copies", "range", lambda tmp: transforms.copies(Dataset(IMAGES), change("shift")), InputError, "the change 'shift' has the range -3 to 3; copies"),
    ("transforms.copies", "vectors, no images", lambda tmp: transforms.copies(DATA, change("shift", values=[1])), InputError, "the change 'shift' needs images, and the samples"),
    ("transforms.copies", "twice", lambda tmp: transforms.copies(transforms.copies(Dataset(IMAGES), change("shift", values=[1])), change("shift", values=[1])), InputError, "the data has the factor 'shift' already, so what"),
    ("transforms.shifted_copies", "vectors, no images", lambda tmp: transforms.shifted_copies(DATA, [1]), InputError, "the change 'shift' needs images, and the samples"),
    ("transforms.shifted_copies", "float", lambda tmp: transforms.shifted_copies(Dataset(IMAGES), [0.5]), InputError, "shifts is [0.5]; they are whole pixels: for"),
    ("transforms.shifted_copies", "texts", lambda tmp: transforms.shifted_copies(Dataset(IMAGES), "ab"), InputError, "shifts is 'ab'; they are whole pixels: for parts,"),
    ("transforms.shift", "one dimension", lambda tmp: transforms.shift([1, 2]), InputError, "images have the shape (2,); a shift needs (...,"),
    ("transforms.shift", "float", lambda tmp: transforms.shift(IMAGES, 1.5), InputError, "right is 1.5; images move by whole pixels here,"),
    ("transforms.shift", "texts", lambda tmp: transforms.shift(IMAGES, "a"), InputError, "right is 'a'; images move by whole pixels here,"),
    ("training.train", "augment shape", lambda tmp: train(augment=lambda s, g: s[:1]), InputError, "augment returned float32 of the shape (1, 3) for"),
    ("estimator.DrLIM.transform", "unfitted", lambda tmp: DrLIM().transform(X), NotFittedError, "not fitted yet. Call 'fit'"),
    ("estimator.DrLIM.transform", "NaN", lambda tmp: fitted().transform(X_NAN), InputError, "Input X contains NaN. A map needs finite numbers:"),
    ("estimator.DrLIM.transform", "size 0", lambda tmp: fitted().transform(X[:0]), InputError, "Found array with 0 sample(s) (shape=(0, 3)) while"),
    ("estimator.DrLIM.transform", "one dimension", lambda tmp: fitted().transform(X[0]), InputError, "Expected 2D array, got 1D array instead:"),
    ("estimator.DrLIM.transform", "other features", lambda tmp: fitted().transform(X[:, :2]), InputError, "X has 2 features, but DrLIM is expecting 3"),
    ("estimator.DrLIM.transform", "huge", lambda tmp: fitted().transform(np.full((2, 3), 1e300)), InputError, "sample 0 has no finite point in the map: its"),
    ("estimator.DrLIM.transform", "ragged", lambda tmp: fitted().transform([[1, 2, 3], [1]]), InputError, "setting an array element with a sequence. The"),
    ("estimator.DrLIM.transform", "sparse", lambda tmp: fitted().transform(sp.csr_array(X)), TypeError, "Use '.toarray()'"),
    ("estimator.DrLIM.fit", "sparse", lambda tmp: DrLIM().fit(sp.csr_array(X)), TypeError, "Use '.toarray()'"),
    ("estimator.DrLIM.fit", "None", lambda tmp: DrLIM().fit(None), InputError, "Expected 2D array, got scalar array instead:"),
    ("estimator.DrLIM.fit", "ragged", lambda tmp: DrLIM().fit([[1, 2], [1]]), InputError, "setting an array element with a sequence. The"),
    ("estimator.DrLIM.fit", "y None mixed", lambda tmp: DrLIM(max_epochs=1).fit(X, [None] * 24), InputError, "the factor has values of several types, or"),
    ("estimator.DrLIM.fit", "weight", lambda tmp: DrLIM(max_epochs=1).fit(X, weight=[1]), InputError, "weight has the shape (1,) and the dtype int64; it"),
    ("estimator.DrLIM.fit", "init", lambda tmp: DrLIM(max_epochs=1).fit(X, init=3), InputError, "init is a int; it must be a fitted DrLIM"),
    ("estimator.DrLIM.fit", "init unfitted", lambda tmp: DrLIM(max_epochs=1).fit(X, init=DrLIM()), NotFittedError, "not fitted yet. Call 'fit'"),
    ("estimator.DrLIM.fit", "init other", lambda tmp: DrLIM(max_epochs=1).fit(X[:, :2], init=fitted()), InputError, "the weights of init do not fit this map's network"),
    ("estimator.DrLIM.fit", "pinned", lambda tmp: DrLIM(max_epochs=1).fit(X, pinned=3), InputError, "pinned must be three things, (X_pinned, Z_pinned,"),
    ("estimator.DrLIM.fit", "pinned shape", lambda tmp: DrLIM(max_epochs=1).fit(X, pinned=(X, Z[:3], 1)), InputError, "Z_pinned has the shape (3, 2) and the dtype"),
    ("estimator.DrLIM.fit", "pinned weight", lambda tmp: DrLIM(max_epochs=1).fit(X, pinned=(X, Z, -1)), InputError, "the weight of pinned is -1; it must be a finite"),
    ("estimator.DrLIM.fit", "augment wrong", lambda tmp: DrLIM(max_epochs=1, augment=lambda s, g: s[:1]).fit(X), InputError, "augment returned float64 of the shape (1, 3) for"),
    ("estimator.DrLIM.fit", "augment none", lambda tmp: DrLIM(max_epochs=1, augment=lambda s, g: None).fit(X), InputError, "augment returned object of the shape () for"),
    ("estimator.DrLIM.fit", "builder raises", lambda tmp: DrLIM(max_epochs=1, network=lambda s: 3).fit(X), InputError, "cannot be called with (sample_shape,"),
    ("estimator.DrLIM.fit", "huge components", lambda tmp: DrLIM(max_epochs=1, n_components=10**12).fit(X), InputError, "a network for samples of (3,) and"),
    ("estimator.DrLIM.partial_fit", "other features", lambda tmp: fitted().partial_fit(X[:, :2]), InputError, "X has 2 features, but DrLIM is expecting 3"),
    ("estimator.DrLIM.partial_fit", "NaN", lambda tmp: DrLIM().partial_fit(X_NAN), InputError, "Input X contains NaN. A map needs finite numbers:"),
    ("estimator.DrLIM.fit_transform", "size 1", lambda tmp: DrLIM().fit_transform(X[:1]), InputError, "Found array with 1 sample; a map is learnt from"),
    ("estimator.DrLIM.untrained", "not fitted", lambda tmp: DrLIM().untrained(), NotFittedError, "not fitted yet. Call 'fit'"),
    ("estimator.DrLIM.save", "not fitted", lambda tmp: DrLIM().save(tmp / "a"), NotFittedError, "not fitted yet. Call 'fit'"),
    ("estimator.DrLIM.save", "under a file", lambda tmp: fitted().save(file(tmp, b"", "a") / "b"), FileError, "cannot be written (Not a directory); give a file"),
    ("estimator.DrLIM.save", "a folder", lambda tmp: fitted().save(tmp), FileError, "cannot be written (Is a directory); give a file"),
    ("estimator.load", "missing file", lambda tmp: load(tmp / "a"), FileError, "cannot be read (No such file or directory); is it"),
    ("estimator.load", "wrong file", lambda tmp: load(file(tmp, b"hello", "a")), FileError, "is not a map written by drlim, or only the"),
    ("estimator.load", "a folder", lambda tmp: load(tmp), FileError, "cannot be read (no regular file); is it the right"),
    ("estimator.load", "number", lambda tmp: load(3.5), InputError, "the path is 3.5; it must be the name of a file or"),
    ("estimator.load", "None", lambda tmp: load(None), InputError, "the path is None; it must be the name of a file"),
    ("estimator.load", "truncated", lambda tmp: load(truncated(tmp)), FileError, "is truncated or altered (Error while"),
    ("estimator.load", "altered", lambda tmp: load(altered(tmp)), FileError, "is altered: its content has another SHA-256; get"),
    ("estimator.load", "network", lambda tmp: load(saved(tmp), network=networks.linear), InputError, "do not fit the network that was given: it has"),
    ("estimator.load", "network int", lambda tmp: load(saved(tmp), network=3), InputError, "network is a int; it must be a builder, a"),
    ("exporting.export", "not fitted", lambda tmp: export(DrLIM(), tmp / "a"), NotFittedError, "not fitted yet. Call 'fit'"),
    ("exporting.export", "under a file", lambda tmp: export(fitted(), file(tmp, b"", "x") / "a"), FileError, "cannot be written (Not a directory); give a file"),
    ("exporting.export", "not map", lambda tmp: export(3, tmp / "a"), InputError, "map_ is a int; it must be a fitted drlim.DrLIM"),
    ("callbacks.TensorBoard", "missing package", without("torch.utils.tensorboard", lambda tmp: DrLIM(max_epochs=1, callbacks=[callbacks.TensorBoard(tmp)]).fit(X)), MissingExtraError, "pip install tensorboard"),
    ("checkpoints.Checkpoint", "interrupted, and not resumed", half_a_checkpoint, InputError, "resume"),
    ("estimator.DrLIM.save", "no permission", save_refused(errno.EACCES), FileError, "cannot be written (Permission denied)"),
    ("estimator.DrLIM.save", "full disk", save_refused(errno.ENOSPC), FileError, "cannot be written (No space left on device)"),
    ("estimator.load", "no permission", unreadable, FileError, "cannot be read (Permission denied)"),
    ("estimator.DrLIM.set_params", "unknown argument of the network", lambda tmp: DrLIM(network="mlp").set_params(network__depth=3), InputError, "the network 'mlp' takes no 'depth'; known: activation, hidden"),
    ("estimator.DrLIM.set_params", "of no network", lambda tmp: DrLIM().set_params(network__hidden=(3,)), InputError, "name the network, such as network='mlp'"),
    ("estimator.DrLIM.set_params", "unknown network", lambda tmp: DrLIM(network="mpl").set_params(network__hidden=(3,)), InputError, "network is 'mpl'; known: convnet, lenet, linear,"),
    ("estimator.DrLIM.fit", "contradictory graphs", lambda tmp: DrLIM().fit(X, graph=GRAPH, dissimilar=GRAPH), InputError, "pairs are both similar and dissimilar"),
    ("estimator.DrLIM.fit", "one sample", lambda tmp: DrLIM().fit(X[:1]), InputError, "a map is learnt from pairs, so at least 2"),
    ("estimator.DrLIM.fit", "two samples", lambda tmp: DrLIM().fit(X[:2]), InputError, "n_neighbors is 5 and there are 2 samples"),
    ("declaration.write_report", "under a file", report_under_a_file, FileError, "cannot be written"),
    ("estimator.DrLIM.fit", "NaN", lambda tmp: DrLIM().fit(X_NAN), InputError, "drop those samples or fill them in"),
    ("estimator.DrLIM.fit", "huge learning rate", lambda tmp: DrLIM(learning_rate=1e30, max_epochs=3).fit(X), TrainingWarning, "the loss is (nan|inf) in epoch"),
    ("estimator.DrLIM.fit", "augment gives NaN", lambda tmp: DrLIM(max_epochs=2, augment=lambda samples, generator: samples * np.nan).fit(X), TrainingWarning, "the loss is (nan|inf) in epoch"),
    ("losses.distances_among", "one dimension", lambda tmp: inspect.unwrap(losses.distances_among)(torch.zeros(3)), InputError, "it must be a tensor of floats"),
    ("losses.distances_among", "wrong dtype", lambda tmp: inspect.unwrap(losses.distances_among)(torch.zeros(3, 2, dtype=int)), InputError, "it must be a tensor of floats"),
    ("cli.fit", "missing file", run("fit", "no.toml"), SystemExit, "no.toml cannot be read"),
    ("cli.fit", "missing data", run("fit", "no.npy"), SystemExit, "no.npy is not there"),
    ("cli.fit", "nothing declared", run("fit", numbers), SystemExit, "keeps nothing and ignores nothing"),
    ("cli.fit", "unknown factor", run("fit", numbers, "--keep", "d"), SystemExit, "there is no factor 'd'"),
    ("cli.fit", "neighbours >= n", run("fit", numbers, "--keep", "neighbors:99"), SystemExit, "n_neighbors is 99"),
    ("cli.fit", "a text for a number", run("fit", numbers, "--keep", "neighbors:x"), SystemExit, "valid integer"),
    ("cli.fit", "missing table", run("fit", numbers, "--factors", "no.csv"), SystemExit, "no.csv is not there"),
    ("cli.fit", "missing pairs", run(*LEARN, "--pairs", "no.csv"), SystemExit, "no.csv is not there"),
    ("cli.fit", "out under a file", run(*LEARN, "-o", under_a_file), SystemExit, "cannot be written (Not a directory)"),
    ("cli.fit", "out a folder", run(*LEARN, "-o", lambda tmp: tmp), SystemExit, "is a folder"),
    ("cli.fit", "no components", run(*LEARN, "--components", "0"), SystemExit, "map.n_components"),
    ("cli.fit", "negative seed", run(*LEARN, "--seed", "-1"), SystemExit, "map.random_state"),
    ("cli.fit", "seed of text", run(*LEARN, "--seed", "one"), SystemExit, "--seed"),
    ("cli.fit", "a shift of vectors", run(*LEARN, "--ignore", "shift"), SystemExit, "needs images"),
    ("cli.fit", "contradictory", run(*LEARN, "--ignore", "c"), SystemExit, "is ignored and kept"),
    ("cli.fit", "resume nothing", run(*LEARN, "--resume"), SystemExit, "needs the folder to go on from"),
    ("cli.fit", "checkpoint under a file", run(*LEARN, "--checkpoint", under_a_file), SystemExit, "cannot be made (Not a directory)"),
    ("cli.fit", "NaN", run("fit", holes, "--keep", "neighbors:2"), SystemExit, "NaN"),
    ("cli.fit", "wrong type in the file", run("fit", lambda tmp: table(tmp, "keep = 3", "a.toml")), SystemExit, "line 1, keep"),
    ("cli.fit", "unknown key", run("fit", lambda tmp: table(tmp, "keeep = ['c']", "a.toml")), SystemExit, "there is no such key"),
    ("cli.fit", "no argument", run("fit"), SystemExit, "DECLARATION"),
    ("cli.transform", "missing map", run("transform", "no.drlim", numbers, "-o", "o.npy"), SystemExit, "no.drlim cannot be read"),
    ("cli.transform", "wrong file", run("transform", numbers, numbers, "-o", "o.npy"), SystemExit, "is not a map written by drlim"),
    ("cli.transform", "altered file", run("transform", altered, numbers, "-o", "o.npy"), SystemExit, "is altered"),
    ("cli.transform", "missing data", run("transform", saved, "no.npy", "-o", "o.npy"), SystemExit, "no.npy is not there"),
    ("cli.transform", "another shape", run("transform", saved, narrow, "-o", "o.npy"), SystemExit, "X has 2 features"),
    ("cli.transform", "NaN", run("transform", saved, holes, "-o", "o.npy"), SystemExit, "Input X contains NaN"),
    ("cli.transform", "size 0", run("transform", saved, lambda tmp: npy(tmp, X[:0]), "-o", "o.npy"), SystemExit, "has no samples"),
    ("cli.transform", "unknown ending", run("transform", saved, numbers, "-o", "o.xyz"), SystemExit, "known: .csv, .npy, .parquet"),
    ("cli.transform", "out under a file", run("transform", saved, numbers, "-o", under_a_file), SystemExit, "cannot be written (Not a directory)"),
    ("cli.transform", "no out", run("transform", saved, numbers), SystemExit, "--out"),
    ("cli.transform", "missing module", run("transform", saved, numbers, "-o", "o.npy", "--network", "no:f"), SystemExit, "'no:f' cannot be imported"),
    ("cli.report", "missing map", run("report", "no.drlim", numbers), SystemExit, "no.drlim cannot be read"),
    ("cli.report", "nothing declared", run("report", saved, numbers), SystemExit, "learnt without a declaration"),
    ("cli.neighbors", "missing map", run("neighbors", "no.drlim", numbers, "0"), SystemExit, "no.drlim cannot be read"),
    ("cli.neighbors", "missing data", run("neighbors", saved, "no.npy", "0"), SystemExit, "no.npy is not there"),
    ("cli.neighbors", "no such sample", run("neighbors", saved, numbers, "99"), SystemExit, "there is no sample '99'"),
    ("cli.neighbors", "none asked for", run("neighbors", saved, numbers, "0", "-n", "0"), SystemExit, "'0' is no integer >= 1"),
    ("cli.neighbors", "more than there are", run("neighbors", saved, numbers, "0", "-n", "99"), SystemExit, "99 nearest are asked for"),
    ("cli.neighbors", "another shape", run("neighbors", saved, numbers, narrow), SystemExit, "X has 2 features"),
    ("cli.neighbors", "NaN", run("neighbors", saved, holes, "0"), SystemExit, "Input X contains NaN"),
    ("cli.verify", "missing map", run("verify", "no.drlim", numbers), SystemExit, "no.drlim cannot be read"),
    ("cli.verify", "no factor", run("verify", saved, numbers), SystemExit, "there is no factor 'class'"),
    ("cli.verify", "unknown factor", run("verify", saved, numbers, "--factors", factors, "--same", "d"), SystemExit, "there is no factor 'd'; known: c"),
    ("cli.verify", "rate out of range", run(*CHECK, "--false-accept-rate", "2"), SystemExit, "a share, between 0 and 1"),
    ("cli.verify", "rate of text", run(*CHECK, "--false-accept-rate", "few"), SystemExit, "--false-accept-rate"),
    ("cli.verify", "rate too small", run(*CHECK, "--false-accept-rate", "1e-9"), SystemExit, "ask for a larger rate"),
    ("cli.verify", "no such sample", run(*CHECK, "--pair", "0", "99"), SystemExit, "there is no sample '99'"),
    ("cli.verify", "a short table", run("verify", saved, numbers, "--factors", lambda tmp: table(tmp, "c\n1\n")), SystemExit, "has 1 rows"),
    ("cli.export", "missing map", run("export", "no.drlim"), SystemExit, "no.drlim cannot be read"),
    ("cli.export", "wrong file", run("export", numbers), SystemExit, "is not a map written by drlim"),
    ("cli.export", "truncated file", run("export", truncated), SystemExit, "is truncated or altered"),
    ("cli.export", "a folder", run("export", lambda tmp: tmp), SystemExit, "no regular file"),
    ("cli.export", "out under a file", run("export", saved, "-o", under_a_file), SystemExit, "cannot be written (Not a directory)"),
    ("cli.reproduce", "unknown name", run("reproduce", "spring"), SystemExit, "did you mean 'springs'"),
    ("cli.reproduce", "negative seed", run("reproduce", "loss", "--seed", "-1"), SystemExit, "seed is -1"),
    ("cli.reproduce", "out under a file", run("reproduce", "loss", "--out", under_a_file), SystemExit, "cannot be written"),
    ("cli.reproduce", "unknown option", run("reproduce", "loss", "--fast"), SystemExit, "--fast"),
    ("cli.reproduce", "no name", run("reproduce"), SystemExit, "name"),
    ("cli.main", "unknown command", run("redo"), SystemExit, "redo"),
]
# fmt: on


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [pytest.param(*row[2:], id=f"{row[0]}: {row[1]}") for row in TABLE],
)
def test_bad_input_is_refused_in_words_that_help(call, error, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if issubclass(error, Warning):
        with pytest.warns(error, match=words):
            call(tmp_path)
        return
    with pytest.raises(error) as caught:
        call(tmp_path)
    assert type(caught.value) is error or error is FileError
    if error is not SystemExit:
        assert words in str(caught.value)
        return
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert words in err
    # The second is of the options themselves, as every command line has it.
    assert err.startswith(("drlim: ", "Usage: drlim "))
    assert err.count("drlim: ") + err.count("Error: ") == 1
    assert "Traceback" not in err


def test_the_table_has_a_row_once_and_more_than_eighty():
    assert len({row[:2] for row in TABLE}) == len(TABLE) > 80


def test_an_interrupt_ends_with_one_sentence_and_no_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    interrupt = mock.patch("drlim.estimator.train", side_effect=KeyboardInterrupt)
    with interrupt, pytest.raises(SystemExit) as ended:
        run("fit", numbers, "--keep", "neighbors:2")(tmp_path)
    assert ended.value.code == 130
    assert capsys.readouterr().err == "drlim: interrupted; what was unfinished was not written\n"
    assert os.listdir(tmp_path) == ["x.npy"]


# Everything public is in the table, or cannot be given bad input.

_RECORD = "a record of results, which drlim makes itself"
_INSIDE = "drlim calls it, with what it has checked before"
NOTHING_TO_REFUSE = {
    "baselines.Method": _RECORD,
    "checkpoints.Kept": "made by Checkpoint.opened alone",
    "checkpoints.restore_optimizer": "given what a checkpoint held, whose content is signed",
    "datasets.airplane": "takes only whether to download",
    "declaration.Evidence": _RECORD,
    "declaration.Fitted": _RECORD,
    "declaration.Neighbor": _RECORD,
    "declaration.Recognition": _RECORD,
    "declaration.Rules": _RECORD,
    "declaration.Verified": _RECORD,
    "estimator.versions": "takes nothing",
    "evaluation.cylinder.Cylinder": _RECORD,
    "evaluation.invariance.Displacement": _RECORD,
    "evaluation.invariance.Leakage": _RECORD,
    "evaluation.invariance.NumberLeakage": _RECORD,
    "evaluation.proof.Proof": _RECORD,
    "evaluation.retention.Retention": _RECORD,
    "evaluation.verification.Rate": _RECORD,
    "evaluation.verification.Threshold": _RECORD,
    "evaluation.verification.Verification": _RECORD,
    "exporting.Exported": _RECORD,
    "losses.GlobalLoss": _RECORD,
    "losses.MetricLearning": "made by from_metric_learning, which looks at what it gets",
    "losses.PairLoss": "a protocol, which has no content",
    "losses.Springs": "a protocol, which has no content",
    "losses.PointLoss": "a protocol, which has no content",
    "networks.Absent": "stands for the network that a loaded map lacks, and says so when built",
    "networks.AlignedLinear": "torch's own layer with torch's own messages",
    "networks.default": _INSIDE,
    "networks.describe": "describes whatever it is given",
    "networks.name_of": "names whatever it is given",
    "networks.seeded": _INSIDE,
    "networks.shapes": _INSIDE,
    "pairs.Batch": _RECORD,
    "training.Callback": "does nothing; its heirs have rows of their own",
    "training.Epoch": _RECORD,
    "training.Pinned": _RECORD,
    "training.Training": _RECORD,
    "training.learning_schedule": _INSIDE,
}


def public():
    """Name every public function and class of the public modules, and every command."""
    for info in pkgutil.walk_packages(drlim.__path__, "drlim."):
        home = info.name.removeprefix("drlim.")
        if any(part.startswith("_") for part in home.split(".")):
            continue
        top = home.split(".")[0]
        if top not in {*drlim.__all__, "estimator", "exporting"}:
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            inside = value.__module__ if hasattr(value, "__module__") else ""
            here = inside == info.name or (hasattr(module, "__all__") and name in module.__all__)
            if here and not name.startswith("_") and callable(value) and "drlim" in str(inside):
                yield f"{home}.{name}"
    yield from (f"cli.{name}" for name in cli.COMMANDS)


def test_everything_public_is_in_the_table_or_takes_nothing_that_could_be_wrong():
    entries = {row[0] for row in TABLE}
    covered = {name for name in public() if any(f"{e}.".startswith(f"{name}.") for e in entries)}
    assert set(public()) - covered == set(NOTHING_TO_REFUSE)
