"""Reports whose worker is killed for real: while it writes the file, and while it stores it."""

import io
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import openpyxl
import pytest

from tests.conftest import wait_until
from tests.recovery.installation import Installation, installation
from tests.recovery.test_killed_imports import superuser, waiting_statement
from tests.recovery.test_recovery import MACHINES, Story


@pytest.fixture(scope="module")
def broken() -> Iterator[Installation]:
    with installation() as made:
        made.start("beat")
        yield made


@pytest.fixture(scope="module")
def story(broken: Installation) -> Story:
    """A tenant with a finished assessment."""
    told = Story(broken, "reported")
    broken.start("worker")
    wait_until(told.is_completed, seconds=120, what="the assessment")
    broken.kill("worker")
    return told


def count(made: Installation, table: str) -> int:
    with closing(superuser(made)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])  # type: ignore[index]  # count always answers


# The rows of the report are read from the one while its file grows; its bytes go into the other.
@pytest.mark.parametrize("table", ["assessments_assesseddisk", "files_filechunk"])
def test_a_worker_killed_in_the_middle_leaves_no_half_file(table: str, broken: Installation, story: Story) -> None:
    """Somebody holds a table that the worker needs just then."""
    files, chunks = count(broken, "files_storedfile"), count(broken, "files_filechunk")
    with closing(superuser(broken)) as holder, holder.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        asked = story.send(f"{story.path}reports/", {})["id"]
        broken.start("worker")
        waiting = wait_until(lambda: waiting_statement(broken), seconds=90, what="the worker that waits for the table")
        assert table in waiting
        broken.kill("worker")
        told = report(story, asked)
        assert (told["status"], "download_url" in told) == ("running", False)
    assert count(broken, "files_storedfile") == files
    assert count(broken, "files_filechunk") == chunks
    broken.start("worker")
    done = wait_until(lambda: finished(story, asked), seconds=120, what="the report")
    broken.kill("worker")
    assert count(broken, "files_storedfile") == files + 1
    book = openpyxl.load_workbook(io.BytesIO(httpx.get(done["download_url"]).content), read_only=True)
    names = [row[0] for row in book["All_Assessed_Machines"].iter_rows(min_row=2, max_col=1, values_only=True)]
    assert len(names) == len(set(names)) == MACHINES


def report(story: Story, report_id: str) -> Any:
    return story.api.get(f"{story.path}reports/{report_id}/").json()


def finished(story: Story, report_id: str) -> Any:
    """The report once it is there, else None."""
    told = report(story, report_id)
    assert told["status"] != "failed", told
    return told if told["status"] == "completed" else None
