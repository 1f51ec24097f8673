"""The page in a real browser, opened from disk: no server, no network."""

import shutil
import threading
import time
from pathlib import Path

import numpy as np
import page_scenes
import pytest

import drlim

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: run `make browser`")

PLACE = """row => {
  const map = drlim.map, [x, y] = map.pixelOfRow(row), box = map.element.getBoundingClientRect();
  return [box.left + x / map.ratio, box.top + y / map.ratio];
}"""
SHOWN = "() => drlim.map.rowsWhere(() => true).length"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    return {
        make.__name__: make(folder / make.__name__)
        for make in (page_scenes.digits, page_scenes.ring, page_scenes.curves, page_scenes.rows)
    }


@pytest.fixture
def open_page(browser, scenes):
    """Opens a scene from disk; fails on an error of the page, and on a request elsewhere."""
    contexts, faults = [], []

    def opened(name, **settings):
        context = browser.new_context(
            **{"viewport": {"width": 1100, "height": 760}, "reduced_motion": "reduce", **settings}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: line.type == "error" and faults.append(line.text))
        here = ("file:", "blob:", "data:", *([name] if "://" in name else []))
        page.on("request", lambda asked: asked.url.startswith(here) or faults.append(asked.url))
        page.goto(name if "://" in name else (scenes[name] / "index.html").as_uri())
        page.wait_for_selector(".map")
        page.wait_for_function("() => drlim.map.redraws > 0")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def test_every_sample_is_a_point_of_the_map(open_page):
    page = open_page("digits")
    assert page.evaluate(SHOWN) == 1000
    assert "1,000 samples" in page.get_by_role("application").get_attribute("aria-label")


def test_the_card_beside_the_pointer_is_that_of_the_sample_under_it(open_page):
    page = open_page("digits")
    # The last point drawn is covered by no other.
    row = page.evaluate("() => drlim.map.order[drlim.map.order.length - 1]")
    page.mouse.move(*page.evaluate(PLACE, row))
    card = page.locator(".card.hover:not([hidden])")
    assert card.get_attribute("data-row") == str(row)
    digits = page_scenes.digits_shown()
    assert card.locator("dd").first.inner_text() == str(digits[row])
    page.mouse.move(5, 5)
    card.wait_for(state="hidden")


def test_the_selected_sample_is_shown_with_its_nearest_neighbours(open_page, scenes):
    page = open_page("digits")
    row = page.evaluate("() => drlim.map.order[drlim.map.order.length - 1]")
    page.mouse.click(*page.evaluate(PLACE, row))
    card = page.locator(".card.docked")
    assert card.get_attribute("data-row") == str(row)
    Z = page_scenes.points(scenes["digits"], 2)
    nearest = np.argsort(np.linalg.norm(Z - Z[row], axis=1))[1:6]
    card.locator(".neighbours button").nth(2).click()
    assert card.get_attribute("data-row") == str(nearest[2])


def test_a_value_of_the_legend_can_stand_alone_and_splits_be_hidden(open_page):
    page = open_page("digits")
    page.get_by_role("list", name="values of digit").get_by_role("button").nth(4).click()
    four = page.evaluate(SHOWN)
    assert four == page_scenes.digits_shown().tolist().count(4)
    page.get_by_role("list", name="learnt and held out").get_by_role("button").nth(1).click()
    assert 0 < page.evaluate(SHOWN) < four
    page.get_by_label("colour by").select_option(label="ink")
    assert page.evaluate(SHOWN) == 200


def test_a_map_of_three_components_turns_and_can_be_seen_flat(open_page):
    page = open_page("ring")
    before = page.evaluate(PLACE, 0)
    page.mouse.move(300, 300)
    page.mouse.down()
    page.mouse.move(420, 330)
    page.mouse.up()
    assert np.hypot(*np.subtract(page.evaluate(PLACE, 0), before)) > 20
    page.get_by_role("button", name="2-D").click()
    flat = page.evaluate("() => drlim.map.camera.projection().perspective")
    assert flat == 0
    page.get_by_label("y", exact=True).select_option(label="3")
    page.wait_for_function("() => drlim.map.labels.join() === 'component 1,component 3'")


