"""The command line.

Results go to standard output, everything else to standard error. Modules of this package
load what they need when a command runs: ``citewise --help`` imports no framework.
"""

from citewise.cli.main import main

__all__ = ["main"]
