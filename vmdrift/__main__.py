"""`python -m vmdrift`."""

from vmdrift.cli import main

if __name__ == "__main__":
    main()
