"""Filters of the machines of a run, for the API and the portal."""

from django.db.models import QuerySet

from assessments.models import AssessedMachine
from ingest.filters import LAST_CHARACTER, possible_text


def by_name(machines: "QuerySet[AssessedMachine]", text: str) -> "QuerySet[AssessedMachine]":
    """Machines whose name starts with a text as it is written: a run keeps names, not their lower case.

    Raises DomainError 400 for a text that no name can have.
    """
    possible_text("search", text)
    return machines.filter(name__gte=text, name__lt=text + LAST_CHARACTER)
