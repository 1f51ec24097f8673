"""The server of a map's page: what it answers, whom it refuses, and how it ends."""

import asyncio
import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from samples import IMAGES

import drlim
from drlim import Dataset, DrLIM, InputError, MissingExtraError
from drlim.exploring import _guard
from drlim.exploring._work import Workers

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

DATA = Dataset(IMAGES, {"side": np.arange(30) % 2}, names=np.array([f"n{k}" for k in range(30)]))
RAW = "application/octet-stream"


@pytest.fixture(scope="module")
def map_():
    return DrLIM(network="linear", max_epochs=0, random_state=0).fit(IMAGES)


@pytest.fixture(scope="module")
def page(map_):
    page = drlim.explore(map_, DATA)
    yield page
    page.close()


@pytest.fixture(scope="module")
def client(page):
    with httpx.Client(base_url=page.url, timeout=30) as client:
        yield client


def raw(samples):
    """Return the request that sends samples as raw numbers."""
    samples = np.asarray(samples, "<f4")
    shape = ",".join(map(str, samples.shape))
    return {"content": samples.tobytes(), "headers": {"content-type": RAW, "x-shape": shape}}


def as_png(image):
    pillow = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    pillow.fromarray(image).save(buffer, "PNG")
    return {"content": buffer.getvalue(), "headers": {"content-type": "image/png"}}


def numbers(answer, dtype="<f4"):
    shape = [int(n) for n in answer.headers["x-shape"].split(",")]
    return np.frombuffer(answer.content, dtype).reshape(shape)


def test_the_arrays_are_those_that_the_scene_describes(client, map_):
    scene = client.get("/scene.json").json()
    for name, stored in scene["arrays"].items():
        array = numbers(client.get(f"/data/{name}"), stored["dtype"])
        assert list(array.shape) == stored["shape"]
    points = numbers(client.get("/data/points", params={"start": 3, "stop": 5}))
    assert np.array_equal(points, map_.transform(IMAGES[3:5]))
    assert client.get("/data/names").json() == DATA.names.tolist()
    assert client.get("/data/sprites/0").content.startswith(b"\x89PNG")


def test_every_form_of_a_sample_lands_where_transform_puts_it(client, map_):
    expected = map_.transform(IMAGES[7:8])[0]
    csv = {
        "content": ",".join(map(str, IMAGES[7].ravel())),
        "headers": {"content-type": "text/csv"},
    }
    for sent in (raw(IMAGES[7]), as_png(IMAGES[7]), csv, {"params": {"row": 7}}):
        answer = client.post("/api/embed", **sent).json()
        assert answer["point"] == pytest.approx(expected.tolist(), abs=1e-5)
        assert answer["sample"]["shape"] == [28, 28]
    # An upload is its own nearest sample; a known sample is not.
    uploaded = client.post("/api/embed", **raw(IMAGES[7])).json()["nearest"]
    assert (uploaded[0]["row"], uploaded[0]["name"]) == (7, "n7")
    assert 7 not in [found["row"] for found in answer["nearest"]]


def test_a_row_of_a_table_is_read_by_the_names_of_its_features(tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 3))
    data = Dataset(X, feature_names=("height", "width", "weight"))
    map_ = DrLIM(max_epochs=0, random_state=0).fit(X)
    map_.feature_names_in_ = np.array(data.feature_names, dtype=object)
    page = drlim.explore(map_, data)
    with contextlib.closing(page), httpx.Client(base_url=page.url, timeout=30) as client:
        upload = "weight,height,width\n3,1,2\n"
        headers = {"content-type": "text/csv"}
        answer = client.post("/api/embed", content=upload, headers=headers).json()
        assert answer["point"] == pytest.approx(map_.transform([[1.0, 2.0, 3.0]])[0].tolist())
        answer = client.post("/api/embed", content="weight,height\n3,1\n", headers=headers)
        assert answer.status_code == 422
        assert "'width'" in answer.json()["detail"]


def test_many_samples_are_mapped_at_once(client, map_):
    answer = client.post("/api/points", **raw(IMAGES))
    assert np.allclose(numbers(answer), map_.transform(IMAGES), atol=1e-5)


def test_neighbors_are_the_nearest_points(client, map_):
    Z = map_.transform(IMAGES)
    order = np.argsort(np.linalg.norm(Z - Z[2], axis=1))
    answer = client.get("/api/neighbors", params={"row": 2, "n": 4}).json()
    assert [found["row"] for found in answer["nearest"]] == order[1:5].tolist()


