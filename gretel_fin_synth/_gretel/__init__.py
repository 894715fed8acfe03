"""What the Gretel backend and the Navigator share: keys, the session, the transport, the errors.

Only here and in ``training/gretel`` is ``gretel_client`` imported, and always late. In the order of use:
``connection`` (what a user may set), ``keys`` (where the key comes from), ``client`` (importing the package
without its side effects), ``transport`` (time-outs, retries, deadlines for every request), ``session`` (the
one hook into the client), ``faults`` (from replies to errors), ``service`` (a project and its jobs) and
``navigator`` (rows from a prompt).
"""
