"""How many imports there may be, and that two requests at once make no more of them than one after the other."""

import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ingest.imports.parsed import Problem
from ingest.imports.problems import MAX_KEPT, keep_problems
from ingest.imports.queueing import IMPORT_TASK, MAX_IMPORTS, MAX_UNFINISHED
from ingest.models import FileImport
from migrate_hub.files.models import StoredFile
from migrate_hub.jobs.queueing import enqueue
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest.imports.files import ended, rvtools, send

MIB = 1024 * 1024


@pytest.fixture
def cast() -> make.Cast:
    return make.cast()


def at_once(requests: list[Callable[[], Any]]) -> list[Any]:
    """The answers to requests that are sent in the same moment, each with a connection of its own."""
    together = Barrier(len(requests))

    def answered(request: Callable[[], Any]) -> Any:
        try:
            together.wait()
            return request()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(answered, requests))


def rows(cast: make.Cast, project: str, count: int, **fields: Any) -> Iterator[FileImport]:
    """Imports that were made elsewhere."""
    common = {"project_id": project, "format": "rvtools", "file_name": "x", "sha256": bytes(32), **fields}
    return (FileImport(tenant=cast.tenant, sequence=number, **common) for number in range(count))


def test_two_confirmations_at_once_make_one_import(cast: make.Cast) -> None:
    project = make.project(cast.bob)
    with tenant_context(cast.tenant.id):
        for _ in range(5):
            file = StoredFile.new(name="x", content_type="x", size_bytes=0, sha256=b"", expires_at=timezone.now())
            file.save(force_insert=True)
            (tried,) = rows(cast, project, 1, file=file, dry_run=True, status="completed")
            tried.save(force_insert=True)
    for tried in cast.bob.ok(cast.bob.get(f"projects/{project}/imports/"))["results"]:
        path = f"projects/{project}/imports/{tried['id']}/confirm/"
        api = [make.Api(cast.bob.token) for _ in range(4)]
        answers = at_once([partial(one.post, path) for one in api])
        assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"file_gone"}


def test_many_files_at_once_make_no_more_imports_than_may_wait(cast: make.Cast) -> None:
    project, file = make.project(cast.bob), rvtools(1)
    with tenant_context(cast.tenant.id):
        FileImport.objects.bulk_create(rows(cast, project, MAX_UNFINISHED - 2, status="running"))
    api = [make.Api(cast.bob.token) for _ in range(8)]
    answers = at_once([partial(send, one, project, file) for one in api])
    assert sorted(answer.status_code for answer in answers) == [202, 202, *[409] * 6]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"limit_reached"}


def test_imports_that_were_undone_or_forgotten_make_room_for_new_ones(cast: make.Cast) -> None:
    project, file, now = make.project(cast.bob), rvtools(1), timezone.now()
    with tenant_context(cast.tenant.id):
        FileImport.objects.bulk_create(rows(cast, project, MAX_IMPORTS, status="completed"))
    refused = send(cast.bob, project, file)
    assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached")
    with tenant_context(cast.tenant.id):
        FileImport.objects.filter(sequence=0).update(status="undone", undone_at=now)
    assert send(cast.bob, project, file).status_code == 202
    assert send(cast.bob, project, file).json()["code"] == "limit_reached"
    with tenant_context(cast.tenant.id):
        FileImport.objects.filter(sequence=1).update(forgotten_at=now - timedelta(hours=1))
    assert send(cast.bob, project, file).status_code == 202


def test_all_problems_of_the_worst_file_are_sent_without_being_held(cast: make.Cast) -> None:
    project = make.project(cast.bob)
    with tenant_context(cast.tenant.id):
        (made,) = rows(cast, project, 1, status="completed")
        made.save(force_insert=True)
        keep_problems(made.id, [Problem("error", "incomplete_row", "x" * 100)] * MAX_KEPT, after=0)
    tracemalloc.start()
    answer = cast.bob.get(f"projects/{project}/imports/{made.id}/errors.csv")
    lines = sum(piece.count(b"\r\n") for piece in answer.streaming_content)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines == MAX_KEPT + 1
    assert peak_bytes < 16 * MIB


@pytest.mark.usefixtures("background")
def test_a_file_that_the_workers_disk_has_no_room_for_is_not_even_fetched(cast: make.Cast) -> None:
    project = make.project(cast.bob)
    with tenant_context(cast.tenant.id):
        file = StoredFile.new(name="x", content_type="x", size_bytes=0, sha256=b"", expires_at=timezone.now())
        file.save(force_insert=True)
        (made,) = rows(cast, project, 1, file=file, size_bytes=2**60)
        made.save(force_insert=True)
        enqueue(IMPORT_TASK, made.id, queue="bulk")
    done = ended(cast.bob, project, str(made.id))
    assert (done["status"], done["failure"]["code"]) == ("failed", "no_room")
