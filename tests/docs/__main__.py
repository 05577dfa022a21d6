"""`python -m tests.docs`: write the tables of the page anew."""

from __future__ import annotations

from tests.docs.tables import PAGE, filled

if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
