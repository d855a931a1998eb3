"""Processes that are killed at random moments, over all verbs: is anything lost, doubled or damaged?

Each verb is run once undisturbed. Then it is started in a folder and killed at a random moment, again and again,
until it ends by itself. What it left is compared with the undisturbed run, and all that was whole before a kill must
be there after it, untouched. Commands run in forked processes, in which the libraries are loaded already.
"""

import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.kit.results import ROOT
from benchmarks.kit.run import run
from limn import cli
from limn.io.pictures import decode
from limn.kernel.errors import LimnError
from limn.train.checkpoint import load

TESTS = ROOT / "tests"
NATIVE = str(TESTS / "replays" / "models" / "native")
GIVEN = TESTS / "replays" / "given.png"
TINY = """
name = "tiny"
data = {world = "shapes"}
network = {width = 16, depth = 1, heads = 2, channels = 3, grid = 32, patch = 8, text_width = 128}
optimiser = {batch = 2}
schedule = {steps = 30, warmup = 2}
saving = {steps = 4, sheet_minutes = 0.0}
"""
DRAWN = ("runs/*/*/0*.png", "pictures/*/*.png")
"""Pictures that are never drawn a second time."""


def given(folder: Path) -> None:
    """Put what verbs are given into their folder."""
    shutil.copy(GIVEN, folder / "given.png")
    (folder / "tiny.toml").write_text(TINY)
    (folder / "tarballs").symlink_to(folder.parent / "tarballs")


VERBS: Mapping[str, str] = {
    "generate": f"generate 'a cat' 'a dog' -n 6 --batch 2 --steps 3 --model {NATIVE} --out store --threads 1",
    "generate --grid-x": f"generate 'a cat' -n 2 --grid-x steps=2,3,4 --grid --model {NATIVE} --out store",
    "edit": "edit given.png 'a red circle' -n 6 --batch 2 --steps 3 --box 0.5,0,1,1 --out store",
    "scene": f"scene 'a cat above a dog' -n 4 --steps 3 --model {NATIVE} --out store",
    "upscale": "upscale given.png --method lanczos",
    "train": "train tiny.toml --out run",
    "train --export": "train tiny.toml --set schedule.steps=8 --out run --export model",
    "audit": "audit stereotypes --model oracle --reader people -n 12 --out audit",
    "data build": "data build pictograms --tarballs tarballs --out data --size 32",
    "runs list": "runs list --out store",
    "runs repair": "runs repair --out store",
    "runs replay": "runs replay {first} --save again.png --force",
}
BEFORE: Mapping[str, str] = {
    "runs list": "generate", "runs repair": "generate", "runs replay": "generate",
}  # fmt: skip
"""Verbs that work on what another has made."""


@dataclass
class Tally:
    """What became of the rounds of a verb."""

    kills: int = 0
    ended: int = 0
    lost: int = 0
    doubled: int = 0
    damaged: int = 0
    unlike: int = 0
    notes: list[str] = field(default_factory=list)


def start(folder: Path, words: str) -> int:
    """Run a command line in a process of its own, and return its number."""
    import shlex

    first = next((str(path) for path in sorted(folder.glob("store/runs/*/*/0*.png"))), "")
    arguments = shlex.split(words.format(first=first))
    number = os.fork()
    if number:
        return number
    os.chdir(folder)
    for stream, name in ((1, "out.txt"), (2, "err.txt")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), stream)
    sys.argv[1:] = arguments
    try:
        cli.main()
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))
    finally:
        os._exit(99)


