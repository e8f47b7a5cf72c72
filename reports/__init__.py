"""The Danish report of a run: one self-contained HTML file, built from `release.*` alone."""

from reports.write import render, write_report

__all__ = ["render", "write_report"]
