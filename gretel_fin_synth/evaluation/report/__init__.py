"""Render evaluations: from their data, and nothing else, to one HTML page each."""

from __future__ import annotations

from gretel_fin_synth.evaluation.report._comparison import render_comparison
from gretel_fin_synth.evaluation.report._render import framed, notebook_html, render

__all__ = ["framed", "notebook_html", "render", "render_comparison"]
