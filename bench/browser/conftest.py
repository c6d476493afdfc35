"""People who come to the studio in a real Chromium, and the graph that draws them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from domain_coordinator import domain_id
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from sketch_robot.testing import World

PIN = '2468'
WAIT_MS = 30_000
PHONE = {'width': 320, 'height': 640}
SCREEN = {'width': 1280, 'height': 800}


@pytest.fixture(scope='session')
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real graph with a simulated plotter and the demo photo, and its studio."""
    with domain_id() as domain, World(domain, tmp_path_factory.mktemp('studio')) as world:
        world.start_graph(photo='astronaut', speedup='5', page='A6')
        node = world.start_node('studio', http_port=0, pin=PIN)
        world.until(lambda: 'ready: http' in node.output, 120.0, 'the studio')
        yield str(re.findall(r'ready: (http://localhost:\d+)/', node.output)[-1])


@pytest.fixture(scope='session')
def browser() -> Iterator[Browser]:
    named = os.environ.get('BROWSER') or shutil.which('chromium') or shutil.which('chromium-browser')
    assert named, 'no Chromium is here; install it, or say BROWSER=/path/to/it'
    with sync_playwright() as player:
        yield player.chromium.launch(executable_path=named, args=['--no-sandbox'])


@pytest.fixture
def people(browser: Browser) -> Iterator[People]:
    made = People(browser)
    yield made
    made.leave()


class People:
    """Browsers of people, each with a memory of its own, and what their consoles complained about."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def come(self, address: str, size: dict[str, int], path: str = '/') -> Page:
        context = self._browser.new_context(viewport=size, locale='en-GB')
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on('console', lambda said: self.complaints.append(said.text) if said.type == 'error' else None)
        page.on('pageerror', lambda error: self.complaints.append(str(error)))
        page.goto(address + path)
        page.wait_for_selector('body[data-ready]')
        return page

    def operator(self, address: str) -> Page:
        page = self.come(address, SCREEN, '/operator')
        page.fill('#pin', PIN)
        page.click('#sign-in button')
        expect(page.locator('#desk')).to_be_visible(timeout=WAIT_MS)
        return page

    def leave(self) -> None:
        for context in self._contexts:
            context.close()


def choose(page: Page, caption: str = '') -> None:
    """From the three drawings to a number."""
    expect(page.locator('.choice')).to_have_count(3, timeout=WAIT_MS)
    page.fill('#caption', caption)
    page.check('#consent')
    page.click('#draw-me')
    expect(page.locator('#number')).to_have_text(re.compile(r'\d+'), timeout=WAIT_MS)
