"""Every finding the engine can report, as data: code, what a person reads, what to do, and where the rule comes from.

Codes are the snake case of Azure's own names (`azure_name`, SDK AzureVmSuitabilityExplanation and
AzureVmSuitabilityDetail); an empty `azure_name` marks a finding of our own. T21, T24 = troubleshoot-assessment.md of
2021 and 2024, F20 = common-questions-discovery-assessment.md of 2020, SDK = azure-mgmt-migrationassessment 1.0.0b1.
"""

from dataclasses import dataclass
from typing import Literal

Readiness = Literal["ready", "ready_with_conditions", "unknown", "not_ready"]
# In order of severity: the worst finding decides. Unknown outranks conditional: nothing vouches for such a machine.
READINESS: tuple[Readiness, ...] = ("ready", "ready_with_conditions", "unknown", "not_ready")


@dataclass(frozen=True, slots=True)
class Issue:
    """One possible finding."""

    code: str
    azure_name: str
    message: str
    remedy: str
    source: str
    outcome: Readiness = "ready"


# Order = order of reporting: what concerns the machine itself, its guest, then what no size could offer.
FINDINGS: tuple[Issue, ...] = (
    Issue(
        "boot_type_not_supported",
        "BootTypeNotSupported",
        "The machine boots with UEFI, which is not supported for this operating system.",
        "Convert the boot type to BIOS, or upgrade the operating system; the migration tool converts supported ones.",
        "C19, C25, T24",
        outcome="not_ready",
    ),
    Issue(
        "boot_type_unknown",
        "BootTypeUnknown",
        "The boot type of the machine could not be read.",
        "Let the appliance complete the discovery, or fill it in where the machine is from a file; then assess again.",
        "F20",
        outcome="ready_with_conditions",
    ),
    Issue(
        "more_disks_than_supported",
        "MoreDisksThanSupported",
        "The machine has more disks than any size supports.",
        "Remove unused disks or merge small ones before the migration.",
        "C20, C25",
        outcome="not_ready",
    ),
    Issue(
        "one_or_more_disks_not_suitable",
        "OneOrMoreDisksNotSuitable",
        "No managed disk fits at least one disk of the machine.",
        "Shrink the disk, reduce its IOPS or throughput, or stripe over several disks.",
        "T21",
        outcome="not_ready",
    ),
    Issue(
        "one_or_more_adapters_not_suitable",
        "OneOrMoreAdaptersNotSuitable",
        "The machine has more network adapters than supported.",
        "Remove unused network adapters before the migration.",
        "T21, C25",
        outcome="not_ready",
    ),
    Issue(
        "guest_operating_system_architecture_not_supported",
        "GuestOperatingSystemArchitectureNotSupported",
        "A 32-bit operating system may boot but is not fully supported.",
        "Move to a 64-bit operating system.",
        "T21, C25 (A24 says not ready)",
        outcome="ready_with_conditions",
    ),
    Issue(
        "windows_server_versions_supported_with_caveat",
        "WindowsServerVersionsSupportedWithCaveat",
        "This version of Windows Server needs a custom support agreement.",
        "Upgrade the operating system, or arrange a custom support agreement.",
        "T21, EXP20",
        outcome="ready_with_conditions",
    ),
    Issue(
        "windows_os_no_longer_under_ms_support",
        "WindowsOSNoLongerUnderMSSupport",
        "Microsoft no longer supports this version of Windows.",
        "Upgrade the operating system before the migration.",
        "T21, EXP20",
        outcome="ready_with_conditions",
    ),
    Issue(
        "windows_client_versions_conditionally_supported",
        "WindowsClientVersionsConditionallySupported",
        "Windows client versions need a Visual Studio subscription or multitenant hosting rights.",
        "License the machine accordingly, or move its work to Windows Server.",
        "T21, EXP20",
        outcome="ready_with_conditions",
    ),
    Issue(
        "endorsed_with_conditions_linux_distributions",
        "EndorsedWithConditionsLinuxDistributions",
        "The Linux distribution is endorsed, this version is not or is not known precisely enough.",
        "Check the exact version, and upgrade it to an endorsed one if needed.",
        "T21, EXP20, ED18, ED23",
        outcome="ready_with_conditions",
    ),
    Issue(
        "unendorsed_linux_distributions",
        "UnendorsedLinuxDistributions",
        "The Linux distribution is not endorsed.",
        "Upgrade to an endorsed distribution, or verify that the machine runs.",
        "T21",
        outcome="ready_with_conditions",
    ),
    Issue(
        "no_guest_operating_system_conditionally_supported",
        "NoGuestOperatingSystemConditionallySupported",
        "The operating system is not endorsed.",
        "Install a supported operating system, or verify that the machine runs.",
        "SDK",
        outcome="ready_with_conditions",
    ),
    Issue(
        "guest_operating_system_unknown",
        "GuestOperatingSystemUnknown",
        "The operating system could not be identified.",
        "Set the operating system in the source, or verify the machine by hand.",
        "T21, EXP20",
        outcome="unknown",
    ),
    Issue(
        "no_vm_size_for_selected_azure_location",
        "NoVmSizeForSelectedAzureLocation",
        "The catalog offers no size in the target region.",
        "Choose another region.",
        "T21",
        outcome="not_ready",
    ),
    Issue(
        "no_vm_size_for_selected_pricing_tier",
        "NoVmSizeForSelectedPricingTier",
        "The target region offers no size in the pricing tier.",
        "Choose another region or tier.",
        "T21",
        outcome="not_ready",
    ),
    Issue(
        "no_vm_size_supports_storage_performance",
        "NoVmSizeSupportsStoragePerformance",
        "No size offers the disks or the storage performance that the machine needs.",
        "Reduce the storage load or the number of disks, or allow more series.",
        "T21",
        outcome="not_ready",
    ),
    Issue(
        "no_vm_size_supports_network_performance",
        "NoVmSizeSupportsNetworkPerformance",
        "No size offers the network adapters or the bandwidth that the machine needs.",
        "Reduce the network load or remove unused adapters, or allow more series.",
        "T21",
        outcome="not_ready",
    ),
    Issue(
        "no_suitable_vm_size_found",
        "NoSuitableVmSizeFound",
        "No size offers the cores and memory that the machine needs.",
        "Reduce cores, memory or the comfort factor, or allow more series.",
        "T21, C20",
        outcome="not_ready",
    ),
    Issue(
        "limit_unknown",
        "",
        "Sizes that might fit were refused because their storage or network limits are not published.",
        "Accept unknown limits in the settings, or load a catalog that knows them.",
        "design: a missing limit is unknown, not infinite",
        outcome="not_ready",
    ),
    Issue(
        "no_vm_size_in_selected_family_found",
        "NoVmSizeInSelectedFamilyFound",
        "No size of the selected series fits; sizes of other series do, or the selected series are not offered.",
        "Allow more series.",
        "T21",
        outcome="not_ready",
    ),
    Issue(
        "no_vm_size_found_for_offer_currency_reserved_instance",
        "NoVmSizeFoundForOfferCurrencyReservedInstance",
        "The catalog has no price for any fitting size under the chosen offer, currency and commitment.",
        "Choose another commitment, offer or region; other scenarios of this run may be priced.",
        "T21",
        outcome="not_ready",
    ),
)

