"""The studio in a real Chromium (`make browser`): the visitor's way from tap to paper on the real graph, on a screen
and on a phone, by keyboard alone, an operator and two visitors at once, reloads, and no error in the console.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest import PHONE, SCREEN, WAIT_MS, People, choose
from PIL import Image
from playwright.sync_api import Page, expect
from skimage import data

COUNT_INK = """() => {
    const sheet = document.getElementById('drawing');
    const seen = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height).data;
    let dark = 0;
    for (let k = 3; k < seen.length; k += 4) if (seen[k] > 200) dark++;
    return dark;
}"""
pytestmark = pytest.mark.timeout(400)


def until_drawn(page: Page) -> None:
    expect(page.locator('#status')).to_have_text('Your portrait is finished. Take it home!', timeout=WAIT_MS)


def ink_in(page: Page) -> int:
    """How many pixels of the growing drawing are dark."""
    return int(page.evaluate(COUNT_INK))


def test_from_tap_to_paper_on_a_screen_in_four_taps(people: People, address: str, tmp_path: Path) -> None:
    visitor, operator = people.come(address, SCREEN), people.operator(address)
    visitor.click('#take')
    expect(visitor.locator('.choice')).to_have_count(3, timeout=WAIT_MS)
    visitor.click('.choice >> nth=0')
    visitor.check('#consent')
    visitor.click('#draw-me')
    expect(visitor.locator('#status')).to_have_text('You are next.', timeout=WAIT_MS)
    operator.click('#new-sheet')
    expect(visitor.locator('#bar')).to_be_visible(timeout=WAIT_MS)
    visitor.wait_for_function('() => parseFloat(document.querySelector("#bar i").style.width) > 20')
    growing = ink_in(visitor)
    until_drawn(visitor)
    assert 0 < growing < ink_in(visitor)
    with visitor.expect_download() as download:
        visitor.get_by_role('button', name='PDF').click()
    download.value.save_as(tmp_path / 'portrait.pdf')
    assert (tmp_path / 'portrait.pdf').read_bytes().startswith(b'%PDF-1.4')
    assert people.complaints == []


def test_a_phone_sends_a_photo_and_every_reload_finds_the_drawing_again(people: People, address: str) -> None:
    phone, operator = people.come(address, PHONE), people.operator(address)
    assert phone.evaluate('document.documentElement.scrollWidth') <= PHONE['width'], 'it is wider than the phone'
    out = io.BytesIO()
    Image.fromarray(data.astronaut()).save(out, 'JPEG')
    phone.set_input_files('#upload', {'name': 'me.jpg', 'mimeType': 'image/jpeg', 'buffer': out.getvalue()})
    choose(phone, 'Łódź 2026')
    number = phone.inner_text('#number')
    for state, act in (
        ('You are next.', None),
        ('The operator holds your drawing back for a moment.', lambda: operator.get_by_label(f'Hold {number}').click()),
        ('You are next.', lambda: operator.get_by_label(f'Let go {number}').click()),
    ):
        if act:
            act()
        expect(phone.locator('#status')).to_have_text(state, timeout=WAIT_MS)
        phone.reload()
        phone.wait_for_selector('body[data-ready]')
        expect(phone.locator('#status')).to_have_text(state, timeout=WAIT_MS)
        assert phone.inner_text('#number') == number
    operator.click('#new-sheet')
    expect(phone.locator('#bar')).to_be_visible(timeout=WAIT_MS)
    phone.reload()
    until_drawn(phone)
    phone.on('dialog', lambda dialog: dialog.accept())
    phone.click('#delete')
    expect(phone.locator('#start')).to_be_visible(timeout=WAIT_MS)
    assert people.complaints == []


def test_a_bad_upload_is_told_and_the_way_goes_on(people: People, address: str) -> None:
    phone = people.come(address, PHONE)
    phone.set_input_files('#upload', {'name': 'me.jpg', 'mimeType': 'image/jpeg', 'buffer': b'no picture'})
    expect(phone.locator('#problem')).to_contain_text('This picture cannot be used', timeout=WAIT_MS)
    expect(phone.locator('#start')).to_be_visible()
    assert all('422' in complaint for complaint in people.complaints)


def test_a_stop_is_offered_and_gone_on_with_while_two_visitors_wait(people: People, address: str) -> None:
    operator = people.operator(address)
    first, second = people.come(address, SCREEN), people.come(address, PHONE)
    for visitor in (first, second):
        visitor.click('#take')
        choose(visitor)
    expect(second.locator('#status')).to_contain_text('1 before you', timeout=WAIT_MS)
    operator.click('#new-sheet')
    expect(first.locator('#bar')).to_be_visible(timeout=WAIT_MS)
    operator.click('[data-command=stop]')
    expect(first.locator('#status')).to_contain_text('interrupted', timeout=WAIT_MS)
    expect(operator.locator('[data-resolve=resume]')).to_be_enabled(timeout=WAIT_MS)
    operator.click('[data-resolve=resume]')
    until_drawn(first)
    operator.click('#new-sheet')
    until_drawn(second)
    assert people.complaints == []


def test_the_visitors_way_by_keyboard_alone(people: People, address: str) -> None:
    page, operator = people.come(address, SCREEN), people.operator(address)
    assert page.evaluate('document.activeElement.id') == 'take'
    page.keyboard.press('Enter')
    expect(page.locator('.choice')).to_have_count(3, timeout=WAIT_MS)
    page.keyboard.press('Tab')
    assert page.evaluate('document.activeElement.value') == 'normal'
    page.keyboard.press('ArrowLeft')
    assert page.locator('input[value=few]').is_checked()
    for _ in range(20):
        page.keyboard.press('Tab')
        if page.evaluate('document.activeElement.id') == 'consent':
            break
    page.keyboard.press('Space')
    page.focus('#draw-me')
    page.keyboard.press('Enter')
    expect(page.locator('#ticket')).to_be_visible(timeout=WAIT_MS)
    operator.focus('#new-sheet')
    operator.keyboard.press('Enter')
    until_drawn(page)
    assert people.complaints == []


def test_the_wrong_pin_opens_nothing_and_the_language_is_the_browsers(people: People, address: str) -> None:
    page = people.come(address, SCREEN, '/operator')
    page.fill('#pin', '0000')
    page.click('#sign-in button')
    expect(page.locator('#problem')).to_have_text('That is not the PIN.', timeout=WAIT_MS)
    expect(page.locator('#desk')).to_be_hidden()
    page.select_option('#language', 'ja')
    expect(page.locator('#sign-in h1')).to_have_text('PIN')
    expect(page.locator('header .brand')).to_have_text('係員')


@pytest.mark.parametrize('path', ['/', '/operator', '/kiosk'])
def test_every_control_has_a_name_and_every_picture_too(people: People, address: str, path: str) -> None:
    page = people.operator(address) if path == '/operator' else people.come(address, SCREEN, path)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a, img, canvas')].filter((node) => {
            if (node.closest('[hidden]') || node.getAttribute('aria-hidden')) return false;
            const label = node.closest('label') || document.querySelector(`label[for="${node.id}"]`);
            const name = node.textContent.trim() || node.getAttribute('aria-label') || label?.textContent.trim();
            return !(name || node.hasAttribute('alt'));
        }).map((node) => node.outerHTML)"""
    )
    assert nameless == []
    assert people.complaints == []