def test_keys_move_select_and_walk(open_page):
    page = open_page("rows")
    page.get_by_role("application").focus()
    for key in ("+", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    card = page.locator(".card.docked")
    first = card.get_attribute("data-row")
    page.keyboard.press("n")
    assert card.get_attribute("data-row") != first
    assert "class_" in page.get_by_role("status").inner_text()
    page.keyboard.press("Escape")
    card.wait_for(state="hidden")


def test_nothing_is_drawn_while_nothing_changes(open_page):
    page = open_page("ring")
    page.wait_for_timeout(400)
    before = page.evaluate("() => drlim.map.redraws")
    page.wait_for_timeout(400)
    assert page.evaluate("() => drlim.map.redraws") == before
    page.get_by_role("button", name="Turn").click()
    page.wait_for_function(f"() => drlim.map.redraws > {before} + 3")
    page.get_by_role("button", name="Turn").click()


@pytest.mark.parametrize(("name", "shown"), [("curves", "svg.curve"), ("rows", ".row-values tr")])
def test_curves_and_rows_are_shown_as_such(open_page, name, shown):
    page = open_page(name)
    page.get_by_role("application").press("Enter")
    assert page.locator(f".card.docked {shown}").count() >= 1


def panel(page, name):
    page.get_by_role("tab", name=name).click()


def test_the_slider_shows_how_far_the_point_of_a_shifted_digit_moves(open_page, scenes):
    page = open_page("digits")
    panel(page, "Ignores")
    slider = page.get_by_label("strength")
    reading = page.locator(".reading strong")
    assert reading.inner_text() == "0.00"
    slider.fill("6")
    rows, trail = page_scenes.trail(scenes["digits"], 2)
    typical = page.evaluate("() => drlim.map.data.scene.typical")
    moved = np.linalg.norm(trail[0, 6] - trail[0, 3]) / typical
    assert float(reading.inner_text()) == pytest.approx(moved, abs=0.005)
    assert "3 pixels" in slider.get_attribute("aria-valuetext")
    page.get_by_text("another sample").click()
    page.get_by_role("button", name=f"transform row {rows[5]}").click()
    assert page.locator(".card.docked").get_attribute("data-row") == str(rows[5])


def drop(page, name, content, kind):
    page.evaluate(
        """([name, content, kind]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(content)], name, { type: kind }));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
        }""",
        [name, list(content), kind],
    )


def test_a_dropped_picture_lands_where_the_map_puts_it(open_page, scenes):
    page = open_page("digits")
    fours = np.flatnonzero(page_scenes.digits_shown() == 4)
    row = int(next(row for row in fours if row % 5 == 0))  # held out
    picture = page_scenes.picture_of(row)
    drop(page, "four.png", picture, "image/png")
    page.locator(".result .picture").first.wait_for()
    placed = page.evaluate("() => Array.from(drlim.page.fresh.placed.point)")
    Z = page_scenes.points(scenes["digits"], 2)
    np.testing.assert_allclose(placed, Z[row], atol=1e-4)
    page.get_by_role("button", name="Pick a held-out one").click()
    page.wait_for_function("() => drlim.page.fresh.placed.upload.kind === 'row'")
    point, row = page.evaluate(
        "() => [Array.from(drlim.page.fresh.placed.point), drlim.page.fresh.placed.upload.row]"
    )
    np.testing.assert_allclose(point, Z[row], atol=1e-4)
    assert "held-out samples" in page.locator(".result").inner_text()


def test_a_drawing_is_mapped_when_the_stroke_ends(open_page):
    page = open_page("digits")
    panel(page, "New sample")
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 140, steps=4)
    page.mouse.up()
    page.locator(".result .picture").first.wait_for()
    assert page.evaluate("() => Math.max(...drlim.page.fresh.placed.sample)") > 60


