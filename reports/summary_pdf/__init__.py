"""The executive summary of one run as a PDF of three or four pages. Imports no Django."""

from reports.summary_pdf.document import write_pdf

__all__ = ["write_pdf"]
