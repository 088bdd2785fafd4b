"""The assessment wizard: settings chosen step by step beside a preview, for a new assessment or one that is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from assessments import queueing
from assessments.models import Assessment
from assessments.presets import PRESETS, Preset, preset_named
from assessments.preview import preview
from groups.models import Group
from migrate_hub.errors import not_found
from migrate_hub.portal.access import ProjectPortalView
from migrate_hub.portal.assessment_forms import AssessmentForm, PreviewForm, typed_values, values_of
from migrate_hub.portal.assessments import OneAssessmentView
from migrate_hub.portal.forms import refusals_in
from migrate_hub.portal.preview import PreviewShown, preview_shown
from migrate_hub.portal.wording import CRITERIA, settings_in_words
from migrate_hub.tenants.models import Project, Role

# A page of options must stay small; whoever has more groups starts from the group's own page.
MAX_GROUPS_OFFERED = 1000
MAX_NAME_CHARACTERS = 200
ROOM_FOR_A_NUMBER = 8


class NewAssessmentForm(AssessmentForm):
    """With the group to assess."""

    field_order = ["group", "name"]
    name = forms.CharField(
        required=False,
        max_length=200,
        help_text="What you will find it by. Left empty, it is named by group, sizing and day.",
    )
    group = forms.CharField(help_text="Whose machines are assessed, as they are when the run starts.")

    def __init__(self, data: Any = None, *, project: Project, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, project=project, initial=initial)
        self.fields["group"].widget = forms.Select(choices=group_choices(project, str(self["group"].value() or "")))

    @property
    def has_groups(self) -> bool:
        widget = self.fields["group"].widget
        assert isinstance(widget, forms.Select)
        return len(list(widget.choices)) > 1


class NewPreviewForm(PreviewForm, NewAssessmentForm):
    """With the group whose sample is looked at."""

    group = forms.CharField(required=False, help_text=NewAssessmentForm.base_fields["group"].help_text)


def group_choices(project: Project, chosen: str) -> list[tuple[str, str]]:
    """The first groups by name, and the chosen one where it is not among them."""
    groups = Group.objects.filter(project=project, deleted_at=None).order_by("name", "id")
    offered = [(str(id), name) for id, name in groups.values_list("id", "name")[:MAX_GROUPS_OFFERED]]
    if len(offered) == MAX_GROUPS_OFFERED and chosen and all(id != chosen for id, _ in offered):
        group = group_named(project, chosen)
        offered += [(str(group.id), group.name)] if group else []
    return [("", "Choose a group"), *offered]


def group_named(project: Project, public_id: str) -> Group | None:
    """The group of the project with this id; None where there is none."""
    try:
        id = UUID(public_id)
    except ValueError:
        return None
    group: Group | None = Group.objects.filter(project=project, deleted_at=None, id=id).first()
    if group is not None:
        group.project = project
    return group


def proposed_name(group: Group, criterion: str) -> str:
    """`<group>, by performance, <date>`, with a number where the project has an assessment of this name."""
    ending = f", {CRITERIA.get(criterion, CRITERIA['performance_based'])}, {timezone.now():%Y-%m-%d}"
    stem = group.name[: MAX_NAME_CHARACTERS - len(ending) - ROOM_FOR_A_NUMBER] + ending
    named = Assessment.objects.filter(project_id=group.project_id, deleted_at=None, name__startswith=stem)
    taken = set(named.values_list("name", flat=True))
    return next(name for name in (stem, *(f"{stem} ({n})" for n in range(2, len(taken) + 3))) if name not in taken)


@dataclass(frozen=True)
class PresetShown:
    """A preset, and whether the form's settings are those that it chooses."""

    preset: Preset
    is_chosen: bool


def presets_of(form: AssessmentForm) -> list[PresetShown]:
    return [PresetShown(preset, _is_chosen(form, preset)) for preset in PRESETS]


def _is_chosen(form: AssessmentForm, preset: Preset) -> bool:
    return all(str(form[name].value()) == str(value) for name, value in values_of(preset.settings).items())


@dataclass(frozen=True)
class Tried:
    """Settings as they stand in a form that nobody has sent yet: in words, and what they say of the sample."""

    form: PreviewForm
    has_group: bool
    shown: PreviewShown | None
    before: PreviewShown | None
    review: list[tuple[str, str]]
    changes: list[tuple[str, str, str]]

    @property
    def told(self) -> list[tuple[str, Any]]:
        """Every field with its problems, so that those that were settled vanish; no group yet is no mistake."""
        return [(name, [] if name == "group" else self.form.errors.get(name, [])) for name in self.form.fields]

    @property
    def has_problems(self) -> bool:
        return bool(self.form.errors.keys() - {"group", NON_FIELD_ERRORS})


