"""CLIP's tokenizer and text model as an encoder."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.configurations import FLAG, Rule, check_fields, either, many, number, one_of, read_json, text, whole
from limn.io.files import open_file
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.predictor import Ask, Conditioning
from limn.networks.token_embeddings import expand, expansions, learned_token

_MAX_VOCABULARY: Final = 16 * 2**20
_TOKEN: Final = either(text(100), Rule("a token", lambda value: isinstance(value, dict) and "content" in value))
_ANYTHING: Final = Rule("any text, number, list or object", lambda value: True)
_TOKENIZER: Final[Mapping[str, Rule]] = {
    "add_bos_token": FLAG,
    "add_prefix_space": FLAG,
    "added_tokens_decoder": _ANYTHING,  # says again what the other fields and the vocabulary say; not used
    "backend": text(40),
    "bos_token": _TOKEN,
    "clean_up_tokenization_spaces": FLAG,
    "do_lower_case": one_of(True),
    "eos_token": _TOKEN,
    "errors": text(40),
    "extra_special_tokens": one_of({}, []),
    "is_local": FLAG,
    "local_files_only": FLAG,
    "model_max_length": number(4, 1e31),
    "name_or_path": text(),
    "pad_token": _TOKEN,
    "special_tokens_map_file": either(text(), one_of(None)),
    "tokenizer_class": one_of("CLIPTokenizer", "CLIPTokenizerFast"),
    "tokenizer_file": either(text(), one_of(None)),
    "unk_token": _TOKEN,
}
_SPECIAL: Final[Mapping[str, Rule]] = {
    "additional_special_tokens": many(_TOKEN),
    "bos_token": _TOKEN,
    "eos_token": _TOKEN,
    "pad_token": _TOKEN,
    "unk_token": _TOKEN,
}


def find_tokenizer(folder: Path) -> Path | None:
    """Return the folder that holds CLIP's vocabulary: ``folder`` itself or ``tokenizer`` in it."""
    for each in (folder / "tokenizer", folder):
        if (each / "vocab.json").is_file() or (each / "tokenizer.json").is_file():
            return each
    return None


def read_tokenizer(folder: Path, *, size: int, limit: int, pad: str | None = None) -> Any:
    """Build CLIP's tokenizer from its files.

    Args:
        folder: Holds ``vocab.json`` and ``merges.txt``, or ``tokenizer.json``.
        size: Rows of the text model's token table.
        limit: Most tokens a prompt may have, the two at its ends among them.
        pad: The token that fills short prompts up; ``None`` for what the files say.

    Returns:
        A ``transformers.CLIPTokenizer``.

    Raises:
        WeightsError: a file is missing or damaged, or the vocabulary does not fit the text model.
    """
    from transformers import CLIPTokenizer

    vocabulary, merges = _vocabulary(folder)
    names = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    names["pad_token"] = "<|endoftext|>"
    for file, rules in (("special_tokens_map.json", _SPECIAL), ("tokenizer_config.json", _TOKENIZER)):
        if (folder / file).exists():
            fields = read_json(folder / file)
            check_fields(folder / file, fields, rules)
            names.update({name: _content(fields[name]) for name in names if name in fields})
    names["pad_token"] = pad or names["pad_token"]
    unknown = [token for token in names.values() if token not in vocabulary]
    if unknown or max(vocabulary.values()) >= size:
        why = f"{unknown[0]!r} is not in it" if unknown else f"it has more than the text model's {size:,} tokens"
        raise WeightsError(f"{folder}: the vocabulary does not fit ({why}); use the tokenizer of this model")
    try:
        return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=limit, **names)
    except Exception as error:  # the Rust library raises bare exceptions
        reason = (str(error).splitlines() or [""])[0][:100]
        raise WeightsError(f"{folder}: the vocabulary is damaged ({reason}); get it again") from None


