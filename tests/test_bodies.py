"""Inflating request bodies: honest ones whatever their ratio, bombs never further than the cap."""

import gzip
import json
import tracemalloc
import zlib

import pytest

from migrate_hub.bodies import MAX_INFLATED_BYTES, PIECE_BYTES, inflate, is_nested_deeper, refuse_heavy_structure
from migrate_hub.errors import DomainError

MIB = 1024 * 1024


def bomb(*, wire_bytes: int) -> bytes:
    """A gzip stream of zeros of about this size on the wire, which unfolds a thousandfold."""
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(16 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (wire_bytes // len(block))


@pytest.mark.parametrize("value", [None, 0])
@pytest.mark.parametrize("machine_count", [1, 20, 500, 1_000])
def test_points_that_are_all_the_same_are_no_bomb(machine_count: int, value: int | None) -> None:
    machine = {"source_id": "vm-1", "cpu_percent": [value] * 288, "memory_percent": [value] * 288}
    body = json.dumps({"machines": [machine] * machine_count}).encode()
    assert inflate(gzip.compress(body, 9), "gzip") == body


@pytest.mark.parametrize("size_bytes", [MIB, 8 * MIB, MAX_INFLATED_BYTES])
def test_the_best_that_gzip_can_do_is_inflated_up_to_the_cap(size_bytes: int) -> None:
    assert len(inflate(gzip.compress(b" " * size_bytes, 9), "gzip")) == size_bytes


def test_one_byte_over_the_cap_is_refused() -> None:
    with pytest.raises(DomainError) as refused:
        inflate(gzip.compress(bytes(MAX_INFLATED_BYTES + 1)), "gzip")
    assert (refused.value.status, refused.value.code) == (413, "body_too_large")


def test_a_bomb_of_a_gibibyte_costs_no_more_than_the_cap() -> None:
    body = bomb(wire_bytes=MIB)
    tracemalloc.start()
    try:
        with pytest.raises(DomainError) as refused:
            inflate(body, "gzip")
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.status == 413
    assert peak_bytes < 3 * MAX_INFLATED_BYTES


def test_the_cap_holds_for_all_members_together() -> None:
    with pytest.raises(DomainError) as refused:
        inflate(gzip.compress(bytes(33 * MIB)) * 2, "gzip")
    assert refused.value.status == 413


def test_many_members_may_not_hide_how_large_they_are() -> None:
    with pytest.raises(DomainError) as refused:
        inflate(gzip.compress(bytes(MIB)) * 3 + gzip.compress(b"{}"), "gzip")
    assert (refused.value.status, refused.value.code) == (400, "invalid_gzip")


def test_a_few_small_members_are_one_body() -> None:
    assert inflate(gzip.compress(b'{"a"') + gzip.compress(b": 1}"), "gzip") == b'{"a": 1}'


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (b"", 0),
        (b"[]", 1),
        (b'[{"a":[1]},[]]', 3),
        (b'["[[[[[["]', 1),
        (rb'["a\"[[[[", [2]]', 2),
        (rb'["a\\", [[3]]]', 3),
        (b'"' + b"[" * 3 * MIB + b'"', 0),
        (b'["' + b'","' * MIB + b'", [[]]]', 3),
        (b"[" * 5 + b" " * 2 * MIB + b"]" * 5, 5),
    ],
)
def test_nesting_is_counted_outside_of_strings(text: bytes, depth: int) -> None:
    assert is_nested_deeper(text, depth - 1)
    assert not is_nested_deeper(text, depth)


@pytest.mark.parametrize("shift", range(4))
def test_an_escape_at_the_edge_of_a_piece_stays_one(shift: int) -> None:
    start = b'["' + b"x" * (PIECE_BYTES - 3 - shift)
    assert is_nested_deeper(start + rb'\\", [[3]], "[[[[[[[["]', 2)
    assert not is_nested_deeper(start + rb'\\", [[3]], "[[[[[[[["]', 3)


def test_a_body_of_hundreds_of_thousands_of_objects_is_refused_before_it_is_decoded() -> None:
    refuse_heavy_structure(b'{"machines":[' + b"{}," * 499_998 + b"{}]}")
    with pytest.raises(DomainError) as refused:
        refuse_heavy_structure(b'{"machines":[' + b"{}," * 499_999 + b"{}]}")
    assert (refused.value.status, refused.value.code) == (413, "body_too_complex")
