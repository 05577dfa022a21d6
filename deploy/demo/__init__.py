"""``python -m deploy.demo``: three replicas on a real control plane, one of them killed, every instant counted.

The demo believes nothing that the operator says of itself. What must fire is computed here anew (`controller` is never
imported); what did fire is read from the API server's own record. Its exit status is the verdict.

The rooms, in the order of the story:

* ``schedules.yaml``: what is applied beside the examples.
* ``objects``: the objects as the API server holds them.
* ``expected``: the instants that their schedules ask for.
* ``jobwatch``, ``auditlog``: the two records of Jobs; ``evidence`` joins them.
* ``scene``: one moment of the demo, as a value; ``table`` and ``lines`` show it, on a terminal and elsewhere.
* ``course``: apply, follow, kill, end.
* ``verdict``, ``summary``: what was due held against what was fired; how that is told.
"""
