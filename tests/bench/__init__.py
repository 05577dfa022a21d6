"""What things cost: `make bench`. Machines differ, so each figure stands beside one of the same run.

`python -m tests.bench` is the schedule engine alone: `measures` takes the times, the command prints them.

`python -m tests.bench.herd` is who makes Jobs, when all are due at one second: a client that only posts them, which is
the limit, batch/v1's own controller, and replicas of this project. `bodies` says what is made, the same in every arm;
`arena` is where an arm runs, `arms` is what it does; `poster` sends.

`python -m tests.bench.failover` is what a death and a join cost dcron, the Go library, and this project: `library` runs
the program in `dcron/`, `contenders` are both, `gaps` counts; `calls` is a herd of the library alone.
"""
