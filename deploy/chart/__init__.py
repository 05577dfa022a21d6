"""What of the Helm chart is made from other files: `python -m deploy.chart write` makes it, tests say if it is stale.

`crd` copies the definition of the API, `table` makes the README's table of the comments in `values.yaml`.
"""
