"""With how many decimals amounts in a currency are written. The one table of it; the amounts themselves stay exact."""

# ISO 4217, "minor units": currencies that have other than two decimals.
MINOR_UNITS = {
    **dict.fromkeys(
        (
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


def minor_units(currency: str) -> int:
    """Digits behind the point of amounts in a currency, by its code of three letters; 2 where it is not known."""
    return MINOR_UNITS.get(currency, 2)