def test_a_trail_follows_the_copies_of_a_sample(client, map_):
    answer = client.get("/api/trail", params={"name": "shift", "row": 1}).json()
    right = answer["strengths"].index(3)
    shifted = np.zeros_like(IMAGES[:1])
    shifted[..., 3:] = IMAGES[1:2, :, :-3]
    assert answer["points"][right] == pytest.approx(map_.transform(shifted)[0].tolist(), abs=1e-5)
    uploaded = client.post("/api/trail", params={"name": "shift"}, **raw(IMAGES[1])).json()
    assert uploaded["moved"] == pytest.approx(answer["moved"], abs=1e-5)


def test_two_samples_are_compared_by_a_threshold_of_others(tmp_path):
    who = np.arange(60) % 6
    data = Dataset(np.eye(6)[who], {"class": who})
    page = drlim.explore(DrLIM(max_epochs=0, random_state=0).fit(data.X), data)
    with contextlib.closing(page), httpx.Client(base_url=page.url, timeout=30) as client:
        rows = client.post("/api/verify", params={"left": 0, "right": 6}).json()
        assert (rows["same"], rows["factor"]) == (True, "class")
        assert not client.post("/api/verify", **raw(np.eye(6)[:2])).json()["same"]


def test_a_report_that_cannot_be_measured_says_why(client):
    answer = client.get("/api/report")
    assert answer.status_code == 409
    assert "declaration" in answer.json()["detail"]


def test_the_api_has_a_page_of_its_own_and_no_script(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    text = client.get("/api").text
    assert "<script" not in text
    assert all(path in text for path in paths)
    assert "/api/embed" in paths


BAD = [
    (b"", "image/png", "empty"),
    (b"not an image", "image/png", "format"),
    (b"\x89PNG\r\n\x1a\nxx", "image/png", "not an image"),
    (b"1,2,3", "text/csv", "784"),
    (b"a,b\nc,d\n", "text/csv", "upload"),
    (b"\xff\xfe\xfa", "text/csv", "UTF-8"),
    (b"1234", RAW, "X-Shape"),
    (b"<html>", "text/html", "text/html"),
]


@pytest.mark.parametrize(("body", "kind", "named"), BAD)
def test_a_bad_upload_is_told_what_is_wrong_and_the_server_goes_on(client, body, kind, named):
    answer = client.post("/api/embed", content=body, headers={"content-type": kind})
    assert answer.status_code == 422
    assert named in answer.json()["detail"]
    assert "/tmp" not in answer.text
    assert client.post("/api/embed", **raw(IMAGES[0])).status_code == 200


def test_an_image_that_claims_to_be_enormous_is_not_decoded(client):
    png = bytearray(as_png(IMAGES[0])["content"])
    png[16:24] = (60_000).to_bytes(4, "big") * 2
    header = bytes(png[12:29])
    import zlib

    png[29:33] = zlib.crc32(header).to_bytes(4, "big")
    answer = client.post("/api/embed", content=bytes(png), headers={"content-type": "image/png"})
    assert answer.status_code == 422
    assert "60,000" in answer.json()["detail"]


def test_an_upload_of_too_many_bytes_is_refused(client, monkeypatch):
    with socket.create_connection(("127.0.0.1", client.base_url.port)) as connection:
        host = f"127.0.0.1:{client.base_url.port}"
        announced = f"POST /api/embed HTTP/1.1\r\nHost: {host}\r\nContent-Length: {2**40}\r\n\r\n"
        connection.sendall(announced.encode())
        assert b" 413 " in connection.recv(100)

    monkeypatch.setattr("drlim.exploring._server.MOST_BYTES", 2**20)
    answer = client.post("/api/embed", content=bytes(3 * 2**20))
    assert answer.status_code == 413
    assert "1 MiB" in answer.json()["detail"]
    assert client.get("/scene.json").status_code == 200


@pytest.mark.parametrize("row", [-1, 30, 10**9])
def test_a_row_that_is_not_there_is_named(client, row):
    for answer in (
        client.post("/api/embed", params={"row": row}),
        client.get("/api/neighbors", params={"row": row}),
        client.get("/api/trail", params={"name": "shift", "row": row}),
    ):
        assert answer.status_code == 422
        assert str(row) in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/data/nothing", "/data/../../../etc/passwd", "/data/%2e%2e/%2e%2e/x", "/page.ts"]
)
def test_no_path_of_a_visitor_leads_to_a_file(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "rebound.example"}, 403),
        ({"host": "rebound.example:{port}"}, 403),
        ({"host": "127.0.0.1:1"}, 403),
        ({"host": ""}, 403),
        ({"origin": "http://rebound.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, 200),
        ({"host": "localhost:{port}"}, 200),
        ({"origin": "http://127.0.0.1:{port}"}, 200),
    ],
)
def test_only_the_page_itself_is_answered(client, headers, status):
    port = client.base_url.port
    headers = {name: value.format(port=port) for name, value in headers.items()}
    assert client.get("/", headers=headers).status_code == status
    answer = client.post("/api/embed", params={"row": 1}, headers=headers)
    assert answer.status_code == status


