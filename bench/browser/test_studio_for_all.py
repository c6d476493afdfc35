"""The studio for everybody: axe-core on each page and state, widths from a small phone to a wall, keys and two buttons.

Pictures of all that is looked at are left in out/browser/.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PIN, SCREEN, WAIT_MS, People, choose
from playwright.sync_api import Page, expect

PICTURES = Path('out/browser')
WIDTHS = {'phone': (320, 640), 'tablet': (820, 1180), 'screen': (1280, 800), 'wall': (3840, 2160)}
pytestmark = pytest.mark.timeout(400)


def look(page: Page, name: str) -> list[str]:
    """What axe-core finds serious or critical, in light and in the dark; and leave a picture of both."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    found = []
    for scheme in ('light', 'dark'):
        page.emulate_media(color_scheme=scheme, reduced_motion='reduce')
        page.screenshot(path=PICTURES / f'{name}_{scheme}.png', full_page=True)
        for problem in Axe().run(page).response['violations']:
            if problem['impact'] in ('serious', 'critical'):
                nodes = [node['html'][:160] for node in problem['nodes'][:4]]
                found.append(f'{name} {scheme}: {problem["id"]}: {problem["help"]}: {nodes}')
    return found


def too_wide(page: Page, name: str) -> list[str]:
    """At which widths the page would have to be moved sideways; leaves a picture of each."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    found = []
    for size, (width, height) in WIDTHS.items():
        page.set_viewport_size({'width': width, 'height': height})
        page.wait_for_timeout(150)
        page.screenshot(path=PICTURES / f'{name}_{size}.png')
        if page.evaluate('document.documentElement.scrollWidth') > width:
            found.append(f'{name}: {width} px')
    page.set_viewport_size({'width': 1280, 'height': 800})
    return found


def test_every_page_in_every_state_has_no_serious_finding_and_fits_every_width(people: People, address: str) -> None:
    visitor, operator = people.come(address, SCREEN), people.come(address, SCREEN, '/operator')
    findings = look(operator, 'pin') + too_wide(operator, 'pin')
    operator.fill('#pin', PIN)
    operator.press('#pin', 'Enter')
    expect(operator.locator('#desk')).to_be_visible(timeout=WAIT_MS)
    findings += look(visitor, 'start') + too_wide(visitor, 'start')
    visitor.click('#take')
    expect(visitor.locator('.choice')).to_have_count(3, timeout=WAIT_MS)
    findings += look(visitor, 'choose') + too_wide(visitor, 'choose')
    visitor.check('#gallery')
    choose(visitor, 'Anna, 2026')
    findings += look(visitor, 'waiting') + too_wide(visitor, 'waiting')
    operator.click('#new-sheet')
    expect(visitor.locator('#bar')).to_be_visible(timeout=WAIT_MS)
    visitor.wait_for_function('() => parseFloat(document.querySelector("#bar i").style.width) > 25')
    findings += look(operator, 'desk_drawing') + look(visitor, 'drawing') + too_wide(operator, 'desk_drawing')
    operator.click('[data-command=stop]')
    expect(operator.locator('[data-resolve=resume]')).to_be_enabled(timeout=WAIT_MS)
    findings += look(operator, 'desk_interrupted') + too_wide(operator, 'desk_interrupted')
    operator.click('[data-resolve=resume]')
    expect(visitor.locator('#status')).to_contain_text('finished', timeout=WAIT_MS)
    findings += look(visitor, 'finished') + too_wide(visitor, 'finished')
    kiosk = people.come(address, SCREEN, '/kiosk')
    findings += look(kiosk, 'kiosk') + too_wide(kiosk, 'kiosk')
    assert findings == []
    assert people.complaints == []


def test_the_operators_page_by_keyboard_alone(people: People, address: str) -> None:
    page = people.come(address, SCREEN, '/operator')
    assert page.evaluate('document.activeElement.id') == 'pin'
    page.keyboard.type(PIN)
    page.keyboard.press('Enter')
    expect(page.locator('#desk')).to_be_visible(timeout=WAIT_MS)
    reached = set()
    for _ in range(60):
        page.keyboard.press('Tab')
        reached.add(page.evaluate('document.activeElement.id || document.activeElement.dataset.command'))
        outline = page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
        assert outline != 'none' or page.evaluate('document.activeElement === document.body'), reached
    assert {'new-sheet', 'pause', 'stop', 'pen_up', 'home', 'test-card', 'logo', 'sign-out', 'language'} <= reached
    page.focus('#test-card')
    page.keyboard.press('Enter')
    drop = page.get_by_role('button', name=re.compile(r'Drop \d+')).first
    expect(drop).to_be_visible(timeout=WAIT_MS)
    drop.press('Enter')
    expect(page.locator('#no-queue')).to_be_visible(timeout=WAIT_MS)
    assert people.complaints == []


def test_two_buttons_are_enough_at_the_kiosk(people: People, address: str) -> None:
    page, operator = people.come(address, SCREEN, '/kiosk'), people.operator(address)
    page.keyboard.press('PageUp')
    page.wait_for_url('**/?kiosk')
    page.wait_for_selector('body[data-ready]')
    expect(page.locator('#take')).to_be_focused(timeout=WAIT_MS)
    page.keyboard.press('PageUp')
    expect(page.locator('.choice')).to_have_count(3, timeout=WAIT_MS)
    for _ in range(20):
        page.keyboard.press('PageDown')
        if page.evaluate('document.activeElement.id') == 'consent':
            page.keyboard.press('PageUp')
        if page.evaluate('document.activeElement.id') == 'draw-me':
            break
    page.keyboard.press('PageUp')
    expect(page.locator('#ticket')).to_be_visible(timeout=WAIT_MS)
    number = page.inner_text('#number')
    operator.get_by_label(f'Drop {number}').click()
    expect(page.locator('#status')).to_contain_text('taken out', timeout=WAIT_MS)
    assert people.complaints == []


def test_a_reload_while_choosing_finds_the_three_drawings_again(people: People, address: str) -> None:
    page = people.come(address, SCREEN)
    page.click('#take')
    expect(page.locator('.choice')).to_have_count(3, timeout=WAIT_MS)
    page.reload()
    expect(page.locator('.choice')).to_have_count(3, timeout=WAIT_MS)
    page.click('#again')
    expect(page.locator('#take')).to_be_visible(timeout=WAIT_MS)
    page.reload()
    expect(page.locator('#take')).to_be_visible(timeout=WAIT_MS)
    assert people.complaints == []


def test_a_logo_is_chosen_named_and_taken_away(people: People, address: str) -> None:
    page = people.operator(address)
    logo = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9" stroke="#000"/></svg>'
    page.set_input_files('#logo', {'name': 'l.svg', 'mimeType': 'image/svg+xml', 'buffer': logo.encode()})
    remove = page.get_by_role('button', name='Remove')
    expect(remove).to_be_visible(timeout=WAIT_MS)
    remove.click()
    expect(remove).to_be_hidden(timeout=WAIT_MS)
    page.set_input_files('#logo', {'name': 'l.svg', 'mimeType': 'image/svg+xml', 'buffer': b'no picture'})
    expect(page.locator('#problem')).to_contain_text('a logo is an SVG', timeout=WAIT_MS)
