"""What the server costs: fifty clients at once, how long jobs wait, and its time over drawing in one process.

python -m benchmarks.serving --write
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.kit.results import read, write
from benchmarks.kit.timing import quotient
from limn import models, studio
from limn.client import Client
from limn.provenance.seal import Seal
from limn.store import Store, read_record

TOKEN = "a token of the benchmark"
WORDS = ("a red heart", "a green apple", "a cat", "a yellow star")


@contextmanager
def server(root: Path) -> Iterator[tuple[str, int]]:
    """Start ``limn serve`` as a person does, and give its address and process."""
    command = [sys.executable, "-m", "limn", "serve", "--port", "0", "--out", str(root)]
    environment = {**os.environ, "LIMN_TOKEN": TOKEN, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        yield next(line.split()[2].rstrip("/,") for line in process.stderr if "serving" in line), process.pid
    finally:
        process.terminate()
        process.communicate()


def ask(client: Client, seed: int) -> dict[str, Any]:
    """Ask for a picture and return the job."""
    job: dict[str, Any] = client.get("/api/jobs", {"prompts": [WORDS[seed % len(WORDS)]], "seed": seed})
    return job


def ended(client: Client, name: str) -> dict[str, Any]:
    """Wait until a job has ended, and return it."""
    while True:
        job: dict[str, Any] = client.get(f"/api/jobs/{name}?wait=20")
        if job["state"] not in ("waiting", "running"):
            return job


def processor(pid: int) -> float:
    """Return the processor's seconds of a process so far, all of its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds(job: dict[str, Any], start: str, end: str) -> float:
    return (datetime.fromisoformat(job[end]) - datetime.fromisoformat(job[start])).total_seconds()


def shares(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"median": round(cuts[9], 3), "p95": round(cuts[18], 3), "max": round(max(values), 3)}


def together(clients: int, rounds: int, root: Path) -> dict[str, Any]:
    """Let so many clients ask at the same moment, each for a picture of its own."""
    accepted: list[float] = []
    jobs: list[dict[str, Any]] = []

    def one(seed: int, begin: threading.Barrier) -> None:
        client = Client(url, TOKEN)
        begin.wait()
        start = time.perf_counter()
        job = ask(client, seed)
        accepted.append(time.perf_counter() - start)
        jobs.append(ended(client, job["id"]))

    with server(root) as (url, _):
        ended(Client(url, TOKEN), ask(Client(url, TOKEN), 10**6)["id"])  # the model is there from now on
        for turn in range(rounds):
            begin = threading.Barrier(clients)
            threads = [threading.Thread(target=one, args=(turn * clients + k, begin)) for k in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    files = [path for path in root.glob("runs/*/*/0*.png") if read_record(path)["seed"] < 10**6]
    return {
        "clients": clients,
        "rounds": rounds,
        "jobs": len({job["id"] for job in jobs}),
        "done": sum(job["state"] == "done" for job in jobs),
        "pictures": len(files),
        "seeds that are there exactly once": len({read_record(path)["seed"] for path in files}),
        "seconds until a job is accepted": shares(accepted),
        "seconds that a job waits": shares([seconds(job, "created", "started") for job in jobs]),
        "seconds of a job at work": shares([seconds(job, "started", "finished") for job in jobs]),
    }


def overhead(rounds: int, pictures: int, root: Path) -> dict[str, Any]:
    """Draw the same pictures by the server and in this process, in turn, on one thread each.

    The processor's seconds of either process are compared, which other programs at work do not change much.
    """
    torch.set_num_threads(1)
    generator, seal = models.load("emoji"), Seal()
    times: dict[str, list[float]] = {"server": [], "process": []}

    def process(first: int, store: Store) -> None:
        for seed in range(first, first + pictures):
            request = generator.request(WORDS[seed % len(WORDS)], seed=seed)
            for _ in studio.generate(generator, request, store, seal=seal):
                pass

    def served(first: int, client: Client) -> None:
        names = [ask(client, seed)["id"] for seed in range(first, first + pictures)]
        assert ended(client, names[-1])["state"] == "done"

    with server(root / "served") as (url, pid):
        client, store = Client(url, TOKEN), Store(root / "process")
        for turn in range(rounds + 1):
            ways = [("server", served, client, pid), ("process", process, store, os.getpid())]
            for name, way, where, worker in ways if turn % 2 else ways[::-1]:
                start = processor(worker)
                way(turn * pictures, where)  # type: ignore[operator]
                if turn:  # the first pictures of both pay for what is loaded
                    times[name].append((processor(worker) - start) / pictures)
    return {
        "rounds": rounds,
        "pictures of a round": pictures,
        "processor's seconds of a picture": {
            name: round(statistics.median(values), 4) for name, values in times.items()
        },
        "server over process": quotient(times["server"], times["process"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of clients at once")
    parser.add_argument("--pairs", type=int, default=9, help="rounds of server and process in turn")
    parser.add_argument("--pictures", type=int, default=20, help="pictures of such a round")
    parser.add_argument("--parts", nargs="+", default=["overhead", "together"], help="the other stays")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIMN_HOME"] = f"{folder}/keys"
        measures = {
            "overhead": lambda: overhead(given.pairs, given.pictures, Path(folder) / "pairs"),
            "together": lambda: together(given.clients, given.rounds, Path(folder) / "together"),
        }
        result = {"load before": round(os.getloadavg()[0], 1)}
        result |= {name: part() if name in given.parts else read("serving")[name] for name, part in measures.items()}
    print(result)
    if given.write:
        write("serving", result, "python -m benchmarks.serving --write")


if __name__ == "__main__":
    main()
