"""Thirty faults that a tool should survive, each with the tests that show what limn does, run by one command.

``python -m benchmarks.faults`` runs them all, the slow ones too, and writes benchmarks/results/faults.json and
docs/faults.md; ``--quick`` leaves out the slow ones. What does not exist in limn is listed as such.
"""

import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as Xml
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.kit import results
from benchmarks.kit.run import run
from limn.io.atomic import write_text

ABSENT = "does not exist yet"


@dataclass(frozen=True)
class Fault:
    """A fault and its required outcome.

    Args:
        what: What goes wrong, and what must come of it.
        tests: Files of tests below ``tests``, or tests in them; none where limn has nothing that could fail so.
        lacks: The part of it that does not exist in limn.
    """

    what: str
    tests: Sequence[str] = ()
    lacks: str = ""


FAULTS = (
    Fault("kill -9 in the middle of a checkpoint: go on from the last whole one", (
        "train/test_loop.py::test_a_killed_run_goes_on_from_a_whole_checkpoint",
        "test_faults.py::test_a_fault_at_any_call[training-crash]")),
    Fault("kill -9 between steps: resumed bit for bit", (
        "train/test_loop.py::test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit",)),
    Fault("kill -9 during a batch: exactly the missing pictures are drawn", (
        "cli/test_generate.py::test_killed_in_the_middle_of_200_pictures_loses_and_doubles_nothing",
        "store/test_crashes.py::test_a_run_killed_again_and_again_ends_with_every_picture_once",
        "audit/test_run.py::test_killed_audits_go_on_and_end_with_the_same_rows")),
    Fault("Ctrl-C or SIGTERM once: 130 or 143 within 5 s; twice: at once", ("cli/test_interrupts.py",)),
    Fault("Disk full or read-only: one line, old files stay, nothing half-written", (
        "test_faults.py", "store/test_full_disk.py",
        "networks/test_weights.py::test_a_file_size_limit_leaves_the_old_file",
        "store/test_crashes.py::test_a_file_that_grows_too_large_leaves_nothing_behind"), "a server that stays up"),
    Fault("Cut, empty, bit-flipped weights, a page saved as weights: refused, hashes held to", (
        "networks/test_weights.py::test_every_cut_is_noticed",
        "networks/test_weights.py::test_no_flipped_bit_of_the_header_does_harm",
        "networks/test_weights.py::test_unsound_headers_are_refused",
        "networks/test_weights.py::test_a_promised_hash_is_held_to",
        "models/checkpoints/shared/test_networks.py::test_damage_is_named")),
    Fault("A pickle with a payload, under any name: refused and never opened", (
        "networks/test_weights.py::test_a_pickle_is_refused_under_any_name_and_never_opened",
        "models/checkpoints/shared/test_networks.py::test_a_pickle_is_refused_under_any_name_and_never_opened",
        "models/checkpoints/test_single_file.py::test_pickles_are_refused")),
    Fault("Configurations with unknown keys, code or huge sizes: refused before memory is taken", (
        "io/test_configurations.py", "models/checkpoints/shared/test_configs.py",
        "test_exhaustion.py::test_a_configuration_far_larger_than_its_weights")),
    Fault("NaN weights, wrong shapes, missing keys, a LoRA of another model: refused with counts", (
        "networks/test_weights.py::test_values_that_are_not_finite_are_refused",
        "networks/test_weights.py::test_names_and_shapes_must_fit",
        "models/test_adapters.py::test_a_change_to_another_model_is_refused",
        "models/checkpoints/test_adapters.py::test_what_was_made_for_other_models_is_counted")),
    Fault("Bloated headers, large JSON: refused quickly, in little memory", (
        "networks/test_weights.py::test_bloated_headers_cost_little",
        "io/test_configurations.py::test_large_files_are_not_read")),
    Fault("NaN while sampling: that picture is told of and not saved, the others are", (
        "cli/test_generate.py::test_a_picture_that_must_not_be_trusted_is_not_saved",)),
    Fault("Sizes, steps, numbers out of range: one line with what is allowed", (
        "cli/test_generate.py::test_bad_input_is_one_line_and_code_2", "cli/test_errors.py")),
    Fault("Prompts of any characters, lengths and brackets: kept as they are, or a clean error", (
        "kernel/test_prompt.py", "text/test_weights.py", "test_fuzz.py::test_prompt_files")),
    Fault("Wildcards that name themselves or explode", (), "wildcards in prompts"),
    Fault("Bombs and odd pictures: refused by the header, or converted right", (
        "io/test_pictures.py", "test_exhaustion.py::test_pictures", "test_exhaustion.py::test_replay_of_many_pixels",
        "test_exhaustion.py::test_a_grid_of_many_pixels", "test_fuzz.py::test_pictures")),
    Fault("Masks of another size, all black, all white, with alpha: defined", (
        "edit/test_edits.py", "cli/test_edit.py")),
    Fault("Names that lead out of a folder, links out of the root, devices: refused", (
        "io/test_targets.py", "store/test_links.py", "store/test_run.py::test_no_prompt_leads_out_of_the_folder",
        "train/test_loop.py::test_links_in_a_training_folder_are_not_followed",
        "data/test_folders.py::test_names_do_not_lead_out_of_the_folder")),
    Fault("Addresses of this machine and private networks: refused", (
        "io/test_http.py",), "pictures by address; only hosted models of audits are asked"),
    Fault("Cross-site requests: refused", (), "a server"),
    Fault("Open to the network without a token: refused", (), "a server"),
    Fault("Hostile metadata, HTML, terminal escapes: shown as text, never run", (
        "store/test_png.py", "audit/report/test_page.py::test_foreign_text_is_text",
        "audit/report/test_csv_link.py",
        "audit/report/test_page.py::test_a_browser_runs_the_page_s_own_style_and_script_and_nothing_else",
        "cli/test_generate.py::test_a_prompt_cannot_speak_to_the_terminal", "cli/test_errors.py")),
    Fault("Text that gives orders to a judge that reads", (), "judges that follow instructions"),
    Fault("Two hundred requests at once, slow clients", (), "a server"),
    Fault("Out of memory: halve the batch once, the same pictures", ("kernel/test_memory.py",)),
    Fault("Same seed, other batch, order, resume: the same pictures, and replay says so", (
        "kernel/test_runner.py::test_a_picture_does_not_depend_on_its_neighbours", "kernel/test_rng.py",
        "replays/test_replays.py")),
    Fault("Two processes on one store: nothing doubled, one writer, stale locks are free", (
        "store/test_crashes.py::test_processes_on_one_store_lose_and_double_nothing", "io/test_lock.py",
        "cli/test_generate.py::test_two_processes_share_one_store",
        "train/test_loop.py::test_two_processes_do_not_share_a_folder")),
    Fault("A damaged store: lists the rest, repair mends from the files", (
        "store/test_index.py", "store/test_repair.py")),
    Fault("Damaged pictures, missing captions, double names, cut shards: counted and named", (
        "data/test_folders.py", "data/test_webdataset.py",
        "audit/test_training_sets.py::test_pictures_that_cannot_be_used_are_counted_and_named")),
    Fault("Audits of one picture, of nothing readable: not estimable, never 0", (
        "audit/statistics/test_shares.py",
        "audit/report/test_page.py::test_what_cannot_be_estimated_is_said_and_never_zero",
        "cli/test_audit.py::test_a_report_over_deleted_pictures_repeats_no_old_figures")),
    Fault("Changed and stripped pictures: told, the mark only on what a model drew", (
        "store/test_png.py::test_only_what_a_model_drew_has_the_mark",
        "store/test_repair.py::test_a_picture_changed_since_is_named_and_kept"), "signatures (C2PA) and watermarks"),
)  # fmt: skip
BOMBS = "test_exhaustion.py"
"""Tests that say what each bomb costs."""


