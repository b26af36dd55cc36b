"""Who may do what. The policy stands here once, and so does every narrowing of a query to what a person may see.

Deny by default: a view says `public` or `needs(permission)`, or the application does not start. What lies outside a
person's scope is answered like something that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from flask import Flask, current_app, g, request
from sqlalchemy import ColumnElement, Select, false, or_, select

from agreements.models import Agreement, Product
from app import clock
from authorities.models import Authority
from billing.models import Invoice
from billing.reminder_models import Reminder
from foundation.audit import AuditEntry
from foundation.errors import DomainError
from foundation.language import Language, Text

View = TypeVar("View", bound=Callable[..., Any])
Rows = TypeVar("Rows", bound=tuple[Any, ...])

#: How long a sign-in counts as fresh where approving and signing ask for one.
FRESH = timedelta(minutes=5)


class Role(StrEnum):
    """What a person is here for; a person may have several."""

    SIGNATORY = "signatory"  # of an authority: reads its own, signs
    COORDINATION = "coordination"  # of a product's coordination group
    FINANCE = "finance"  # plans, issues, follows payments
    APPROVER = "approver"  # decides what others prepared; the board
    AUDITOR = "auditor"  # reads everything, changes nothing
    ADMINISTRATOR = "administrator"  # people and settings, no invoices


#: Roles that read others' papers or move money: they need the provider's strong authentication.
STAFF = frozenset({Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR})


class Extent(StrEnum):
    """How far a permission reaches."""

    ALL = "all"
    OWN = "own"  # of the authorities the person belongs to
    GROUP = "group"  # of the products whose coordination group the person sits in


ALL, OWN, GROUP = Extent.ALL, Extent.OWN, Extent.GROUP
SIGNATORY, COORDINATION, FINANCE = Role.SIGNATORY, Role.COORDINATION, Role.FINANCE
APPROVER, AUDITOR, ADMINISTRATOR = Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR
_READERS = {FINANCE: ALL, APPROVER: ALL, AUDITOR: ALL}

#: Every permission: which role has it, and how far. What no role has is not written: nobody may change what was issued.
POLICY: Mapping[str, Mapping[Role, Extent]] = MappingProxyType(
    {
        "agreement.read": {SIGNATORY: OWN, COORDINATION: GROUP, **_READERS, ADMINISTRATOR: ALL},
        "agreement.whole": {SIGNATORY: OWN, **_READERS},  # its text; others see that it is there, and where it stands
        "agreement.evidence": {SIGNATORY: OWN, **_READERS},
        "agreement.draft": {FINANCE: ALL, APPROVER: ALL},
        "agreement.sign": {SIGNATORY: OWN},  # with a right to sign besides, which the register of rights holds
        "agreement.countersign": {APPROVER: ALL},  # of those, only who holds the chair's office
        "agreement.notice": {SIGNATORY: OWN, FINANCE: ALL, APPROVER: ALL},
        "agreement.record": {FINANCE: ALL, APPROVER: ALL},
        "agreement.approve_record": {APPROVER: ALL},
        "letter.read": _READERS,
        "letter.resend": {FINANCE: ALL, APPROVER: ALL},
        "rights.read": {SIGNATORY: OWN, **_READERS},
        "rights.change": {SIGNATORY: OWN, FINANCE: ALL},  # a signatory only delegates a right it holds itself
        "templates.read": {**_READERS, ADMINISTRATOR: ALL},
        "templates.propose": {FINANCE: ALL, ADMINISTRATOR: ALL},
        "templates.adopt": {APPROVER: ALL},
        "authority.read": {SIGNATORY: OWN, COORDINATION: GROUP, **_READERS},
        "authority.propose": {SIGNATORY: OWN},
        "authority.change": {FINANCE: ALL},
        "authority.approve": {APPROVER: ALL},
        "tables.read": dict.fromkeys(Role, ALL),  # what is adopted; whoever drafts sees drafts
        "tables.read_drafts": {**_READERS, ADMINISTRATOR: ALL},
        "tables.draft": {FINANCE: ALL, APPROVER: ALL},
        "tables.adopt": {APPROVER: ALL},
        "run.read": _READERS,
        "run.plan": {FINANCE: ALL, APPROVER: ALL},
        "run.approve": {APPROVER: ALL},
        "run.issue": {FINANCE: ALL, APPROVER: ALL},
        "invoice.read": {SIGNATORY: OWN, **_READERS},
        "invoice.totals": {COORDINATION: GROUP, **_READERS},
        "delivery.read": _READERS,
        "delivery.send": {FINANCE: ALL, APPROVER: ALL},
        "credit.prepare": {FINANCE: ALL, APPROVER: ALL},
        "credit.approve": {APPROVER: ALL},
        "cost.read": _READERS,
        "cost.enter": {FINANCE: ALL, APPROVER: ALL},  # hours, recurring costs and moves between funds, too
        "cost.approve": {APPROVER: ALL},
        "accounts.read": _READERS,
        "accounts.prepare": {FINANCE: ALL, APPROVER: ALL},
        "accounts.approve": {APPROVER: ALL},
        "bank.read": _READERS,
        "bank.import": {FINANCE: ALL, APPROVER: ALL},
        "payment.read": _READERS,
        "payment.match": {FINANCE: ALL, APPROVER: ALL},
        "refund.prepare": {FINANCE: ALL, APPROVER: ALL},  # write-offs, too
        "refund.approve": {APPROVER: ALL},
        "statement.read": {SIGNATORY: OWN, **_READERS},
        "reminders.read": {SIGNATORY: OWN, **_READERS},
        "reminders.plan": _READERS,  # the plan, and what holds reminders back
        "reminders.send": {FINANCE: ALL, APPROVER: ALL},
        "reminders.approve": {APPROVER: ALL},
        "funding.read": {COORDINATION: GROUP, **_READERS},
        "funding.share": {SIGNATORY: OWN},  # what its own authority brought, in reports that are published
        "funding.prepare": {FINANCE: ALL, APPROVER: ALL},  # costs, hours, budgets; proposing to publish
        "funding.publish": {APPROVER: ALL},
        "funding.comment": {COORDINATION: GROUP, FINANCE: ALL, APPROVER: ALL},
        "funding.disclose": {COORDINATION: GROUP, FINANCE: ALL, APPROVER: ALL},  # proposing what becomes public
        "export.use": {SIGNATORY: OWN, COORDINATION: GROUP, **_READERS},
        "journey.read": {SIGNATORY: OWN, COORDINATION: GROUP, **_READERS},
        "journey.update": {SIGNATORY: OWN, FINANCE: ALL, APPROVER: ALL},
        "journey.answer": {COORDINATION: GROUP, FINANCE: ALL, APPROVER: ALL},  # questions
        "road.edit": {FINANCE: ALL, APPROVER: ALL},
        "users.read": {ADMINISTRATOR: ALL},
        "users.change": {ADMINISTRATOR: ALL},
        "users.invite_colleague": {SIGNATORY: OWN},
        "settings.read": {FINANCE: ALL, APPROVER: ALL, AUDITOR: ALL, ADMINISTRATOR: ALL},
        "settings.propose": {FINANCE: ALL, ADMINISTRATOR: ALL},
        "settings.approve": {APPROVER: ALL},
        "audit.read": {FINANCE: OWN, APPROVER: ALL, AUDITOR: ALL, ADMINISTRATOR: ALL},
        "audit.data": {FINANCE: OWN, APPROVER: ALL, AUDITOR: ALL},  # what an entry says beyond who, when and what about
        "audit.verify": {AUDITOR: ALL, ADMINISTRATOR: ALL},
        "token.create": dict.fromkeys(Role, OWN),
        "account.use": dict.fromkeys(Role, OWN),  # one's own page, signing out, the start page
    }
)

#: What a token never does, whatever its owner may do in person.
NEVER_BY_TOKEN = frozenset(
    {
        "run.approve", "credit.approve", "refund.approve", "tables.adopt", "settings.approve", "authority.approve",
        "token.create",
        "agreement.sign", "agreement.countersign", "agreement.notice", "agreement.approve_record", "templates.adopt",
        "rights.change", "reminders.approve", "accounts.approve", "cost.approve", "funding.publish",
    }
)  # fmt: skip

#: What only who holds the chair's office may do, beside having the role.
BY_OFFICE = frozenset({"agreement.countersign"})


class NotSignedIn(DomainError):
    """Nobody is signed in, and the page is not for everybody."""


class NotAllowed(DomainError):
    """The person signed in may not do this."""


class NotFresh(DomainError):
    """The sign-in is too old for an act that binds."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who stands behind a request, as of today."""

    user_id: int | None  # None: nobody signed in
    name: str
    roles: frozenset[Role] = frozenset()
    authorities: frozenset[int] = frozenset()  # ids of the authorities the person belongs to
    products: frozenset[str] = frozenset()  # names of the products whose coordination group it sits in
    signed_in_at: datetime | None = None  # when the provider says the person proved who it is
    via: Literal["nobody", "browser", "token"] = "nobody"
    language: Language = "da"
    permissions: frozenset[str] | None = None  # None: all that the roles give; a token's own where there is one
    is_chair: bool = False  # signs for the association today

    @property
    def actor(self) -> str:
        """Give the name the audit trail records: readable, and another for every person."""
        return f"{self.name} #{self.user_id}"

    def scope(self, permission: str) -> Scope:
        """Tell how far a permission reaches for this person."""
        if self.via == "token" and permission in NEVER_BY_TOKEN:
            return NOTHING
        if self.permissions is not None and permission not in self.permissions:
            return NOTHING
        if permission in BY_OFFICE and not self.is_chair:
            return NOTHING
        extents = {extent for role, extent in POLICY[permission].items() if role in self.roles}
        return Scope(
            everything=ALL in extents,
            authorities=self.authorities if OWN in extents else frozenset(),
            products=self.products if GROUP in extents else frozenset(),
            own=OWN in extents,
        )

    def may(self, permission: str) -> bool:
        """Tell whether there is anything the person may do by this permission."""
        return bool(self.scope(permission))


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a permission reaches for one person."""

    everything: bool = False
    authorities: frozenset[int] = frozenset()
    products: frozenset[str] = frozenset()
    own: bool = False  # also what is the person's own, such as its acts in the audit trail

    def __bool__(self) -> bool:
        return self.everything or self.own or bool(self.authorities or self.products)


NOTHING = Scope()
ANONYMOUS = Principal(None, "")


def current() -> Principal:
    """Give who stands behind the running request; read once a request."""
    if "principal" not in g:
        load: Callable[[], Principal] = current_app.extensions["principal_loader"]
        g.principal = load()
    found: Principal = g.principal
    return found


def scope(permission: str) -> Scope:
    """Tell how far a permission reaches for who stands behind the running request."""
    return current().scope(permission)


# --- narrowing: the only place where a query learns what a person may see


def authorities(statement: Select[Rows], permission: str = "authority.read", *, wholly: bool = False) -> Select[Rows]:
    """Narrow a select over `authority` to those in the person's scope.

    `wholly` leaves out those known only through a product's group, which sees names and states, nothing more.
    """
    reach = scope(permission)
    return _narrowed(statement, replace(reach, products=frozenset()) if wholly else reach, Authority.id)


def agreements(statement: Select[Rows], permission: str = "agreement.read") -> Select[Rows]:
    """Narrow a select over `agreement` joined with `product` to those in the person's scope."""
    reach = scope(permission)
    if reach.everything:
        return statement
    own = Agreement.authority_id.in_(sorted(reach.authorities)) if reach.authorities else false()
    group = Product.name.in_(sorted(reach.products)) if reach.products else false()
    return statement.where(or_(own, group))


