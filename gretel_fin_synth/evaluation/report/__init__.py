"""The report: one HTML page made from :meth:`Evaluation.to_dict`. It renders, and computes no measure."""

from __future__ import annotations

from gretel_fin_synth.evaluation.report._render import notebook_html, render

__all__ = ["notebook_html", "render"]