class WizardView(ProjectPortalView):
    """A page with the form: a preset or a preview shows it again with what was typed, the last button sends it."""

    section = "assessments"
    reads_need = Role.CONTRIBUTOR
    stored: Mapping[str, Any] | None = None
    proposed_name = ""

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        sent, preset = self.sent(request), preset_named(request.POST.get("preset", ""))
        if preset is not None:
            return self.show(self.form(initial={**typed_values(sent), **values_of(preset.settings)}))
        if "preview" in request.POST:
            tried = self.tried(sent)
            return self.show(tried.form, tried)
        form = self.form(sent)
        if form.is_valid():
            with refusals_in(form):
                return self.send(form)
        return self.show(form, status=400)

    def sent(self, request: HttpRequest) -> QueryDict:
        """What was typed."""
        return request.POST

    def show(self, form: AssessmentForm, tried: Tried | None = None, *, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "presets": presets_of(form),
            "tried": tried or self.tried({name: form[name].value() for name in form.fields}, look=False),
            "preview_url": self.preview_url(),
            "proposed_name": self.proposed_name,
        }
        return self.page("portal/assessment_form.html", context, status=status)

    def form(self, data: Any = None, *, initial: Mapping[str, Any] | None = None) -> AssessmentForm:
        raise NotImplementedError

    def preview_form(self, data: Mapping[str, Any]) -> PreviewForm:
        raise NotImplementedError

    def preview_url(self) -> str:
        raise NotImplementedError

    def group(self, data: Mapping[str, Any]) -> Group | None:
        """Whose machines are looked at; None while no group is chosen."""
        return group_named(self.project, str(data.get("group", "")))

    def send(self, form: AssessmentForm) -> HttpResponse:
        """What the last button does. Raises DomainError."""
        raise NotImplementedError

    def tried(self, data: Mapping[str, Any], *, look: bool = True) -> Tried:
        """The settings that were typed; `look` at what they say of a sample."""
        form, group = self.preview_form(data), self.group(data)
        form.is_valid()
        settings: dict[str, Any] | None = form.cleaned_data.get("settings")
        shown = before = None
        if look and group is not None and settings is not None and not form.errors:
            with refusals_in(form):
                shown, before = self._looked(group, settings)
        review = [] if settings is None else in_words(form, settings)
        changes = [] if settings is None or self.stored is None else changes_in_words(form, self.stored, review)
        return Tried(form, group is not None, shown, before, review, changes)

    def _looked(self, group: Group, settings: dict[str, Any]) -> tuple[PreviewShown, PreviewShown | None]:
        """The preview of the settings, and of the stored ones where they differ."""
        now = timezone.now()
        if self.stored is None:
            return preview_shown(preview(group, settings=settings, now=now)), None
        stored, changes = dict(self.stored), changed_settings(self.stored, settings)
        shown = preview_shown(preview(group, settings=stored, changes=changes, now=now))
        return shown, preview_shown(preview(group, settings=stored, changes={}, now=now)) if changes else None


def in_words(form: AssessmentForm, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings as pairs of name and value, with the prices as the form names them."""
    prices = [("Catalog", form.label_of("catalog")), ("Prices of your own", form.label_of("price_sheet"))]
    return [*settings_in_words(settings), *prices]


def changes_in_words(
    form: AssessmentForm, stored: Mapping[str, Any], review: list[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """Name, value before and value after of what saving would change; a setting that is not asked for is a dash."""
    before = dict(in_words(type(form)(values_of(stored), project=form.project, stored=stored), stored))
    after = dict(review)
    names = [*after, *(name for name in before if name not in after)]
    pairs = [(name, before.get(name, "–"), after.get(name, "–")) for name in names]  # noqa: RUF001  an en dash
    return [pair for pair in pairs if pair[1] != pair[2]]


def changed_settings(stored: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that differ from the stored ones, as they are stored: numbers instead of Decimals."""
    plain = {name: _as_json(value) for name, value in settings.items()}
    return {name: value for name, value in plain.items() if value != stored.get(name)}


def _as_json(value: Any) -> Any:
    """At most four decimals, so that the float prints as the same decimal."""
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, UUID) else value


