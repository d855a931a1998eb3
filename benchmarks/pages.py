"""Fill the figures of docs from benchmarks/results: every block that names a results file gets its table."""

import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from benchmarks.kit.results import ROOT, read

BLOCK = re.compile(
    r"(?P<start><!-- figures: (?P<name>\w+)(?:, (?P<kind>\w+))? -->\n).*?(?P<end><!-- end of figures -->)", re.DOTALL
)
ABOUT = {"command", "commit", "changed", "machine", "versions", "claim", "curves"}
WAYS = {"emoji": "guided (scale 3)", "emoji at 1": "unguided (scale 1)"}
STUDIES = ("associations", "culture", "homoglyphs", "inappropriate", "memorisation", "stereotypes")
JUDGES = ("judge_a", "judge_b")
FORMS, ENDS = ("woman", "man", "person"), ("value", "low", "high")


def percent(value: float, low: float, high: float, digits: int = 0) -> str:
    """Say a share with its interval, as in ``93 % (91 to 95)``."""
    return "{} % ({} to {})".format(*(f"{100 * share:z.{digits}f}" for share in (value, low, high)))


def shown(value: Any) -> str:
    """Say a figure: a share or a mean with its interval, a number, yes or no.

    >>> shown({"share": 0.5, "low": 0.4, "high": 0.6, "n": 90})
    '50 % (40 to 60)'
    >>> shown({"mean": 0.5, "low": 0.4, "high": 0.6})
    '0.5 (0.4 to 0.6)'
    """
    if isinstance(value, Mapping):
        if "share" in value:
            return percent(value["share"], value["low"], value["high"])
        if "ratio" in value:
            return f"{value['ratio']:.3g} ({value['10 %']:.3g} to {value['90 %']:.3g})"
        middle, low, high = (f"{value[name]:.3g}" for name in ("mean", "low", "high"))
        return middle if low == high else f"{middle} ({low} to {high})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def single(value: Any) -> bool:
    return not isinstance(value, Mapping) or "ratio" in value or {"low", "high"} <= set(value)


def tables(result: Mapping[str, Any]) -> str:
    """Return the claim, its tables and single figures, and where they come from."""
    lines = [f"Claim: {result['claim']}.", ""] if "claim" in result else []
    rest = {name: value for name, value in result.items() if name not in ABOUT}
    groups = {name: value for name, value in rest.items() if not single(value)}
    flat = {name: value for name, value in rest.items() if single(value)}
    for name, group in groups.items():
        if all(single(value) for value in group.values()):
            flat |= {f"{name}: {key}": value for key, value in group.items()}
            continue
        columns = list(next(iter(group.values())))
        lines += [f"| {name} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        lines += [
            f"| {row} | {' | '.join(shown(cells.get(column)) for column in columns)} |"
            for row, cells in group.items()
        ]
        lines.append("")
    lines += [f"- {name}: {shown(value)}" for name, value in flat.items()]
    return "\n".join([*lines, "", f"`{result['command']}`, commit {result['commit']}, {result['machine']}."])


def means(result: Mapping[str, Any]) -> str:
    """Return the means of stereotypes: for each form and way, the share and its distance from the captions."""
    columns = ("mean", "less unmarked captions", "less all captions")
    lines = [
        "| represented as | mean share | less unmarked captions | less all captions | differ |",
        "|---" * 5 + "|",
    ]
    for form in FORMS:
        for model, way in WAYS.items():
            row = result[f"{model}: {form}"]
            cells = [percent(*(row[name][end] for end in ENDS), digits=1) for name in columns]
            lines.append(f"| {form}, {way} | {' | '.join(cells)} | {row['differ from unmarked captions']} |")
    return "\n".join(lines)