def ended(number: int) -> int:
    """Wait for a process; returns its exit code, negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def content(path: Path) -> str:
    """Return what decides whether a file is the same, or ``damaged``."""
    try:
        data = path.read_bytes()
        if path.suffix == ".png":
            return hashlib.sha256(np.asarray(decode(data))).hexdigest()
        if path.suffix == ".jsonl":
            return json.dumps([json.loads(line).get("step") for line in data.decode().splitlines()])
        if path.suffix == ".json":
            return str(sorted(json.loads(data)))
        if path.suffix == ".parquet":
            import pyarrow.parquet

            return hashlib.sha256(repr(pyarrow.parquet.read_table(path).to_pydict()).encode()).hexdigest()
        if path.suffix == ".html":
            return "whole" if data.rstrip().endswith(b"</html>") else "damaged"
        return hashlib.sha256(data).hexdigest()
    except Exception as error:
        return f"damaged ({error})"


def there(folder: Path) -> dict[str, str]:
    """Return what lies in a folder, but what writers leave for a moment."""
    skipped = (".lock", "index.sqlite", "out.txt", "err.txt", ".limn-")
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    paths = [path for path in files if not path.name.startswith(skipped)]
    training = folder / "run"
    state = {str(path.relative_to(folder)): content(path) for path in paths if path.parent != training}
    if training.is_dir():
        state["run: step"] = _step(training)
        if (training / "metrics.jsonl").exists():
            state["run: metrics"] = content(training / "metrics.jsonl")
    return state


def _step(training: Path) -> str:
    """Return the step of a checkpoint and the hashes of its weights."""
    try:
        checkpoint = load(training)
    except LimnError as error:
        return f"damaged ({error})"
    if checkpoint is None:
        return "0"
    weights = [tensor.numpy().tobytes() for part in checkpoint.tensors.values() for tensor in part.values()]
    return f"{checkpoint.step:06d} {hashlib.sha256(b''.join(weights)).hexdigest()}"


def drawn(folder: Path) -> dict[Path, int]:
    """Return when each picture that lasts was written."""
    return {path: path.stat().st_mtime_ns for way in DRAWN for path in folder.glob(f"*/{way}")}


def compare(tally: Tally, before: Mapping[str, str], after: Mapping[str, str], kind: str) -> None:
    """Count what was there before a kill and is not any more, and what is damaged after it."""
    for name, value in after.items():
        if value.startswith("damaged"):
            tally.damaged += 1
            tally.notes.append(f"{kind}: {name} {value[:100]}")
    for name, value in before.items():
        steps = name == "run: step" and name in after and after[name].split()[0] < value.split()[0]
        if name not in after or steps:
            tally.lost += 1
            tally.notes.append(f"{kind}: {name} was there before")


def rounds(verb: str, kills: int, chance: random.Random, number: int, place: Path) -> Tally:
    """Kill a verb so many times and compare what comes of it with an undisturbed run."""
    tally = Tally()

    def fresh(name: str) -> Path:
        folder = place / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        given(folder)
        if verb in BEFORE:
            assert ended(start(folder, VERBS[BEFORE[verb]])) == 0, (folder / "err.txt").read_text()
        return folder

    folder = fresh("reference")
    clock = time.monotonic()
    assert ended(start(folder, VERBS[verb])) == 0, (folder / "err.txt").read_text()
    usual, reference = time.monotonic() - clock, there(folder)
    while tally.kills < kills:
        folder, code = fresh("work"), -1
        while code:
            before, times = there(folder), drawn(folder)
            clock, process = time.monotonic(), start(folder, VERBS[verb])
            delay = chance.uniform(0, usual) if tally.kills < kills else float("inf")
            while not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if time.monotonic() - clock > delay:
                    os.kill(process, number)
                    break
                time.sleep(0.005)
            code = ended(process)
            usual = min(usual, time.monotonic() - clock) if code == 0 else usual  # the machine may be busy
            if code not in (0, -number, 128 + number):
                raise SystemExit(f"{verb}: ended with {code}: {(folder / 'err.txt').read_text()[-500:]}")
            tally.kills, tally.ended = tally.kills + (code != 0), tally.ended + (code == 0)
            compare(tally, before, there(folder), f"after {tally.kills} kills")
            again = [path.name for path, when in times.items() if path.exists() and path.stat().st_mtime_ns != when]
            tally.doubled += len(again)
            tally.notes += [f"drawn again: {name}" for name in again]
        result = there(folder)
        tally.doubled += len(result.keys() - reference.keys())
        tally.notes += [f"too much: {name}" for name in sorted(result.keys() - reference.keys())]
        other = [name for name in reference if name not in result or result[name] != reference[name]]
        tally.unlike += len(other)
        tally.notes += [f"not as undisturbed: {name} {result.get(name, 'missing')[:60]}" for name in other]
        if list(folder.rglob(".limn-*.tmp")) and number != signal.SIGKILL:
            tally.notes.append("temporary files are left")
    return tally


def measure(*, kills: int = 200, seed: int = 0, verbs: str = "", number: int = signal.SIGKILL) -> Mapping[str, Any]:
    """Kill verbs and count what is lost.

    Args:
        kills: Kills in all.
        seed: Decides the moments.
        verbs: Those that are killed, parted by commas; all if empty.
        number: The signal: 9 kills, 2 is Ctrl-C, 15 asks.
    """
    sys.path.insert(0, str(TESTS))
    place = Path(tempfile.mkdtemp(prefix="kills-"))
    _prepare(place / "tarballs")
    chosen = verbs.split(",") if verbs else list(VERBS)
    chance, result = random.Random(seed), {}
    for turn, verb in enumerate(chosen):
        share = kills // len(chosen) + (turn < kills % len(chosen))
        tally = rounds(verb, share, chance, number, place)
        result[verb] = {name: value for name, value in vars(tally).items() if name != "notes" or value}
        print(verb, result[verb], flush=True)
    sums = {
        name: sum(row[name] for row in result.values()) for name in ("kills", "lost", "doubled", "damaged", "unlike")
    }
    return {"signal": int(number), "all": sums, "verbs": result}


def _prepare(tarballs: Path) -> None:
    """Load what commands use, and let the packages of the tests stand for the pinned ones."""
    for name in ("cli.app", "audit.run", "models.native", "models.muse", "studio.scenes", "studio.upscaling",
                 "train.loop", "train.export", "data.pictograms"):  # fmt: skip
        importlib.import_module(f"limn.{name}")
    torch.set_num_threads(1)
    from emoji_packages import pack

    tarballs.mkdir()
    for home, name, fake in pack(tarballs):
        home[name] = fake


if __name__ == "__main__":
    run(measure, quick={"kills": 4, "verbs": "generate,train"})