DATA_ISSUES: tuple[Issue, ...] = (
    Issue(
        "percentage_of_cores_utilized_missing",
        "PercentageOfCoresUtilizedMissing",
        "No data for percentage of CPU cores utilized.",
        "Sized by the allocated cores; wait for the appliance, or import it where the machine is from a file.",
        "SDK, C20, F23",
    ),
    Issue(
        "percentage_of_memory_utilized_missing",
        "PercentageOfMemoryUtilizedMissing",
        "No data for percentage of memory utilized.",
        "Sized by the allocated memory; wait for the appliance, or import it where the machine is from a file.",
        "SDK, C20, F23",
    ),
    Issue(
        "percentage_of_cores_utilized_out_of_range",
        "PercentageOfCoresUtilizedOutOfRange",
        "The percentage of CPU cores utilized is below 0 or above 100 and was taken as the nearer bound.",
        "Check the counters of the source.",
        "SDK",
    ),
    Issue(
        "percentage_of_memory_utilized_out_of_range",
        "PercentageOfMemoryUtilizedOutOfRange",
        "The percentage of memory utilized is below 0 and was taken as 0.",
        "Check the counters of the source.",
        "SDK",
    ),
    Issue(
        "cannot_report_storage_cost",
        "CannotReportStorageCost",
        "The catalog has no disk prices for the target region, so there are no disks and no storage cost.",
        "Choose another region, or load a catalog that has the region's disk prices.",
        "SDK",
    ),
    Issue(
        "number_of_cores_out_of_range",
        "",
        "The machine reports no cores.",
        "Check the inventory of the source.",
        "design",
    ),
    Issue(
        "megabytes_of_memory_out_of_range",
        "",
        "The machine reports no memory.",
        "Check the inventory of the source.",
        "design",
    ),
    Issue("no_disks_discovered", "", "The machine reports no disks.", "Check the inventory of the source.", "design"),
    Issue(
        "disk_limit_unknown",
        "",
        "The storage limits of the recommended size are not published; it was accepted all the same.",
        "Verify the size against the storage load.",
        "design",
    ),
    Issue(
        "network_limit_unknown",
        "",
        "The network limit of the recommended size is not published; it was accepted all the same.",
        "Verify the size against the network load.",
        "design",
    ),
    Issue(
        "linux_subscription_price_unknown",
        "",
        "The catalog has no price for the Linux subscription of this machine; the cost does not contain it.",
        "Add the subscription's cost, or bring your own with the hybrid benefit for Linux.",
        "T21",
    ),
)

