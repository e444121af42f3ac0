"""The projector's page in a real Chromium."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed (pip install playwright)")

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect  # noqa: E402
from playwright.async_api import Error as PlaywrightError  # noqa: E402

from tests.ui.class_of import SYLLABUS, about_poll, happen, records  # noqa: E402
from tests.unit.workshop import certificates  # noqa: E402
from tests.unit.workshop.hub_process import HubProcess  # noqa: E402
from tests.unit.workshop.hubs import SECRET, Running, instruct, open_socket, push, serving  # noqa: E402
from tests.unit.workshop.rooms import QUESTION  # noqa: E402
from tests.unit.workshop.seats import sit  # noqa: E402
from tutor.learner.journal import Journal  # noqa: E402
from tutor.workshop import client, names, trust  # noqa: E402
from tutor.workshop.events import (  # noqa: E402
    ChapterSet,
    NamesShown,
    PaceSet,
    PollClosed,
    PollOpened,
    PollOption,
    PollQuestion,
    TimerSet,
)
from tutor.workshop.log_sqlite import SqliteLog  # noqa: E402
from tutor.workshop.outbox import JournalOutbox  # noqa: E402
from tutor.workshop.protocol import Offer  # noqa: E402
from tutor.workshop.serving import listen  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")
PASSED = {"kind": "step-passed", "chapter": "docker-run", "item": "first"}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as started:
        opened = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(SqliteLog(tmp_path / "room.sqlite3")) as running:
        yield running


@contextlib.asynccontextmanager
async def projector(browser: Browser, hub: Running, **options: object) -> AsyncIterator[tuple[Page, list[str]]]:
    """The page, and everything it complains of or asks other hosts for."""
    context: BrowserContext = await browser.new_context(**options)  # type: ignore[arg-type]
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
    page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
    page.on("request", lambda asked: None if asked.url.startswith((hub.http, "data:")) else wrong.append(asked.url))
    await page.goto(f"{hub.http}/screen#{hub.hub.door.screen_key}")
    yield page, wrong
    await context.close()


async def test_shows_live_what_happens_in_the_room(browser: Browser, hub: Running) -> None:
    async with projector(browser, hub) as (page, wrong):
        code = hub.hub.door.code
        await expect(page.locator("#code")).to_have_text(f"{code[:3]} {code[3:]}")
        await expect(page.locator("#command")).to_have_text(f"docker tutor join {hub.http}/{code} --as NAME")
        await expect(page.locator("#qr path")).to_have_count(1)
        await expect(page.locator("#there")).to_have_text("0 of 0 seats there")
        joined = await hub.join("Ada")
        seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
        await expect(page.locator("#there")).to_have_text("1 of 1 seat there")
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        await instruct(board, ChapterSet(chapter="docker-run", open=True))
        await instruct(board, PaceSet(chapter="docker-run"))
        await expect(page.locator("#progress-title")).to_have_text("17 · docker run")
        await seat.send(push((1, PASSED)))
        await expect(page.locator("#steps li").first).to_contain_text("1 of 1")
        await instruct(board, TimerSet(ends=hub.hub.follower.now() + 125, label="Lab"))
        await expect(page.locator("#timer")).to_contain_text("Lab 2:0")
        await instruct(board, PollOpened(poll="p1", round=1, question=QUESTION))
        await expect(page.locator("#answered")).to_have_text("0 answers · answers are open")
        await expect(page.locator("#spoken")).to_contain_text("Which side")
        event = {"kind": "poll-answered", "chapter": "", "item": "p1", "room": "r1", "round": 1, "answer": ["right"]}
        await seat.send(push((2, event)))
        await expect(page.locator("#options li").nth(1).locator(".count")).to_have_text("1")
        assert await page.locator("#options li").nth(1).locator("meter").evaluate("m => m.value") == 1
        await expect(page.locator("#options .right").first).to_be_empty()  # nobody reads it there before the end
        await instruct(board, PollClosed(poll="p1", round=1))
        await expect(page.locator("#options .right").first).to_have_text("✓ right")
        await instruct(board, PollOpened(poll="p1", round=2, question=QUESTION))
        await seat.send(push((3, event | {"round": 2, "answer": ["left"]})))
        await expect(page.locator("#options li").first.locator(".count").nth(1)).to_have_text("after you talked: 1")
        await expect(page.locator("#options li").nth(1).locator(".count").first).to_have_text("before: 1")
        assert wrong == []
        assert "Ada" not in await page.content()
        for socket in (seat, board):
            await socket.close()


async def test_hostile_names_and_questions_are_text(browser: Browser, hub: Running) -> None:
    hostile = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        "\u202eevil\u202c",
        "'\"><svg onload=alert(3)>",
    ]
    async with projector(browser, hub) as (page, wrong):
        sockets = []
        for name in hostile:
            joined = await hub.join(name)
            sockets.append(await open_socket(hub.ws, "seat", joined.seat, joined.key))
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        sockets.append(board)
        await instruct(board, NamesShown(on=True))
        await expect(page.locator("#names li")).to_have_count(4)
        assert (await page.locator("#names li").all_text_contents())[:2] == [name[:32] for name in hostile[:2]]
        bad = "<b onclick=alert(4)>bold</b><script>alert(5)</script>"
        options = tuple(PollOption(id=f"o{n}", text=f"{bad} {n}", right=False) for n in range(2))
        await instruct(board, PollOpened(poll="p", round=1, question=PollQuestion(ask=bad, options=options)))
        await expect(page.locator("#ask")).to_have_text(bad)
        assert await page.locator("#ask b, #options b, #names script, #names img, #names svg").count() == 0
        assert wrong == []
        for socket in sockets:
            await socket.close()


async def test_comes_back_when_the_hub_was_killed(browser: Browser, tmp_path: Path) -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = HubProcess(port, str(tmp_path / "room.sqlite3"))
    await asyncio.to_thread(process.start)
    try:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{port}/screen#{names.derived(SECRET, 'screen')}")
        await expect(page.locator("#there")).to_have_text("0 of 0 seats there")
        process.kill()
        await expect(page.locator("#trouble")).to_contain_text("out of reach")
        await asyncio.to_thread(process.start)
        await expect(page.locator("#trouble")).to_be_hidden(timeout=60_000)
        code = (await page.locator("#code").text_content() or "").replace(" ", "")
        seat = await sit(f"http://127.0.0.1:{port}", code, "Ada")
        await expect(page.locator("#there")).to_have_text("1 of 1 seat there")
        await seat.stand_up()
        await page.close()
    finally:
        process.kill()


async def test_says_so_when_it_hears_nothing_more(browser: Browser, hub: Running) -> None:
    async with projector(browser, hub) as (page, _):
        await expect(page.locator("#there")).to_be_visible()
        for task in hub.hub._tasks:
            task.cancel()  # the connection stays, but nothing comes, as when a network is cut
        await expect(page.locator("#trouble")).to_be_visible(timeout=60_000)


@certificates.NEEDED
async def test_over_https_too(tmp_path: Path, home: Path) -> None:
    authority = certificates.Authority(tmp_path)
    tls = authority.sign("IP:127.0.0.1")
    # The browser takes this one key, and no other.
    args = ["--no-sandbox", f"--ignore-certificate-errors-spki-list={certificates.pin(tls[0])}"]
    async with (
        async_playwright() as started,
        serving(SqliteLog(tmp_path / "room.sqlite3"), tls=tls) as hub,
        await started.chromium.launch(executable_path=CHROMIUM, args=args) as trusting,
        await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as other,
    ):
        with pytest.raises(PlaywrightError, match="ERR_CERT_AUTHORITY_INVALID"):
            await (await other.new_page()).goto(f"{hub.http}/screen")
        trust.remember(hub.http, authority.file)
        async with projector(trusting, hub) as (page, wrong):
            await expect(page.locator("#command")).to_contain_text(f"join {hub.http}/")
            with Journal(tmp_path / "journal.sqlite3") as journal, Journal(journal.path) as reading:
                link = f"{hub.http}/{hub.hub.door.code}"
                card = await asyncio.to_thread(client.take_seat, link, "Ada", journal)
                task = asyncio.create_task(client.Link(card, JournalOutbox(reading, card.room)).run())
                await expect(page.locator("#there")).to_have_text("1 of 1 seat there")
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await expect(page.locator("#there")).to_have_text("0 of 1 seat there")
            assert wrong == []


async def test_a_wrong_key_is_told_and_not_tried_again(browser: Browser, hub: Running) -> None:
    page = await browser.new_page()
    await page.goto(f"{hub.http}/screen#wrong")
    await expect(page.locator("#trouble")).to_contain_text("does not open the room")
    await page.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
async def test_a_class_and_its_question_are_seen_without_scrolling(
    browser: Browser, tmp_path: Path, width: int, height: int
) -> None:
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), syllabus=SYLLABUS) as hub:
        happened = records(200, hub.hub.follower.id, time.time())
        asked = [record for record in happened if about_poll(record)]
        await happen(hub, [record for record in happened if record not in asked])
        async with projector(browser, hub, viewport={"width": width, "height": height}) as (page, _):
            seen = "[document.documentElement.scrollHeight <= innerHeight, document.body.scrollWidth <= innerWidth]"
            await expect(page.locator("#steps li")).to_have_count(len(SYLLABUS.chapters[1].steps))
            await expect(page.locator("#qr path")).to_be_visible()
            assert await page.evaluate(seen) == [True, True]
            await happen(hub, asked)
            await expect(page.locator("#options .right").filter(has_text="✓ right")).to_have_count(1)
            assert await page.evaluate(seen) == [True, True]
            # Bars of both rounds can be compared: all are of one length.
            wide = (
                "[...document.querySelectorAll('#options meter')].map(m => Math.round(m.getBoundingClientRect().width))"
            )
            assert len(set(await page.evaluate(wide))) == 1


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 720), (1920, 1080)])
async def test_fits_narrow_and_wide(browser: Browser, hub: Running, width: int, height: int) -> None:
    async with projector(browser, hub, viewport={"width": width, "height": height}) as (page, _):
        joined = await hub.join("W" * 32)
        seat = await open_socket(hub.ws, "seat", joined.seat, joined.key)
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        long = PollQuestion(ask="unbroken" * 40, options=(QUESTION.options[0], PollOption(id="o", text="x" * 300)))
        await instruct(board, NamesShown(on=True))
        await instruct(board, PollOpened(poll="p", round=1, question=long))
        await expect(page.locator("#options li")).to_have_count(2)
        await expect(page.locator("#names li")).to_have_count(1)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        size = await page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert size >= (16 if width < 1000 else 20)
        for socket in (seat, board):
            await socket.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_contrast_labels_and_keyboard(browser: Browser, hub: Running, scheme: str) -> None:
    async with projector(browser, hub, color_scheme=scheme) as (page, _):
        board = await open_socket(hub.ws, "instructor", "Kim", SECRET)
        await instruct(board, PollOpened(poll="p1", round=1, question=QUESTION))
        await expect(page.locator("#options li")).to_have_count(2)
        ratios = await page.evaluate(_CONTRAST)
        assert ratios and min(ratio for _, ratio in ratios) >= 4.5, sorted(ratios, key=lambda r: r[1])[:3]
        assert await page.evaluate("document.documentElement.lang") == "en"
        nameless = "e => !e.ariaLabel && !e.getAttribute('aria-labelledby')"
        every = "[...document.querySelectorAll('meter,progress,svg[role=img],section')]"
        assert await page.evaluate(f"{every}.filter({nameless}).length") == 0
        tree = json.dumps(await page.evaluate("[...document.querySelectorAll('h1,h2')].map(e => e.tagName)"))
        assert tree.startswith('["H1", "H2"')
        reached = []
        for _ in range(2):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.className || document.activeElement.id"))
        assert reached == ["skip", "full"]
        await board.close()


async def test_the_page_to_join_names_this_very_hub(browser: Browser, hub: Running) -> None:
    page = await browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.goto(f"{hub.http}/{hub.hub.door.code}")
    await expect(page.locator("#join")).to_have_text(f"docker-tutor join {hub.http}/{hub.hub.door.code} --as NAME")
    await expect(page.locator("#plain")).to_be_visible()
    await expect(page.locator("#images")).to_be_hidden()
    assert wrong == []
    await page.close()


async def test_the_page_to_join_says_where_images_are(browser: Browser, tmp_path: Path) -> None:
    offer = Offer(mirror="192.0.2.7:5000", images={"busybox:1.37": f"sha256:{'0' * 64}"})
    async with serving(SqliteLog(tmp_path / "room.sqlite3"), offer=offer) as hub:
        page = await browser.new_page()
        await page.goto(f"{hub.http}/")
        await expect(page.locator("#images")).to_be_visible()
        await expect(page.locator("#pull")).to_have_text(f"docker-tutor images pull --from {hub.http}")
        await page.close()


# https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio, of every text that is seen.
_CONTRAST = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const f = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const back = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.tagName === 'NOSCRIPT') continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(back(e));
    found.push([e.textContent.slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
}"""
