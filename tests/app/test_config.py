"""The settings of the environment: what each does, and what production refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import config, create_app
from tests.command_line import CommandLine
from tests.scenarios import database, files

#: What these tests look at does not depend on the kind of database.
ON_ONE = pytest.mark.parametrize("kind", ["sqlite"])

#: What production asks for; the clock is the real one.
PRODUCTION = {
    "OS2TILSLUT_ENV": "production",
    "OS2TILSLUT_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "OS2TILSLUT_BASE_URL": "https://tilslut.example.dk",
    "OS2TILSLUT_TRUSTED_HOSTS": "tilslut.example.dk",
    "OS2TILSLUT_CLOCK": "",
    "OS2TILSLUT_OIDC_ISSUER": "https://login.example.dk",
    "OS2TILSLUT_OIDC_CLIENT_ID": "os2tilslut",
    "OS2TILSLUT_OIDC_CLIENT_SECRET": "hemmelig",
    "OS2TILSLUT_OIDC_STRONG_ACR": "urn:example:strong",
}


def production(line: CommandLine, **changes: str) -> CommandLine:
    """Give the command line in production, with these variables changed."""
    return line.with_environ(**{**PRODUCTION, **changes})


def test_production_works_with_safe_settings(starter: CommandLine) -> None:
    line = production(starter)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_agreements(line, files.agreement(files.starter()[0].cvr))

    assert line.json("billing", "plan", 2027)["totals"]["invoices"] == 1
    line.done("verify")


@ON_ONE
def test_production_refuses_unsafe_settings_and_names_them(empty: CommandLine) -> None:
    """Promise 18."""
    unsafe = [
        ("OS2TILSLUT_SECRET_KEY", ""),
        ("OS2TILSLUT_SECRET_KEY", "short"),
        ("OS2TILSLUT_SECRET_KEY", "not a secret, not a secret, not a secret"),
        ("OS2TILSLUT_BASE_URL", ""),
        ("OS2TILSLUT_BASE_URL", "http://tilslut.example.dk"),
        ("OS2TILSLUT_TRUSTED_HOSTS", ""),
        ("OS2TILSLUT_CLOCK", "2027-01-15T10:00:00Z"),
        ("OS2TILSLUT_OIDC_ISSUER", ""),
        ("OS2TILSLUT_OIDC_ISSUER", "http://login.example.dk"),
        ("OS2TILSLUT_OIDC_ISSUER", "http://127.0.0.1:8001"),
        ("OS2TILSLUT_OIDC_ISSUER", "https://127.0.0.1:8001"),
        ("OS2TILSLUT_OIDC_ISSUER", "https://LOCALHOST./"),
        ("OS2TILSLUT_OIDC_ISSUER", "https://[::1]:8001"),
        ("OS2TILSLUT_OIDC_ISSUER", "https://2130706433"),
        ("OS2TILSLUT_OIDC_CLIENT_ID", ""),
        ("OS2TILSLUT_OIDC_CLIENT_ID", "os2tilslut-local"),
        ("OS2TILSLUT_OIDC_CLIENT_SECRET", ""),
        ("OS2TILSLUT_OIDC_CLIENT_SECRET", "not a secret"),
        ("OS2TILSLUT_OIDC_STRONG_ACR", ""),
        ("OS2TILSLUT_OIDC_STRONG_ACR", "urn:example:strong,urn:os2tilslut:strong"),
        ("OS2TILSLUT_SESSION_IDLE_MINUTES", "0"),
        ("OS2TILSLUT_SESSION_HOURS", "never"),
        ("OS2TILSLUT_INVITATION_HOURS", "99999"),
        ("OS2TILSLUT_PROXIES", "-1"),
    ]

    for variable, value in unsafe:
        for command in (["verify"], ["db", "upgrade"], ["billing", "plan", 2027]):
            result = production(empty, **{variable: value}).run(*command)

            assert (result.code, result.out) == (1, ""), (variable, value)
            assert variable.removeprefix("OS2TILSLUT_OIDC") in result.err, (variable, value)


@ON_ONE
def test_production_names_all_that_is_missing_at_once(empty: CommandLine) -> None:
    result = empty.with_environ(OS2TILSLUT_ENV="production", OS2TILSLUT_CLOCK="").run("verify")

    assert result.code == 1
    for variable in ("OS2TILSLUT_SECRET_KEY", "OS2TILSLUT_BASE_URL", "OS2TILSLUT_OIDC_ISSUER"):
        assert variable in result.err


def test_production_refuses_the_made_up_seller(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr))
    file = starter.write("seller.toml", files.SELLER + "made_up = true\n")

    imported = production(starter).run("settings", "import", file)
    planned = production(starter).run("billing", "plan", 2027)
    starter.done("settings", "import", file)  # in development it may stand there already
    planned_with_it = production(starter).run("billing", "plan", 2027)

    assert (imported.code, planned.code, planned_with_it.code) == (1, 1, 1)
    assert "settings import" in planned.err


def test_production_approves_and_adopts_by_no_mere_name(starter: CommandLine) -> None:
    line = production(starter)
    line.done("settings", "import", line.write("seller.toml", files.SELLER))
    files.take_agreements(line, files.agreement(files.starter()[0].cvr))
    digest = line.json("billing", "plan", 2027)["digest"]
    table = line.write("a.toml", files.fee_table("A", "annual_fee = 1"))
    before = database.dump(line)

    approved = line.run("billing", "approve", 2027, "--digest", digest, "--by", "En Godkender")
    adopted = line.run("fee-tables", "adopt", table, "--by", "En Godkender")
    issued = line.run("billing", "issue", 2027)

    assert (approved.code, adopted.code, issued.code) == (1, 1, 1)
    assert "godkender" in approved.err
    assert database.dump(line) == before


@ON_ONE
def test_no_word_to_flask_turns_its_debugger_on(empty: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 18."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("FLASK_ENV", "development")

    made = create_app(config.read(production(empty).environment))

    assert (made.debug, made.testing) == (False, False)


@ON_ONE
def test_a_malformed_setting_is_refused_and_named(empty: CommandLine) -> None:
    for variable, value in [
        ("OS2TILSLUT_ENV", "test"),
        ("OS2TILSLUT_CLOCK", "yesterday"),
        ("OS2TILSLUT_CLOCK", "2027-02-30T10:00:00Z"),
    ]:
        result = empty.with_environ(**{variable: value}).run("verify", "--json")

        assert (result.code, result.out) == (1, ""), value
        assert variable in result.err, value


@ON_ONE
def test_without_a_database_url_the_database_is_a_file_in_the_data_folder(empty: CommandLine) -> None:
    folder = empty.folder / "new" / "data"
    line = empty.with_environ(OS2TILSLUT_DATABASE_URL="", OS2TILSLUT_DATA_DIR=str(folder))

    line.done("db", "upgrade")

    assert (folder / "os2tilslut.sqlite").is_file()


def test_the_clock_of_development_dates_the_invoices(starter: CommandLine) -> None:
    files.take_agreements(starter, files.agreement(files.starter()[0].cvr))

    starter.with_environ(OS2TILSLUT_CLOCK="2027-03-28T00:59:59+01:00").issue(2027)

    assert [str(day) for day in database.column(starter, "SELECT issued_on FROM invoice")] == ["2027-03-28"]


@ON_ONE
def test_demo_says_on_every_document_that_its_data_are_made_up(starter: CommandLine) -> None:
    demo = starter.with_environ(OS2TILSLUT_ENV="demo")
    files.take_agreements(demo, files.agreement(files.starter()[0].cvr))
    demo.issue(2027)

    demo.done("billing", "export", 2027, demo.folder / "out")

    assert "DEMONSTRATION" in (demo.folder / "out" / "2027-0001.xml").read_text(encoding="utf-8")


# --- carriers


def test_outside_production_documents_go_into_a_folder_of_the_data_directory(tmp_path: Path) -> None:
    found = config.read({"OS2TILSLUT_DATA_DIR": str(tmp_path)}).carriers

    assert {channel: one.place for channel, one in found.items()} == {
        channel: str(tmp_path / "carriers" / channel) for channel in ("nemhandel", "peppol")
    }


@pytest.mark.parametrize(
    "place",
    [
        "http://ap.example.dk/messages",
        "ftp://ap.example.dk",
        "http://127.0.0.1.example.dk/",
        "en/mappe",
        "nogen",
        "https://",
        "https://[",
    ],
)
def test_a_carrier_is_a_folder_or_an_address_on_a_safe_road(place: str) -> None:
    with pytest.raises(config.Unsafe) as refused:
        config.read({"OS2TILSLUT_CARRIER_PEPPOL": place})

    assert "OS2TILSLUT_CARRIER_PEPPOL" in refused.value.text.da
