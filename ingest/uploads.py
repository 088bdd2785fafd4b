"""The bodies that appliances send, as typed structs, and their decoding: whole at once, or record by record.

A body that is not what it claims to be (encoding, JSON, nesting, envelope) is refused as a whole. A record that is
wrong costs only itself: when the quick decoding of everything fails, each record is decoded on its own.
"""

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from ingest.limits import MAX_DISKS, MAX_MACHINES_INVENTORY, MAX_MACHINES_PERFORMANCE, MAX_NICS, MAX_POINTS
from ingest.records import MachineRecord, SourceId
from migrate_hub.bodies import inflate, is_nested_deeper, refuse_heavy_structure, too_large
from migrate_hub.errors import DomainError, FieldProblem

# machines > machine > disks > disk > array: deeper than this is no upload of ours.
MAX_NESTING = 8
MAX_MESSAGE_BYTES = 64 * 1024

Instant = Annotated[datetime, Meta(tz=True, description="With a time zone; UTC is expected.")]
Sequence = Annotated[int, Meta(ge=0, le=2**62, description="Rises by one with each batch of the appliance.")]
Points = Annotated[
    list[float | None], Meta(max_length=MAX_POINTS, description="One value a point, null where there is no data.")
]
OptionalPoints = Points | None


class InventoryUpload(Struct, kw_only=True):
    """`snapshot`: this is the whole scope, what is absent has been removed. Otherwise only what changed."""

    sequence: Sequence
    machines: list[MachineRecord]
    snapshot: bool = False
    sent_at: Instant | None = None
    collected_at: Instant | None = None
    removed: list[SourceId] = []


class DiskPoints(Struct, gc=False):
    read_mbps: OptionalPoints = None
    write_mbps: OptionalPoints = None
    read_iops: OptionalPoints = None
    write_iops: OptionalPoints = None
    read_mbps_average: OptionalPoints = None
    write_mbps_average: OptionalPoints = None
    read_iops_average: OptionalPoints = None
    write_iops_average: OptionalPoints = None
    read_mbps_count: OptionalPoints = None
    write_mbps_count: OptionalPoints = None
    read_iops_count: OptionalPoints = None
    write_iops_count: OptionalPoints = None


class NicPoints(Struct, gc=False):
    received_mbps: OptionalPoints = None
    transmitted_mbps: OptionalPoints = None
    received_mbps_average: OptionalPoints = None
    transmitted_mbps_average: OptionalPoints = None
    received_mbps_count: OptionalPoints = None
    transmitted_mbps_count: OptionalPoints = None


class MachinePoints(Struct, gc=False):
    """Points of one machine from `start_at` on. Every array has the same length; a point is its interval's peak."""

    source_id: SourceId
    start_at: Instant
    disks: Annotated[dict[SourceId, DiskPoints], Meta(max_length=MAX_DISKS)] = {}
    nics: Annotated[dict[SourceId, NicPoints], Meta(max_length=MAX_NICS)] = {}
    cpu_percent: OptionalPoints = None
    memory_percent: OptionalPoints = None
    cpu_percent_average: OptionalPoints = None
    memory_percent_average: OptionalPoints = None
    cpu_percent_count: OptionalPoints = None
    memory_percent_count: OptionalPoints = None


class PerformanceUpload(Struct, kw_only=True):
    """Points on a grid in UTC. `mbps` is megabytes (10^6) a second."""

    sequence: Sequence
    interval_seconds: Literal[300, 600]
    machines: list[MachinePoints]
    sent_at: Instant | None = None


ErrorMembers = Annotated[dict[str, str | int | float | bool | None], Meta(max_length=20)]


class Heartbeat(Struct):
    """How the appliance is; `errors` are texts, or objects of plain values."""

    version: Annotated[str, Meta(max_length=64)] = ""
    health: Annotated[str, Meta(max_length=32)] = "ok"
    errors: Annotated[list[str | ErrorMembers], Meta(max_length=100)] = []
    sent_at: Instant | None = None


class Registration(Struct):
    registration_key: Annotated[str, Meta(min_length=1, max_length=200)]
    hostname: Annotated[str, Meta(min_length=1, max_length=255)]
    version: Annotated[str, Meta(max_length=64)] = ""


class Rejection(Struct, frozen=True, gc=False):
    """A record that was refused. `retryable`: the same points may be sent again, under a new key, later."""

    source_id: str
    code: str
    message: str
    retryable: bool = False


class UploadAnswer(Struct):
    """How many machines were accepted, and which were not: one bad machine never costs the others."""

    accepted: int
    rejected: list[Rejection]


class HeartbeatAnswer(Struct):
    received_at: datetime


class UploadLimits(Struct):
    """What one upload may hold; `interval_seconds` is the interval of the points that is preferred."""

    interval_seconds: int
    upload_every_seconds: int
    max_machines_performance: int
    max_machines_inventory: int
    max_bytes: int
    max_inflated_bytes: int


class Rotated(Struct):
    token: str
    token_expires_at: datetime


class Registered(Struct):
    """The token is shown this one time. Each registration starts a higher epoch."""

    appliance: UUID
    token: str
    token_expires_at: datetime
    epoch: int
    upload: UploadLimits


Envelope = TypeVar("Envelope", InventoryUpload, PerformanceUpload)


@dataclass
class Decoded(Generic[Envelope]):
    """An upload whose `machines` are those that could be read, and what was refused of the others."""

    upload: Envelope
    rejected: list[Rejection] = field(default_factory=list)


class RawInventoryUpload(InventoryUpload, kw_only=True):
    machines: list[msgspec.Raw]  # type: ignore[assignment]  # the same envelope, its records not looked into


class RawPerformanceUpload(PerformanceUpload, kw_only=True):
    machines: list[msgspec.Raw]  # type: ignore[assignment]


