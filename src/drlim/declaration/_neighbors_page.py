"""The page of new samples and the known ones nearest to each, to look at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from drlim._files import as_path, write_whole
from drlim.datasets import Dataset
from drlim.declaration._fingerprints import is_known
from drlim.declaration._nearest import Found, find_nearest, name_of
from drlim.declaration._schema import Declaration
from drlim.declaration._unusual import NOT_KNOWN, Unusual, judged_by_points
from drlim.declaration._use import declaration_of
from drlim.estimator import DrLIM
from drlim.reporting._pages import page
from drlim.reporting._samples import MOST_CARDS, Card, SampleDrawer, Strip

# Factors that a card names.
_MOST_FACTORS = 3


def write_neighbors(
    path: str | Path, map_: DrLIM, known: Dataset, query: Dataset | str, n: int = 5
) -> Path:
    """Write a page that shows samples and the known ones nearest to each, with their classes.

    Images are shown in colour, spectra as curves, rows as numbers. The page holds at most 600
    samples; it names how many are not shown.

    Parameters
    ----------
    path : path
        The HTML file. It holds all it shows, and fetches nothing.
    map_ : DrLIM
    known : Dataset
        The samples to search. Their kept factors, or else ``class``, are shown.
    query : Dataset or str
        Samples, or the name or row of a known one.
    n : int, default=5
        How many to show for each.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If there are fewer than `n` known samples, or none of that name.
    FileError
        If the file cannot be written.
    MissingExtraError
        If jinja2 or Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 3, 60, 60)).astype(np.uint8)
    >>> known = Dataset(images, {"class": np.arange(12) % 3})
    >>> map_ = DrLIM(network="linear", max_epochs=0).fit(images)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_neighbors(f"{folder}/near.html", map_, known, "0", 3)
    ...     page.read_text("utf-8").count("<img")
    4
    """
    return write_page(path, map_, find_nearest(map_, known, query, n))


def write_page(path: str | Path, map_: DrLIM, found: Found) -> Path:
    """Write the page of what was found; see `write_neighbors`."""
    unusual, n = judged_by_points(map_, found.query, found.points), found.rows.shape[1]
    factors = shown_factors(declaration_of(map_), found.known)
    most = max(1, MOST_CARDS // (n + 1))
    drawer = SampleDrawer(found.known.X, found.known.feature_names)
    order = _order(unusual, len(found.query))[:most]
    held_out = _held_out(map_, found.known)
    sentences = [] if len(found.query) == 1 else [_counted(found, most)]
    if unusual is None:
        sentences.append(NOT_KNOWN)
    elif len(found.query) > 1:
        sentences.append(unusual.summary())
    html = page(
        "neighbors.html.j2",
        "the nearest known samples",
        [],
        {
            "data": f"{found.known.name}: {len(found.known):,} known samples.",
            "sentences": sentences,
            "strips": [
                _strip(k, found, drawer, factors, unusual, map_.margin, held_out) for k in order
            ],
            "how": " ".join([drawer.how, "Distances are in margins, the unit of the map."]).strip(),
        },
    )
    path = as_path(path, "path")
    write_whole(path, html.encode())
    return path


def _held_out(map_: DrLIM, known: Dataset) -> np.ndarray:
    """Return which known samples the map did not learn from; none where it does not say."""
    if map_.trained_on_ is None:
        return np.zeros(len(known), bool)
    return np.asarray(~is_known(known.X, map_.trained_on_))


def _order(unusual: Unusual | None, n: int) -> list[int]:
    """Return the samples in the order of the page: foreign ones first, the farthest first."""
    if unusual is None:
        return list(range(n))
    is_foreign = np.isin(unusual.judged, ("foreign", "perhaps foreign"))
    foreign = np.flatnonzero(is_foreign)
    foreign = foreign[np.argsort(-unusual.distances[foreign], kind="stable")]
    return [*foreign.tolist(), *np.flatnonzero(~is_foreign).tolist()]


def _counted(found: Found, most: int) -> str:
    n, n_near = found.rows.shape
    near = f"each with the {n_near} nearest known ones"
    if n <= most:
        return f"{n:,} samples, {near}."
    return f"{most:,} of {n:,} samples, {near}; {n - most:,} are not shown."


def _strip(
    k: int,
    found: Found,
    drawer: SampleDrawer,
    factors: list[str],
    unusual: Unusual | None,
    margin: float,
    held_out: np.ndarray,
) -> Strip:
    sample, name = found.query.X[k], name_of(found.query, k)
    labels = lines_of(found.query, k, [f for f in factors if f in found.query.factors])
    others = tuple(
        near_card(
            drawer,
            found.known,
            int(row),
            distance / margin,
            factors,
            sample,
            note=", not learnt from" if held_out[row] else "",
        )
        for row, distance in zip(found.rows[k], found.distances[k], strict=True)
    )
    sentence = "" if unusual is None else f"{_opened(unusual.line(k))}."
    if factors:
        sentence = f"{_voted(found.known, found.rows[k], factors[0])} {sentence}".strip()
    is_foreign = unusual is not None and "foreign" in str(unusual.judged[k])
    first = drawer.card(sample, name, labels, mark="foreign" if is_foreign else "")
    return Strip(first, others, sentence)


def near_card(
    drawer: SampleDrawer,
    known: Dataset,
    row: int,
    distance: float,
    factors: list[str],
    beside: np.ndarray,
    mark: str = "",
    unnamed: str = "",
    note: str = "",
) -> Card:
    """Draw a known sample that is near another one; the distance is in margins, before a note.

    `unnamed` stands before the row of a sample without a name.
    """
    lines = [*lines_of(known, row, factors), f"{distance:.2f} margins away{note}"]
    name = f"{'' if known.names is not None else unnamed}{name_of(known, row)}"
    return drawer.card(known.X[row], name, lines, mark=mark, beside=beside)


def shown_factors(declaration: Declaration, data: Dataset) -> list[str]:
    """Return the factors that cards name: what is kept and ignored, or else the class."""
    named = [keep.factor for keep in declaration.keep]
    named += [ignore.factor for ignore in declaration.ignore]
    names = [name for name in named if name in data.factors] or ["class"]
    return [str(name) for name in names if name in data.factors][:_MOST_FACTORS]


def lines_of(data: Dataset, row: int, factors: list[str]) -> list[str]:
    """Return the factors of a sample as lines of its card."""
    return [f"{name} {_text(data.factor(name)[row])}" for name in factors]


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def _voted(known: Dataset, rows: np.ndarray, factor: str) -> str:
    values = known.factor(factor)[rows]
    (value, n), *_ = Counter(values.tolist()).most_common(1)
    if n == 1 and len(rows) > 1:
        return f"The {len(rows)} nearest differ in {factor}."
    return f"{n} of the {len(rows)} nearest are of {factor} {_text(value)}."


def _opened(line: str) -> str:
    return line[:1].upper() + line[1:]
