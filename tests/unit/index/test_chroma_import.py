from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_an_index_is_opened_without_grpc_and_nobody_else_is_kept_from_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from citewise.index.chroma import ChromaIndex;"
        f"index = ChromaIndex(Path({str(tmp_path / 'chroma')!r}), dimension=4, create=True);"
        "print('grpc' in sys.modules, index.count()); index.close();"
        "import opentelemetry.exporter.otlp.proto.grpc.trace_exporter as real;"
        "print(real.OTLPSpanExporter.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False 0", "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"]
