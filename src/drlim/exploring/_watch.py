"""Watching a map while it is learnt: points on their way to equilibrium, and the losses."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from drlim._checks import as_array
from drlim._errors import InputError
from drlim._files import as_path
from drlim._random import generator
from drlim.callbacks import Callback, Epoch, Training
from drlim.datasets import Dataset
from drlim.declaration import Declaration
from drlim.exploring._export import check_folder, write_folder
from drlim.exploring._known import Known
from drlim.exploring._scene import Scene, scene_of

if TYPE_CHECKING:
    from drlim.exploring._server import Server

# Samples that are shown; of more, as many are drawn at random.
_MOST_SHOWN = 4000
# Moments of a training that are kept, to be replayed; of more, every other one goes.
_MOST_FRAMES = 60
# The share of the time of training that mapping the shown samples may take: while nobody looks,
# and while somebody does.
_ALONE, _WATCHED = 0.015, 0.05


class Recording:
    """What a training was like so far; written by one thread and read by others.

    Attributes
    ----------
    n_watching : int
        Pages that are open.
    done : str or None
        When the training is over, a sentence for those who watch.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.n_watching = 0
        self.clear()

    def clear(self) -> None:
        """Forget an earlier training."""
        with self._lock:
            self._epochs: list[dict[str, Any]] = []
            self._frames: dict[int, tuple[int, np.ndarray]] = {}
            self._n_frames = 0
            self.done: str | None = None

    def watching(self, n: int) -> None:
        """Count pages that were opened, or closed."""
        with self._lock:
            self.n_watching += n

    def add_frame(self, points: np.ndarray, epoch: int) -> None:
        """Keep the points after an epoch; 0: before the first."""
        with self._lock:
            self._frames[self._n_frames] = epoch, points
            self._n_frames += 1
            if len(self._frames) > _MOST_FRAMES:
                for old in list(self._frames)[1:-1:2]:
                    del self._frames[old]

    def add_epoch(self, epoch: dict[str, Any]) -> None:
        """Add the numbers of an epoch."""
        with self._lock:
            self._epochs.append({**epoch, "frame": self._n_frames - 1})

    def end(self, message: str) -> None:
        """Tell that the training is over; the newest frame is that of the learnt map."""
        with self._lock:
            if self._epochs:
                self._epochs[-1] = {**self._epochs[-1], "frame": self._n_frames - 1}
            self.done = message

    def epochs(self, start: int = 0) -> list[dict[str, Any]]:
        """Return the epochs so far, from the `start`-th on."""
        with self._lock:
            return self._epochs[start:]

    def frame(self, number: int | None = None) -> tuple[int, np.ndarray] | None:
        """Return the points of a moment, the newest without a number; None if it is not kept."""
        with self._lock:
            number = self._n_frames - 1 if number is None else number
            found = self._frames.get(number)
            return None if found is None else (number, found[1])

    def replay(self) -> tuple[list[dict[str, Any]], np.ndarray]:
        """Return the epochs at which points were kept, and these: (n_frames, n, components)."""
        with self._lock:
            if not self._epochs:
                raise InputError("nothing was recorded: the training has not run for an epoch")
            start: dict[str, Any] = dict.fromkeys(self._epochs[0])
            start |= {"epoch": 0, "n_epochs": self._epochs[0]["n_epochs"]}
            # The learnt map may be that of an earlier epoch; it takes the place of the last one.
            newest = {epoch: number for number, (epoch, _) in self._frames.items()}
            epochs = [
                {**([start, *self._epochs][epoch]), "frame": number}
                for epoch, number in newest.items()
            ]
            return epochs, np.stack([self._frames[number][1] for number in newest.values()])


