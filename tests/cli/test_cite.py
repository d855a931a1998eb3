from __future__ import annotations

import re

from limn.kernel import registry
from limn.kernel.papers import bibliography


def keys(text: str) -> list[str]:
    return re.findall(r"(?m)^@\w+\{([^,]+),", text)


def test_a_run_cites_exactly_what_it_used(limn) -> None:
    path = limn("generate", "a cat", "--sampler", "dpm").lines[0]
    assert keys(limn("cite", path).out) == ["limn", registry.find("samplers", "dpm").paper, "ho2022classifierfree"]


def test_without_a_run_all_parts_are_cited_once(limn) -> None:
    found = keys(limn("cite").out)
    papers = {registry.find(kind, name).paper for kind in ("samplers", "guidance") for name in registry.names(kind)}
    assert papers <= set(found)
    assert len(found) == len(set(found))


def test_every_entry_of_the_bibliography_is_whole() -> None:
    for key, entry in bibliography().items():
        assert entry.count("{") == entry.count("}"), key
        assert re.search(r"\btitle\s*=", entry), key
        assert re.search(r"\bauthor\s*=", entry), key
        assert re.search(r"\byear\s*=", entry), key
