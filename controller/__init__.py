"""DistributedCronJob: cron for Kubernetes whose schedules are shared by several controller replicas.

Read `reconciler` first, then `ports`, then `decision`. A `DistributedCronJob` has a schedule; its key has an owning
node on the ring; the owning node decides what the schedule asks for now, creates one Job under the firing's name,
records the firing, and says when to look again.
"""

__version__ = "0.1.0"
