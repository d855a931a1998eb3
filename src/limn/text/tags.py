"""What people paste into prompts: ``<lora:NAME:0.8>``, and learned words by the names of their files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from limn.kernel.errors import InputError, unknown_name
from limn.kernel.prompt import Prompt
from limn.kernel.request import Request

_TAG: Final = re.compile(r"\s*<(?:lora|lyco|hypernet):(?P<name>[^:<>]+)(?::(?P<weight>[+-]?[\d.]+))?(?::[^<>]*)?>")


def read_tags(text: str) -> tuple[str, list[tuple[str, float]]]:
    """Take the tags out of a text.

    Returns:
        The text without them, and the name and weight of each.

    >>> read_tags("a heart <lora:toys/felt:0.8>, soft")
    ('a heart, soft', [('toys/felt', 0.8)])
    """
    tags = []
    for match in _TAG.finditer(text):
        if "<hypernet:" in match[0]:
            raise InputError(
                f"prompt: {match[0].strip()} names a hypernetwork, which limn does not read; take it out"
            )
        tags.append((match["name"].strip(), float(match["weight"] or 1)))
    return _TAG.sub("", text).strip() if tags else text, tags


def tagged(request: Request) -> Request:
    """Return a request whose prompts' tags, and words named as files of its folder, are adapters.

    Raises:
        InputError: A tag names what is not in the folder, or the prompts name different adapters.
    """
    read = [read_tags(prompt.text) for prompt in request.prompts]
    if not request.adapters and not any(tags for _, tags in read):
        return request
    if not request.adapters:
        name = next(tags[0][0] for _, tags in read if tags)
        raise InputError(f"prompt: <lora:{name}> names an adapter; say with --adapters in which folder it is")
    folder = Path(request.adapters).expanduser()
    if not folder.is_dir():
        raise InputError(f"adapters: {request.adapters[:100]!r} is no folder; name the one with your LoRA files")
    files = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.safetensors")}
    if len({tuple(tags) for _, tags in read}) > 1:
        raise InputError(
            "prompt: the prompts name different adapters, and one request has the same for all; part them"
        )
    tags = [(_file(name, files, folder), weight) for name, weight in read[0][1]]
    texts = [text for text, _ in read]
    words = _words([*texts, request.negative], files, {path for path, _ in tags})
    prompts = tuple(_saying(prompt, text) for prompt, text in zip(request.prompts, texts, strict=True))
    named = (*(f"{path}:{weight:g}" for path, weight in tags), *map(str, words))
    return replace(request, prompts=prompts, adapter=(*request.adapter, *named), adapters="")


def _saying(prompt: Prompt, text: str) -> Prompt:
    return prompt if prompt.text == text else prompt.saying(text)


def _file(name: str, files: dict[str, Path], folder: Path) -> Path:
    """Return the file that a tag names, by its path in the folder or by its name alone."""
    plain = name.removesuffix(".safetensors")
    own = [path for known, path in files.items() if plain in (known, known.rpartition("/")[2])]
    if len(own) > 1:
        raise InputError(f"prompt: {name!r} is the name of {len(own)} files in {folder}; write its folder too")
    if not own:
        raise InputError(f"prompt: {unknown_name(f'adapter in {folder}', name, sorted(files)[:20])}")
    return own[0]


def _words(texts: Sequence[str], files: dict[str, Path], taken: set[Path]) -> list[Path]:
    """Return the files whose names stand in the texts as words of their own."""
    found = []
    for name, path in sorted(files.items()):
        word = re.escape(name.rpartition("/")[2])
        if path not in taken and any(re.search(rf"(?<![\w-]){word}(?![\w-])", text) for text in texts):
            found.append(path)
    return found
