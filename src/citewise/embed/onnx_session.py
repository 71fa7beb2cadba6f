"""How an ONNX model is opened, and in which forms its weights may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Weights = Literal["float32", "int8", "uint8"]
"""``int8`` and ``uint8`` hold the same numbers, for processors with and without VNNI: without it
the product of unsigned and signed bytes overflows, which it does not between unsigned ones."""


def open_session(model: bytes) -> InferenceSession:
    """Open a model in this process, for calls that each run on one thread."""
    import onnxruntime  # noqa: PLC0415 - loaded when first needed

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # texts run beside each other, which needs no waiting inside of one
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Beyond this, onnxruntime joins nodes to its slower SkipLayerNormalization.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
