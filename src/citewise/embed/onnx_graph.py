"""A BERT encoder with mean pooling, written down as an ONNX graph for one text at a time.

Built from the weights themselves: exporting with torch takes seconds and torch's memory, and what
makes the graph fast would have to be found again in what comes out. The choices and their figures
are in ``docs/decisions/0011-the-bundled-model-runs-on-onnxruntime.md``.

Run as a program with a folder and the kind of weights, it writes the model to standard output.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from citewise.embed.onnx_session import Weights, open_session

_CHANCE_LENGTHS = (4, 8, 8, 16, 16, 32, 32, 64, 64, 128, 128, 254)  # tokens
_BALANCE = 0.6  # how much of a large column goes from the values to the weights; 0.5 to 0.8 are level

_OPSET = 21
_IR = 10
_FUSED = "com.microsoft"  # onnxruntime's own operators

_Array = NDArray[Any]


class _Graph:
    """Collects nodes and constants; values are known by generated names."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, array: _Array) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        return self.add_many(kind, 1, *inputs, domain=domain, **attributes)[0]

    def add_many(self, kind: str, count: int, *inputs: str, domain: str = "", **attributes: Any) -> list[str]:
        outputs = [f"{kind}_{len(self.nodes)}_{number}" for number in range(count)]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs


def build_graph(folder: Path, weights: Weights) -> bytes:
    """Write down the model in ``folder`` for onnxruntime.

    Args:
        folder: A sentence-transformers model: a BERT encoder, the mean over its tokens, unit length.
        weights: How weights are held; with bytes, activations become bytes too while it runs.

    Returns:
        A serialised ONNX model: ``ids`` of shape ``(1, tokens)`` to ``vectors`` of shape ``(1, dimension)``.

    Raises:
        OSError: A file cannot be read.
        ValueError: The model is of another kind; so with ``KeyError`` where weights are missing.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config["model_type"] != "bert" or config["hidden_act"] != "gelu":
        raise ValueError(f"it is a {config['model_type']} model with {config['hidden_act']}, not BERT with gelu")
    tensors = load_file(folder / "model.safetensors")
    largest = {} if weights == "float32" else _largest_values(folder, tensors, config)
    return _Builder(tensors, config, weights, largest).model()


def _largest_values(folder: Path, tensors: dict[str, _Array], config: dict[str, Any]) -> dict[str, _Array]:
    """By name of what is multiplied: the largest value of each of its columns, over texts of chance words.

    A few columns are always ten times larger than the others, whatever the words are: chance words
    find them as well as abstracts do.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415 - not for float32

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    begin, end = tokenizer.encode("").ids
    builder = _Builder(tensors, config, "float32", {})
    session = open_session(builder.model(with_multiplied=True))
    random = np.random.default_rng(1)
    largest: dict[str, _Array] = {}
    for length in _CHANCE_LENGTHS:
        words = random.integers(config["vocab_size"], size=min(length, config["max_position_embeddings"] - 2))
        values = session.run(list(builder.multiplied.values()), {"ids": np.array([[begin, *words, end]])})
        for name, value in zip(builder.multiplied, values, strict=True):
            found = np.abs(value).max(axis=(0, 1))
            largest[name] = np.maximum(largest.get(name, found), found)
    return largest


