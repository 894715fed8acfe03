"""Where transactions come from when no bank's table is at hand: a simulator of customers and their money."""

from __future__ import annotations

from gretel_fin_synth.standin._make import make_transactions

__all__ = ["make_transactions"]
