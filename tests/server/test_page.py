"""The page in a real browser: draw, cancel, paint a region, reuse, replay, search, learn a word, open an audit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toys3d_models
from browsers import page_of
from limn import models
from limn.store import read_record
from servers import served

pytestmark = pytest.mark.slow


def drawn(page, count: int = 1) -> None:  # type: ignore[no-untyped-def]
    page.click("form#draw button.main")
    page.wait_for_selector(f"#results li:nth-child({count}) img")


def test_a_person_draws_searches_reuses_compares_and_replays(tmp_path: Path) -> None:
    with served(tmp_path, delay=0.05) as server, page_of(server) as page:
        assert page.url == f"{server.url}/"  # the token is gone from the address
        page.fill("textarea[name=prompt]", "a <b>cat</b>")
        page.fill("input[name=seed]", "7")
        page.fill("input[name=n]", "2")
        page.click("summary:has-text('Guidances')")
        page.select_option("select[name=add-guide]", "rescale")
        page.wait_for_selector("#cost:has-text('rows in')")
        drawn(page, 2)
        page.click("nav a[href='#gallery']")
        page.fill("input[type=search]", "cat")
        page.press("input[type=search]", "Enter")
        page.click("#found li:nth-child(2) button")
        page.wait_for_selector("#detail pre", state="attached")
        assert page.locator("#detail b").count() == 0  # words are never read as HTML
        page.click("text=Replay")
        page.wait_for_selector("#told:has-text('Identical')")
        page.click("#detail >> text=Compare")
        page.click("#found li:nth-child(1) button")
        page.click("#detail >> text=Compare")
        assert "index" in page.inner_text("#differences")
        page.click("#detail >> text=Reuse")
        page.wait_for_selector("form#draw .card h3:has-text('rescale')")
        assert page.input_value("textarea[name=prompt]") == "a <b>cat</b>"
        assert page.input_value("input[name=seed]") == "7"
        page.click("nav a[href='#gallery']")
        page.click("#found li:nth-child(1) button")
        page.click("#detail >> text=Delete")
        page.wait_for_selector("#found li:nth-child(2)", state="detached")
    assert len(list(tmp_path.glob("bin/*/*.png"))) == 1


def test_a_person_cancels_and_moves(tmp_path: Path) -> None:
    with served(tmp_path, delay=0.2) as server, page_of(server) as page:
        page.fill("input[name=steps]", "900")
        for word in ("a cat", "a dog", "a cow"):
            page.fill("textarea[name=prompt]", word)
            page.click("form#draw button.main")
            page.wait_for_selector(f"#queue li:has-text('{word}')")
        page.wait_for_selector("#queue li[data-state=running] img.preview:not([hidden])")
        page.click("button[aria-label='Earlier: a cow']")
        page.wait_for_selector("#queue li:nth-child(2):has-text('a cow')")
        for word in ("a cat", "a cow", "a dog"):
            page.click(f"button[aria-label='Cancel: {word}']")
            page.wait_for_selector(f"#queue li[data-state=cancelled]:has-text('{word}')")


def test_a_person_paints_a_region(tmp_path: Path) -> None:
    with served(tmp_path, load=models.load) as server, page_of(server) as page:
        page.fill("textarea[name=prompt]", "a red heart and a green apple")
        page.fill("input[name=steps]", "4")
        page.click("summary:has-text('Regions')")
        page.fill("input.words", "a red heart")
        page.click("form#draw button.main")
        page.wait_for_selector("#status:has-text('Region 1 has no place')")
        box = page.locator("form#draw canvas").bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 200, steps=8)
        page.mouse.up()
        drawn(page)
    (path,) = tmp_path.glob("runs/*/*/0*.png")
    (region,) = read_record(path)["request"]["prompts"][0]["regions"]
    assert region["words"] == "a red heart"
    assert region["mask"]


def test_a_person_edits_learns_a_word_and_opens_an_audit(tmp_path: Path) -> None:
    files = []
    for seed in range(3):
        pixels = np.full((64, 64, 3), 255, np.uint8)
        pixels[16 + seed : 48, 16:48] = (200, 30, 30)
        Image.fromarray(pixels).save(tmp_path / f"{seed}.png")
        files.append(str(tmp_path / f"{seed}.png"))
    report = tmp_path / "store" / "audits" / "stereotypes-toy" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text(
        "<!DOCTYPE html><h1>A report</h1><script>try { document.querySelector(`h1`).textContent = "
        "parent.document.title } catch {}</script>"
    )
    with served(tmp_path / "store", load=models.load) as server, page_of(server) as page:
        page.click("nav a[href='#audits']")
        page.click("#audits button")
        frame = page.frame_locator("iframe")
        assert frame.locator("h1").inner_text() == "A report"
        page.click("nav a[href='#edit']")
        page.set_input_files("form#edit input[type=file]", files[0])
        page.wait_for_selector(".layers img:not([hidden])")
        box = page.locator("form#edit canvas").bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 160, steps=6)
        page.mouse.up()
        page.fill("form#edit input[name=prompt]", "a green apple")
        page.click("form#edit button.main")
        page.wait_for_selector("#results img")
        page.click("nav a[href='#learn']")
        page.set_input_files("form#learn input[type=file]", files)
        for name, value in {"word": "zorp", "thing": "heart", "name": "zorp", "steps": "2"}.items():
            page.fill(f"form#learn input[name={name}]", value)
        page.click("form#learn button.main")
        page.wait_for_selector("#learned:has-text('zorp')", timeout=240_000)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (360, False)])
def test_the_page_is_fit_for_screen_readers_and_phones(tmp_path: Path, width: int, dark: bool) -> None:
    from tools.page_check import GRAVE, axe

    try:
        script = axe()
    except Exception as error:  # the registry of npm cannot be reached
        pytest.skip(f"axe-core is not here: {error}")
    with served(tmp_path) as server, page_of(server, width=width, dark=dark, bypass_csp=True) as page:
        drawn(page)
        for name in ("draw", "gallery", "edit", "solid", "learn", "audits"):
            page.click(f"nav a[href='#{name}']")
            page.wait_for_selector("main h1")
            page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            page.wait_for_timeout(300)
            page.evaluate(script)
            found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
            grave = [(row["id"], row["nodes"][0]["html"]) for row in found if row["impact"] in GRAVE]
            assert not grave, (name, grave)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_a_person_sees_a_thing_in_three_dimensions(tmp_path: Path) -> None:
    folder = str(toys3d_models.model(tmp_path / "toys"))
    with served(tmp_path / "store", load=models.load, own=[folder]) as server, page_of(server) as page:
        page.click("nav a[href='#solid']")
        assert page.input_value("form#solid select[name=model]") == "toys3d"
        page.select_option("form#solid select[name=model]", folder)
        page.fill("form#solid input[name=views]", "2")
        page.check("input[name=depth]")
        page.click("form#solid button.main")
        page.wait_for_selector("#results figure:nth-child(3) img")
        assert page.evaluate(
            "Promise.all([...document.querySelectorAll('#results img')].map((one) => one.decode().then(() => "
            "one.naturalWidth)))"
        ) == [64, 32, 64]  # both views, one of the turntable, distances of both