def test_every_answer_forbids_scripts_from_elsewhere(client):
    for path in ("/", "/scene.json", "/api", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert parts["default-src"] == "'none'"
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_fifty_requests_at_once_lose_nothing(client, map_):
    Z = map_.transform(IMAGES)

    def ask(k):
        answer = client.post("/api/embed", **raw(IMAGES[k % 30]))
        return np.abs(np.array(answer.json()["point"]) - Z[k % 30]).max()

    with ThreadPoolExecutor(50) as pool:
        assert max(pool.map(ask, range(50))) < 1e-5


def test_another_address_needs_the_token_that_was_printed(map_, monkeypatch):
    monkeypatch.setattr(_guard, "is_loopback", lambda host: host == "localhost")
    monkeypatch.setattr("drlim.exploring._server.is_loopback", lambda host: False)
    page = drlim.explore(map_, DATA)
    address, _, token = page.url.partition("?token=")
    assert len(token) > 30
    with contextlib.closing(page), httpx.Client(base_url=address, timeout=30) as client:
        assert client.get("/").status_code == 401
        assert client.get("/", params={"token": token[:-1]}).status_code == 401
        assert client.get("/scene.json", headers={"cookie": "a=b; =; x"}).status_code == 401
        bearer = {"authorization": f"Bearer {token}"}
        assert client.get("/scene.json", headers=bearer).status_code == 200
        opened = client.get("/", params={"token": token}, follow_redirects=True)
        assert opened.status_code == 200
        assert "token" not in str(opened.url)
        assert client.get("/scene.json").status_code == 200  # by its cookie
        assert client.get("/", headers={"host": "rebound.example"}).status_code == 403


def test_an_address_that_is_taken_is_named(page, map_):
    port = httpx.URL(page.url).port
    for wrong in ({"port": port}, {"port": 70_000}, {"host": "no-such-host.invalid"}):
        with pytest.raises(InputError, match=str(next(iter(wrong.values())))):
            drlim.explore(map_, DATA, **wrong)


def test_without_its_packages_the_server_says_which_are_missing(map_, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"drlim\[page\]"):
        drlim.explore(map_, DATA)


def test_a_notebook_shows_the_page(page):
    assert f'src="{page.url}"' in page._repr_html_()


def test_work_for_a_request_that_has_ended_is_not_done():
    done = []

    async def ask():
        workers, gate = Workers(1), threading.Event()
        first = asyncio.create_task(workers.do(gate.wait))
        second = asyncio.create_task(workers.do(lambda: done.append("late")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0.05)
        gate.set()
        await first
        await workers.do(lambda: done.append("last"))

    asyncio.run(ask())
    assert done == ["last"]


@pytest.fixture
def served(map_, tmp_path):
    """A server in a process of its own, as a user starts it, and its address."""
    map_.save(tmp_path / "map.drlim")
    np.save(tmp_path / "data.npy", IMAGES)
    words = ["serve", str(tmp_path / "map.drlim"), str(tmp_path / "data.npy")]
    process = subprocess.Popen(
        [sys.executable, "-m", "drlim", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # A shell lets what it starts in the background ignore Ctrl-C, and the tests with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for line in process.stdout:
        if "The page is http" in line:
            break
    try:
        yield process, line.split()[3]
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_ends_the_server_at_once_whoever_is_connected(served, request):
    process, url = served
    port = httpx.URL(url).port
    assert httpx.get(url).status_code == 200
    # One upload that never ends, one connection that says nothing, and one that was answered.
    open_ = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    for each in open_:
        request.addfinalizer(each.close)
    start = f"POST /api/embed HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 99\r\n\r\nabc"
    open_[0].sendall(start.encode())
    open_[2].sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    open_[2].recv(100)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = process.communicate(timeout=20)
    # It takes 0.2 s; the bound tells an end from a wait on a machine that has other work too.
    assert time.monotonic() - begun < 5
    assert process.returncode == 0
    assert "closed" in out
    assert "Traceback" not in err


def test_serve_and_explore_say_what_is_missing_before_they_read(tmp_path, monkeypatch, capsys):
    from drlim import cli

    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.setattr(sys, "argv", ["drlim", "serve", str(tmp_path / "none.drlim")])
    with pytest.raises(SystemExit):
        cli.main()
    assert "drlim[page]" in capsys.readouterr().err