class _Identity(Struct):
    source_id: str = ""


RAW_ENVELOPES: Mapping[type[Any], type[Any]] = {
    InventoryUpload: RawInventoryUpload,
    PerformanceUpload: RawPerformanceUpload,
}
RECORDS: Mapping[type[Any], type[Any]] = {InventoryUpload: MachineRecord, PerformanceUpload: MachinePoints}
MAX_MACHINES: Mapping[type[Any], int] = {
    InventoryUpload: MAX_MACHINES_INVENTORY,
    PerformanceUpload: MAX_MACHINES_PERFORMANCE,
}


class HeldBody:
    """Inflated bytes that are let go when they are taken: a request lives on in reference cycles, 64 MiB must not."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body

    def take(self) -> bytes:
        body, self._body = self._body, None
        assert body is not None, "the body was taken before"
        return body


class UploadParser(BaseParser):
    """application/json, optionally gzip, as the inflated bytes: the view decodes them into a struct."""

    media_type = "application/json"

    def parse(  # type: ignore[override]  # any value may become request.data; the stubs know forms only
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> HeldBody:
        request = (parser_context or {})["request"]
        return HeldBody(inflate(stream.read(), request.headers.get("Content-Encoding", "")))


def body_of(request: Request) -> bytes:
    """The inflated body of a request to a view whose parser is UploadParser, once. DRF parses no empty body."""
    held = request.data
    if not isinstance(held, HeldBody):
        raise DomainError(code="empty_body", detail="The body is empty. Send a JSON object.")
    body = held.take()
    refuse_hostile_body(body)
    return body


def refuse_hostile_body(body: bytes) -> None:
    """What is refused before anything is parsed: too many elements, no UTF-8, deep nesting."""
    refuse_heavy_structure(body)
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DomainError(code="invalid_encoding", detail="The body is not UTF-8.") from error
    if is_nested_deeper(body, MAX_NESTING):
        raise DomainError(code="nesting_too_deep", detail=f"The body is nested more than {MAX_NESTING} levels deep.")


_decoders: dict[type[Any], "msgspec.json.Decoder[Any]"] = {}


def _decoder(kind: type[Any]) -> "msgspec.json.Decoder[Any]":
    """The decoder of a struct; making one costs more than most bodies."""
    if kind not in _decoders:
        _decoders[kind] = msgspec.json.Decoder(kind)
    return _decoders[kind]


def decode_message(kind: type[Any], body: bytes) -> Any:
    """A small body as a struct, or 400 with the field that is wrong."""
    if len(body) > MAX_MESSAGE_BYTES:
        raise too_large("", MAX_MESSAGE_BYTES)
    try:
        return _decoder(kind).decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except msgspec.DecodeError as error:
        raise _malformed(error) from error


def decode_upload(kind: type[Envelope], body: bytes) -> Decoded[Envelope]:
    """An upload with its records. Raises DomainError when the body or its envelope cannot be read at all."""
    try:
        decoded = Decoded(_decode_quickly(kind, body))
    except msgspec.ValidationError:
        decoded = _decode_one_by_one(kind, body)
    except msgspec.DecodeError as error:
        raise _malformed(error) from error
    _refuse_too_many(kind, len(decoded.upload.machines) + len(decoded.rejected))
    return decoded


def _refuse_too_many(kind: type[Any], count: int) -> None:
    if count > MAX_MACHINES[kind]:
        raise DomainError(
            code="too_many_machines",
            status=413,
            detail=f"The upload lists {count} machines; at most {MAX_MACHINES[kind]} are accepted in one request.",
        )


def _decode_quickly(kind: type[Envelope], body: bytes) -> Envelope:
    """Decodes with the garbage collector held: it would walk the growing lists again and again and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        upload: Envelope = _decoder(kind).decode(body)
    finally:
        if was_enabled:
            gc.enable()
    return upload


def _decode_one_by_one(kind: type[Envelope], body: bytes) -> Decoded[Envelope]:
    try:
        envelope = _decoder(RAW_ENVELOPES[kind]).decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except msgspec.DecodeError as error:
        raise _malformed(error) from error
    _refuse_too_many(kind, len(envelope.machines))  # before a million refusals are made
    decoder, machines, rejected = _decoder(RECORDS[kind]), [], []
    for number, raw in enumerate(envelope.machines):
        try:
            machines.append(decoder.decode(raw))
        except msgspec.ValidationError as error:
            rejected.append(_rejection(raw, number, error))
    fields = {name: getattr(envelope, name) for name in kind.__struct_fields__ if name != "machines"}
    return Decoded(kind(machines=machines, **fields), rejected)


def _rejection(raw: msgspec.Raw, number: int, error: msgspec.ValidationError) -> Rejection:
    try:
        source_id = _decoder(_Identity).decode(raw).source_id
    except msgspec.DecodeError:
        source_id = ""
    text = str(error).replace("`$", f"`machines[{number}]")
    return Rejection(source_id=source_id, code=_code(text), message=text)


def _code(message: str) -> str:
    if message.startswith(("Number out of range", "Expected `int` <", "Expected `int` >", "Expected `float` ")):
        return "out_of_range"
    if "`array` of length" in message or "`object` of length" in message:
        return "array_length"
    return "invalid_record"


def _invalid(error: msgspec.ValidationError) -> DomainError:
    message, _, path = str(error).partition(" - at `$")
    name = path.strip("`").lstrip(".")
    return DomainError(
        code="invalid",
        detail=f"{name}: {message}" if name else message,
        errors=[FieldProblem(name, "invalid", message)],
    )


def _malformed(error: msgspec.DecodeError) -> DomainError:
    return DomainError(code="invalid_json", detail=f"The body is not valid JSON: {error}.")