def again(result: Mapping[str, Any]) -> str:
    """Return the same pictures told by the estimators before and now: means, then professions that moved most."""
    lines = ["| guided, 1,000 pictures | before | now |", "|---" * 3 + "|"]
    for form in FORMS:
        old, new = result["before"][form], result["now"][form]
        for name in ("mean", "less unmarked captions", "less all captions"):
            cells = (percent(*(one[name][end] for end in ENDS), digits=1) for one in (old, new))
            lines.append(f"| {form}: {name} | {' | '.join(cells)} |")
        differ = (one["differ from unmarked captions"] for one in (old, new))
        lines.append(f"| {form}: differ from unmarked captions | {' | '.join(differ)} |")
    return "\n".join([*lines, "", f"`{result['command']}`, commit {result['commit']}."])


def professions(result: Mapping[str, Any]) -> str:
    """Return a row for each profession: what captions show, and the corrected shares, those of women before, too."""
    lines = ["| profession | captions, % | woman | man | neutral | woman, before |", "|---" * 6 + "|"]
    forms = [result["now"][form]["by profession"] for form in FORMS]
    for name in forms[0]:
        unmarked = (form[name]["unmarked"] for form in forms)
        captions = " / ".join("-" if share is None else f"{100 * share:.0f}" for share in unmarked)
        shares = [form[name]["share"] for form in (*forms, result["before"]["woman"]["by profession"])]
        cells = ("-" if one["value"] is None else percent(*(one[end] for end in ENDS)) for one in shares)
        lines.append(f"| {name} | {captions} | {' | '.join(cells)} |")
    return "\n".join(lines)


def coverage(result: Mapping[str, Any], study: str) -> str:
    """Return how often a study's intervals held the truth, a row for each quantity."""
    lines = ["| quantity | truth | 95 % interval held it | bias | verdict |", "|---" * 5 + "|"]
    for row in result["coverage"][study]:
        held = percent(*(row["covered"][end] for end in ENDS)) if row["estimable"] else "not estimable"
        bias = "" if row.get("bias") is None else f"{row['bias']:+.2g}"
        lines.append(f"| {row['quantity']} | {row['truth']:.3g} | {held} | {bias} | {row['verdict']} |")
    how = f"{result['audits']} audits of oracles; `{result['command']}`, commit {result['commit']}."
    return "\n".join([*lines, "", how])


