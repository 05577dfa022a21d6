"""What the schedule engine costs, beside its goals: `python -m tests.bench`, or `make bench`.

`measures` takes the times, the command prints them. Nothing fails here: machines differ, so each figure stands beside a
plain reference of the same run.
"""
