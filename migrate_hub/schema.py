"""The OpenAPI 3.1 description of the REST API at /api/schema/, and its pages at /api/docs/.

Both need no token: they say how to ask, not what the answers are.
"""

import functools
import inspect
import json
from typing import Any

import msgspec
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

CONTENT_TYPE = "application/vnd.oai.openapi+json; version=3.1"

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "An RFC 9457 problem document.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; programs decide by it."},
        "detail": {"type": "string", "description": "For people: what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

# Filled by json_body() when the views are imported.
_struct_schemas: dict[str, Any] = {}


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """A person's access token."""

    target_class = "migrate_hub.tenants.authentication.AccessTokenAuthentication"
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A person's access token."}


class ApplianceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """An appliance's token."""

    target_class = "migrate_hub.tenants.authentication.ApplianceAuthentication"
    name = "applianceToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "The token an appliance got at registration."}


SUMMARIES = {
    "list": "List {nouns}",
    "create": "Create {article} {noun}",
    "retrieve": "Read {article} {noun}",
    "partial_update": "Change {article} {noun}",
    "destroy": "Delete {article} {noun}",
}


class OperationSchema(AutoSchema):
    """Says of each operation what it does; the docstrings of base classes are for programmers, not for callers."""

    def get_summary(self) -> str | None:
        nouns = [part for part in self.path.split("/") if part and "{" not in part][-1].replace("-", " ")
        article = "an" if nouns[0] in "aeiou" else "a"
        action = str(getattr(self.view, "action", "") or nouns)
        template = SUMMARIES.get(action, action.replace("_", " ").capitalize())
        return template.format(nouns=nouns, noun=nouns.removesuffix("s"), article=article)

    def get_description(self) -> str:  # type: ignore[override]  # as AutoSchema has it
        method = getattr(self.view, str(getattr(self.view, "action", "") or self.method.lower()), None)
        return inspect.cleandoc(getattr(method, "__doc__", None) or vars(type(self.view)).get("__doc__") or "")


def json_body(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The `request=` of `extend_schema` for a body that msgspec decodes into this struct, without a serializer."""
    return {"application/json": json_answer(struct)}


def json_answer(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """An answer in `responses=` of `extend_schema` that has the form of this struct: `responses={200: ...}`."""
    (schema,), components = msgspec.json.schema_components([struct], ref_template="#/components/schemas/{name}")
    _struct_schemas.update(components)
    return dict(schema)


def describe_structs(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Adds the components that `json_body` refers to, and says that such a body must be there."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(_struct_schemas)
    for operations in result["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {})
            reference = body.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            if reference.rpartition("/")[2] in _struct_schemas:
                body["required"] = True
    return result


def describe_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Adds the problem document as the default answer of every operation."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    answer = {
        "description": "A problem",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", answer)
    return result


def tell_object_defaults(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Tells the default of an object in words: generators of clients refuse an object that has one."""
    for schema in result["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            if isinstance(field.get("default"), dict):
                told = f"Default: {json.dumps(field.pop('default'))}."
                field["description"] = f"{field['description']} {told}" if "description" in field else told
    return result


@functools.cache
def schema_text() -> bytes:
    """The description as JSON: made once a process, since it depends on nothing but the code."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(schema, default=float).encode()  # Decimal bounds become JSON numbers


@transaction.non_atomic_requests
@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    """/api/schema/"""
    return HttpResponse(schema_text(), content_type=CONTENT_TYPE)


@transaction.non_atomic_requests
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """/api/docs/: Swagger UI from its package, started by a script of ours: nothing inline, nothing foreign."""
    return render(request, "portal/api_docs.html")