def of_products(
    statement: Select[Rows], authority_id: Any, product: Any, permission: str = "agreement.read"
) -> Select[Rows]:
    """Narrow a select by the columns that hold an authority's id and a product's name to those in the scope."""
    reach = scope(permission)
    if reach.everything:
        return statement
    own = authority_id.in_(sorted(reach.authorities)) if reach.authorities else false()
    group = product.in_(sorted(reach.products)) if reach.products else false()
    return statement.where(or_(own, group))


def funds(permission: str = "funding.read") -> frozenset[str] | None:
    """Give the products whose funds a permission reaches; None for all of them, the association's own included."""
    reach = scope(permission)
    return None if reach.everything else reach.products


def may_fund(permission: str, product: str | None) -> bool:
    """Tell whether the person has a permission, and it reaches a product's fund; None is the association's own."""
    return current().may(permission) and ((reach := funds(permission)) is None or product in reach)


def reaches(permission: str, authority_id: int) -> bool:
    """Tell whether a permission reaches one authority's own papers."""
    reach = scope(permission)
    return reach.everything or authority_id in reach.authorities


def invoices(statement: Select[Rows], permission: str = "invoice.read") -> Select[Rows]:
    """Narrow a select over `invoice` to those in the person's scope; a group sees totals, never invoices.

    A rehearsal is the secretariat's own: whoever reads only its own authority's invoices never sees one.
    """
    reach = scope(permission)
    if reach.everything:
        return statement
    if not reach.authorities:
        return statement.where(false())
    return statement.where(Invoice.authority_id.in_(sorted(reach.authorities)), Invoice.book == "real")


