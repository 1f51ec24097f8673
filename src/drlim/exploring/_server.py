"""The page and its API, served to this machine. Only this module knows FastAPI and uvicorn."""

from __future__ import annotations

import asyncio
import html
import json
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from drlim._errors import DrlimError, FileError, InputError
from drlim.exploring._answers import Answers
from drlim.exploring._export import static
from drlim.exploring._guard import Guard, is_loopback
from drlim.exploring._proof import proof_of
from drlim.exploring._uploads import numbers_from, sample_from
from drlim.exploring._work import Batches, Workers

if TYPE_CHECKING:
    from drlim.exploring._watch import Recording

MOST_BYTES = 64 * 2**20  # of an upload
_TOLERATED = 8  # times as much is read, and forgotten, before the connection is closed
SECONDS = 30.0  # that an upload may take, and then its decoding
_MOST_ROWS = 2**18  # of an array in one answer
_N_DECODERS = 2
_QUICK_BYTES = 2**20  # raw numbers are read at once
# Seconds from one look at a training to the next, and after which a stream says that it lives.
_PAUSE, _QUIET = 0.1, 15.0

_STATIC = {
    "index.html": "text/html; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
}
# By this the page knows that it comes from a server, and not from a folder.
_SCENE = b"(window.drlim = window.drlim || {}).server = true;\n"


Row = Annotated[int | None, Query(description="The row of a known sample")]
Count = Annotated[int, Query(ge=1, description="How many neighbours")]
Start = Annotated[int, Query(ge=0, description="The first row")]
Stop = Annotated[int | None, Query(ge=0, description="The row after the last")]


class _RefusedError(Exception):
    """A request is refused with a status and a sentence for the visitor."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass
class _Served:
    """What the routes share: the answers, and the threads that work for them."""

    answers: Answers
    workers: Workers
    batches: Batches
    report: asyncio.Future[dict[str, Any]] | None = None

    async def body(self, request: Request) -> bytes:
        """Return an upload, refused if it is too large or too slow."""
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > _TOLERATED * MOST_BYTES:
            raise _too_large()
        parts, n = [], 0
        try:
            async with asyncio.timeout(SECONDS):
                async for part in request.stream():
                    n += len(part)
                    # A browser reads the answer only after it has sent all: so the rest is read
                    # too, and forgotten.
                    if n <= MOST_BYTES:
                        parts.append(part)
                    elif n > _TOLERATED * MOST_BYTES:
                        break
        except TimeoutError:
            raise _RefusedError(408, f"the upload took longer than {SECONDS:.0f} s") from None
        if n > MOST_BYTES:
            raise _too_large()
        return b"".join(parts)

    async def uploaded(self, request: Request) -> np.ndarray:
        """Return the sample that a request holds."""
        body, headers = await self.body(request), request.headers
        content_type, shape = headers.get("content-type", ""), headers.get("x-shape")
        known, sample = self.answers.known, self.answers.scene.sample
        if shape is not None and len(body) <= _QUICK_BYTES:  # nothing is decoded
            return sample_from(body, content_type, shape, known, sample)
        return await self.within(lambda: sample_from(body, content_type, shape, known, sample))

    async def within(self, function: Callable[[], Any]) -> Any:
        """Run a function beside the server, for as long as an upload may take."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self.workers.do(function)
        except TimeoutError:
            raise _RefusedError(408, f"this took longer than {SECONDS:.0f} s") from None

    async def point(self, sample: np.ndarray) -> np.ndarray:
        """Return the point of a sample; those that are asked for at once are mapped together."""
        return (await self.batches.points(sample[None]))[0]

    def measured(self) -> Awaitable[dict[str, Any]]:
        """Return the proof, which is measured once, when it is first asked for."""
        if self.report is None:
            known = self.answers.known
            measuring = Workers(1).do(lambda: proof_of(known))
            self.report = asyncio.ensure_future(measuring)
        return asyncio.shield(self.report)


def _too_large() -> _RefusedError:
    return _RefusedError(413, f"the upload is larger than {MOST_BYTES // 2**20} MiB")


def application(answers: Answers, recording: Recording | None = None) -> FastAPI:
    """Return the application, without its guard."""
    title = f"The map of {answers.known.title}"
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    served = _Served(
        answers, Workers(_N_DECODERS), Batches(lambda X: answers.known.fitted.transform(X))
    )

    @app.exception_handler(_RefusedError)
    async def refused(_: Request, error: _RefusedError) -> Response:
        # An upload that is refused is not read to its end.
        headers = {"connection": "close"} if error.status in (408, 413) else None
        return JSONResponse({"detail": error.detail}, error.status, headers)

    @app.exception_handler(DrlimError)
    async def wrong(_: Request, error: DrlimError) -> Response:
        status = 422 if isinstance(error, InputError | FileError) else 409
        return JSONResponse({"detail": str(error)}, status)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][1:]))
        return JSONResponse({"detail": f"{place}: {first['msg']}"}, 422)

    @app.exception_handler(HTTPException)
    async def absent(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"detail": str(error.detail)}, error.status_code)

    if recording is not None:
        _add_events(app, recording)
    _add_files(app, served)
    _add_api(app, served)
    return app


