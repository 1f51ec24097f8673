"""What a user declares: where the data is, what should not matter, and what should."""

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
    model_validator,
)

from drlim._errors import FileError, InputError
from drlim._files import as_path
from drlim.declaration._explain import message
from drlim.declaration._lines import TomlText

# Set while a declaration is made: what is wrong with one of its parts is then for it to report,
# which knows the line on which the part stands.
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
        ``.npy``, ``.npz``, ``.csv``, ``.parquet``, ``.zarr`` or a folder of images, relative to
        the declaration's own folder. None: the samples are given to `drlim.declaration.fit`.
    factors : path, optional
        A table of factors, ``.csv`` or ``.parquet``, one row a sample.
    by : str, optional
        The column of that table that names the sample; without it, row by row.
    columns : tuple of str, optional
        Of a table: which columns are the features.
    size : (height, width), optional
        To which images are resized.
    colour : {"grey", "colour"}, optional
        How images are read; None: grey if all of them are.
    outside : {"zeros", "edge", "mirror"}, optional
        What comes in where a transformed image ends, as `drlim.transforms.change` takes it: the
        edge for white paper, the mirror for a texture.
    source : str, optional
        The factor that says which samples are the same thing under other conditions (one
        specimen on several instruments): they are similar, and are held out together.
    group : str, optional
        The factor that says which samples are held out together: a patient, a photographer.
    skip_bad : bool
        Whether files that cannot be read are left out, and counted, instead of an error.
    """

    path: Path | None = None
    factors: Path | None = None
    by: str | None = None
    columns: tuple[str, ...] | None = None
    size: tuple[int, int] | None = None
    colour: Literal["grey", "colour"] | None = None
    outside: Literal["zeros", "edge", "mirror"] | None = None
    source: str | None = None
    group: str | None = None
    skip_bad: bool = False


class Ignore(_Part):
    """One thing that should not matter: a factor, or a transformation of the samples.

    Attributes
    ----------
    factor : str, optional
        A factor of the data. Nothing more is said: it is ignored because similar pairs cross
        it, and whether they do is checked.
    transform : str, optional
        A transformation (see `drlim.transforms.change`), drawn anew from `range` each time a
        sample is drawn, or made once for each of `values`.
    range : (float, float), optional
    values : tuple of float, optional
    along : {"horizontal", "vertical", "both"}, optional
    weight : float, optional
        With `values`: what two copies of one sample count, where any other similar pair counts
        1. The more, the nearer they fall together.
    """

    factor: str | None = None
    transform: str | None = None
    range: tuple[float, float] | None = None
    values: tuple[float, ...] | None = None
    along: Literal["horizontal", "vertical", "both"] | None = None
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Ignore:
        if (self.factor is None) == (self.transform is None):
            raise ValueError("give either a factor or a transform to ignore")
        details = (self.range, self.values, self.along)
        if self.factor is not None and any(detail is not None for detail in details):
            raise ValueError("range, values and along belong to a transform, not to a factor")
        if self.weight is not None and self.values is None:
            raise ValueError("a weight is that of the copies at listed values: give values")
        return self

    @property
    def name(self) -> str:
        """The factor, or the transformation."""
        return self.factor or str(self.transform)


class Keep(_Part):
    """One thing that should matter, and what *near* means in it.

    Attributes
    ----------
    factor : str, optional
        A factor: near is the same value.
    step : float, optional
        Values on a grid that lie a step apart are near too, one factor at a time.
    period : float, optional
        With `step`: the factor closes on itself, as an angle does.
    tolerance : float, optional
        For measured values: those no farther apart than this count as the same.
    neighbors : int, optional
        So many nearest neighbours in the samples are near, among those that agree in all else
        that is kept.
    within : str, optional
        With `neighbors`: they are looked for among samples with the same value of this factor
        (the same lighting, say).
    """

    factor: str | None = None
    step: Annotated[float, Field(gt=0)] | None = None
    period: Annotated[float, Field(gt=0)] | None = None
    tolerance: Annotated[float, Field(gt=0)] | None = None
    neighbors: Annotated[int, Field(ge=1)] | None = None
    within: str | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Keep:
        if (self.factor is None) == (self.neighbors is None):
            raise ValueError("give either a factor or a number of neighbors to keep")
        if self.neighbors is None and self.within is not None:
            raise ValueError("within belongs to neighbors")
        if self.factor is None and (self.step, self.period, self.tolerance) != (None, None, None):
            raise ValueError("step, period and tolerance belong to a factor")
        if self.step is not None and self.tolerance is not None:
            raise ValueError("give a step (values on a grid) or a tolerance (measured values)")
        if self.period is not None and self.step is None:
            raise ValueError("a period needs a step")
        return self

    @property
    def name(self) -> str:
        """The factor, or how many neighbours."""
        return self.factor or f"{self.neighbors} nearest neighbours"

    @property
    def kind(self) -> str:
        """What is kept: "class" (equal values), "number" (a step or tolerance) or "neighbors"."""
        if self.factor is None:
            return "neighbors"
        return "class" if self.step is None and self.tolerance is None else "number"


class Pairs(_Part):
    """A table of pairs: columns left, right, and, where given, similar, weight and reason.

    Attributes
    ----------
    path : path
        ``.csv`` or ``.parquet``. `left` and `right` are row numbers, or names of samples;
        without a column `similar` all pairs are.
    """

    path: Path


class HeldOut(_Part):
    """What is not learnt from.

    Attributes
    ----------
    share : float
        Of the sources (or groups, or samples), drawn at random.
    unseen : mapping of str to values
        Samples with these values of a factor are never learnt from either, and are reported
        on their own: classes, people, instruments that the map has not met.
    """

    share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    unseen: Mapping[str, tuple[Any, ...]] = {}


class Map(_Part):
    """How the map is learnt: parameters of `drlim.DrLIM`, by their own names.

    Attributes
    ----------
    network : str or table, optional
        The name of one of drlim's networks, or a builder of your own, ``"my_module:build"``, which
        is imported from the declaration's folder; or a table of either and its arguments:
        ``{name = "convnet", width = 16}``, ``{builder = "my_module:build", width = 16}``.
    n_starts : int
        How many times the map is learnt, each from other first weights; the one with the
        smallest loss at the end is kept. No held-out sample takes part in the choice.
    """

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


def _named(key: str) -> BeforeValidator:
    return BeforeValidator(lambda item: {key: item} if isinstance(item, str) else item)


class Declaration(_Part):
    """What should not matter, what should, and where the data is.

    The same thing as a TOML file, which `Declaration.read` reads, and in Python.

    Attributes
    ----------
    data : Data
    ignore : tuple of Ignore
        A string is a factor, or where the data has none of that name a transformation.
    keep : tuple of Keep
        A string is a factor. Similar is what is near in *everything* that is kept.
    pairs : Pairs, optional
        Pairs that are similar, or dissimilar, whatever the rules say of them.
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
            If it is not TOML, a key is unknown, or a value breaks its rule: one message that
            names the key, the line, and the nearest name that exists.
        """
        path = as_path(path)
        try:
            content = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(
                f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); give a "
                "declaration, a TOML file, or the data itself with --keep and --ignore"
            ) from None
        try:
            parts = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path} is not TOML: {error}") from None
        return cls(TomlText(str(path), content), **parts).beside(path.parent)

    def beside(self, folder: Path) -> Declaration:
        """Return the same with its relative paths taken from a folder."""

        def placed(path: Path | None) -> Path | None:
            return path if path is None else folder / path

        data = self.data.model_copy(
            update={"path": placed(self.data.path), "factors": placed(self.data.factors)}
        )
        pairs = self.pairs and self.pairs.model_copy(update={"path": placed(self.pairs.path)})
        moved = self.model_copy(update={"data": data, "pairs": pairs})
        moved._text, moved._folder = self._text, folder
        return moved

    @property
    def folder(self) -> Path:
        """The folder that its paths, and modules of the user's own, are looked for in."""
        return self._folder

    def with_options(
        self,
        *,
        keep: Sequence[str] = (),
        ignore: Sequence[str] = (),
        data: Mapping[str, Any] | None = None,
        pairs: Path | None = None,
        map: Mapping[str, Any] | None = None,  # noqa: A002
    ) -> Declaration:
        """Return the same with what was said on a command line added to it.

        Parameters
        ----------
        keep : sequence of str
            A factor, ``factor:step``, ``factor:step:period``, ``neighbors:n`` or
            ``neighbors:n:within``.
        ignore : sequence of str
            A factor, a transformation, or ``transformation:low:high``.
        data, map : mapping of str to anything
            Keys of `Data` and `Map`; None leaves what is there.
        pairs : path, optional

        Examples
        --------
        >>> Declaration().with_options(ignore=["shift:-6:6"]).ignore[0].range
        (-6.0, 6.0)
        """
        given = self.model_dump(exclude_defaults=True)
        for part, options in (("data", data), ("map", map)):
            said = {key: value for key, value in (options or {}).items() if value is not None}
            if said:
                given[part] = {**given.get(part, {}), **said}
        given["keep"] = [*given.get("keep", ()), *(_short_keep(text) for text in keep)]
        given["ignore"] = [*given.get("ignore", ()), *(_short_ignore(text) for text in ignore)]
        if pairs is not None:
            given["pairs"] = {"path": pairs}
        more = Declaration(self._text, **given)
        more._folder = self._folder
        return more

    def where(self, *keys: str | int) -> str:
        """Say where a key stands, for messages: the file and its line, where there is one."""
        return self._text.where(keys)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, with nothing that was left to its default."""
        plain: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return plain


@contextmanager
def at(declaration: Declaration, *keys: str | int) -> Iterator[None]:
    """Say in an error which key of the declaration is at fault, and on which line it stands."""
    try:
        yield
    except (FileError, InputError) as error:
        raise type(error)(f"{declaration.where(*keys)}: {error}", argument=error.argument) from None


def _short_keep(text: str) -> dict[str, Any]:
    first, *rest = text.split(":")
    keys = ("neighbors", "within") if first == "neighbors" else ("step", "period")
    if len(rest) > 2 or (first == "neighbors" and not rest):
        raise InputError(
            f"--keep {text!r} cannot be read; give FACTOR, FACTOR:STEP, FACTOR:STEP:PERIOD, "
            "neighbors:N or neighbors:N:WITHIN"
        )
    if first == "neighbors":
        return dict(zip(keys, rest, strict=False))
    return {"factor": first, **dict(zip(keys, rest, strict=False))}


def _short_ignore(text: str) -> dict[str, Any]:
    name, *ends = text.split(":")
    if not ends:
        return {"factor": name}
    if len(ends) != 2:
        raise InputError(
            f"--ignore {text!r} cannot be read; give a factor, a transformation, or "
            "TRANSFORMATION:LOW:HIGH"
        )
    return {"transform": name, "range": ends}
