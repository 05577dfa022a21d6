"""The demonstration: three real replicas on a real control plane, one killed half-way, every instant counted.

It imports nothing of the controller: what must have fired is computed anew in `expected`, what has fired is read from
the API server's own audit log in `evidence`, and `verdict` holds the one against the other. `stage` makes it happen,
`screen` shows it.
"""