def effects(result: Mapping[str, Any]) -> str:
    """Return what both judges associate: the effect d, p and the plain difference."""
    heads = [f"{judge}: d | p (Holm) | difference of cosines" for judge in JUDGES]
    lines = [f"| nearer to the first than to the second | {' | '.join(heads)} |", "|---" * 7 + "|"]
    for name in result["EAT: woman above man, judge_a"]:
        cells = []
        for judge in JUDGES:
            effect = result[f"EAT: woman above man, {judge}"][name][judge]
            plain = result[f"EAT: difference of cosines, {judge}"][name][judge]
            d = "{:.2f} ({:.2f} to {:.2f})".format(*(effect[end] for end in ENDS))
            cells.append(f"{d} | {effect['p']:.2g} | {plain['value']:.3f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def worlds(result: Mapping[str, Any]) -> str:
    """Return how the two models of people differ, what was planted, and the first against itself."""
    models = [result["models"][name] for name in ("agnostic", "specific")]
    waves = " | ".join(percent(*(model["default, as read"]["wave"][end] for end in ENDS)) for model in models)
    head = "| | agnostic | specific | planted | difference | against itself, other seeds |"
    lines = [head, "|---" * 6 + "|", f"| waves by default | {waves} | 25 %, 70 % | | |"]
    planted = {"default bias": "0, 0.45", "specificity": "70 %, 98 %"}
    for name in ("default bias", "specificity", "literalness", "diversity (mean distance)", "diversity (Vendi)"):
        own = [model[name] for model in models]
        between = [result[key][name] for key in ("agnostic less specific", "agnostic less itself")]
        cells = [percent(*(one[end] for end in ENDS)) if name == "specificity" else _ends(one) for one in own]
        cells += [planted.get(name, ""), *(_ends(one, "+") for one in between)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ends(one: Mapping[str, float], sign: str = "") -> str:
    return "{:{sign}.3f} ({:{sign}.3f} to {:{sign}.3f})".format(*(one[end] for end in ENDS), sign=sign)


def marks(result: Mapping[str, Any]) -> str:
    """Return what the invisible mark outlives by size, where it is seen without being there, and what it costs."""
    sizes = result["outlived"]
    some = [f"{size} ({next(iter(row['changes'].values()))['found']['of']})" for size, row in sizes.items()]
    lines = [f"| found / message read, at (pictures) | {' | '.join(some)} |", "|---" * (len(some) + 1) + "|"]
    for change in next(iter(sizes.values()))["changes"]:
        rows = (row["changes"][change] for row in sizes.values())
        cells = (
            " / ".join(f"{100 * one[name]['share']:.0f} %" for name in ("found", "message read")) for one in rows
        )
        lines.append(f"| {change} | {' | '.join(cells)} |")
    lines.append("")
    for name in ("own size", "every size"):
        seen, low = result["unmarked"][name]["seen"], result["unmarked"][name]["least p-value"]
        high = 100 * seen["interval"][1]
        lines.append(
            f"- Without a mark, looked for at {name}: seen in {seen['share'] * seen['of']:.0f} of {seen['of']} "
            f"pictures (95 %: at most {high:.2g} %), least p-value {low:.1g}; stated rate "
            f"{result['unmarked']['stated rate']:g}."
        )
    for size, row in result["costs"].items():
        lines.append(f"- Costs, {size}: {'; '.join(f'{name} {shown(value)}' for name, value in row.items())}.")
    return "\n".join([*lines, "", f"`{result['command']}`, commit {result['commit']}, {result['machine']}."])


def serving(result: Mapping[str, Any]) -> str:
    """Return what fifty clients at once got, and the server's time over drawing in one process."""
    many, cost = result["together"], result["overhead"]
    waits = {name: row for name, row in many.items() if isinstance(row, Mapping)}
    lines = [
        f"- {many['clients']} clients at once, {many['rounds']} times: {many['jobs']} jobs accepted, "
        f"{many['done']} done, {many['pictures']} pictures, "
        f"{many['seeds that are there exactly once']} of them different.",
        *(
            f"- {name.capitalize()}: median {row['median']}, p95 {row['p95']}, most {row['max']}."
            for name, row in waits.items()
        ),
        "- Processor's seconds of the server over those of the same drawing in one process: "
        f"{shown(cost['server over process'])}, median of "
        f"{cost['rounds']} pairs in turn of {cost['pictures of a round']} pictures each "
        f"(in brackets, the tenth from either end).",
    ]
    load = f"load before {result['load before']}"
    return "\n".join([*lines, "", f"`{result['command']}`, commit {result['commit']}, {result['machine']}, {load}."])


KINDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "": tables, "means": means, "professions": professions, "again": again, "effects": effects, "worlds": worlds,
    "marks": marks, "serving": serving,
    **{study: partial(coverage, study=study) for study in STUDIES},
}  # fmt: skip


def fill(text: str) -> str:
    """Return a page with its figures as they were last measured; a block without results says so."""

    def block(match: re.Match[str]) -> str:
        result = read(match["name"])
        body = KINDS[match["kind"] or ""](result) if result else "Not measured yet."
        return f"{match['start']}{body}\n{match['end']}"

    return BLOCK.sub(block, text)


def main() -> None:
    """Rewrite the pages whose figures changed; with ``--check`` only name them, and fail."""
    pages = {page: page.read_text("utf-8") for page in sorted((ROOT / "docs").rglob("*.md"))}
    stale = {page: filled for page, text in pages.items() if (filled := fill(text)) != text}
    for page, filled in stale.items():
        print(page)
        if "--check" not in sys.argv:
            page.write_text(filled, "utf-8")
    sys.exit(bool(stale and "--check" in sys.argv))


if __name__ == "__main__":
    main()
