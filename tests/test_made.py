"""The data that is made by code: what shows in it, what does not, and the same each time."""

import re
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from drlim import FileError, InputError, MissingExtraError
from drlim.datasets import instruments, signatures, weaves
from drlim.datasets.made import _textiles
from drlim.datasets.made._folders import write_classes

N_TRADITIONS, N_PHOTOGRAPHS = 12, 16


def read(folder):
    """Return the images of a folder and their classes, in order of their names."""
    paths = sorted(folder.glob("*/*.png"))
    X = np.stack([np.asarray(Image.open(path)) for path in paths])
    return X, np.array([path.parent.name for path in paths])


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*.png")}


def near(X, n_neighbors=5):
    """Return each row's nearest other rows."""
    model = NearestNeighbors(n_neighbors=n_neighbors).fit(X.reshape(len(X), -1))
    return model.kneighbors(return_distance=False)


def left_out_accuracy(X, label):
    """Return the share of rows whose class most of their five nearest other rows have."""
    _, label = np.unique(label, return_inverse=True)
    votes = np.apply_along_axis(np.bincount, 1, label[near(X)], minlength=label.max() + 1)
    return (votes.argmax(axis=1) == label).mean()


def chance_interval(n, n_classes):
    """Return within what a share lies 99 times in 100 if it is got by guessing."""
    share = 1 / n_classes
    half = 2.58 * np.sqrt(share * (1 - share) / n)
    return share - half, share + half


