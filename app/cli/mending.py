"""By which command a problem of a plan, or what was refused, is mended. The sentences themselves name no command:
pages say the same, with a link (`app/web/problem_list.py`), and programs read the code.
"""

from __future__ import annotations

from collections.abc import Mapping

from billing.charges import Problem
from foundation.errors import DomainError
from foundation.language import Text, same

_PROBLEMS: Mapping[str, str] = {
    "no_size_key": "fee-tables adopt", "no_table": "fee-tables adopt", "no_passive_share": "fee-tables adopt",
    "no_inhabitants": "population import", "no_placement": "placements import", "no_endpoint": "agreements import",
    "not_countersigned": "agreements import", "duplicate_agreement": "agreements import",
    "no_force_day": "agreements import", "authority_ended": "authorities import",
    "no_dues_receiver": "members import", "no_account": "products import",
}  # fmt: skip

#: By the name of the refusal's class, so that no command loads a room for it that it does not use; with its module's
#: where two have the name.
_REFUSALS: Mapping[str, Text] = {
    "NotApproved": Text("billing plan ÅR, derefter billing approve ÅR --digest …",
                        "billing plan YEAR, then billing approve YEAR --digest …"),
    "billing.approvals.PlanChanged": Text("billing plan ÅR", "billing plan YEAR"),
    "billing.reminders.PlanChanged": same("reminders plan"),
    "NeedsApproval": Text("--approved-by NAVN", "--approved-by NAME"),
    "SettingsMissing": Text("settings import FIL", "settings import FILE"),
    "NotInUse": same("signing rotate"), "NoKeyYet": same("signing rotate --made-up"), "Expired": same("signing rotate"),
    "NoTimeKey": same("signing rotate --made-up"), "NoSuchPayment": same("payments list"),
    "AlreadyPlaced": Text("payments show NUMMER", "payments show NUMBER"),
    "MoreThanOwed": same("accounts statement CVR"),
}  # fmt: skip


def problem(told: Problem) -> Text:
    """Give what a problem says, and the command that mends it."""
    command = _PROBLEMS.get(told.code.value)
    return told.message + same(f" ({command})") if command else told.message


def refusal(told: DomainError) -> Text:
    """Give what a refusal says, and the command that mends it."""
    kind = type(told)
    command = _REFUSALS.get(kind.__name__) or _REFUSALS.get(f"{kind.__module__}.{kind.__name__}")
    return told.text + same(" (") + command + same(")") if command else told.text