class ClipEncoder:
    """CLIP's text model behind our encoder.

    Args:
        tokenizer: A ``transformers.CLIPTokenizer``.
        model: A ``transformers.CLIPTextModel``.
        limit: Tokens a prompt is cut or filled up to, the two at its ends among them.
        learned: Vectors (n, width) of further words; each stands in a text as n tokens; ids follow the table's.
    """

    def __init__(self, tokenizer: Any, model: Any, limit: int, learned: Mapping[str, Tensor] | None = None) -> None:
        self.tokenizer, self.model, self.limit, self.learned = tokenizer, model, limit, dict(learned or {})
        size = model.get_input_embeddings().num_embeddings
        self._expanded = expansions(tokenizer.convert_tokens_to_ids, self.learned, size)

    @property
    def width(self) -> int:
        """Length of a word's vector."""
        return int(self.model.get_input_embeddings().embedding_dim)

    def knowing(self, words: Mapping[str, Tensor]) -> ClipEncoder:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
        tokenizer = copy.deepcopy(self.tokenizer)
        tokenizer.add_tokens([learned_token(word) for word in words])
        return ClipEncoder(tokenizer, self.model, self.limit, {**self.learned, **words})

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the hidden states (asks, limit, width) of the texts; a dropped text is the empty one.

        Slopes reach what learns: vectors of learned words, changes to the text model's layers.

        Raises:
            InputError: If a prompt has pictures.
        """
        if any(ask.prompt.images for ask in asks):
            raise InputError("prompt: this model reads text only; leave the pictures out")
        texts = ["" if "text" in ask.drop else ask.prompt.text for ask in asks]
        places = {each: place for place, each in enumerate(dict.fromkeys(texts))}
        rows = [self._padded(each) for each in places]
        ids = torch.tensor([own for own, _, _ in rows])
        mask = torch.tensor([[k < real for k in range(self.limit)] for _, _, real in rows])
        with self._reading_learned():
            hidden = self.model(ids.to(self.model.device))[0]
        return Conditioning(hidden, mask.to(hidden.device)).pick([places[each] for each in texts])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token; (0, 0) for the ends and the padding."""
        return self._padded(text)[1]

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        past = self._tokens(text)[1][self.limit - 2 :]
        return text[past[0][0] :] if past else ""

    def _tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Return the ids of a text's own tokens, and the characters behind each."""
        # Not verbose: the library would log a warning of its own about the length.
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return expand(found["input_ids"], [(start, end) for start, end in found["offset_mapping"]], self._expanded)

    def _padded(self, text: str) -> tuple[list[int], list[tuple[int, int]], int]:
        """Return the ids and characters of a text between its ends, filled up, and how many are no filling."""
        ids, spans = self._tokens(text)
        known = self.tokenizer
        row = [known.bos_token_id, *ids[: self.limit - 2], known.eos_token_id]
        empty = self.limit - len(row)
        ends = [(0, 0)] * (1 + empty)
        return row + [known.pad_token_id] * empty, [(0, 0), *spans[: self.limit - 2], *ends], len(row)

    @contextmanager
    def _reading_learned(self) -> Iterator[None]:
        """Let ids that follow the table's stand for the learned vectors while the model reads."""
        table = self.model.get_input_embeddings()
        if not self.learned:
            yield
            return
        size = table.num_embeddings
        learned = torch.cat([vectors.to(table.weight) for vectors in self.learned.values()])
        kept: list[Tensor] = []

        def before(module: Any, inputs: tuple[Tensor]) -> tuple[Tensor]:
            kept.append(inputs[0])
            return (inputs[0].clamp(max=size - 1),)

        def after(module: Any, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            own = kept.pop() - size
            return torch.where(own[..., None] >= 0, learned[own.clamp(min=0)], output)

        with ExitStack() as stack:
            stack.callback(table.register_forward_pre_hook(before).remove)
            stack.callback(table.register_forward_hook(after).remove)
            yield


def _content(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _vocabulary(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Read the pieces of words and which of them are joined, from the old files or the new one."""
    vocabulary: Any
    merges: Any
    if (folder / "vocab.json").is_file():
        vocabulary = read_json(folder / "vocab.json", limit=_MAX_VOCABULARY)
        with open_file(folder / "merges.txt") as file:
            lines = file.read(_MAX_VOCABULARY).decode("utf-8", "replace").splitlines()
        merges = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    else:
        model = read_json(folder / "tokenizer.json", limit=_MAX_VOCABULARY).get("model")
        vocabulary, merges = (model.get("vocab"), model.get("merges")) if isinstance(model, dict) else ({}, [])
    ids = whole(0, 10**6)
    if not (isinstance(vocabulary, dict) and vocabulary and all(map(ids.allows, vocabulary.values()))):
        raise WeightsError(f"{folder}: the vocabulary is damaged; get the tokenizer's files again")
    pairs = [each.split(" ") if isinstance(each, str) else each for each in merges or []]
    if not all(isinstance(each, list) and len(each) == 2 and set(map(type, each)) == {str} for each in pairs):
        raise WeightsError(f"{folder}: the merges are damaged; get the tokenizer's files again")
    return vocabulary, [(left, right) for left, right in pairs]