def _add_files(app: FastAPI, served: _Served) -> None:
    """Add the page itself and the arrays that it shows. No path is taken from a visitor."""
    scene = served.answers.scene
    files = {name: static(name).read_bytes() for name in _STATIC}
    described = json.dumps(scene.description, allow_nan=False).encode()
    names = None if scene.names is None else json.dumps(scene.names).encode()

    def is_served(name: str) -> Callable[[], Awaitable[Response]]:
        async def answer() -> Response:
            return Response(files[name], media_type=_STATIC[name])

        return answer

    for name in files:
        path = "/" if name == "index.html" else f"/{name}"
        app.get(path, include_in_schema=False)(is_served(name))

    @app.get("/scene.js", include_in_schema=False)
    async def marked() -> Response:
        return Response(_SCENE, media_type="text/javascript")

    @app.get("/scene.json", summary="The description of all that the page shows")
    async def description() -> Response:
        return Response(described, media_type="application/json")

    @app.get("/data/{array:path}", summary="An array of the page, as raw numbers; or a PNG")
    async def data(
        array: str,
        start: Start = 0,
        stop: Stop = None,
    ) -> Response:
        if array == "names" and names is not None:
            return Response(names, media_type="application/json")
        if array in scene.pictures:
            return Response(scene.pictures[array], media_type="image/png")
        if array not in scene.arrays:
            raise _RefusedError(404, f"there is no array {array!r:.80}; /scene.json lists them")
        return _raw(scene.arrays[array][start:stop])


def _raw(array: np.ndarray) -> Response:
    shape = ",".join(map(str, array.shape))
    headers = {"x-shape": shape, "x-dtype": str(array.dtype)}
    return Response(array.tobytes(), media_type="application/octet-stream", headers=headers)


def _add_api(app: FastAPI, served: _Served) -> None:
    """Add what other programs may ask too."""
    answers = served.answers

    @app.get("/api", include_in_schema=False)
    async def documentation() -> HTMLResponse:
        return HTMLResponse(_documented(app.openapi()))

    @app.post("/api/embed", summary="Map one sample: an image, a row of numbers, or a known one")
    async def embed(request: Request, row: Row = None, n: Count = 8) -> dict[str, Any]:
        """Send `image/...`, `text/csv`, or `application/octet-stream`.

        The last is float32, little-endian, with the header `X-Shape`. Or name a known sample by
        `row`, without a body.
        """
        n = min(n, len(answers.known) - (row is not None)) or 1
        if row is not None:
            sample = answers.sample(row) if answers.known.data is not None else None
            point = answers.known.points[answers.check_row(row)]
        else:
            sample = await served.uploaded(request)
            point = await served.point(sample)
        if answers.is_quick:
            return answers.placed(sample, point, n, row)
        return await served.within(lambda: answers.placed(sample, point, n, row))

    @app.post("/api/points", summary="Map many samples at once: float32 in, float32 out")
    async def many(request: Request) -> Response:
        """Send float32 with the header `X-Shape: n,...`; the answer has the shape n, components."""
        body = await served.body(request)
        shape = request.headers.get("x-shape")
        samples = numbers_from(body, shape, answers.scene.sample.shape)
        return _raw(np.asarray(await served.batches.points(samples), "<f4"))

    @app.get("/api/points", summary="The points of the known samples: float32, a page at a time")
    async def points(start: Start = 0, stop: Stop = None) -> Response:
        """Return at most 262,144 rows; the header `X-Shape` says how many there are."""
        stop = min(len(answers.known) if stop is None else stop, start + _MOST_ROWS)
        return _raw(answers.scene.arrays["points"][start:stop])

    @app.get("/api/neighbors", summary="The samples nearest to a known one in the map")
    async def neighbors(row: int, n: Count = 8) -> dict[str, Any]:
        point = answers.known.points[answers.check_row(row)]
        found = await served.within(lambda: answers.neighbors(point, n, row))
        return {"row": row, "nearest": found}

    async def trail(request: Request, name: str, row: Row = None) -> dict[str, Any]:
        """Return the points, how far they are in mean distances of two points, and pictures."""
        answers.slider(name)
        sample = answers.sample(row) if row is not None else await served.uploaded(request)
        return await served.within(lambda: answers.trail(name, sample))

    summary = "Transform a sample with rising strength, and follow its point"
    app.get("/api/trail", summary=summary)(trail)
    app.post("/api/trail", summary=summary, operation_id="trail_of_upload")(trail)

    @app.post("/api/verify", summary="Are two samples the same?")
    async def verify(request: Request, left: Row = None, right: Row = None) -> dict[str, Any]:
        """Name two rows, or send two samples as float32 with the header `X-Shape: 2,...`."""
        if left is not None and right is not None:
            Z = answers.known.points[[answers.check_row(left), answers.check_row(right)]]
        else:
            body, shape = await served.body(request), request.headers.get("x-shape")
            samples = numbers_from(body, shape, answers.scene.sample.shape, 2)
            if len(samples) != 2:
                raise InputError("one sample was sent; send two, or name the rows left and right")
            Z = await served.batches.points(samples)
        return await served.workers.do(lambda: answers.verify(Z[0], Z[1]))

    @app.get("/api/report", summary="What the map ignores and keeps, measured on held-out samples")
    async def report() -> dict[str, Any]:
        try:
            return await served.measured()
        except DrlimError as error:
            raise _RefusedError(409, str(error)) from None


