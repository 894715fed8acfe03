"""Judge a synthetic transaction table beside the real one: similarity, integrity, privacy, and a report."""
