"""Summaries as PDF of two to four pages: of one run, of a difference, of several assessments. Imports no Django."""

from reports.summary_pdf.difference import write_difference_pdf
from reports.summary_pdf.document import write_pdf
from reports.summary_pdf.project import write_project_pdf

__all__ = ["write_difference_pdf", "write_pdf", "write_project_pdf"]