class Watch(Callback):
    """Show a map on a page while it is learnt, and record it to be replayed.

    Samples are mapped at most so often that this takes 1.5 % of the time of the training, and 5 %
    while a page is open. The map is the same as without it, to the bit.

    Parameters
    ----------
    data : Dataset or array-like of shape (n_samples, ...)
        The samples to show, those that are learnt from or others; of more than 4,000, as many are
        drawn at random.
    declaration : Declaration, optional
        What the map is to ignore and to keep.
    split : ndarray of shape (n_samples,), optional
        0 for samples that are learnt from, 1 for those held out, 2 for those of values never seen.
        None: all are learnt from.
    title : str, optional
        None: the name of the data.
    serve : bool, default=True
        Whether a server shows the page; else it is only recorded.
    host, port
        As for `drlim.explore`.
    say : callable, optional
        Called with the line that gives the page's address.

    Attributes
    ----------
    url : str or None
        The address of the page, from the start of the training on.

    Raises
    ------
    MissingExtraError
        If the extra ``page`` is not installed, and a server is wanted.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import DrLIM
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> watch = Watch(X, serve=False)
    >>> map_ = DrLIM(max_epochs=3, callbacks=[watch], random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = watch.export(Path(folder) / "learning")
    ...     page.name
    'index.html'
    """

    def __init__(
        self,
        data: Any,
        *,
        declaration: Declaration | None = None,
        split: np.ndarray | None = None,
        title: str | None = None,
        serve: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        if serve:
            from drlim.exploring._page import check_installed

            check_installed()
        shown = data if isinstance(data, Dataset) else Dataset(as_array(data, "data"))
        codes = np.zeros(len(shown), np.uint8) if split is None else np.asarray(split, np.uint8)
        if codes.shape != (len(shown),) or codes.max(initial=0) > 2 or not len(shown):
            raise InputError(
                f"split has the shape {codes.shape} and there are {len(shown)} samples to show; "
                "give 0, 1 or 2 for each of one sample or more"
            )
        self.declaration = declaration or Declaration()
        if len(shown) > _MOST_SHOWN:
            rng = generator(self.declaration.map.random_state)
            rows = np.sort(rng.permutation(len(shown))[:_MOST_SHOWN])
            shown, codes = shown.subset(rows), codes[rows]
        self.data, self.split, self.title = shown, codes, title
        self.serve, self.host, self.port, self.say = serve, host, port, say
        self.recording = Recording()
        self.url: str | None = None
        self._server: Server | None = None
        self._scene: Scene | None = None
        self._training: Training | None = None

    def on_start(self, training: Training) -> None:
        """Show the samples where the untrained network maps them."""
        self._training = training
        self.recording.clear()
        self._begun = perf_counter()
        self._spent = self._cost = 0.0
        self._n_steps = self._n_epochs = 0
        self._frame(0)
        if self._scene is None:
            self._scene = self._described(training)
            if self.serve:
                self._open()

    def on_batch_end(self, step: int, n_steps: int) -> None:
        """Count the batches."""
        self._n_steps, self._n_epochs = step, n_steps

    def on_epoch_end(self, history: Sequence[Epoch]) -> None:
        """Show the samples where they are now, if there is time, and the numbers of the epoch."""
        share = _WATCHED if self.recording.n_watching else _ALONE
        if self._spent + self._cost <= share * (perf_counter() - self._begun):
            self._frame(len(history))
        n_known = len(self.recording.epochs())
        n_epochs = round(self._n_epochs * len(history) / self._n_steps) if self._n_steps else None
        for k in range(n_known, len(history)):  # a training that resumes has some already
            self.recording.add_epoch(_numbers(k + 1, n_epochs, history[k]))

    def on_end(self) -> None:
        """Show the learnt map."""
        self._frame(len(self.recording.epochs()))
        self.recording.end("The map is learnt.")
        self._training = None

    def export(self, folder: str | os.PathLike[str]) -> Path:
        """Write what was watched as a page that replays it, and return its ``index.html``.

        Parameters
        ----------
        folder : path
            A new or an empty one, or an earlier page.

        Raises
        ------
        InputError
            If the folder has other files, or no training was watched.
        FileError
            If it cannot be written.
        """
        path = as_path(folder, "folder")
        check_folder(path)
        epochs, frames = self.recording.replay()
        assert self._scene is not None
        scene = self._scene.with_parts(
            {
                "watch": {"live": False, "history": epochs},
                "no_mapping": "this page shows how a map was learnt; drlim explore maps samples",
                "no_proof": "this page shows how a map was learnt; drlim explore shows its proof",
            },
            {"frames": frames, "points": frames[-1]},
        )
        return write_folder(path, scene, None)

    def close(self) -> None:
        """End the server, if there is one."""
        if self._server is not None:
            self._server.close()

    def _frame(self, epoch: int) -> None:
        assert self._training is not None
        begun = perf_counter()
        points = self._training.embed(self.data.X)
        self.recording.add_frame(np.ascontiguousarray(points, "<f4"), epoch)
        self._cost = perf_counter() - begun
        self._spent += self._cost

    def _described(self, training: Training) -> Scene:
        newest = self.recording.frame()
        assert newest is not None
        known = Known(
            None,
            self.declaration,
            newest[1],
            self.split,
            ("learnt", "held out", "never seen", "new"),
            self.data.factors,
            self.title or self.data.name,
            self.data,
            self.data.names,
            margin=float(getattr(training.loss, "margin", 1.0)),
            sample_shape=self.data.X.shape[1:],
        )
        self._known = known
        # The first points lie close together: only the margin is a unit of what they will be.
        return scene_of(known).with_parts({"typical": known.margin})

    def _open(self) -> None:
        from drlim.exploring._answers import Answers
        from drlim.exploring._server import Server

        assert self._scene is not None
        why = "the map is being learnt"
        scene = self._scene.with_parts(
            {"watch": {"live": True, "history": []}, "no_mapping": why, "no_proof": why}
        )
        answers = Answers(self._known, scene, {})
        self._server = Server(answers, self.host, self.port, framed=True, recording=self.recording)
        self._server.start()
        self.url = self._server.url
        if self.say is not None:
            self.say(f"The training can be watched at {self.url}")


def _numbers(number: int, n_epochs: int | None, epoch: Epoch) -> dict[str, Any]:
    found = {
        "loss": epoch.loss,
        "similar": epoch.attraction,
        "dissimilar": epoch.repulsion,
        "active": epoch.active_share,
    }
    finite = {name: value if math.isfinite(value) else None for name, value in found.items()}
    return {"epoch": number, "n_epochs": n_epochs, **finite}