def measure(*, workers: int = 0) -> Mapping[str, Any]:
    """Run the tests of all faults, and those of the bombs; write the page too.

    Args:
        workers: Processes that share the tests.
    """
    named = sorted({name for fault in FAULTS for name in fault.tests} | {BOMBS})
    outcomes, costs = _run(named, workers, slow="--quick" not in sys.argv)
    rows = {}
    for place, fault in enumerate(FAULTS, 1):
        own = [outcome for name in fault.tests for test, outcome in outcomes.items() if _within(test, name)]
        rows[f"{place}. {fault.what}"] = {
            "command": f"pytest {' '.join(f'tests/{name}' for name in fault.tests)}" if fault.tests else "",
            "result": _verdict(own) if fault.tests else f"{ABSENT}: {fault.lacks}",
            **({"lacks": fault.lacks} if fault.lacks and fault.tests else {}),
        }
    figures = {"slow": "--quick" not in sys.argv, "faults": rows, "bombs": costs}
    write_text(results.picture("faults.md"), page(figures))
    return figures


def _run(named: Sequence[str], workers: int, *, slow: bool) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what became of each test, by file and name, and what each bomb cost."""
    with tempfile.TemporaryDirectory() as folder:
        report, costs = Path(folder) / "report.xml", Path(folder) / "costs.jsonl"
        environment = {**os.environ, "LIMN_COSTS": str(costs)}
        files = [
            f"tests/{name}" for name in named if not any(name != other and _within(name, other) for other in named)
        ]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            str(workers),
            "--timeout",
            "900",
            f"--junitxml={report}",
            *files,
        ]
        command += ["-m", ""] if slow else []
        done = subprocess.run(command, cwd=results.ROOT, env=environment, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"pytest ended with {done.returncode}")
        outcomes = {}
        for case in Xml.parse(report).iter("testcase"):
            file = case.attrib["classname"].removeprefix("tests.").replace(".", "/") + ".py"
            bad = case.find("failure") is not None or case.find("error") is not None
            state = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
            outcomes[f"{file}::{case.attrib['name']}"] = state
        lines = map(json.loads, costs.read_text().splitlines()) if costs.exists() else ()
        return outcomes, {line.pop("test"): line for line in lines}


def _within(test: str, name: str) -> bool:
    """Whether a test is the named one, one of its cases, or in the named file."""
    return test == name or test.startswith((f"{name}::", f"{name}["))


def _verdict(outcomes: Iterable[str]) -> str:
    states = list(outcomes)
    counts = {state: states.count(state) for state in ("passed", "failed", "skipped")}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "no test ran"


def page(figures: Mapping[str, Any]) -> str:
    """Return the page of the table of thirty."""
    lines = [
        "# Thirty faults", "",
        "What goes wrong, what must come of it, and the tests that show it. This page is written by",
        "`python -m benchmarks.faults`; `python -m benchmarks.kills` kills processes at random moments.",
        f"Tests that take more than a few seconds each are {'among them' if figures.get('slow') else 'left out'}.",
        "", "| fault | result |", "|---|---|",
    ]  # fmt: skip
    for name, row in figures["faults"].items():
        lacks = f"; {ABSENT}: {row['lacks']}" if "lacks" in row else ""
        lines.append(f"| {name} | {row['result']}{lacks} |")
    kills = results.read("kills")
    if kills:
        heads = ("kills", "lost", "doubled", "damaged", "unlike")
        lines += ["", "## Killed at random moments", "", f"| verb | {' | '.join(heads)} |", "|---" * 6 + "|"]
        lines += [
            f"| {verb} | {' | '.join(str(row[head]) for head in heads)} |"
            for verb, row in {**kills["verbs"], "all": kills["all"]}.items()
        ]
        notes = [f"- {verb}: {note}" for verb, row in kills["verbs"].items() for note in row.get("notes", ())]
        lines += ["", *notes, *([""] if notes else []), f"`{kills['command']}`, commit {kills['commit']}."]
    lines += ["", "## What bombs cost", "", "| bomb | MB above start | seconds of CPU |", "|---|---|---|"]
    lines += [f"| {name} | {row['megabytes']} | {row['seconds']} |" for name, row in figures["bombs"].items()]
    lines += ["", "## Commands", ""]
    lines += [
        f"{name.partition('.')[0]}. `{row['command']}`" for name, row in figures["faults"].items() if row["command"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run(measure)
