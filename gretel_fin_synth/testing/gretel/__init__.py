"""A stand-in for Gretel's service, on this machine only: for tests without network and without a key.

It speaks the part of the protocol that ``gretel_client`` 0.30.1 speaks when it opens a project, trains a
model, draws records, reads files, and uses Navigator. How faithful it is stands in the documentation, under
*The fake service*; in short: to what the client reads, and no further. It never says anything about the live
service.

In the order of a request: ``server`` (HTTP, and the faults that a test asks for), ``api`` (which path does
what), ``jobs`` (states and logs), ``outputs`` (records and reports), ``streams`` (Navigator).
"""

from __future__ import annotations

from gretel_fin_synth.testing.gretel.fake import FakeGretel
from gretel_fin_synth.testing.gretel.server import Request

__all__ = ["FakeGretel", "Request"]
