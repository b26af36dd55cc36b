"""Deny by default: every route stands here with what it asks of who calls it; a route that is not listed fails."""

from __future__ import annotations

from pathlib import Path

from app import access, config, create_app

#: (rule, method) and the permission it asks for; "" for what anybody may use, "!" behind one that asks for a fresh
#: sign-in. Everything else must be added here on purpose.
WHO_MAY = {
    ("/healthz", "GET"): "",
    ("/readyz", "GET"): "",
    ("/static/<path:filename>", "GET"): "",
    ("/", "GET"): "",
    ("/language", "POST"): "",
    ("/sign-in", "GET"): "",
    ("/sign-in/callback", "GET"): "",
    ("/sign-out", "POST"): "",
    ("/invitation/<token>", "GET"): "",
    ("/invitation/<token>", "POST"): "",
    ("/authorities", "GET"): "authority.read",
    ("/authorities.<form>", "GET"): "authority.read",
    ("/year", "GET"): "run.read",
    ("/year/<int:year>", "GET"): "run.read",
    ("/year/<int:year>/plan/<cvr>", "GET"): "run.read",
    ("/year/<int:year>/plan.<form>", "GET"): "run.read",
    ("/year/<int:year>/problems.<form>", "GET"): "run.read",
    ("/year/<int:year>/comparison", "GET"): "run.read",
    ("/year/<int:year>/comparison.<form>", "GET"): "run.read",
    ("/year/<int:year>/progress", "GET"): "run.read",
    ("/year/<int:year>/documents.zip", "GET"): "export.use",
    ("/year/<int:year>/hand-over", "POST"): "run.plan",
    ("/year/<int:year>/withdraw", "POST"): "run.plan",
    ("/year/<int:year>/approve", "POST"): "run.approve!",
    ("/year/<int:year>/send-back", "POST"): "run.approve",
    ("/year/<int:year>/issue", "POST"): "run.issue",
    ("/invoices", "GET"): "invoice.read",
    ("/invoices.<form>", "GET"): "invoice.read",
    ("/invoices/<number>", "GET"): "invoice.read",
    ("/invoices/<number>/<any(pdf, peppol, oioubl):form>", "GET"): "invoice.read",
    ("/invoices/<number>/page-<int:at>.png", "GET"): "invoice.read",
    ("/invoices/<number>/credit", "GET"): "credit.prepare",
    ("/invoices/<number>/credit", "POST"): "credit.prepare",
    ("/invoices/credits/<int:proposal>", "GET"): "credit.prepare",
    ("/invoices/credits/<int:proposal>/approve", "POST"): "credit.approve!",
    ("/invoices/credits/<int:proposal>/reject", "POST"): "credit.approve",
    ("/invoices/credits/<int:proposal>/withdraw", "POST"): "credit.prepare",
    ("/audit", "GET"): "audit.read",
    ("/audit.<form>", "GET"): "audit.read",
    ("/audit/<int:position>", "GET"): "audit.read",
    ("/audit/verify", "POST"): "audit.verify",
    ("/users", "GET"): "users.read",
    ("/users.<form>", "GET"): "users.read",
    ("/users/<int:user>", "GET"): "users.read",
    ("/users/invite", "GET"): "users.change",
    ("/users/invite", "POST"): "users.change",
    ("/users/<int:user>/roles", "POST"): "users.change",
    ("/users/<int:user>/seats", "POST"): "users.change",
    ("/users/<int:user>/link", "POST"): "users.change",
    ("/users/<int:user>/end", "POST"): "users.change",
    ("/colleagues/invite", "GET"): "users.invite_colleague",
    ("/colleagues/invite", "POST"): "users.invite_colleague",
    ("/settings", "GET"): "settings.read",
    ("/settings/propose", "GET"): "settings.propose",
    ("/settings/propose", "POST"): "settings.propose",
    ("/settings/proposals/<int:proposal>", "GET"): "settings.read",
    ("/settings/proposals/<int:proposal>/approve", "POST"): "settings.approve!",
    ("/settings/proposals/<int:proposal>/reject", "POST"): "settings.approve",
    ("/settings/proposals/<int:proposal>/withdraw", "POST"): "settings.propose",
    ("/metrics", "GET"): "",
}


def test_every_route_is_listed_with_what_it_asks_for(tmp_path: Path) -> None:
    made = create_app(config.read({"OS2TILSLUT_DATA_DIR": str(tmp_path)}))

    found = {}
    for path, method, endpoint in access.routes(made):
        asked = access.requirement(made, endpoint, method)
        assert asked is not None, (path, method)
        found[path, method] = (asked.permission or "") + ("!" if asked.fresh else "")

    assert found == WHO_MAY


def test_a_route_answers_no_other_method(tmp_path: Path) -> None:
    client = create_app(config.read({"OS2TILSLUT_DATA_DIR": str(tmp_path)})).test_client()

    codes = {client.open(rule, method=method).status_code for rule in ("/healthz", "/readyz")
             for method in ("POST", "PUT", "DELETE")}  # fmt: skip

    assert codes == {405}
