"""What the project brings along from others: `python -m deploy.supply sbom FILE` lists it, `audit` asks what is known.

`lock` reads a lock file, `sbom` writes it as CycloneDX, `audit` runs pip-audit over it and judges what that says.
"""
