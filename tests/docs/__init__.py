"""The parts of `docs/` that are made by the code that they describe: `python -m tests.docs` writes them anew.

`examples` says what is shown, `tables` asks the engine and lays it out. A test fails when a page is stale.
"""
