"""DomainForm: a form of the portal whose rules are those of the API, and the fields that its pages share."""

from typing import Any, ClassVar

from django import forms

from migrate_hub.errors import DomainError, field_problems
from migrate_hub.portal.access import show_refusal
from migrate_hub.tenants.api import StrictSerializer


class DomainForm(forms.Form):
    """What was typed goes through the serializer of the API; its problems stand beside the fields.

    `cleaned_data` becomes the serializer's values. The fields only say how they look.
    """

    serializer: ClassVar[type[StrictSerializer]]
    use_required_attribute = True

    def body(self) -> dict[str, Any]:
        """What the API would have been sent."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        serializer = self.serializer(data=self.body())
        if not serializer.is_valid():
            show_refusal(self, DomainError(code="invalid", detail="", errors=field_problems(serializer.errors)))
            return self.cleaned_data
        return dict(serializer.validated_data)