@pytest.fixture(scope="module")
def woven(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weaves")
    return read(weaves(folder, n_classes=N_TRADITIONS, n_per_class=N_PHOTOGRAPHS))


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    return read(signatures(tmp_path_factory.mktemp("signatures"), n_writers=15, n_per_writer=10))


@pytest.fixture(scope="module")
def measured():
    return instruments()


# Woven textiles


def histograms(X):
    """Return the joint histogram of 8 x 8 x 8 colours of each photograph."""
    cells = (X // 32).reshape(len(X), -1, 3).astype(int) @ [64, 8, 1]
    return np.stack([np.bincount(row, minlength=512) for row in cells]) / cells.shape[1]


def spectra(X):
    """Return the power of each photograph, in grey, over rings of equal width in octaves."""
    grey = X.mean(axis=-1)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    grey /= grey.std(axis=(1, 2), keepdims=True)
    window = np.hanning(grey.shape[1])
    power = np.abs(np.fft.fft2(grey * np.outer(window, window))) ** 2
    waves = np.fft.fftfreq(grey.shape[1], d=1 / grey.shape[1])
    ring = np.round(6 * np.log2(np.maximum(np.hypot(*np.meshgrid(waves, waves)), 1))).astype(int)
    rings = np.unique(ring)
    return np.log(np.stack([power[:, ring == r].mean(axis=1) for r in rings], axis=1))


def test_a_folder_of_photographs_has_a_sub_folder_a_tradition(woven):
    X, tradition = woven
    assert X.shape == (N_TRADITIONS * N_PHOTOGRAPHS, 64, 64, 3)
    assert X.dtype == np.uint8
    names, counts = np.unique(tradition, return_counts=True)
    assert names.tolist() == [f"tradition-{k:02d}" for k in range(1, N_TRADITIONS + 1)]
    assert set(counts) == {N_PHOTOGRAPHS}


def test_colour_does_not_distinguish_traditions(woven):
    X, tradition = woven
    low, high = chance_interval(len(X), N_TRADITIONS)
    assert low < left_out_accuracy(histograms(X), tradition) < high
    # Nor do the mean colour, or how uneven the histogram is, whichever colours are in it.
    assert low < left_out_accuracy(X.mean(axis=(1, 2)), tradition) < high
    assert low < left_out_accuracy(np.sort(histograms(X), axis=1), tradition) < high


def test_the_pattern_tells_traditions_apart(woven):
    X, tradition = woven
    assert left_out_accuracy(spectra(X), tradition) > 0.5  # measured: 0.68


def test_pixels_do_not_distinguish_traditions(woven):
    X, tradition = woven
    assert left_out_accuracy(X, tradition) < chance_interval(len(X), N_TRADITIONS)[1]


def test_a_photograph_is_neither_dark_nor_burnt_out_and_shows_a_pattern(woven):
    X, _ = woven
    assert ((X == 255).all(axis=-1).mean(axis=(1, 2)) < 0.2).all()
    assert (X.mean(axis=(1, 2, 3)) > 30).all()
    assert (X.mean(axis=-1).std(axis=(1, 2)) > 10).all()


def test_traditions_have_motifs_of_one_area_and_differ_in_motif_or_weave():
    # Photographs show their tradition turned, cut and worn: too little to compare motifs by.
    traditions = _textiles._traditions(np.random.default_rng(0))
    assert len(traditions) == 72
    assert all(2 * motif.sum() == motif.size for motif, _ in traditions)
    assert len({(m.tobytes(), d.tobytes()) for m, d in traditions}) == 72
    assert len({motif.tobytes() for motif, _ in traditions[:9]}) == 9


def test_every_weave_has_the_same_shades_of_relief(rng):
    u, v = rng.uniform(0, 40, size=(2, 30, 30))
    shades = [
        np.sort(_textiles._relief(u, v, draft, (0.6, 0.8), rng), axis=None)
        for draft in _textiles._DRAFTS.values()
    ]
    for other in shades[1:]:
        np.testing.assert_array_equal(shades[0], other)
    assert shades[0][[0, -1]].tolist() == [-1, 1]


def test_a_larger_photograph_shows_the_same_with_more_pixels(tmp_path):
    small, _ = read(weaves(tmp_path / "small", n_classes=2, n_per_class=2, size=48))
    large, _ = read(weaves(tmp_path / "large", n_classes=2, n_per_class=2, size=96))
    large = large.reshape(4, 48, 2, 48, 2, 3).mean(axis=(2, 4))
    for a, b in zip(small, large, strict=True):
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.8


# Signatures


def test_a_folder_of_signatures_has_a_sub_folder_a_writer(signed):
    X, writer = signed
    assert X.shape == (150, 48, 96)
    assert X.dtype == np.uint8
    names, counts = np.unique(writer, return_counts=True)
    assert names.tolist() == [f"writer-{k:02d}" for k in range(1, 16)]
    assert set(counts) == {10}


def test_a_signature_is_dark_ink_on_white(signed):
    X, _ = signed
    assert (np.median(X, axis=(1, 2)) > 245).all()
    ink = (X < 128).mean(axis=(1, 2))
    assert (ink > 0.01).all()
    assert (ink < 0.4).all()


def test_no_two_signatures_of_a_writer_are_alike(signed):
    X, writer = signed
    assert len({page.tobytes() for page in X}) == len(X)
    for name in np.unique(writer):
        pages = X[writer == name].reshape(10, -1).astype(float)
        assert np.corrcoef(pages)[np.triu_indices(10, 1)].max() < 0.95


def test_writers_can_be_distinguished_but_not_too_easily(signed):
    X, writer = signed
    _, high = chance_interval(len(X), 15)
    assert 2 * high < left_out_accuracy(X / 255, writer) < 0.9  # measured: 0.55


def test_the_path_of_the_pen_has_no_gaps(tmp_path):
    """A stroke drawn as dots would have far more pieces than a writer has strokes."""
    from scipy.ndimage import label

    X, _ = read(signatures(tmp_path, n_writers=8, n_per_writer=2, height=96, width=192))
    pieces = [label(page < 200, structure=np.ones((3, 3)))[1] for page in X]
    assert max(pieces) <= 5 + 5  # strokes and flourish, and what runs over the edge


# Measurements


def test_measurements_know_their_state_dose_instrument_and_specimen(measured):
    assert measured.X.shape == (1500, 30)
    assert list(measured.factors) == ["state", "dose", "instrument", "specimen"]
    assert len(np.unique(measured.factors["state"])) == 5
    assert len(np.unique(measured.factors["instrument"])) == 4
    assert 0 <= measured.factors["dose"].min() < measured.factors["dose"].max() <= 1


def test_a_specimen_is_measured_once_on_each_of_two_or_three_instruments(measured):
    specimen, instrument = measured.factors["specimen"], measured.factors["instrument"]
    assert set(np.bincount(specimen)[:-1]) == {2, 3}
    assert len(set(zip(specimen, instrument, strict=True))) == 1500
    for name in ("state", "dose"):
        pairs = set(zip(specimen, measured.factors[name], strict=True))
        assert len(pairs) == len(np.unique(specimen))


def test_the_instrument_says_nothing_of_the_state(measured):
    table = np.zeros((4, 5))
    np.add.at(table, (measured.factors["instrument"], measured.factors["state"]), 1)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / 1500
    assert ((table - expected) ** 2 / expected).sum() < 26.2  # chi², 12 degrees, 1 in 100


def test_the_nearest_measurements_are_of_the_same_instrument(measured):
    instrument = measured.factors["instrument"]
    assert (instrument[near(measured.X)] == instrument[:, None]).mean() > 0.95
    first = PCA(2).fit_transform(measured.X)
    assert (instrument[near(first)] == instrument[:, None]).mean() > 0.9  # measured: 0.98


@pytest.mark.parametrize(("factor", "least"), [("instrument", 0.95), ("state", 0.85)])
def test_instrument_and_state_can_be_read_from_the_features(measured, factor, least):
    read_off = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        measured.X,
        measured.factors[factor],
        cv=GroupKFold(3),
        groups=measured.factors["specimen"],
    )
    assert (read_off == measured.factors[factor]).mean() > least  # measured: 1.0 and 0.94


def test_what_is_near_on_other_instruments_is_of_any_state(measured):
    state, instrument = measured.factors["state"], measured.factors["instrument"]
    right = []
    for k in range(4):
        here = instrument == k
        model = NearestNeighbors(n_neighbors=1).fit(measured.X[~here])
        found = model.kneighbors(measured.X[here], return_distance=False)[:, 0]
        right.append((state[~here][found] == state[here]).mean())
    assert np.mean(right) < 0.45  # measured: 0.26, where guessing gives 0.2


@pytest.mark.parametrize("options", [{"n_instruments": 2}, {"n_samples": 2}, {"n_features": 4}])
def test_a_small_table_is_made_too(options):
    data = instruments(**({"n_samples": 21} | options))
    assert np.isfinite(data.X).all()
    assert len(data) == len(data.factors["dose"]) == options.get("n_samples", 21)


# All


@pytest.mark.usefixtures("untouched_globals")
@pytest.mark.parametrize("make", [weaves, signatures])
def test_a_seed_gives_the_same_images_and_more_of_them_leave_the_first_ones(make, tmp_path):
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    make(first, **{_classes(make): 2, _each(make): 2})
    make(second, **{_classes(make): 3, _each(make): 3})
    make(other, **{_classes(make): 2, _each(make): 2}, random_state=1)
    small, large = contents(first), contents(second)
    assert (len(small), len(large)) == (4, 9)
    assert all(large[path] == content for path, content in small.items())
    assert not set(small.values()) & set(contents(other).values())
    assert len(set(large.values())) == 9


@pytest.mark.usefixtures("untouched_globals")
def test_a_seed_gives_the_same_measurements():
    one, again, other = (instruments(n_samples=50, random_state=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.X, again.X)
    assert not np.isclose(one.X, other.X).any(axis=1).all()


def test_a_seed_gives_the_images_it_gave_in_the_first_release(tmp_path):
    woven = weaves(tmp_path / "a", n_classes=2, n_per_class=2, size=32, random_state=5)
    signed = signatures(
        tmp_path / "b", n_writers=2, n_per_writer=2, height=16, width=32, random_state=5
    )
    photograph, page = (read(folder)[0][-1].astype(int) for folder in (woven, signed))
    # To one grey level: other processors may round otherwise.
    pixels = [[218, 198, 74], [87, 8, 197], [124, 76, 161], [246, 251, 42]]
    np.testing.assert_allclose(photograph[8, :16:4], pixels, atol=1)
    np.testing.assert_allclose(page[8, ::4], [252, 254, 151, 185, 218, 143, 183, 252], atol=1)


def test_a_seed_gives_the_measurements_it_gave_in_the_first_release():
    data = instruments(n_samples=30, n_features=4, random_state=5)
    np.testing.assert_allclose(data.X[-1], [0.4113786, 0.9797613, -1.6354455, -1.2147221], 1e-6)
    last = {name: values[-3:].tolist() for name, values in data.factors.items()}
    assert last["dose"] == pytest.approx([0.6766894, 0.0608027, 0.0608027], rel=1e-5)
    assert [last[name] for name in ("state", "instrument", "specimen")] == [
        [1, 1, 1],
        [1, 3, 0],
        [10, 11, 11],
    ]


def test_the_old_name_of_the_seed_works_and_warns():
    with pytest.warns(FutureWarning, match="random_state"):
        old = instruments(n_samples=20, seed=3)
    np.testing.assert_array_equal(old.X, instruments(n_samples=20, random_state=3).X)


def test_without_a_seed_the_measurements_are_others_each_time():
    one, other = (instruments(n_samples=20, random_state=None) for _ in range(2))
    assert not np.isclose(one.X, other.X).any(axis=1).all()


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_a_folder_of_classes_is_written_whole_or_not_at_all(error, is_there, tmp_path):
    folder = tmp_path / "deep" / "folder"
    if is_there:
        folder.mkdir(parents=True)

    def images():
        yield "a", 1, np.zeros((4, 4), np.uint8)
        yield "b", 1, np.zeros((4, 4), np.uint8)
        raise error

    with pytest.raises(FileError if error is OSError else error):
        write_classes(folder, images())
    assert list(folder.parent.rglob("*")) == ([folder] if is_there else [])


def _classes(make):
    return "n_classes" if make is weaves else "n_writers"


def _each(make):
    return "n_per_class" if make is weaves else "n_per_writer"


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (weaves, {"n_classes": 1}, "n_classes is 1; it must be an integer >= 2"),
        (weaves, {"n_classes": 73}, "n_classes is 73; there are 72 different traditions"),
        (weaves, {"n_per_class": 0}, "n_per_class is 0"),
        (weaves, {"size": 31}, "size is 31; it must be an integer >= 32"),
        (weaves, {"random_state": -1}, "random_state is -1"),
        (signatures, {"n_writers": 2.0}, "n_writers is 2.0"),
        (signatures, {"n_per_writer": True}, "n_per_writer is True"),
        (signatures, {"height": 15}, "height is 15"),
        (signatures, {"width": 8}, "width is 8"),
        (signatures, {"random_state": "0"}, "random_state is '0'"),
    ],
)
def test_images_that_cannot_be_made_are_refused_before_a_file_is_written(
    tmp_path, make, options, message
):
    with pytest.raises(InputError, match=message):
        make(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "name", ["n_samples", "n_features", "n_instruments", "n_states", "random_state"]
)
def test_measurements_that_cannot_be_made_are_refused(name):
    with pytest.raises(InputError, match=f"{name} is -1"):
        instruments(**{name: -1})


@pytest.mark.parametrize("make", [weaves, signatures])
def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path, make):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileError, match=re.escape(str(tmp_path))):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(FileError, match=r"mine\.txt .*File exists"):
        make(tmp_path / "mine.txt")


def test_without_pillow_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'drlim\[images\]'"):
        weaves(tmp_path)