def master_data(statement: Select[Rows], permission: str = "authority.read") -> Select[Rows]:
    """Narrow a select over facts joined with `authority` to those read whole; a group sees names and states only."""
    reach = scope(permission)
    if reach.everything:
        return statement
    return statement.where(Authority.id.in_(sorted(reach.authorities)) if reach.authorities else false())


def reminders(statement: Select[Rows]) -> Select[Rows]:
    """Narrow a select over `reminder` to those in the person's scope."""
    return papers(statement, Reminder.authority_id, "reminders.read")


def papers(statement: Select[Rows], authority_id: Any, permission: str) -> Select[Rows]:
    """Narrow a select over invoices, credit notes and reminders to those of the authorities in the person's scope."""
    reach = scope(permission)
    if reach.everything:
        return statement
    return statement.where(authority_id.in_(sorted(reach.authorities)) if reach.authorities else false())


def audit_entries(statement: Select[Rows]) -> Select[Rows]:
    """Narrow a select over `audit_entry` to all, or to what the person did itself."""
    reach = scope("audit.read")
    if reach.everything:
        return statement
    return statement.where(AuditEntry.actor == current().actor if reach.own else false())


def sees_audit_data(actor: str) -> bool:
    """Tell whether the person reads what an actor's entries hold; an administrator reads only that they are there."""
    person = current()
    return bool(person.roles & {APPROVER, AUDITOR}) or actor == person.actor