class NewAssessmentView(WizardView):
    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        preset = preset_named(request.GET.get("preset", ""))
        chosen = {"group": request.GET.get("group", "") or self._only_group()}
        chosen |= values_of(preset.settings) if preset else {}
        self.proposed_name = self._proposed(chosen)
        return self.show(self.form(initial={"name": self.proposed_name, **chosen}))

    def sent(self, request: HttpRequest) -> QueryDict:
        """With a name that fits what was chosen, where none of its own was typed."""
        sent = request.POST.copy()
        if sent.get("name", "").strip() in ("", sent.get("proposed_name", "")):
            preset = preset_named(sent.get("preset", ""))
            chosen = values_of(preset.settings) if preset else {}
            sent["name"] = self.proposed_name = self._proposed({**sent.dict(), **chosen})
        return sent

    def _proposed(self, chosen: Mapping[str, Any]) -> str:
        """Empty while no group is chosen."""
        group = self.group(chosen)
        return "" if group is None else proposed_name(group, str(chosen.get("sizing_criterion", "")))

    def _only_group(self) -> str:
        """Where there is one group, nobody has to choose it."""
        groups = Group.objects.filter(project=self.project, deleted_at=None).values_list("id", flat=True)[:2]
        return str(groups[0]) if len(groups) == 1 else ""

    def form(self, data: Any = None, *, initial: Mapping[str, Any] | None = None) -> AssessmentForm:
        return NewAssessmentForm(data, project=self.project, initial=initial)

    def preview_form(self, data: Mapping[str, Any]) -> PreviewForm:
        return NewPreviewForm(data, project=self.project)

    def preview_url(self) -> str:
        return reverse("portal:preview-assessment", args=[self.project.id])

    def send(self, form: AssessmentForm) -> HttpResponse:
        group = group_named(self.project, self.request.POST["group"])
        if group is None:
            raise not_found()
        assessment = queueing.queue_assessment(group=group, now=timezone.now(), **form.cleaned_data)
        return redirect("portal:assessment", self.project.id, assessment.id)


# What another page may fill in, such as that of the sliders: saved only when the form is sent.
FILLED_IN = ("sizing_criterion", "performance_window", "percentile", "comfort_factor", "price_sheet", "catalog")
MAX_FILLED_IN = 64


def taken_over(parameters: QueryDict) -> dict[str, str]:
    """The settings that a link to the page names."""
    return {name: str(parameters[name])[:MAX_FILLED_IN] for name in FILLED_IN if name in parameters}


class AssessmentSettingsView(OneAssessmentView, WizardView):
    """The same page for the settings of an assessment; it shows what saving changes."""

    def enter(self, **kwargs: str) -> None:
        super().enter(**kwargs)
        self.stored = self.assessment.settings

    def get(self, request: HttpRequest, project: str, assessment: str) -> HttpResponse:
        return self.show(self.form(initial={"name": self.assessment.name, **taken_over(request.GET)}))

    def form(self, data: Any = None, *, initial: Mapping[str, Any] | None = None) -> AssessmentForm:
        return AssessmentForm(data, project=self.project, stored=self.stored, initial=initial)

    def preview_form(self, data: Mapping[str, Any]) -> PreviewForm:
        return PreviewForm(data, project=self.project, stored=self.stored)

    def preview_url(self) -> str:
        return reverse("portal:preview-settings", args=[self.project.id, self.assessment.id])

    def group(self, data: Mapping[str, Any]) -> Group | None:
        group: Group = self.assessment.group
        group.project = self.project
        return group

    def send(self, form: AssessmentForm) -> HttpResponse:
        name, settings = form.cleaned_data["name"], form.cleaned_data["settings"]
        changes = changed_settings(self.assessment.settings, settings)
        renamed = name if name != self.assessment.name else None
        if changes or renamed:
            queueing.change_assessment(self.assessment, now=timezone.now(), name=renamed, settings=changes or None)
        messages.success(self.request, SAVED[bool(changes), bool(renamed)])
        return redirect("portal:assessment", self.project.id, self.assessment.id)


SAVED = {
    (True, True): "The name and the settings were saved. A new run computes the results with them.",
    (True, False): "The settings were saved. A new run computes the results with them.",
    (False, True): "The name was saved. The settings are as they were, so nothing is computed again.",
    (False, False): "Nothing was changed, so nothing is computed again.",
}


class PreviewView(NewAssessmentView):
    """The preview alone, asked for again and again while settings are chosen, with the problems of each field."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.page("portal/parts/preview_answer.html", {"tried": self.tried(request.POST)})


class PreviewSettingsView(AssessmentSettingsView):
    """The same for the settings of an assessment."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.page("portal/parts/preview_answer.html", {"tried": self.tried(request.POST)})
