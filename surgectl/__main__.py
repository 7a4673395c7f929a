"""`python -m surgectl` is `surgectl`."""

from surgectl.cli.main import main

main()
