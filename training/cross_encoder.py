"""Trains a small cross-encoder: ``python training/cross_encoder.py --from DIR --out FOLDER --sources DIR SET…``.

DIR is what ``candidates.py`` wrote for the SETs; ``NAME:half`` trains on the half that ``reranker.py`` fits on and
keeps the other for reports. It starts from the weights of the bundled embedding model. A group is a question with
one right passage and ``--negatives`` of those that our own hybrid search put near the top and nobody marked as
right; the loss is the cross-entropy of the right one. With an accelerator it computes in bfloat16 there; on two
cores about 3 pairs go through in a second, which is for trying it out.

FOLDER gets the model as sentence-transformers reads it (``CITEWISE_SEARCH__RERANKER=cross-encoder:FOLDER``),
``model.int8.onnx`` (dynamic, per channel; about 23 MB), and ``README.md``, a card that names the sets with the
licences of their ``SOURCE.md`` below ``--sources``. At the end nDCG@10 of the first ``--read`` candidates in the
order of fusion, of the built-in reranker and of the new model is printed for the halves kept, and ``--report`` sets.
It ships only where it gains two points on average over the built-in one.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reranker import Asked, lines, measured, order, read
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from citewise.embed.files import read_model
from citewise.retrieve.rerank import WEIGHTS

TOKENS = 256  # question and passage together
SEED = 1


@dataclass(frozen=True, slots=True)
class Group:
    """A question with passages, the right one first."""

    question: str
    passages: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--from", type=Path, required=True, metavar="DIR", dest="folder")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--sources", type=Path, required=True, metavar="DIR", help="holds the sets' own folders")
    parser.add_argument("--report", nargs="*", default=[], metavar="SET")
    parser.add_argument("--negatives", type=int, default=7)
    parser.add_argument("--batch", type=int, default=16, help="groups in a step")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--groups", type=int, help="train on so many, at most; to try it out")
    parser.add_argument("--questions", type=int, help="report so many of each set, at most; to try it out")
    parser.add_argument("--read", type=int, default=30, help="candidates that the model reads")
    given = parser.parse_args()
    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311 - no secret
    groups = [group for name in given.sets for group in groups_of(given.folder, name, given.negatives, chance)]
    chance.shuffle(groups)
    groups = groups[: given.groups]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    start = str(read_model("all-MiniLM-L6-v2").folder)
    tokenizer = AutoTokenizer.from_pretrained(start)
    model = AutoModelForSequenceClassification.from_pretrained(start, num_labels=1, attn_implementation="eager")
    model.to(device)
    print(f"{len(groups)} groups of {given.negatives + 1} on {device}", flush=True)
    train(model, tokenizer, groups, batch=given.batch, epochs=given.epochs, rate=given.rate)
    model.eval().to("cpu")
    model.save_pretrained(given.out)
    tokenizer.save_pretrained(given.out)
    export(model, tokenizer, given.out / "model.int8.onnx")
    score = onnx_scorer(given.out / "model.int8.onnx", tokenizer)
    kept = [name for name in given.sets if name.endswith(":half")] + given.report
    table = report(given.folder, kept, score, read_most=given.read, questions=given.questions)
    print(table)
    (given.out / "README.md").write_text(card(given, len(groups), table), encoding="utf-8")


def groups_of(folder: Path, name: str, negatives: int, chance: random.Random) -> Iterator[Group]:
    """Yield a group for every right passage that was found for a question of a set."""
    texts = texts_of(folder, name)
    for asked in read(folder, name, 50, half=0):
        ranked = [chunk_id for chunk_id, _ in asked.rankings["fused"]]
        right = [chunk_id for chunk_id in ranked if asked.unit_of[chunk_id] in asked.units]
        wrong = [chunk_id for chunk_id in ranked if asked.unit_of[chunk_id] not in asked.units]
        for chunk_id in right[:4]:
            if len(wrong) >= negatives:
                yield Group(asked.question, tuple(texts[one] for one in [chunk_id, *chance.sample(wrong, negatives)]))


def texts_of(folder: Path, name: str) -> dict[str, str]:
    """The texts of a set's chunks as rerankers get them: title and headings before the text."""
    chunks = lines(folder / f"{name.partition(':')[0]}.chunks.jsonl")
    return {one["id"]: f"{one['context']}\n{one['text']}" if one["context"] else one["text"] for one in chunks}


