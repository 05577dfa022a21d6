"""What is made of the Helm chart or for it: `python -m deploy.chart write` makes it, tests say if it is stale.

`crd` copies the definition of the API, `table` makes the README's table of the comments in `values.yaml`, `manifests`
makes the base in `deploy/kustomize` of what the chart renders, `pinned` puts the image of a release into its values.
"""
