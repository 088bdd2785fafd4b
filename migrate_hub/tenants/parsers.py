"""The JSON parser of the people's side: strict, bounded, gzip allowed."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.parsers import BaseParser

from migrate_hub.bodies import inflate, refuse_heavy_structure
from migrate_hub.errors import DomainError

MAX_INFLATED_BYTES = 8 * 1024 * 1024
MAX_NESTING = 10


def _refuse_constant(name: str) -> NoReturn:
    raise DomainError(code="invalid_json", detail=f"{name} is not a JSON value.")


def _finite(text: str) -> float:
    """A number of JSON; one beyond what a double holds would become infinite."""
    value = float(text)
    if not math.isfinite(value):
        raise DomainError(code="invalid_json", detail="A number is larger than a double can hold.")
    return value


def _refuse_unstorable(value: Any, depth: int = 0) -> None:
    """NUL and lone surrogates fit in JSON but not in PostgreSQL."""
    if depth > MAX_NESTING:
        raise DomainError(code="nesting_too_deep", detail=f"The body is nested more than {MAX_NESTING} levels deep.")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise DomainError(code="invalid_text", detail="Text must not hold NUL or lone surrogate characters.")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_unstorable(key, depth + 1)
            _refuse_unstorable(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item, depth + 1)


def parse_json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object from untrusted bytes; raises DomainError 400 with what is wrong."""
    refuse_heavy_structure(raw)
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=_finite, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise DomainError(code="invalid_encoding", detail="The body is not UTF-8.") from error
    except RecursionError as error:
        raise DomainError(code="nesting_too_deep", detail="The body is nested too deeply.") from error
    except ValueError as error:
        raise DomainError(code="invalid_json", detail=f"The body is not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise DomainError(code="invalid_json", detail="The body must be a JSON object.")
    _refuse_unstorable(value)
    return value


class StrictJSONParser(BaseParser):
    """application/json, optionally gzip; NaN, NUL, deep nesting and anything but an object are refused."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = (parser_context or {})["request"]
        encoding = request.headers.get("Content-Encoding", "")
        return parse_json_object(inflate(stream.read(), encoding, max_inflated_bytes=MAX_INFLATED_BYTES))
