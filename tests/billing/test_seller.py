"""The association as seller: its settings are read whole, or refused with every fault."""

from __future__ import annotations

import pytest

from billing import seller as sellers
from billing.seller import SettingsRefused
from foundation.audit import sha256

LINES = {
    "seller": '"OS2 – Offentligt digitaliseringsfællesskab"',
    "address": '"Hack Kampmanns Plads 2"',
    "postcode": '"8000"',
    "city": '"Aarhus C"',
    "cvr": '"41849983"',
    "vat_registered": "true",
    "gln": '"5790002750595"',
    "account": '{ registration = "0400", number = "0440116243", iban = "DK5000400440116243" }',
    "fik_creditor": '"80000000"',
    "payment_days": "30",
}


def settings(**changed: str | None) -> str:
    """The settings' text with some keys changed, or left out where None."""
    lines = {**LINES, **changed}
    return "".join(f"{key} = {value}\n" for key, value in lines.items() if value is not None)


def refusal(text: str) -> SettingsRefused:
    """Why a text is refused."""
    with pytest.raises(SettingsRefused) as refused:
        sellers.read(text)
    return refused.value


def test_the_contracts_settings_are_read() -> None:
    text = settings()

    seller = sellers.read(text)

    assert seller.party.name == "OS2 – Offentligt digitaliseringsfællesskab"
    assert (seller.party.cvr, seller.party.gln) == ("41849983", "5790002750595")
    assert (seller.registration, seller.account, seller.iban) == ("0400", "0440116243", "DK5000400440116243")
    assert (seller.fik_creditor, seller.payment_days, seller.vat_registered) == ("80000000", 30, True)
    assert not seller.made_up
    assert seller.digest == sha256(text)


def test_what_may_be_left_out_has_its_default() -> None:
    seller = sellers.read(settings(gln=None, account=None, payment_days=None))

    assert (seller.party.gln, seller.account, seller.iban, seller.payment_days) == ("", "", "", 30)


def test_an_iban_may_be_written_in_groups() -> None:
    assert sellers.read(settings(account='{ iban = "DK50 0040 0440 1162 43" }')).iban == "DK5000400440116243"


def test_the_made_up_seller_says_that_it_is() -> None:
    seller = sellers.made_up()

    assert seller.made_up
    assert seller.party.cvr == "41849983"


@pytest.mark.parametrize("key", ["seller", "address", "postcode", "city", "cvr", "vat_registered"])
def test_a_missing_key_is_named(key: str) -> None:
    refused = refusal(settings(**{key: None}))

    assert refused.text.da.startswith(f"{key}: ")
    assert refused.text.en.startswith(f"{key}: ")
    assert len(refused.text.en.splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "value", "english"),
    [
        ("seller", '""', "missing or invalid"),
        ("seller", '"  "', "missing or invalid"),
        ("seller", '"a\\nb"', "seller"),
        ("postcode", "8000", "missing or invalid"),
        ("cvr", '"41849984"', "modulus 11"),
        ("cvr", "41849983", "cvr"),
        ("gln", '"5790002750596"', "check digit"),
        ("vat_registered", '"yes"', "true or false"),
        ("vat_registered", "1", "true or false"),
        ("made_up", "1", "true or false"),
        ("fik_creditor", '"8000"', "eight digits"),
        ("payment_days", "0", "1 to 30 days"),
        ("payment_days", "31", "1 to 30 days"),
        ("payment_days", "30.0", "1 to 30 days"),
        ("payment_days", "true", "1 to 30 days"),
        ("payment_days", '"30"', "1 to 30 days"),
        ("account", '"0400 0440116243"', "missing or invalid"),
        ("account", '{ registration = "40" }', "four digits"),
        ("account", '{ number = "12345678901" }', "ten digits"),
        ("account", '{ iban = "DK5000400440116244" }', "no valid IBAN"),
        ("account", '{ bic = "DABADKKK" }', "unknown key"),
        ("colour", '"red"', "unknown key"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(key: str, value: str, english: str) -> None:
    refused = refusal(settings(**{key: value}))

    assert key in refused.text.en
    assert english in refused.text.en
    assert refused.text.da != refused.text.en


def test_a_foreign_key_is_shown_on_one_line_and_no_more_of_them_than_can_be_read() -> None:
    refused = refusal(settings() + '"\\u001b[2J" = 1\n' + "".join(f"k{nth} = 1\n" for nth in range(500)))

    assert "\x1b" not in refused.text.da and "'\\x1b[2J': ukendt nøgle" in refused.text.da
    assert len(refused.text.en.splitlines()) == 50


def test_a_letter_and_its_accent_are_one_character_here_too() -> None:
    assert sellers.read(settings(city='"A\u030arhus  C "')).party.city == "Århus C"


def test_a_seller_without_any_way_to_pay_is_refused() -> None:
    assert "no way to pay" in refusal(settings(account=None, fik_creditor=None)).text.en


def test_every_fault_is_told_at_once() -> None:
    refused = refusal(settings(seller=None, cvr='"1"', payment_days="99"))

    assert len(refused.text.en.splitlines()) == 3


@pytest.mark.parametrize("text", ["seller = ", "a = 1\na = 2", "x = " + "[" * 900])
def test_broken_toml_is_refused(text: str) -> None:
    assert "not valid TOML" in refusal(text).text.en


def test_the_limit_of_one_persons_credit_is_zero_unless_it_is_given() -> None:
    without, with_one = sellers.read(settings()), sellers.read(settings(credit_limit="5000"))

    assert (without.credit_limit.ore, with_one.credit_limit.ore) == (0, 500_000)


@pytest.mark.parametrize("value", ["-1", "true", '"5000"', "5000.5", "1000000001"])
def test_a_limit_that_is_no_whole_amount_is_refused(value: str) -> None:
    assert "credit_limit" in refusal(settings(credit_limit=value)).text.en
