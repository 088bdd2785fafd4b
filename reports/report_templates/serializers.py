"""Shapes of report templates on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assessments.settings import choices
from migrate_hub.tenants.api import StrictSerializer
from reports.models import ReportFormat, ReportTemplate
from reports.report_templates.choosing import SHEETS, problems_of
from reports.report_templates.models import NAME_CHARACTERS
from reports.workbook import LAYOUTS, MAX_REFUSED_SHOWN, NEWEST_LAYOUT, REFUSED_SHOWN
from reports.workbook.look import SHAPE_CONTRAST, TEXT_CONTRAST, WHITE, contrast, darkened, text_contrast

COLOR = r"^#[0-9A-Fa-f]{6}$"
MAX_COLUMNS = 200


def _color(help_text: str) -> serializers.RegexField:
    return serializers.RegexField(
        COLOR,
        required=False,
        allow_blank=True,
        max_length=7,
        help_text=f"{help_text} `#RRGGBB`; empty for ours.",
        error_messages={"invalid": "A color is written #RRGGBB, such as #1E4E79."},
    )


class ReportTemplateIn(StrictSerializer):
    name = serializers.CharField(max_length=NAME_CHARACTERS)
    is_default = serializers.BooleanField(
        required=False, help_text="Reports that name no template take this one; the one before loses it."
    )
    format = serializers.ChoiceField(choices=ReportFormat.choices, required=False, help_text="Unless a request says.")
    layout = serializers.ChoiceField(
        choices=choices(*LAYOUTS), required=False, help_text=f"By default {NEWEST_LAYOUT}."
    )
    refused_shown = serializers.IntegerField(
        min_value=1, max_value=MAX_REFUSED_SHOWN, required=False, help_text=f"By default {REFUSED_SHOWN}."
    )
    sheets = serializers.ListField(
        child=serializers.ChoiceField(choices=choices(*SHEETS)),
        required=False,
        allow_null=True,
        max_length=len(SHEETS),
        help_text="Which sheets; null for all. `Assessment_Summary` and `Read_me` are always there.",
    )
    columns = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=100), max_length=MAX_COLUMNS),
        required=False,
        help_text="By sheet, the keys of the columns that are wanted (see the report schema); a sheet that is not named"
        " has all of them. Their order is always that of the layout.",
    )
    display_name = serializers.CharField(max_length=NAME_CHARACTERS, required=False, allow_blank=True)
    primary_color = _color("Behind white headings, and of titles: refused when text could not be read in it.")
    secondary_color = _color("Of parts of a whole in charts.")
    highlight_color = _color("Of what is saved, in charts.")

    def validate_primary_color(self, color: str) -> str:
        if color and text_contrast(color) < TEXT_CONTRAST:
            raise serializers.ValidationError(
                f"Text cannot be read well in this color: its contrast is {text_contrast(color):.1f}:1, "
                f"{TEXT_CONTRAST}:1 is needed. {darkened(color)} is the nearest shade that is dark enough.",
                code="low_contrast",
            )
        return color

    def validate_secondary_color(self, color: str) -> str:
        return _seen(color)

    def validate_highlight_color(self, color: str) -> str:
        return _seen(color)

    def validate_columns(self, columns: dict[str, list[str]]) -> dict[str, list[str]]:
        problems = problems_of(columns)
        if problems:
            raise serializers.ValidationError({sheet: [words] for sheet, words in problems.items()})
        return columns


def _seen(color: str) -> str:
    if color and contrast(color, WHITE) < SHAPE_CONTRAST:
        raise serializers.ValidationError(
            f"This color can hardly be seen on white: its contrast is {contrast(color, WHITE):.1f}:1, {SHAPE_CONTRAST}"
            ":1 is needed. Choose a darker one.",
            code="low_contrast",
        )
    return color


class TemplateFileIn(StrictSerializer):
    """The one part of a multipart body."""

    file = serializers.FileField()


class LogoOut(serializers.Serializer[Any]):
    size_bytes = serializers.IntegerField()


class FoundCellOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    sheet = serializers.CharField()
    cell = serializers.CharField()
    meaning = serializers.CharField()


class FoundColumnOut(serializers.Serializer[Any]):
    heading = serializers.CharField()
    filled_with = serializers.ChoiceField(choices=choices("value", "formula", "nothing"))
    key = serializers.CharField(allow_null=True)
    near = serializers.ListField(child=serializers.CharField())


class FoundTableOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    fills = serializers.CharField()
    sheet = serializers.CharField()
    ref = serializers.CharField()
    columns = FoundColumnOut(many=True)
    is_range = serializers.BooleanField()


class UnknownNameOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=choices("name", "table"))
    where = serializers.CharField()
    why = serializers.CharField()
    near = serializers.ListField(child=serializers.CharField(), help_text="Names of ours that look like it.")


class WorkbookOut(serializers.Serializer[Any]):
    """A tenant's own workbook, and what was found in it."""

    file_name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    cells = FoundCellOut(many=True)
    tables = FoundTableOut(many=True)
    unknown = UnknownNameOut(many=True)
    notes = serializers.ListField(child=serializers.CharField())
    currencies = serializers.ListField(child=serializers.CharField(), help_text="That its headings name.")
    kept_names = serializers.IntegerField(help_text="Further names of its own, which stay as they are.")


class ReportTemplateOut(serializers.ModelSerializer[ReportTemplate]):
    format = serializers.ChoiceField(choices=ReportFormat.choices)
    layout = serializers.ChoiceField(choices=choices(*LAYOUTS))
    sheets = serializers.ListField(child=serializers.CharField(), allow_null=True)
    columns = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    logo = serializers.SerializerMethodField(help_text="Null without one.")
    workbook = serializers.SerializerMethodField(help_text="Null without one.")

    class Meta:
        model = ReportTemplate
        fields = [
            "id", "name", "is_default", "format", "layout", "refused_shown", "sheets", "columns", "display_name",
            "primary_color", "secondary_color", "highlight_color", "logo", "workbook", "created_by", "created_at",
            "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(LogoOut(allow_null=True))
    def get_logo(self, template: ReportTemplate) -> Any:
        return None if template.logo is None else {"size_bytes": template.logo.size_bytes}

    @extend_schema_field(WorkbookOut(allow_null=True))
    def get_workbook(self, template: ReportTemplate) -> Any:
        if template.workbook is None:
            return None
        told = {"file_name": template.workbook_name, "size_bytes": template.workbook.size_bytes}
        return WorkbookOut({**told, **template.workbook_found}).data
