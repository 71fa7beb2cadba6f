"""Ask questions of your own documents and check every sentence of the answer."""

__version__ = "0.1.0"