def _documented(schema: dict[str, Any]) -> str:
    """Return the OpenAPI description as a page without a script."""
    parts = []
    for path, methods in schema["paths"].items():
        for method, said in methods.items():
            parts.append(f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>")
            parts.append(f"<p>{html.escape(said.get('summary', ''))}.</p>")
            if "description" in said:
                parts.append(f"<p>{html.escape(said['description'])}</p>")
            rows = [
                f"<li><code>{html.escape(each['name'])}</code>"
                f"{'' if each['required'] else ' (optional)'}: "
                f"{html.escape(each.get('description') or each['schema'].get('description', ''))}"
                for each in said.get("parameters", [])
            ]
            parts.append(f"<ul>{''.join(rows)}</ul>" if rows else "")
    title = html.escape(schema["info"]["title"])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{title}</title><h1>{title}</h1>"
        '<p>The same as <a href="/api/openapi.json">OpenAPI, in JSON</a>. Errors are '
        "<code>{&quot;detail&quot;: &quot;...&quot;}</code>.</p>" + "".join(parts)
    )


def _add_events(app: FastAPI, recording: Recording) -> None:
    """Add what a page asks while a map is learnt."""

    async def lines() -> AsyncIterator[str]:
        recording.watching(1)
        n_sent, quiet = 0, 0.0
        try:
            while True:
                done = recording.done  # before the epochs: none may come after it
                new = recording.epochs(n_sent)
                n_sent += len(new)
                if new:
                    yield "".join(_event("epoch", epoch) for epoch in new)
                if done is not None:
                    yield _event("done", {"message": done})
                    return
                quiet = 0.0 if new else quiet + _PAUSE
                if quiet > _QUIET:  # by writing, a page that was closed is noticed
                    quiet = 0.0
                    yield ": nothing new\n\n"
                await asyncio.sleep(_PAUSE)
        finally:
            recording.watching(-1)

    @app.get("/api/events", summary="The epochs of a training, as server-sent events")
    async def events() -> StreamingResponse:
        return StreamingResponse(lines(), media_type="text/event-stream")

    @app.get("/data/frame", summary="The newest points of a training, or those of a frame")
    async def frame(
        frame: Annotated[int | None, Query(ge=0, description="Its number")] = None,
    ) -> Response:
        found = recording.frame(frame)
        if found is None:
            raise _RefusedError(404, f"the points of frame {frame} are not kept")
        answer = _raw(found[1])
        answer.headers["x-frame"] = str(found[0])
        return answer


def _event(name: str, content: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n"


class Server:
    """A page that is being served.

    Parameters
    ----------
    answers : Answers
    host : str
        The address to listen at; another than this machine's own needs a token.
    port : int
        0: a free one.
    framed : bool, default=False
        Whether a notebook may show the page in a frame.
    recording : Recording, optional
        The training that is watched.

    Raises
    ------
    InputError
        If the address cannot be listened at.
    """

    def __init__(
        self,
        answers: Answers,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        framed: bool = False,
        recording: Recording | None = None,
    ) -> None:
        self._socket = _listening(host, port)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self.token = None if is_loopback(host) else secrets.token_urlsafe(24)
        guard = Guard(
            application(answers, recording),
            host,
            self.port,
            self.token,
            framed=framed,
        )
        config = uvicorn.Config(
            guard,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            # Streams and what is being computed end with the server.
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address of the page, with its token."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        if name in ("0.0.0.0", "[::]"):
            name = socket.gethostname()
        token = "" if self.token is None else f"?token={self.token}"
        return f"http://{name}:{self.port}/{token}"

    def run(self) -> None:
        """Serve until the program is interrupted."""
        self._server.run([self._socket])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(5)


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise InputError(f"port is {port}; it must be from 1 to 65535, or 0 for a free one")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With its protocol named: asyncio else leaves on that a small answer waits 40 ms for more.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(256)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise InputError(
            f"the page cannot be served at {host}, port {port} ({error.strerror or error}); give "
            "another --host or --port"
        ) from None
    return listening
