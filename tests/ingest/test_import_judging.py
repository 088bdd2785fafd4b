"""What is said of a file before anything opens it: to each hostile or mistaken file an answer that tells what to do."""

import gzip
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.imports.child import MIB, Limits, parsed_chunks, scratch_folder
from ingest.imports.judging import judge
from ingest.imports.parsed import Options, UnreadableFileError
from tests.ingest import hostile_files
from tests.ingest.hostile_files import AS_CSV, AS_WORKBOOK, CSV


def refusal(folder: Path, data: bytes, file_format: str) -> UnreadableFileError:
    path = folder / "file"
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError) as refused:
        judge(path, file_format)
    return refused.value


@pytest.mark.parametrize("case", AS_WORKBOOK)
def test_what_is_no_plain_workbook_is_refused_with_advice(tmp_path: Path, case: str) -> None:
    made, code, advice = AS_WORKBOOK[case]
    refused = refusal(tmp_path, made(), "rvtools")
    assert refused.code == code, refused.detail
    assert advice in refused.detail
    assert len(refused.detail) <= 500


@pytest.mark.parametrize("case", AS_CSV)
@pytest.mark.parametrize("file_format", ["performance_csv", "azure_migrate_csv"])
def test_what_is_no_csv_is_refused_with_advice(tmp_path: Path, case: str, file_format: str) -> None:
    made, code, advice = AS_CSV[case]
    refused = refusal(tmp_path, made(), file_format)
    assert refused.code == code, refused.detail
    assert advice in refused.detail


@pytest.mark.parametrize(
    ("data", "file_format"),
    [
        pytest.param(hostile_files.workbook(), "rvtools", id="workbook"),
        pytest.param(hostile_files.repacked({"xl/media/image1.png": b"x"}), "rvtools", id="with a picture"),
        pytest.param(
            hostile_files.repacked({"xl/comments1.xml": b"<x>" + b" " * 2**20 + b"</x>"}), "rvtools", id="blanks"
        ),
        pytest.param(CSV, "performance_csv", id="CSV"),
        pytest.param(CSV, "azure_migrate_csv", id="CSV of Azure Migrate"),
        pytest.param(CSV.decode().encode("utf-16"), "performance_csv", id="UTF-16"),
        pytest.param(gzip.compress(CSV), "performance_csv", id="gzip"),
    ],
)
def test_an_honest_file_passes(tmp_path: Path, data: bytes, file_format: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    judge(path, file_format)


def test_only_history_may_be_gzipped(tmp_path: Path) -> None:
    assert refusal(tmp_path, gzip.compress(CSV), "azure_migrate_csv").code == "other_kind"


def test_a_bomb_is_judged_without_unfolding_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(hostile_files.bomb())
    started = time.process_time()
    with pytest.raises(UnreadableFileError):
        judge(path, "rvtools")
    assert time.process_time() - started < 0.2


def test_a_bomb_that_lies_about_its_size_unfolds_no_further_than_it_says() -> None:
    """Its directory passes, so the parser opens it: the reader stops at the size that was judged."""
    with scratch_folder() as folder:
        path = folder / "export.xlsx"
        path.write_bytes(hostile_files.lying_bomb())
        judge(path, "rvtools")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        limits = Limits(memory_bytes=300 * MIB, processor_seconds=20)
        with pytest.raises(UnreadableFileError) as refused:
            list(parsed_chunks("rvtools", path, Options(now=datetime.now(UTC)), limits=limits))
    assert refused.value.code == "unreadable_workbook"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 5