def entries(statement: Select[Rows], permission: str = "audit.read") -> Select[Rows]:
    """Narrow a select over `audit_entry` to those in the person's scope: all, or what it did itself."""
    if scope(permission).everything:
        return statement
    return statement.where(AuditEntry.actor.endswith(f" #{current().user_id}", autoescape=True))


def own_authorities(permission: str) -> Select[Authority]:
    """Ask for the authorities that a permission reaches because the person belongs to them."""
    return select(Authority).where(Authority.id.in_(sorted(scope(permission).authorities))).order_by(Authority.name)


def _narrowed(statement: Select[Rows], reach: Scope, authority_id: ColumnElement[int] | Any) -> Select[Rows]:
    if reach.everything:
        return statement
    own = authority_id.in_(sorted(reach.authorities)) if reach.authorities else false()
    return statement.where(or_(own, _of_groups(reach, authority_id)))


def _of_groups(reach: Scope, authority_id: ColumnElement[int] | Any) -> ColumnElement[bool]:
    if not reach.products:
        return false()
    joined = (
        select(Agreement.authority_id)
        .join(Product, Product.id == Agreement.product_id)
        .where(Product.name.in_(sorted(reach.products)))
    )
    found: ColumnElement[bool] = authority_id.in_(joined)
    return found


# --- the guard


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a view asks of who calls it. `permission` None: anybody."""

    permission: str | None
    fresh: bool = False


PUBLIC = Requirement(None)


def public(view: View) -> View:
    """Let anybody use a view, signed in or not."""
    view.__access__ = PUBLIC  # type: ignore[attr-defined]
    return view


def needs(permission: str, *, fresh: bool = False) -> Callable[[View], View]:
    """Let those use a view who have the permission for anything; `fresh` also asks for a recent sign-in."""
    if permission not in POLICY:
        raise ValueError(f"no permission {permission}")

    def mark(view: View) -> View:
        view.__access__ = Requirement(permission, fresh)  # type: ignore[attr-defined]
        return view

    return mark


class Unguarded(RuntimeError):
    """A route does not say who may use it."""


def requirement(app: Flask, endpoint: str, method: str) -> Requirement | None:
    """Give what a route asks for, or None where it does not say."""
    view: Any = app.view_functions[endpoint]
    if (of_class := getattr(view, "view_class", None)) is not None:
        view = getattr(of_class, method.lower(), None)
    found: Requirement | None = getattr(view, "__access__", None)
    return found


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Give every (path, method, endpoint) that does something of its own; OPTIONS and HEAD follow from it."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.rule, method, rule.endpoint


def guard(app: Flask) -> None:
    """Put the guard before every request. Raises Unguarded where a route does not say who may use it."""
    unguarded = [f"{method} {path}" for path, method, endpoint in routes(app) if not requirement(app, endpoint, method)]
    if unguarded:
        raise Unguarded(", ".join(unguarded))
    app.before_request(_admit)


def _admit() -> None:
    if request.endpoint is None or request.method == "OPTIONS":
        return  # no such route: 404 or 405 as Flask answers it; OPTIONS only lists the methods
    asked = requirement(current_app, request.endpoint, "GET" if request.method == "HEAD" else request.method)
    if asked is None:
        raise Unguarded(request.endpoint)
    if asked.permission is not None:
        check(current(), asked)


def check(principal: Principal, asked: Requirement) -> None:
    """Refuse who may not. Raises NotSignedIn, NotAllowed or NotFresh."""
    if principal.user_id is None:
        raise NotSignedIn(Text("Log ind for at se siden", "Sign in to see the page"))
    if asked.permission is not None and not principal.may(asked.permission):
        raise NotAllowed(
            Text(
                "Din rolle giver ikke adgang til dette. Spørg en administrator, hvis du mangler en rolle",
                "Your role does not give access to this. Ask an administrator if you lack a role",
            )
        )
    if asked.fresh and not is_fresh(principal):
        raise NotFresh(
            Text(
                "Log ind igen: det her binder, så vi skal vide, at det er dig",
                "Sign in again: this binds, so we must know that it is you",
            )
        )


def is_fresh(principal: Principal) -> bool:
    """Tell whether the person proved who it is a moment ago."""
    now = clock.now(current_app.extensions["os2tilslut"])
    signed_in = principal.signed_in_at
    return principal.via == "browser" and signed_in is not None and timedelta() <= now - signed_in <= FRESH
