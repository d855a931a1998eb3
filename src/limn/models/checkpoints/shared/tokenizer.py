"""CLIP's tokenizer, from its files in any of the formats that it was ever saved in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from limn.io.configurations import FLAG, Rule, check_fields, either, many, number, one_of, read_json, text, whole
from limn.io.files import open_file
from limn.kernel.errors import WeightsError

_MAX_VOCABULARY: Final = 16 * 2**20
_TOKEN: Final = either(text(100), Rule("a token", lambda value: isinstance(value, dict) and "content" in value))
_ANYTHING: Final = Rule("any text, number, list or object", lambda value: True)
_TOKENIZER: Final[Mapping[str, Rule]] = {
    "add_bos_token": FLAG,
    "add_prefix_space": FLAG,
    "added_tokens_decoder": _ANYTHING,  # its tokens are checked one by one
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
_TRAITS: Final = ("single_word", "lstrip", "rstrip", "normalized", "special")
_SPECIAL: Final[Mapping[str, Rule]] = {
    "additional_special_tokens": many(_TOKEN),
    "bos_token": _TOKEN,
    "eos_token": _TOKEN,
    "pad_token": _TOKEN,
    "unk_token": _TOKEN,
}


def find_tokenizer(folder: Path) -> Path | None:
    """Return the folder that holds CLIP's vocabulary: ``folder`` itself, or a tokenizer's in it."""
    for each in (folder / "tokenizer", folder / "tokenizer_2", folder):
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
    added = {token: own for token, own in _added(folder).items() if token not in vocabulary}
    names = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    names["pad_token"] = "<|endoftext|>"
    for file, rules in (("special_tokens_map.json", _SPECIAL), ("tokenizer_config.json", _TOKENIZER)):
        if (folder / file).exists():
            fields = read_json(folder / file)
            check_fields(folder / file, fields, rules)
            names.update({name: _content(fields[name]) for name in names if name in fields})
    names["pad_token"] = pad or names["pad_token"]
    unknown = [token for token in names.values() if token not in vocabulary and token not in added]
    if unknown or max([*vocabulary.values(), *(int(own["id"]) for own in added.values())]) >= size:
        why = f"{unknown[0]!r} is not in it" if unknown else f"it has more than the text model's {size:,} tokens"
        raise WeightsError(f"{folder}: the vocabulary does not fit ({why}); use the tokenizer of this model")
    try:
        tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=limit, **names)
    except Exception as error:  # the Rust library raises bare exceptions
        reason = (str(error).splitlines() or [""])[0][:100]
        raise WeightsError(f"{folder}: the vocabulary is damaged ({reason}); get it again") from None
    _add(folder, tokenizer, added)
    return tokenizer


def _added(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the tokens that were added to a vocabulary, from all three places where they are stored.

    Returns:
        By what is written: the ``id``, and how the token is told apart in a text.
    """
    places: list[Any] = []
    if (folder / "tokenizer.json").is_file():
        places += read_json(folder / "tokenizer.json", limit=_MAX_VOCABULARY).get("added_tokens") or []
    if (folder / "tokenizer_config.json").is_file():
        decoder = read_json(folder / "tokenizer_config.json").get("added_tokens_decoder")
        places += [
            {**own, "id": int(place)} if isinstance(own, dict) and place.isdecimal() else own
            for place, own in (decoder.items() if isinstance(decoder, dict) else ())
        ]
    if (folder / "added_tokens.json").is_file():
        named = read_json(folder / "added_tokens.json")
        places += [{"content": token, "id": place, "normalized": True} for token, place in named.items()]
    tokens: dict[str, dict[str, Any]] = {}
    ids = whole(0, 10**6)
    for own in places:
        if not (isinstance(own, dict) and isinstance(own.get("content"), str) and ids.allows(own.get("id"))):
            raise WeightsError(f"{folder}: its added tokens are damaged; get the tokenizer's files again")
        before = tokens.setdefault(own["content"], own)
        if before["id"] != own["id"]:
            raise WeightsError(f"{folder}: {own['content'][:60]!r} is added as two tokens; get its files again")
    return tokens


def _add(folder: Path, tokenizer: Any, added: Mapping[str, Mapping[str, Any]]) -> None:
    """Give a tokenizer the tokens that were added to it, each with the id that it had."""
    from tokenizers import AddedToken

    for token, own in sorted(added.items(), key=lambda pair: pair[1]["id"]):
        traits = {name: own[name] is True for name in _TRAITS if name in own}
        tokenizer.add_tokens([AddedToken(token, **traits)])
        if tokenizer.convert_tokens_to_ids(token) != own["id"]:
            raise WeightsError(
                f"{folder}: {token[:60]!r} is added as token {own['id']}, with none before it; get its files again"
            )


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
