"""Payments in a real browser: a suggestion taken with the keyboard, one spread by hand, a refund by two people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from playwright.sync_api import expect

from tests import browser, world
from tests.browser import NARROW
from tests.command_line import CommandLine
from tests.paying import fik_of, gross_of, payment, pays
from tests.stories.conftest import Visit

DAY = date(2027, 1, 15)  # the clock of the place
Serve = Callable[[CommandLine], str]


def _come(line: CommandLine) -> None:
    """Too much from Aarhus by its payment id, something of Aalborg's that names nothing, and a stranger's."""
    with line.session() as session:
        number = world.invoice_of(session, world.AARHUS)
        gross = gross_of(session, number)
    pays(
        line,
        payment(gross + 70_000, DAY, fik_id=fik_of(number)),
        payment(100_000, DAY, payer="Aalborg Kommune, Økonomi", message="Acontobetaling"),
        payment(12_345, DAY, payer="En Fremmed"),
    )


def test_what_waits_is_placed_with_the_keyboard_by_hand_and_given_back_by_two(
    issued: CommandLine, served: Serve, visits: Visit
) -> None:
    _come(issued)
    base = served(issued)
    finance, approver = visits(base), visits(base)
    finance.sign_in("finance")
    finance.go("/payments")
    browser.screenshot(finance.page, "payments")
    assert browser.axe(finance.page) == []

    finance.press("Placér alle, der er sikre")
    assert "er placeret" in finance.words

    finance.page.keyboard.press("j")
    expect(finance.page.get_by_role("button", name="Tag forslaget").first).to_be_focused()
    with finance.page.expect_navigation():
        finance.page.keyboard.press("Enter")
    assert "1.000,00" in finance.words

    finance.follow("Se betalingen, og placér den med håndkraft")
    finance.page.fill("#q", "Aalborg")
    with finance.page.expect_navigation():
        finance.page.get_by_role("button", name="Søg").click()
    finance.page.locator("[name=amount]").first.fill("23,45")
    finance.page.fill("#field-why", "Fundet på bankens bilag")
    browser.screenshot(finance.page, "payment by hand")
    assert browser.axe(finance.page) == []
    finance.press("Placér")
    assert "er placeret" in finance.words
    assert "100,00" in finance.words

    finance.go(f"/authorities/{world.AARHUS}/account")
    browser.screenshot(finance.page, "account")
    assert browser.axe(finance.page) == []
    finance.page.fill("#field-amount", "700,00")
    finance.page.fill("#field-reason", "Betalt for meget")
    finance.press("Send til godkendelse")
    address = finance.path
    approver.sign_in("approver")
    approver.go(address)
    browser.screenshot(approver.page, "refund")
    approver.press("Godkend")
    assert "betal den fra banken" in approver.words
    issued.done("verify")


def test_the_work_page_works_without_javascript_and_on_a_phone(
    issued: CommandLine, served: Serve, visits: Visit
) -> None:
    _come(issued)
    base = served(issued)
    finance = visits(base, width=NARROW, javascript=False)
    finance.sign_in("finance")
    finance.go("/payments")
    browser.screenshot(finance.page, "payments")

    finance.page.get_by_role("button", name="Tag forslaget").first.click()
    finance.page.wait_for_url(f"{base}/payments")

    assert "er placeret" in finance.words
    finance.go(f"/authorities/{world.AARHUS}/account")
    browser.screenshot(finance.page, "account")


def test_a_signatory_sees_its_own_account_and_no_others(issued: CommandLine, served: Serve, visits: Visit) -> None:
    base = served(issued)
    signatory = visits(base)
    signatory.sign_in("signatory-aarhus")

    signatory.go(f"/authorities/{world.AARHUS}/account?on={DAY}")

    assert "Åbne fakturaer" in signatory.words
    assert "Betal tilbage" not in signatory.words
    browser.screenshot(signatory.page, "own account")
