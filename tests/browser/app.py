"""Serve the real app with an embedder that needs no model: what the browser tests drive."""

from __future__ import annotations

import sys
from functools import partial

from citewise import serve
from citewise.build import open_engine
from tests.fakes import HashEmbedder

if __name__ == "__main__":
    serve.open_engine = partial(open_engine, open_embedder=lambda _: HashEmbedder())
    serve.run(port=int(sys.argv[1]))
