"""DomainForm: a form of the portal whose rules are those of the API, and the fields that its pages share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django import forms
from django.db import transaction

from migrate_hub.errors import DomainError, FieldProblem, field_problems
from migrate_hub.tenants.api import StrictSerializer

# Refusals that name no field, but are about one.
FIELD_OF_CODE = {"name_taken": "name", "unknown_region": "target_region", "unknown_currency": "currency"}


def address_field(label: str) -> forms.EmailField:
    """Where somebody who is not signed in says who they are; browsers fill it in."""
    return forms.EmailField(
        label=label,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


class DomainForm(forms.Form):
    """What was typed goes through the serializer of the API; its problems stand beside the fields.

    `cleaned_data` becomes the serializer's values. The fields only say how they look.
    """

    serializer: ClassVar[type[StrictSerializer]]
    use_required_attribute = True

    def field_of(self, path: str) -> str | None:
        """The field beside which a problem at this path of the body stands; None: above the form."""
        head = path.split(".", maxsplit=1)[0]
        return head if head in self.fields else None

    def body(self) -> dict[str, Any]:
        """What the API would have been sent."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        serializer = self.serializer(data=self.body())
        if not serializer.is_valid():
            for problem in field_problems(serializer.errors):
                self.show_problem(problem)
            return self.cleaned_data
        return dict(serializer.validated_data)

    def show_problem(self, problem: FieldProblem) -> None:
        """Beside its field; above the form, with its name, where it has none."""
        field = self.field_of(problem.field)
        if field is None and problem.field:
            self.add_error(None, f"{problem.field}: {problem.message}")
        else:
            self.add_error(field, problem.message)

    def show_refusal(self, error: DomainError) -> None:
        """What the domain refused; problems that belong to no field, such as ids, are told by its sentence."""
        beside = [problem for problem in error.errors if self.field_of(problem.field)]
        for problem in beside:
            self.show_problem(problem)
        if not beside:
            field = FIELD_OF_CODE.get(error.code)
            self.add_error(field if field in self.fields else None, error.detail)


@contextmanager
def refusals_in(form: DomainForm) -> Iterator[None]:
    """Undoes what the block did when the domain refuses it, and says why beside the form's fields."""
    try:
        with transaction.atomic():
            yield
    except DomainError as error:
        if error.status in (403, 404):
            raise
        form.show_refusal(error)
