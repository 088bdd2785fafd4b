"""A tenant's own workbook, filled: names and tables of ours in it get values, all else stays. Imports no Django."""