def test_bad_uploads_are_named_and_the_page_goes_on(open_page):
    page = open_page("digits")
    for name, content, kind, words in [
        ("a.png", b"no picture", "image/png", "not a picture"),
        ("a.csv", b"1,2,3\n", "text/csv", "3 numbers"),
        ("a.csv", b"", "text/csv", "empty"),
        ("a.zip", b"PK", "application/zip", "neither"),
    ]:
        drop(page, name, content, kind)
        page.get_by_role("alert").filter(has_text=words).wait_for()
    drop(page, "four.png", page_scenes.picture_of(4), "image/png")
    page.locator(".result .picture").first.wait_for()


def test_samples_that_differ_only_in_what_is_ignored_are_joined(open_page):
    page = open_page("ring")
    panel(page, "Ignores")
    page.get_by_role("button", name="lighting").click()
    page.get_by_text("810 pairs that differ in lighting alone").wait_for()


def test_the_table_of_the_lasso_has_the_rows_inside_and_no_others(open_page, scenes):
    page = open_page("digits")
    page.get_by_role("button", name="lasso").click()
    corners = [(250, 200), (600, 200), (600, 500), (250, 500)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=3)
    page.mouse.up()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "row,split,digit,ink,component 1,component 2"
    inside = page.evaluate(
        """() => { const box = drlim.map.element.getBoundingClientRect();
          return [...Array(1000).keys()].filter(row => { const [x, y] = drlim.map.pixelOfRow(row);
            const [u, v] = [box.left + x / drlim.map.ratio, box.top + y / drlim.map.ratio];
            return u > 250 && u < 600 && v > 200 && v < 500; }); }"""
    )
    assert 10 < len(inside) < 990
    assert [int(line.split(",")[0]) for line in lines[1:]] == inside


def test_a_finished_training_can_be_replayed(open_page):
    page = open_page("ring")
    panel(page, "Learning")
    spread = "() => Math.hypot(...drlim.map.data.points)"
    learnt = page.evaluate(spread)
    slider = page.get_by_label("epoch", exact=True)
    slider.fill("0")
    page.wait_for_function(f"({spread})() < {learnt / 2}")
    assert "Epoch 1 of 12: loss 1;" in page.locator(".watch").inner_text()
    slider.fill("11")
    page.wait_for_function(f"Math.abs(({spread})() - {learnt}) < 1e-3")


AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core here: run `make page-test`")
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("digits", {}),
        ("ring", {"color_scheme": "dark"}),
        ("rows", {"viewport": {"width": 390, "height": 800}}),
        ("curves", {"color_scheme": "dark", "viewport": {"width": 390, "height": 800}}),
    ],
)
def test_every_state_is_accessible(open_page, name, settings):
    page = open_page(name, **settings)
    page.evaluate(AXE.read_text())
    faults = _faults_of(page)
    page.get_by_role("application").press("Enter")
    faults |= _faults_of(page)
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        if tab.inner_text() == "New sample":
            page.get_by_role("button", name="Pick a held-out one").click()
            page.locator(".result h2").wait_for()
        faults |= _faults_of(page)
    assert faults == set()


def _faults_of(page):
    found = page.evaluate(
        "async () => (await axe.run(document, { resultTypes: ['violations'], preload: false }))"
        ".violations.map((each) => [each.impact, each.id, each.nodes[0].html])"
    )
    return {(kind, html) for impact, kind, html in found if impact in ("serious", "critical")}


@pytest.mark.parametrize("width", [390, 1100])
def test_nothing_is_wider_than_the_window(open_page, width):
    page = open_page("digits", viewport={"width": width, "height": 800})
    for tab in page.get_by_role("tab").all():
        tab.click()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def served():
    """The page of a linear map of digits, from its server."""
    pytest.importorskip("uvicorn", reason="the extra page is not installed")
    pytest.importorskip("fastapi")
    X = page_scenes.digit_images(200)
    map_ = drlim.DrLIM(network="linear", max_epochs=0, random_state=0).fit(X)
    data = drlim.Dataset(X, {"digit": page_scenes.digits_shown()[:200]})
    page = drlim.explore(map_, data)
    yield map_, X, page.url
    page.close()


