"""The soak: an hour of a thousand objects on real processes, with churn and rolling restarts; `make soak MINUTES=60`.

It shows what minutes cannot: memory, file descriptors and tasks that grow (L6 of the invariants), and rare wrongs. One
replica, the kept one, lives through the whole run: its memory is what the slope is taken of. The checker judges the
run window by window (`windows`), as an hour of evidence is too much to be held at once.

`churn` plays the authors, `restarts` the rolling update, `samples` measures the replicas, `slope` and `picture` are
pure, `course` has the order of things, `figures` is what is told at the end.
"""
