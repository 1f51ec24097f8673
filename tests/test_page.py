"""The page in a real browser, opened from disk: no server, no network."""

import shutil

import numpy as np
import page_scenes
import pytest

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
        page.on("request", lambda asked: _elsewhere(asked.url) and faults.append(asked.url))
        page.goto((scenes[name] / "index.html").as_uri())
        page.wait_for_selector(".map")
        page.wait_for_function("() => drlim.map.redraws > 0")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _elsewhere(url):
    return not url.startswith(("file:", "blob:", "data:"))


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
    page.get_by_label("by", exact=True).select_option(label="ink")
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


@pytest.mark.parametrize(("name", "shown"), [("curves", "svg.curve"), ("rows", ".row-values tr")])
def test_curves_and_rows_are_shown_as_such(open_page, name, shown):
    page = open_page(name)
    page.get_by_role("application").press("Enter")
    assert page.locator(f".card.docked {shown}").count() >= 1


def test_a_folder_without_its_data_says_what_is_missing(open_page, scenes, browser, tmp_path):
    folder = shutil.copytree(scenes["rows"], tmp_path / "rows")
    (folder / "data-split.js").unlink()
    page = browser.new_page()
    page.goto((folder / "index.html").as_uri())
    assert "data-split.js" in page.get_by_role("alert").inner_text()
    page.close()