def test_a_server_maps_what_is_dropped_and_what_is_drawn(open_page, served):
    map_, X, url = served
    page = open_page(url)
    assert page.evaluate(SHOWN) == 200
    drop(page, "digit.png", page_scenes.picture_of(7), "image/png")
    page.locator(".result .picture").first.wait_for()
    placed = page.evaluate("() => Array.from(drlim.page.fresh.placed.point)")
    np.testing.assert_allclose(placed, map_.transform(X[7:8])[0], atol=1e-4)
    assert page.evaluate("() => drlim.page.fresh.placed.nearest[0].row") == 7
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 140, steps=4)
    page.mouse.up()
    page.wait_for_function("() => drlim.page.fresh.placed.upload.kind === 'values'")


def test_a_server_moves_any_sample_under_a_change(open_page, served):
    page = open_page(served[2])
    page.get_by_role("application").press("Enter")
    panel(page, "Ignores")
    page.get_by_label("change").select_option(label="rotation")
    page.get_by_role("img", name="distance moved against rotation").wait_for()
    slider = page.get_by_label("strength")
    slider.focus()
    slider.press("End")
    assert float(page.locator(".reading strong").inner_text()) > 0.01
    assert page.locator(".transformed .picture").count() == 1


def test_a_server_says_why_it_refuses_and_the_page_goes_on(browser, served):
    page = browser.new_page()
    page.goto(served[2])
    page.wait_for_selector(".map")
    drop(page, "a.png", b"no picture", "image/png")
    page.get_by_role("alert").wait_for()
    drop(page, "digit.png", page_scenes.picture_of(7), "image/png")
    page.locator(".result .picture").first.wait_for()
    page.close()


def test_learning_is_watched_as_it_happens(open_page):
    pytest.importorskip("uvicorn", reason="the extra page is not installed")
    from drlim.exploring import Watch

    X = page_scenes.digit_images(60)
    watch = Watch(X)
    steps = threading.Event()

    class Waits(drlim.callbacks.Callback):
        def on_epoch_end(self, history):
            steps.wait(30)

    map_ = drlim.DrLIM(network="linear", max_epochs=3, random_state=0, callbacks=[watch, Waits()])
    learner = threading.Thread(target=map_.fit, args=(X,))
    learner.start()
    while watch.url is None:
        time.sleep(0.05)
    page = open_page(watch.url)
    panel(page, "Learning")
    page.get_by_text("Epoch 1 of 3").wait_for()
    before = page.evaluate("() => Array.from(drlim.map.data.points)")
    steps.set()
    page.get_by_text("Epoch 3 of 3").wait_for()
    learner.join()
    Z = map_.transform(X).ravel().tolist()
    page.wait_for_function(
        "Z => drlim.map.data.points.every((value, i) => Math.abs(value - Z[i]) < 1e-4)", arg=Z
    )
    assert before != Z
    watch.close()


def test_a_page_in_one_file_needs_nothing_beside_it(open_page, scenes, tmp_path):
    folder = scenes["rows"]
    parts = ["scene.js", "page.js", *(path.name for path in sorted(folder.glob("data-*.js")))]
    scripts = "".join(f"<script>{(folder / part).read_text()}</script>" for part in parts)
    style = (folder / "page.css").read_text()
    head = f"<!doctype html><html lang='en'><title>map</title><style>{style}</style>"
    (tmp_path / "index.html").write_text(f"{head}<body>{scripts}</body></html>")
    page = open_page((tmp_path / "index.html").as_uri())
    assert page.evaluate(SHOWN) == 178


def test_a_folder_without_its_data_says_what_is_missing(open_page, scenes, browser, tmp_path):
    folder = shutil.copytree(scenes["rows"], tmp_path / "rows")
    (folder / "data-split.js").unlink()
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    assert "data-split.js" in page.get_by_role("alert").inner_text()
    page.close()
