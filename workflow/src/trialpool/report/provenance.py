"""`make sbom` calls the bill of materials by this name; see `provenance.bill`."""

import sys

from trialpool.provenance.bill import main

if __name__ == "__main__":
    main(sys.argv[1:])
