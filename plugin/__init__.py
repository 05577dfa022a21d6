"""`kubectl dcron`: DistributedCronJobs from the command line.

It asks the API server and nothing else, never Redis and never a replica. What it knows of the field's words, of
schedules, statuses and Jobs, are the pure rooms of `controller`; it imports no other room of it.

`commands_*` are the command line; `cluster` is the only room that talks to the API server, `clock` the only one that
reads a clock. Between them stand rooms of values: what is shown (`listing`, `upcoming`, `firings`, `explanation`,
`shares`, `herd`), what is asked for (`asking`), what is read from files (`documents`, `lint`, `conversion`), and how a
CronJob of batch/v1 is taken over (`adoption`, done by `handover`).
"""
