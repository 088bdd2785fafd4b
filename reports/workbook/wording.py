"""Our codes in the words that Azure Migrate's exports use, so that what people built on those keeps working."""

from decimal import Decimal

NOT_APPLICABLE = "Not applicable"

READINESS = {
    "ready": "Ready For Azure",
    "ready_with_conditions": "Ready For Azure With Conditions",
    "not_ready": "Not ready for Azure",
    "unknown": "Unknown Readiness",
}
READINESS_HEADINGS = {
    "ready": "Ready",
    "ready_with_conditions": "With conditions",
    "not_ready": "Not ready",
    "unknown": "Unknown",
}
SECURITY_READINESS = {
    "ready": "Ready",
    "ready_with_conditions": "Ready With Conditions",
    "not_ready": "Not Ready",
    "unknown": "Unknown",
}
DISK_TYPES = {
    "standard_hdd": "Standard HDD managed disks",
    "standard_ssd": "Standard SSD managed disks",
    "premium_ssd": "Premium managed disks",
    "premium_ssd_v2": "Premium SSD V2 managed disks",
    "ultra": "Ultra disks",
}
BOOT_TYPES = {"bios": "BIOS", "efi": "EFI", "uefi": "EFI"}
SIZING_CRITERIA = {"performance_based": "VM performance data", "as_on_premises": "As on-premises"}
OFFERS = {"pay_as_you_go": "PAY AS YOU GO", "dev_test": "PAY AS YOU GO DEV/TEST"}
COMMITMENTS = {
    "none": "None",
    "reservation_1y": "1-year reserved",
    "reservation_3y": "3-year reserved",
    "savings_plan_1y": "1-year savings plan",
    "savings_plan_3y": "3-year savings plan",
}
HYBRID_BENEFITS = {"none": "none", "windows": "Windows", "windows_and_linux": "Windows and Linux"}
SCENARIOS = {
    "pay_as_you_go": "Pay as you go",
    "reservation_1y": "1-year reservation",
    "reservation_3y": "3-year reservation",
    "savings_plan_1y": "1-year savings plan",
    "savings_plan_3y": "3-year savings plan",
    "dev_test": "Dev/Test",
}
HYBRID_BENEFIT_SUFFIX = "_hybrid_benefit"
PRICE_PARTS = {"compute": "Compute", "storage": "Storage"}
MOVES_WITH = {
    "uptime_and_discount": "Uptime and discount",
    "discount": "Discount",
    "nothing": "Nothing",
    "discount_itself": "Is the discount",
}
FRESHNESS = {
    "current": "Current",
    "out_of_sync": "Out of sync: the group changed",
    "outdated": "Outdated: machines changed",
}
WINDOWS = {"1_day": "1 Day", "1_week": "1 Week", "1_month": "1 Month"}


def worded(words: dict[str, str], code: str | None) -> str | None:
    """The words for a code; a code we have no words for is shown readably rather than hidden."""
    if code is None:
        return None
    return words.get(code) or code.replace("_", " ").capitalize()


def scenario_words(code: str) -> str:
    """`3-year reservation, own licenses` for `reservation_3y_hybrid_benefit`."""
    words = worded(SCENARIOS, code.removesuffix(HYBRID_BENEFIT_SUFFIX)) or code
    return f"{words}, own licenses" if code.endswith(HYBRID_BENEFIT_SUFFIX) else words


def joined(texts: tuple[str, ...]) -> str | None:
    return ", ".join(texts) or None


def addresses(per_nic: tuple[tuple[str, ...], ...]) -> str | None:
    """`[10.0.0.4,fe80::1];[10.0.1.4];`: one bracket a nic, as the exports write it."""
    return "".join(f"[{','.join(nic)}];" for nic in per_nic) or None


def stars(count: int | None) -> str:
    if count is None:
        return NOT_APPLICABLE
    return f"{count}-Star" if count == 1 else f"{count}-Stars"


def factor(value: Decimal) -> str:
    """`1.3x`, without trailing zeros or an exponent."""
    return f"{value.normalize():f}x"
