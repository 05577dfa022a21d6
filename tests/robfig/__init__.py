"""robfig/cron v3, the library that batch/v1 computes with, behind a small Go program. `program` builds and asks it."""
