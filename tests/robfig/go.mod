// The library that batch/v1 computes its schedules with, so that the tests can ask it. A module of its own, which needs
// nothing else.
module dcron.io/tests/robfig

go 1.26.0

require github.com/robfig/cron/v3 v3.0.1
