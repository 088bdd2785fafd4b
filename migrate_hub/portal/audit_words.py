"""What the audit trail says, in the words of people: actions as sentences, details without their code."""

from collections.abc import Iterator, Mapping
from typing import Any

from migrate_hub.portal.wording import plain

ACTIONS = {
    "appliance.confirm_snapshot": "Confirmed that machines are gone",
    "appliance.create": "Added an appliance",
    "appliance.register": "Appliance registered itself",
    "appliance.registration_key": "Made a registration key",
    "appliance.revoke_tokens": "Locked an appliance out",
    "appliance.rotate_token": "Appliance changed its token",
    "assessment.cancel": "Cancelled a run",
    "assessment.change": "Changed an assessment",
    "assessment.create": "Made an assessment",
    "assessment.delete": "Deleted an assessment",
    "assessment.recalculate": "Recalculated an assessment",
    "assessment.repeat": "Repeated a run",
    "company_sign_in.enter": "Came in by the company sign-in",
    "company_sign_in.remove": "Removed the company sign-in",
    "company_sign_in.set": "Set up the company sign-in",
    "group.convert": "Made a group list its machines",
    "group.create": "Made a group",
    "group.delete": "Deleted a group",
    "group.filter": "Changed the filter of a group",
    "group.members": "Changed who is in a group",
    "group.rename": "Renamed a group",
    "import.cancel": "Cancelled an import",
    "import.create": "Imported a file",
    "import.delete": "Deleted an import",
    "import.undo": "Undid an import",
    "invitation.accept": "Accepted an invitation",
    "invitation.create": "Invited somebody",
    "invitation.revoke": "Withdrew an invitation",
    "member.remove": "Removed a member",
    "member.set": "Gave somebody a role",
    "price_sheet.create": "Sent a price sheet",
    "price_sheet.delete": "Deleted a price sheet",
    "project.change": "Changed a project",
    "project.create": "Made a project",
    "project.delete": "Deleted a project",
    "report.cancel": "Cancelled a report",
    "report.create": "Asked for a report",
    "report.revoke": "Deleted a report",
    "report.revoke_link": "Revoked a link to a report",
    "report.revoke_links": "Revoked all links to a report",
    "report.share": "Made a link to a report",
    "report_template.change": "Changed a report template",
    "report_template.create": "Made a report template",
    "report_template.delete": "Deleted a report template",
    "sensitivity.cancel": "Cancelled a what-if curve",
    "sensitivity.request": "Asked for a what-if curve",
    "tenant.change": "Changed the tenant",
    "tenant.second_factor": "Changed who must use a second factor",
    "tenant.switch_off": "Switched the tenant off",
    "tenant.switch_on": "Switched the tenant on",
    "token.create": "Made an access token",
    "token.revoke": "Revoked an access token",
}


def action_in_words(action: str) -> str:
    return ACTIONS.get(action) or plain(action.replace(".", " "))


def details_in_words(detail: Mapping[str, Any], emails: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and value of each detail, however deep; people by their address, and what is empty is left out."""
    flat = [(plain(name), emails.get(value, value) if name == "user" else value) for name, value in _flat(detail)]
    return [(name, value) for name, value in flat if value]


def _flat(detail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in detail.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, _value(value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_value(each) for each in value)
    text = "" if value is None else str(value)
    return text.replace("_", " ") if text.islower() and "@" not in text else text
