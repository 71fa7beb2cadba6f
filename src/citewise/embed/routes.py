"""Which way a model is run on this machine."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from citewise.embed.files import ModelFiles
from citewise.embed.onnx_session import Weights

Precision = Literal["int8", "bfloat16", "float32"]
"""What numbers a model calculates with: the same text gets other vectors with another one."""

PRECISIONS: tuple[Precision, ...] = ("int8", "bfloat16", "float32")

Accelerator = Literal["cuda", "mps"]

_NVIDIA = ("/dev/nvidiactl", "/dev/dxg")  # of Linux, and of Linux under Windows
_CONVERSION_NEEDS = ("onnx", "onnxruntime", "safetensors")


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides how fast a model runs."""

    vnni: bool  # multiplies bytes in one instruction
    bfloat16: bool  # multiplies bfloat16 in one instruction
    accelerator: Accelerator | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A way to run a model."""

    precision: Precision
    onnx: Weights | None  # on onnxruntime, with weights held in this way; ``None``: sentence-transformers
    accelerator: Accelerator | None = None  # for documents; with ``onnx``, questions stay on the CPU
    reason: str = ""  # why it is not what it ought to be

    def __str__(self) -> str:
        here = f"{self.precision} on {'onnxruntime' if self.onnx else 'sentence-transformers'}"
        if self.accelerator and self.onnx:
            here += f", documents on {self.accelerator}"
        elif self.accelerator:
            here += f", {self.accelerator}"
        return here + (f" ({self.reason})" if self.reason else "")


def choose_route(files: ModelFiles, machine: Machine, precision: Precision | None = None) -> Route:
    """Choose the fastest way that was measured.

    Args:
        files: The model. The bundled one runs on onnxruntime, every other one on sentence-transformers.
        machine: From ``this_machine``.
        precision: Of vectors that exist already and are to be searched; ``None`` leaves the choice open.
    """
    accelerator = machine.accelerator
    if files.bundled and all(find_spec(name) for name in _CONVERSION_NEEDS):
        if precision is None:
            precision = "int8" if machine.vnni and not accelerator else "float32"
        if precision == "int8":
            return Route("int8", "int8" if machine.vnni else "uint8")
        if precision == "float32":
            return Route("float32", "float32", accelerator)
    if precision is None:
        precision = "bfloat16" if machine.bfloat16 and not accelerator and not files.bundled else "float32"
    return Route(precision, None, accelerator)


@cache
def this_machine() -> Machine:
    """Look at processor and accelerator, without importing torch."""
    flags = _processor_flags()
    return Machine(
        vnni=bool(flags & {"avx512_vnni", "avx_vnni"}),
        bfloat16=bool(flags & {"avx512_bf16", "amx_bf16"}),
        accelerator=_accelerator(),
    )


def _processor_flags() -> set[str]:
    """Names as Linux has them; elsewhere none, and the model runs with float32."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())


def _accelerator() -> Accelerator | None:
    """What the installed build of torch can use, judged by files: importing torch takes seconds."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    if not any(Path(device).exists() for device in _NVIDIA):
        return None
    folder = _torch_folder()
    try:
        said = (folder / "version.py").read_text(encoding="utf-8") if folder else ""
    except OSError:
        return None
    return "cuda" if "cuda:" in said and "cuda: Optional[str] = None" not in said else None


def _torch_folder() -> Path | None:
    spec = find_spec("torch")
    return Path(spec.origin).parent if spec and spec.origin else None
