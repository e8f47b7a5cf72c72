"""The Danish reports of a run and of the quality of data: self-contained HTML files, built from `release.*` alone."""

from reports.write import render, write_quality, write_report

__all__ = ["render", "write_quality", "write_report"]
