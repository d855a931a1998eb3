"""A headless Chromium on the studio's page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from servers import TOKEN, Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def page_of(server: Served, *, width: int = 1280, dark: bool = False, **more: Any) -> Iterator[Any]:
    """Open the page with its token; what it asked of another machine, or said in its console, fails the test."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        scheme: Any = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on(
            "request",
            lambda asked: (
                wrong.append(asked.url) if not asked.url.startswith((server.url, "data:", "blob:")) else None
            ),
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{server.url}/#token={TOKEN.replace(' ', '%20')}")
        page.wait_for_selector("form#draw")
        yield page
        browser.close()
    assert not wrong
