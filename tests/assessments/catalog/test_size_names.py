"""The series and the active vCPUs that the name of a size tells."""

import pytest

from assessments.catalog.size_names import constrained_vcpus, series_slug


@pytest.mark.parametrize(
    ("size", "series"),
    [
        ("Standard_D4s_v3", "dsv3"),
        ("Standard_DS12-2_v2", "dsv2"),
        ("Standard_F1s", "fs"),
        ("Standard_A2m_v2", "av2"),
        ("Standard_B2ats_v2", "basv2"),
        ("Standard_E64is_v3", "esv3"),
        ("Standard_F2ams_v6", "famsv6"),
        ("Standard_M128ms", "m"),
        ("Standard_M128ms_v2", "msv2"),
        ("Standard_GS5-8", "gs"),
        ("Standard_DS2_v2_Promo", "dsv2promo"),
        ("Standard_DC16ads_cc_v5", "dcadsv5cc"),
    ],
)
def test_a_size_belongs_to_the_series_its_name_says(size: str, series: str) -> None:
    assert series_slug(size) == series


def test_a_published_series_is_taken_when_it_fits_the_name() -> None:
    assert series_slug("Standard_NV12s_v3", published="nvv3") == "nvv3"
    assert series_slug("Standard_GS4-4", published="g") == "gs"


def test_high_memory_sizes_are_told_apart_by_their_quota_family() -> None:
    assert series_slug("Standard_M208ms_v2", quota_family="standardMSv2Family") == "mv2"


@pytest.mark.parametrize(("size", "vcpus"), [("Standard_E32-8s_v5", 8), ("Standard_E32s_v5", None)])
def test_a_constrained_size_names_its_active_vcpus(size: str, vcpus: int | None) -> None:
    assert constrained_vcpus(size) == vcpus


def test_another_shape_of_name_is_refused() -> None:
    with pytest.raises(ValueError, match="not the name of a size"):
        series_slug("Enormous_9000")