DISK_FINDINGS: tuple[Issue, ...] = (
    Issue(
        "disk_size_greater_than_supported",
        "DiskSizeGreaterThanSupported",
        "The disk is larger than any disk of the allowed types.",
        "Shrink the disk or split it.",
        "C20, T24",
        outcome="not_ready",
    ),
    Issue(
        "no_suitable_disk_size_for_iops",
        "NoSuitableDiskSizeForIops",
        "No disk of the allowed types reaches the required IOPS.",
        "Reduce the IOPS, stripe over several disks or allow faster disk types.",
        "SDK",
        outcome="not_ready",
    ),
    Issue(
        "no_suitable_disk_size_for_throughput",
        "NoSuitableDiskSizeForThroughput",
        "No disk of the allowed types reaches the required throughput.",
        "Reduce the throughput, stripe over several disks or allow faster disk types.",
        "SDK",
        outcome="not_ready",
    ),
    Issue(
        "no_disk_size_found_in_selected_location",
        "NoDiskSizeFoundInSelectedLocation",
        "The catalog prices no disk of the allowed types in the target region.",
        "Choose another region or other disk types.",
        "SDK",
        outcome="not_ready",
    ),
)


def _counter(code: str, azure_name: str, metric: str) -> tuple[Issue, Issue]:
    return (
        Issue(
            f"{code}_missing",
            f"{azure_name}Missing",
            f"No data for {metric}.",
            "Wait for the appliance, or import it where the machine is from a file.",
            "SDK",
        ),
        Issue(
            f"{code}_out_of_range",
            f"{azure_name}OutOfRange",
            f"The {metric} is negative and was taken as 0.",
            "Check the counters of the source.",
            "SDK",
        ),
    )


DISK_DATA_ISSUES: tuple[Issue, ...] = (
    *_counter(
        "number_of_read_operations_per_second", "NumberOfReadOperationsPerSecond", "disk read operations per second"
    ),
    *_counter(
        "number_of_write_operations_per_second", "NumberOfWriteOperationsPerSecond", "disk write operations per second"
    ),
    *_counter("megabytes_per_second_of_read", "MegabytesPerSecondOfRead", "disk read throughput per second"),
    *_counter("megabytes_per_second_of_write", "MegabytesPerSecondOfWrite", "disk write throughput per second"),
    Issue(
        "disk_gigabytes_provisioned_out_of_range",
        "DiskGigabytesProvisionedOutOfRange",
        "The disk reports no size.",
        "Check the inventory of the source.",
        "SDK",
    ),
)

# "Recieved" is how Azure's contract spells it.
NIC_DATA_ISSUES: tuple[Issue, ...] = (
    *_counter("megabytes_of_data_transmitted", "MegabytesOfDataTransmitted", "network throughput out"),
    *_counter("megabytes_of_data_received", "MegabytesOfDataRecieved", "network throughput in"),
)


def codes(issues: tuple[Issue, ...]) -> dict[str, int]:
    """Column of each code in the boolean matrices of the result."""
    return {issue.code: column for column, issue in enumerate(issues)}


FINDING = codes(FINDINGS)
DATA_ISSUE = codes(DATA_ISSUES)
DISK_FINDING = codes(DISK_FINDINGS)
DISK_DATA_ISSUE = codes(DISK_DATA_ISSUES)
NIC_DATA_ISSUE = codes(NIC_DATA_ISSUES)