class _Builder:
    """The parts of the encoder."""

    def __init__(
        self, tensors: dict[str, _Array], config: dict[str, Any], weights: Weights, largest: dict[str, _Array]
    ) -> None:
        self._tensors = {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}
        self._config = config
        self._weights = weights
        self._largest = largest
        self._graph = _Graph()
        self.multiplied: dict[str, str] = {}  # names in the graph, by names in the model

    def model(self, *, with_multiplied: bool = False) -> bytes:
        """The whole model, serialised; with what is ``multiplied`` as further outputs."""
        tokens = self.embed()
        for number in range(self._config["num_hidden_layers"]):
            tokens = self.layer(tokens, f"encoder.layer.{number}")
        model: bytes = self.finish(tokens, self.multiplied.values() if with_multiplied else ()).SerializeToString()
        return model

    def embed(self) -> str:
        """From ids to the sum of word, position and segment, the first segment for all."""
        graph = self._graph
        words = self._tensors["embeddings.word_embeddings.weight"]
        if self._weights == "float32":
            looked_up = graph.add("Gather", graph.constant(words), "ids")
        else:  # a scale for each word
            quantised, scales = _quantise(words.T)
            rows = graph.add("Gather", graph.constant(quantised.T), "ids")
            scale = graph.add("Gather", graph.constant(scales[:, None]), "ids")
            looked_up = graph.add("Mul", graph.add("Cast", rows, to=TensorProto.FLOAT), scale)
        positions = self._tensors["embeddings.position_embeddings.weight"]
        positions = positions + self._tensors["embeddings.token_type_embeddings.weight"][0]
        zero = graph.constant(np.array([0], dtype=np.int64))
        count = graph.add("Shape", "ids", start=1, end=2)
        placed = graph.add("Slice", graph.constant(positions), zero, count, zero)
        return self._normalise(graph.add("Add", looked_up, placed), "embeddings")

    def layer(self, tokens: str, name: str) -> str:
        graph = self._graph
        parts = [self._linear_of(f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
        weight, bias = (np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
        joined = self._linear(*self._balanced(f"{name}.attention.self", tokens, weight), bias)
        split = graph.add_many("Split", 3, joined, axis=-1, num_outputs=3)
        attended = graph.add("MultiHeadAttention", *split, domain=_FUSED, num_heads=self._config["num_attention_heads"])
        mixed = self._linear(attended, *self._linear_of(f"{name}.attention.output.dense"))
        tokens = self._add_and_normalise(tokens, mixed, f"{name}.attention.output")
        weight, bias = self._linear_of(f"{name}.intermediate.dense")
        wide = self._linear(*self._balanced(f"{name}.intermediate", tokens, weight), bias)
        narrow = self._linear_by_token(graph.add("Gelu", wide, domain=_FUSED), *self._linear_of(f"{name}.output.dense"))
        return self._add_and_normalise(tokens, narrow, f"{name}.output")

    def finish(self, tokens: str, others: Iterable[str]) -> ModelProto:
        graph = self._graph
        mean = graph.add("ReduceMean", tokens, graph.constant(np.array([1], dtype=np.int64)), keepdims=0)
        graph.nodes.append(helper.make_node("LpNormalization", [mean], ["vectors"], axis=-1, p=2))
        return helper.make_model(
            helper.make_graph(
                graph.nodes,
                "encoder",
                [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
                [
                    helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [1, self._config["hidden_size"]]),
                    *(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in others),
                ],
                graph.constants,
            ),
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)],
            ir_version=_IR,
        )

    def _linear_of(self, name: str) -> tuple[_Array, _Array]:
        return self._tensors[f"{name}.weight"].T, self._tensors[f"{name}.bias"]

    def _balanced(self, name: str, value: str, weight: _Array) -> tuple[str, _Array]:
        """Divide the large columns of a value and multiply their weights, so that bytes fit both.

        That is SmoothQuant (Xiao et al., ICML 2023), with the division left in the graph.
        """
        self.multiplied[name] = value
        if name not in self._largest:
            return value, weight
        theirs = np.maximum(np.abs(weight).max(axis=1), 1e-5)
        factor = (np.maximum(self._largest[name], 1e-5) ** _BALANCE / theirs ** (1 - _BALANCE)).astype(np.float32)
        return self._graph.add("Mul", value, self._graph.constant(1 / factor)), weight * factor[:, None]

    def _linear(self, value: str, weight: _Array, bias: _Array) -> str:
        """``value @ weight + bias``, for a weight of shape ``(in, out)``."""
        graph = self._graph
        if self._weights == "float32":
            return graph.add("Add", graph.add("MatMul", value, graph.constant(weight)), graph.constant(bias))
        constants = [graph.constant(array) for array in (*self._bytes(weight), bias)]
        return graph.add("DynamicQuantizeMatMul", value, *constants, domain=_FUSED)

    def _linear_by_token(self, value: str, weight: _Array, bias: _Array) -> str:
        """As ``_linear``, but with a scale of ``value``'s bytes for each token, not one for all.

        For what comes out of GELU, where a few tokens are many times larger than the others: half of
        all that bytes lose is lost there, for a thirtieth of the time.
        """
        graph = self._graph
        if self._weights == "float32":
            return self._linear(value, weight, bias)
        one, middle = graph.constant(np.array(1, dtype=np.float32)), graph.constant(np.array(128, dtype=np.uint8))
        axis = graph.constant(np.array([-1], dtype=np.int64))
        largest = graph.add("ReduceMax", graph.add("Abs", value), axis, keepdims=1)
        scale = graph.add("Mul", largest, graph.constant(np.array(1 / 127, dtype=np.float32)))
        rows = graph.add("QuantizeLinear", graph.add("Div", value, scale), one, middle)
        weights, scales, zero = (graph.constant(array) for array in self._bytes(weight))
        product = graph.add("MatMulIntegerToFloat", rows, weights, one, scales, middle, zero, domain=_FUSED)
        return graph.add("Add", graph.add("Mul", product, scale), graph.constant(bias))

    def _bytes(self, weight: _Array) -> tuple[_Array, _Array, _Array]:
        """A weight as bytes, its scales, and which byte stands for zero, the last two by column."""
        quantised, scales = _quantise(weight)
        zero = np.zeros(len(scales), dtype=np.int8)
        if self._weights == "uint8":
            return _unsigned(quantised), scales, _unsigned(zero)
        return quantised, scales, zero

    def _add_and_normalise(self, value: str, other: str, name: str) -> str:
        # Not onnxruntime's SkipLayerNormalization, which is ten times slower than the two nodes.
        return self._normalise(self._graph.add("Add", value, other), name)

    def _normalise(self, value: str, name: str) -> str:
        graph = self._graph
        scale, bias = (graph.constant(self._tensors[f"{name}.LayerNorm.{part}"]) for part in ("weight", "bias"))
        return graph.add("LayerNormalization", value, scale, bias, axis=-1, epsilon=self._config["layer_norm_eps"])


def _quantise(weight: _Array) -> tuple[_Array, _Array]:
    """Bytes and their scale by column: ``weight`` is about ``bytes * scales``."""
    scales = (np.abs(weight).max(axis=0) / 127).astype(np.float32)
    scales[scales == 0] = 1
    return np.rint(weight / scales).astype(np.int8), scales


def _unsigned(quantised: _Array) -> _Array:
    return (quantised.astype(np.int16) + 128).astype(np.uint8)


def main() -> None:
    """Convert, in a process that does only this."""
    model = build_graph(Path(sys.argv[1]), cast(Weights, sys.argv[2]))
    open_session(model)  # a graph that onnxruntime refuses is none
    sys.stdout.buffer.write(model)


if __name__ == "__main__":
    main()
