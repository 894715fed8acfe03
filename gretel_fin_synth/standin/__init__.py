"""Where transactions come from when no bank's table is at hand.

A simulator of customers and their money, or Gretel's Navigator.
"""

from __future__ import annotations

from gretel_fin_synth.standin._make import make_transactions
from gretel_fin_synth.standin._navigate import navigate_transactions

__all__ = ["make_transactions", "navigate_transactions"]
