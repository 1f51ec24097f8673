"""The declaration of a user: where the data is, what should not matter, and what should."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from drlim._errors import FileError, InputError, nearest_name
from drlim._files import as_path
from drlim.declaration._explain import message
from drlim.declaration._lines import TomlText
from drlim.declaration._options import short_ignore, short_keep, with_tolerances
from drlim.recipes import NAMES

# Set while a declaration is made. It then reports what is wrong with one of its parts, since it
# knows the line on which the part stands.
_within_declaration: ContextVar[bool] = ContextVar("within a declaration", default=False)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init__(self, **parts: Any) -> None:
        try:
            super().__init__(**parts)
        except ValidationError as error:
            if _within_declaration.get():
                raise
            kind = type(self)
            text = TomlText(f"declaration.{kind.__name__}")
            raise InputError(message(error, parts, text, kind)) from None


class Data(_Part):
    """Where the samples are, how they are read, and which of them belong together.

    Attributes
    ----------
    path : path, optional
        ``.npy``, ``.npz``, ``.csv``, ``.parquet``, ``.zarr``, ``.h5ad`` or a folder of images,
        relative to the declaration's own folder. None: the samples are given to
        `drlim.declaration.fit`.
    factors : path, optional
        A table of factors, ``.csv`` or ``.parquet``, with one row per sample.
    by : str, optional
        The column of that table with the names of the samples. None: the column that names them,
        if there is one; else its rows are in the order of the samples.
    select : bool, default=False
        Whether to keep only the samples that the table lists.
    columns : tuple of str, optional
        The columns of a table that are the features. None: all columns of numbers that the
        declaration does not name as factors.
    layer : str, optional
        The layer of an ``.h5ad`` file that has the samples. None: its X.
    delimiter, decimal, encoding : str, optional
        How CSV files are written, as for `drlim.datasets.read`. None: as the file shows it.
    header : bool, optional
        Whether the first line of CSV files names their columns. None: it does, with a warning if
        it looks like numbers.
    size : (height, width), optional
        The size in pixels that images are resized to.
    colour : {"grey", "colour"}, optional
        How images are read. None: grey if all of them are grey.
    max_pixels : int, optional
        How many pixels of an image are decoded at most. None: 64 megapixels.
    outside : {"zeros", "edge", "mirror"}, optional
        The pixels beyond the border of a transformed image, as for `drlim.transforms.change`: the
        edge for white paper, the mirror for a texture.
    source : str, optional
        The factor with one value for each thing, of which there are samples under several
        conditions (one specimen on several instruments). Samples of one source are similar, and
        are held out together.
    group : str, optional
        A factor whose values are held out as a whole: a patient, a photographer.
    scale : {"each", "one", "none"}, optional
        What features are divided by: each by its own deviation (of images with channels, each
        channel), all by one number, or samples as they are; see `drlim.networks.scaled`. None:
        each for a table whose columns range over different orders of magnitude, else one.
    skip_bad : bool, default=False
        Whether to leave out, and count, files that cannot be read, instead of raising an error.
    """

    path: Path | None = None
    factors: Path | None = None
    by: str | None = None
    select: bool = False
    columns: tuple[str, ...] | None = None
    layer: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | None = None
    size: tuple[int, int] | None = None
    colour: Literal["grey", "colour"] | None = None
    max_pixels: Annotated[int, Field(ge=1)] | None = None
    outside: Literal["zeros", "edge", "mirror"] | None = None
    source: str | None = None
    group: str | None = None
    scale: Literal["each", "one", "none"] | None = None
    skip_bad: bool = False


class Ignore(_Part):
    """One thing that should not matter: a factor, or a transformation of the samples.

    Attributes
    ----------
    factor : str, optional
        A factor of the data. It is ignored because similar pairs cross it; whether they do is
        checked before training.
    transform : str, optional
        A transformation (see `drlim.transforms.change`), drawn anew from `range` each time a
        sample is drawn, or made once for each of `values`.
    range : (float, float), optional
    values : tuple of float, optional
    along : {"horizontal", "vertical", "both"}, optional
    weight : float, optional
        With `values`: the weight of two copies of one sample, where any other similar pair has
        the weight 1. A larger weight brings them closer together.
    kind : {"class", "number"}, optional
        How the proof reads a factor. None: more than 20 numbers that come again, such as the
        identities of 40 people, are read in both ways, and the worse counts.
    """

    factor: str | None = None
    transform: str | None = None
    range: tuple[float, float] | None = None
    values: tuple[float, ...] | None = None
    along: Literal["horizontal", "vertical", "both"] | None = None
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    kind: Literal["class", "number"] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Ignore:
        if (self.factor is None) == (self.transform is None):
            raise ValueError("give either a factor or a transform to ignore")
        details = (self.range, self.values, self.along)
        if self.factor is not None and any(detail is not None for detail in details):
            raise ValueError("range, values and along belong to a transform, not to a factor")
        if self.transform is not None and self.kind is not None:
            raise ValueError("kind belongs to a factor, not to a transform")
        if self.weight is not None and self.values is None:
            raise ValueError("a weight applies to the copies at listed values: give values")
        return self

    @property
    def name(self) -> str:
        """The factor or the transformation."""
        return self.factor or str(self.transform)


class Keep(_Part):
    """One thing that should matter, and what *near* means for it.

    Attributes
    ----------
    factor : str, optional
        A factor; equal values are near.
    step : float, optional
        For values on a grid: those a step apart are near too, in one factor at a time.
    period : float, optional
        The period of a cyclic factor: 360 for an angle in degrees.
    tolerance : float, optional
        For measured values: those at most this far apart count as equal.
    kind : {"class", "number"}, optional
        What the factor is. None: a number if it has a step, a tolerance, a period, or real
        numbers that are not whole, else a class. A number without step and tolerance has its
        nearest values near (`drlim.graphs.near_values`).
    neighbors : int, optional
        The number of nearest neighbours in the samples that are near, among those that agree in
        everything else that is kept.
    within : str, optional
        With `neighbors`: the search is among samples with the same value of this factor (the same
        lighting, say).
    across : str, optional
        With `neighbors`: a factor such as the batch, whose values differ by a shift. Near are the
        nearest neighbours within each batch and, between two, those that are mutually nearest
        (`drlim.graphs.mutual_neighbors`), with what is near either: the evidence by which a batch
        can be ignored without labels.
    """

    factor: str | None = None
    step: Annotated[float, Field(gt=0)] | None = None
    period: Annotated[float, Field(gt=0)] | None = None
    tolerance: Annotated[float, Field(gt=0)] | None = None
    neighbors: Annotated[int, Field(ge=1)] | None = None
    within: str | None = None
    across: str | None = None
    stated_kind: Literal["class", "number"] | None = Field(None, alias="kind")

    @model_validator(mode="after")
    def _one_thing(self) -> Keep:
        if (self.factor is None) == (self.neighbors is None):
            raise ValueError("give either a factor or a number of neighbors to keep")
        if self.neighbors is None and self.within is not None:
            raise ValueError("within belongs to neighbors")
        if self.neighbors is None and self.across is not None:
            raise ValueError("across belongs to neighbors")
        if self.across is not None and self.across == self.within:
            raise ValueError("within and across must name different factors")
        if self.factor is None and self.stated_kind is not None:
            raise ValueError("kind belongs to a factor")
        if self.factor is None and (self.step, self.period, self.tolerance) != (None, None, None):
            raise ValueError("step, period and tolerance belong to a factor")
        if self.step is not None and self.tolerance is not None:
            raise ValueError("give a step (values on a grid) or a tolerance (measured values)")
        if self.period is not None and self.stated_kind == "class":
            raise ValueError("a period belongs to a number, not to a class")
        return self

    @property
    def name(self) -> str:
        """The factor, or the number of neighbours."""
        return self.factor or f"{self.neighbors} nearest neighbours"

    @property
    def kind(self) -> str:
        """What is kept: "class" (equal values), "number" (a step or tolerance) or "neighbors"."""
        if self.factor is None:
            return "neighbors"
        if self.stated_kind is not None:
            return self.stated_kind
        return "class" if self.step is None and self.tolerance is None else "number"

    @property
    def is_measured(self) -> bool:
        """Whether it is a number of which neither a step nor a tolerance says what is near."""
        return self.kind == "number" and self.step is None and self.tolerance is None


class Pairs(_Part):
    """A table of pairs, with the columns left, right and, optionally, similar, weight and reason.

    Attributes
    ----------
    path : path
        ``.csv`` or ``.parquet``. `left` and `right` are row numbers or names of samples. Without
        a column `similar`, all pairs are similar.
    """

    path: Path


class HeldOut(_Part):
    """The samples that are not learnt from.

    Attributes
    ----------
    share : float, default=0.2
        The share of the sources (or groups, or samples) that is held out, drawn at random.
    unseen : mapping of str to values
        Values of factors whose samples are all held out, and reported separately: classes, people
        or instruments that are new to the map.
    """

    share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    unseen: Mapping[str, tuple[Any, ...]] = {}


class Map(_Part):
    """How the map is learnt: parameters of `drlim.DrLIM`, by their own names.

    A parameter that is None is that of the recipe, or without one the default of `drlim.DrLIM`.

    Attributes
    ----------
    recipe : {"paper", "continuous", "labels", "verification", "clusters"}, optional
        The settings of one of `drlim.recipes`; what else is set here counts more.
    n_components : int, optional
        None: 2 for a map to be looked at, which keeps neighbours; 8 to read kept numbers; 32 to
        tell apart kept classes, or the same from different; at most the features of a sample.
    max_epochs : int, optional
        None: by the number of samples. Of a declaration that ignores nothing, the length and
        the pull to the start are then chosen on samples set aside.
    network : str or table, optional
        The name of one of drlim's networks, or a builder of your own, ``"my_module:build"``, which
        is imported from the declaration's folder; or a table of either and its arguments:
        ``{name = "convnet", width = 16}``, ``{builder = "my_module:build", width = 16}``; or a
        pretrained network, as for `drlim.networks.pretrained`:
        ``{pretrained = "efficientnet-lite0"}``.
    random_state : int, default=0
        The seed of every random number, the choice of the held-out samples included.
    n_starts : int, default=1
        How many maps to learn, each from other initial weights. The one with the smallest loss in
        its last epoch is kept; held-out samples take no part in the choice.
    """

    recipe: str | None = None
    n_components: Annotated[int, Field(ge=1)] | None = None
    margin: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    n_dissimilar: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["all"] | None = None
    loss: str | None = None
    network: str | Mapping[str, Any] | None = None
    max_epochs: Annotated[int, Field(ge=0)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    device: str | None = None
    random_state: Annotated[int, Field(ge=0)] = 0
    n_starts: Annotated[int, Field(ge=1)] = 1

    @field_validator("recipe")
    @classmethod
    def _known(cls, recipe: str | None) -> str | None:
        if recipe is not None and recipe not in NAMES:
            raise ValueError(f"there is no recipe {recipe!r}; {nearest_name(recipe, NAMES)}")
        return recipe


def _named(key: str) -> BeforeValidator:
    return BeforeValidator(lambda item: {key: item} if isinstance(item, str) else item)


class Declaration(_Part):
    """What should not matter, what should, and where the data is.

    In Python, or as a TOML file that `Declaration.read` reads.

    Attributes
    ----------
    data : Data
    ignore : tuple of Ignore
        A string is a factor or, if the data has none of that name, a transformation.
    keep : tuple of Keep
        A string is a factor. Similar samples are near in *everything* that is kept.
    pairs : Pairs, optional
        Pairs that are similar or dissimilar in addition to these rules.
    held_out : HeldOut
    map : Map

    Raises
    ------
    InputError
        If a key is unknown or a value breaks its rule.

    Examples
    --------
    >>> Declaration(ignore=["lighting"], keep=["pose"]).keep[0].factor
    'pose'
    """

    data: Data = Data()
    ignore: tuple[Annotated[Ignore, _named("factor")], ...] = ()
    keep: tuple[Annotated[Keep, _named("factor")], ...] = ()
    pairs: Annotated[Pairs, _named("path")] | None = None
    held_out: HeldOut = HeldOut()
    map: Map = Map()

    _text: TomlText = PrivateAttr(default_factory=lambda: TomlText("the declaration"))
    _folder: Path = PrivateAttr(default_factory=Path)
    _file: Path | None = PrivateAttr(default=None)

    def __init__(self, _text: TomlText | None = None, /, **parts: Any) -> None:
        text = _text or TomlText("the declaration")
        within = _within_declaration.set(True)
        try:
            super().__init__(**parts)
        except ValidationError as error:
            raise InputError(message(error, parts, text, Declaration)) from None
        finally:
            _within_declaration.reset(within)
        self._text = text

    @classmethod
    def read(cls, path: str | Path) -> Declaration:
        """Read a declaration from a TOML file.

        Paths in it are relative to its own folder.

        Raises
        ------
        FileError
            If the file cannot be read.
        InputError
            If it is not TOML, a key is unknown, or a value breaks its rule. The message names the
            key, its line, and the nearest known name.
        """
        path = as_path(path)
        try:
            content = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(
                f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); give a "
                "declaration, a TOML file, or the data itself with --keep and --ignore"
            ) from None
        try:
            parts = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path} is not TOML: {error}") from None
        declaration = cls(TomlText(str(path), content), **parts).beside(path.parent)
        declaration._file = path
        return declaration

    def beside(self, folder: Path) -> Declaration:
        """Return a copy whose relative paths are taken from a folder."""

        def placed(path: Path | None) -> Path | None:
            return path if path is None else folder / path

        data = self.data.model_copy(
            update={"path": placed(self.data.path), "factors": placed(self.data.factors)}
        )
        pairs = self.pairs and self.pairs.model_copy(update={"path": placed(self.pairs.path)})
        moved = self.model_copy(update={"data": data, "pairs": pairs})
        moved._text, moved._folder, moved._file = self._text, folder, self._file
        return moved

    @property
    def named_factors(self) -> list[str]:
        """The factors that it names; those to be ignored may be transformations instead."""
        names = [name for keep in self.keep for name in (keep.factor, keep.within, keep.across)]
        names += [ignore.factor for ignore in self.ignore]
        names += [self.data.source, self.data.group, *self.held_out.unseen]
        return list(dict.fromkeys(name for name in names if name))

    def is_of(self, path: Path) -> bool:
        """Tell whether a path, however it is written, is that of the data that it names."""
        return self.data.path is not None and path.resolve() == self.data.path.resolve()

    @property
    def folder(self) -> Path:
        """The folder that its relative paths, and modules of the user, are in."""
        return self._folder

    @property
    def inputs(self) -> list[Path]:
        """The files and folders that it names, its own file first: no output may replace them."""
        paths = [self._file, self.data.path, self.data.factors]
        if self.pairs is not None:
            paths.append(self.pairs.path)
        network = self.map.network
        if isinstance(network, Mapping) and isinstance(network.get("weights"), str):
            paths += [Path(network["weights"]), self._folder / network["weights"]]
        builder = network.get("builder") if isinstance(network, Mapping) else network
        if isinstance(builder, str) and ":" in builder:
            paths.append(self._folder / f"{builder.partition(':')[0]}.py")
        return [path for path in paths if path is not None]

    def with_options(
        self,
        *,
        keep: Sequence[str] = (),
        ignore: Sequence[str] = (),
        tolerance: Sequence[str] = (),
        data: Mapping[str, Any] | None = None,
        pairs: Path | None = None,
        map: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> Declaration:
        """Return a copy with the options of a command line added.

        Parameters
        ----------
        keep : sequence of str
            A factor, ``factor:step``, ``factor:step:period``, ``factor::period``,
            ``neighbors:n``, ``neighbors:n:within`` or ``neighbors:n:within:across`` (``within``
            may be empty).
        ignore : sequence of str
            A factor, a transformation, or ``transformation:low:high``.
        tolerance : sequence of str
            ``factor:distance``, for factors that are kept.
        data, map : mapping of str to anything
            Keys of `Data` and `Map` to set; None leaves a key as it is.
        pairs : path, optional

        Returns
        -------
        Declaration

        Raises
        ------
        InputError
            If one of them cannot be read.

        Examples
        --------
        >>> Declaration().with_options(ignore=["shift:-6:6"]).ignore[0].range
        (-6.0, 6.0)
        """
        given = self.model_dump(exclude_defaults=True, by_alias=True)
        for part, options in (("data", data), ("map", map)):
            new = {key: value for key, value in (options or {}).items() if value is not None}
            if new:
                given[part] = {**given.get(part, {}), **new}
        kept = [*given.get("keep", ()), *(short_keep(text) for text in keep)]
        given["keep"] = with_tolerances(kept, tolerance)
        given["ignore"] = [*given.get("ignore", ()), *(short_ignore(text) for text in ignore)]
        if pairs is not None:
            given["pairs"] = {"path": pairs}
        more = Declaration(self._text, **given)
        more._folder, more._file = self._folder, self._file
        return more

    def where(self, *keys: str | int) -> str:
        """Return the place of a key for messages: the file, the line if known, and the key."""
        return self._text.where(keys)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, without the keys that have their default."""
        plain: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True, by_alias=True)
        return plain


@contextmanager
def at(declaration: Declaration, *keys: str | int) -> Iterator[None]:
    """Put the key at fault, and its line, before the message of an error."""
    try:
        yield
    except (FileError, InputError) as error:
        raise type(error)(f"{declaration.where(*keys)}: {error}", argument=error.argument) from None
