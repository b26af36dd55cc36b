"""What the pages call kinds, states and facts of authorities and agreements, in both languages."""

from __future__ import annotations

from agreements.lifecycle import Status
from foundation.language import Text, same

KINDS = {
    "kommune": Text("Kommune", "Municipality"),
    "region": Text("Region", "Region"),
    "stat": Text("Statslig myndighed", "State body"),
}
STATUSES = {
    Status.SIGNED: Text("Underskrevet, afventer OS2", "Signed, waits for OS2"),
    Status.COUNTERSIGNED: Text("Underskrevet af begge, endnu ikke i kraft", "Signed by both, not yet in force"),
    Status.IN_FORCE: Text("I kraft", "In force"),
    Status.UNDER_NOTICE: Text("Opsagt, ophører senere", "Under notice, ends later"),
    Status.ENDED: Text("Ophørt", "Ended"),
}
PARTAKING = {True: Text("Aktiv", "Active"), False: Text("Passiv", "Passive")}
FACTS = {
    "name": Text("Navn", "Name"), "short_name": Text("Kort navn", "Short name"), "type": Text("Slags", "Kind"),
    "code": Text("Kode", "Code"), "cvr": Text("CVR", "CVR"), "region": Text("Region", "Region"),
    "address": Text("Adresse", "Address"), "postcode": Text("Postnummer", "Postcode"), "city": Text("By", "City"),
    "valid_to": Text("Sidste dag", "Last day"), "succeeded_by_cvr": Text("Efterfølger", "Successor"),
    "cvr_forced_reason": Text("Hvorfor CVR er rigtigt", "Why the CVR is right"),
    "year": Text("År", "Year"), "inhabitants": Text("Indbyggere", "Inhabitants"), "source": Text("Kilde", "Source"),
    "description_da": Text("Beskrivelse på dansk", "Description in Danish"),
    "description_en": Text("Beskrivelse på engelsk", "Description in English"),
    "coordinator": Text("Koordinator", "Coordinator"), "users_shown": Text("Viser brugere", "Shows users"),
    "band": Text("Størrelse", "Size"), "valid_from": Text("Gælder fra", "Valid from"),
    "decided_by": Text("Besluttet af", "Decided by"), "reason": Text("Grund", "Reason"),
    "joined_on": Text("Medlem fra", "Member from"), "left_on": Text("Første dag uden", "First day without"),
    "kind": Text("Slags", "Kind"), "signed_on": Text("Underskrevet", "Signed"),
    "countersigned_on": Text("Underskrevet af OS2", "Signed by OS2"),
    "in_force_from": Text("I kraft fra", "In force from"), "terminated_to": Text("Sidste dag", "Last day"),
    "notice_given_on": Text("Opsagt", "Notice given"), "active_from": Text("Aktiv fra", "Active from"),
    "rebate_ore": Text("Rabat i øre", "Rebate in øre"), "rebate_reason": Text("Grund til rabat", "Reason for rebate"),
    "joining_fee_exempt_reason": Text("Fritaget for tilslutningsafgift", "Exempt from the joining fee"),
    "joining_fee_invoiced_on": Text("Tilslutningsafgift faktureret", "Joining fee invoiced"),
    "endpoint": Text("Sendes til", "Sent to"), "gln": Text("EAN/GLN", "EAN/GLN"),
    "person_reference": Text("Personreference", "Person reference"),
    "order_reference": Text("Ordrenummer", "Order number"),
    "accounting_cost": Text("Kontostreng", "Accounting string"), "format": Text("Format", "Format"),
    "contact_mail": Text("Mail til kopier", "Mail for copies"),
}  # fmt: skip


def kind(name: str) -> Text:
    """Give a kind of authority as people know it."""
    return KINDS.get(name, same(name.capitalize()))