def train(model: Any, tokenizer: Any, groups: Sequence[Group], *, batch: int, epochs: int, rate: float) -> None:
    """Train in place."""
    device = next(model.parameters()).device
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    steps = epochs * math.ceil(len(groups) / batch)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
    )
    model.train()
    for epoch in range(epochs):
        mixed = torch.randperm(len(groups)).tolist()
        for first in range(0, len(groups), batch):
            own = [groups[place] for place in mixed[first : first + batch]]
            pairs = [(group.question, passage) for group in own for passage in group.passages]
            inputs = encode(tokenizer, pairs).to(device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
                scores = model(**inputs).logits.view(len(own), -1)
            loss = torch.nn.functional.cross_entropy(
                scores.float(), torch.zeros(len(own), dtype=torch.long, device=device)
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            if (first // batch) % 50 == 0:
                print(f"epoch {epoch + 1}, {first + len(own)} of {len(groups)}: loss {loss.item():.3f}", flush=True)


def encode(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> Any:
    """Pairs of question and passage as tensors; of a pair that is too long the passage is cut."""
    questions, passages = zip(*pairs, strict=True)
    return tokenizer(
        list(questions),
        list(passages),
        truncation="longest_first",
        max_length=TOKENS,
        padding=True,
        return_tensors="pt",
        return_token_type_ids=True,
    )


def export(model: Any, tokenizer: Any, path: Path) -> None:
    """Write the model for onnxruntime, weights as bytes."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - at the end only

    names = ["input_ids", "attention_mask", "token_type_ids"]
    inputs = encode(tokenizer, [("a question", "a passage"), ("another question", "a longer passage than that")])

    class Scores(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits[
                :, 0
            ]

    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            Scores(),
            tuple(inputs[name] for name in names),
            str(plain),
            input_names=names,
            output_names=["scores"],
            dynamic_axes={**{name: {0: "pairs", 1: "tokens"} for name in names}, "scores": {0: "pairs"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(plain, path, per_channel=True, weight_type=QuantType.QInt8)


def onnx_scorer(path: Path, tokenizer: Any) -> Callable[[Sequence[tuple[str, str]]], list[float]]:
    """What is exported is what is measured."""
    import onnxruntime  # noqa: PLC0415 - at the end only

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def score(pairs: Sequence[tuple[str, str]]) -> list[float]:
        # One pair at a time: what a pair is padded with would change the scales of its bytes.
        found = [
            session.run(["scores"], {k: v.numpy() for k, v in encode(tokenizer, [pair]).items()}) for pair in pairs
        ]
        return [float(scores[0]) for (scores,) in found]

    return score


def report(
    folder: Path,
    names: Sequence[str],
    score: Callable[[Sequence[tuple[str, str]]], list[float]],
    *,
    read_most: int,
    questions: int | None,
) -> str:
    """nDCG@10 as a table, for the halves of sets that nothing was trained on."""
    rows = ["| nDCG@10 | questions | fused | linear | this |", "|---|---|---|---|---|"]
    now = np.array(list(WEIGHTS.values()))
    for name in names:
        texts = texts_of(folder, name)
        asked = read(folder, name, 50, half=1)[:questions]
        values = [
            [measured(one, ranked, "ndcg@10") for ranked in orders(one, texts, now, score, read_most)] for one in asked
        ]
        means = " | ".join(f"{value:.3f}" for value in np.mean(values, axis=0))
        rows.append(f"| {name} | {len(asked)} | {means} |")
    return "\n".join(rows)


def orders(
    asked: Asked,
    texts: Mapping[str, str],
    weights: np.ndarray[Any, Any],
    score: Callable[[Sequence[tuple[str, str]]], list[float]],
    read_most: int,
) -> list[list[str]]:
    """Chunk ids as fusion, the built-in reranker and the model order them; the model reads what that put first."""
    linear = order(asked, "now", weights, weights)
    first = linear[:read_most]
    scores = score([(asked.question, texts[chunk_id]) for chunk_id in first])
    best = [chunk_id for _, chunk_id in sorted(zip(scores, first, strict=True), key=lambda pair: -pair[0])]
    return [order(asked, "fused", weights, weights), linear, best + linear[read_most:]]


def card(given: argparse.Namespace, groups: int, table: str) -> str:
    """The model card: where it comes from, what it was trained on, what it is worth."""
    data = []
    for name in given.sets:
        for part in name.partition(":")[0].split("+"):
            source = given.sources / part / "SOURCE.md"
            said = source.read_text(encoding="utf-8").splitlines() if source.is_file() else []
            about = " ".join(line for line in said if line.startswith(("Source:", "Licence:")))
            half = ", one half of the questions" if name.endswith(":half") else ""
            data.append(f"- {part}{half}: {about or 'no SOURCE.md found'}")
    listed = "\n".join(data)
    return (
        "# A small cross-encoder for Citewise\n\n"
        "Scores a question and a passage together. Fine-tuned from sentence-transformers/all-MiniLM-L6-v2\n"
        f"(Apache-2.0) by `training/cross_encoder.py`: {groups} groups of a right passage and {given.negatives} hard\n"
        f"negatives from Citewise's hybrid search, {given.epochs} epochs,\n"
        f"{given.batch} groups a step, rate {given.rate}.\n\n"
        f"Data:\n\n{listed}\n\n{table}\n\n"
        "Measured with `model.int8.onnx` on questions that it was not trained on. English only.\n"
    )


if __name__ == "__main__":
    main()
