"""A person at the workplace: the program as it is served, its provider of identities, and real Chromium.

with workplace.served(line) as base, browsers() as chromium: person = visit(chromium, base); person.sign_in("finance")

Whatever the browser complains of (its console, the content security policy, a page that fails) is kept in
`Visitor.complaints`, and a test's fixture fails on it at the end.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from tests import serving
from tests.command_line import CommandLine

HOUSE = Path(__file__).resolve().parent.parent
SCREENSHOTS = HOUSE / "var/screenshots"
WIDE, NARROW = 1280, 390

# First the one without windows and tabs, which takes two thirds of the time; it draws and runs pages as the others do.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# The last list of features to do without counts, so it repeats what Playwright does without, and adds what costs a
# fifth of the browser's time here: pages of its own and renderers, made ready for what never comes.
_WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "LensOverlay",
    "HttpsFirstBalancedModeAutoEnable", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning",
    "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
    "PreloadTopChromeWebUI", "SpareRendererForSitePerProcess",
)  # fmt: skip
_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run",
    f"--disable-features={','.join(_WITHOUT)}",
)  # fmt: skip
_PATIENCE = 15_000  # milliseconds

#: What is asked of every page: WCAG 2.2, levels A and AA. Without naming its tag axe finds nothing of 2.2.
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_AXE = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"

#: Makes what the policy stopped a message of the console, which Chromium does for most of it by itself.
_LISTEN = """
document.addEventListener("securitypolicyviolation", event =>
  console.error("policy: " + event.effectiveDirective + " stopped " + event.blockedURI))
"""


def executable() -> str:
    """Give the browser of this machine; skip, with one reason, where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no chromium here: make chromium")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser meanwhile."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=list(_OPTIONS))
        yield running
        running.close()


@contextmanager
def served(line: CommandLine) -> Iterator[str]:
    """Serve the workplace with its provider meanwhile; give its address."""
    port, provider = serving.free_port(), serving.free_port()
    with serving.serving(line, port, provider, "--workers", "1"):  # few ask at once, and each takes long to start
        serving.until(True, port, provider)
        yield f"http://127.0.0.1:{port}"


@dataclass
class Visitor:
    """Somebody at a browser of their own."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def sign_in(self, person: str, *, strength: str = "strong") -> None:
        """Sign in as one of the made-up people, by the pages a person would use."""
        self.go("/sign-in")
        self.prove(person, strength=strength)

    def prove(self, person: str, *, strength: str = "strong") -> None:
        """Say at the provider, whose page is open, who one is."""
        if strength != "strong":
            self.page.check(f"input[value={strength}]")
        self.page.click(f"button[value={person}]")
        self.page.wait_for_url(f"{self.base}/**")

    def go(self, path: str) -> Response:
        """Open an address of the workplace."""
        answer = self.page.goto(self.base + path)
        assert answer is not None, path
        return answer

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press the button of a name, and wait for what comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name).click()

    def follow(self, name: str | re.Pattern[str]) -> None:
        """Follow the link of a name."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name).first.click()

    @property
    def path(self) -> str:
        """Where the browser is, without host and query."""
        return self.page.url.removeprefix(self.base).partition("?")[0]

    @property
    def words(self) -> str:
        """What the main part of the page says, each white space one space."""
        return " ".join(self.page.inner_text("main").split())


def visit(browser: Browser, base: str, *, width: int = WIDE, javascript: bool = True, language: str = "da") -> Visitor:
    """Open a browser that nobody has used before."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=javascript, locale=f"{language}-DK"
    )
    context.set_default_timeout(_PATIENCE)
    if javascript:
        context.add_init_script(_LISTEN)
    visitor = Visitor(context.new_page(), base)
    visitor.page.on("console", lambda message: _heard(visitor, message))
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(f"{visitor.page.url}: {error}"))
    visitor.page.on("response", lambda answer: _answered(visitor, answer))
    return visitor


def _heard(visitor: Visitor, message: ConsoleMessage) -> None:
    is_status = "Failed to load resource" in message.text  # a page may be a refusal; `_answered` judges the others
    if message.type in ("error", "warning") and not is_status:
        visitor.complaints.append(f"{visitor.page.url}: {message.text}")


def _answered(visitor: Visitor, answer: Response) -> None:
    is_page = answer.request.is_navigation_request()
    if answer.status >= 500 or (answer.status >= 400 and not is_page):
        visitor.complaints.append(f"{answer.status} {answer.url}")


# --- what a page must be


@cache
def _axe() -> str:
    file = HOUSE / "node_modules/axe-core/axe.min.js"
    if not file.is_file():
        pytest.skip("no axe-core here: make setup")
    return file.read_text(encoding="utf-8")


def axe(page: Page) -> list[str]:
    """Give what axe finds wrong on a page, in words. Run by the browser itself: the policy lets no page load it."""
    page.evaluate(_axe())
    found: dict[str, Any] = page.evaluate(_AXE, list(_RULES))
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}"
        for each in found["violations"]
        for node in each["nodes"][:3]
    ]


_SHAPE = """
() => {
  const named = control => control.labels?.length || control.ariaLabel || control.getAttribute("aria-labelledby");
  const controls = [...document.querySelectorAll("input:not([type=hidden]), select, textarea")];
  const twice = [...document.querySelectorAll("[id]")].map(each => each.id)
    .filter((id, at, all) => all.indexOf(id) !== at);
  return {
    headings: document.querySelectorAll("h1").length,
    title: document.title,
    lang: document.documentElement.lang,
    unlabelled: controls.filter(each => !named(each)).map(each => each.outerHTML.slice(0, 200)),
    twice,
    beyond: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    wide: [...document.querySelectorAll("main *")].filter(each => each.getBoundingClientRect().right >
      document.documentElement.clientWidth + 1 && !each.closest(".table-wrap, pre, .sr-only")).slice(0, 3)
      .map(each => each.outerHTML.slice(0, 160)),
  };
}
"""


def shape(page: Page, language: str) -> list[str]:
    """Give what is wrong with a page's frame: heading, title, language, labels, ids, and width."""
    told: dict[str, Any] = page.evaluate(_SHAPE)
    wrong = {
        f"{told['headings']} first headings": told["headings"] != 1,
        f"title {told['title']!r}": not re.fullmatch(r"\S.* – os2tilslut", told["title"]),
        f"lang {told['lang']!r}": told["lang"] != language,
        f"without a label: {told['unlabelled']}": bool(told["unlabelled"]),
        f"ids used twice: {told['twice']}": bool(told["twice"]),
        f"wider than the window by {told['beyond']}: {told['wide']}": told["beyond"] > 0,
    }
    return [words for words, is_wrong in wrong.items() if is_wrong]


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the whole page to look at, where OS2TILSLUT_SCREENSHOTS=1 asks for it."""
    if os.environ.get("OS2TILSLUT_SCREENSHOTS") != "1":
        return
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    width = (page.viewport_size or {"width": 0})["width"]
    page.screenshot(
        path=SCREENSHOTS / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{width}.png", full_page=True
    )
