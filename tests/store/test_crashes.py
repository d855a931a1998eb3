"""Processes that are killed, that meet limits, and that meet each other."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

from limn.store import Store, read_record

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and limits of POSIX")

PAINT = """
import json, os, random, signal, sys, time
from pathlib import Path
import numpy as np
from PIL import Image, PngImagePlugin
from limn.kernel.errors import LimnError, StoreError
from limn.store import Store, read_record
from limn.store.record import key_of

def ask(text, n):
    request = {"schema": 1, "model": "emoji", "prompts": [{"text": text}], "n": n, "seed": 0}
    return key_of(request), request

def paint(index, side=48):
    return np.random.default_rng(index).integers(0, 256, (side, side, 3), dtype=np.uint8)
"""

KILL = """
root, n, generator = Path(sys.argv[1]), 200, random.Random(int(sys.argv[2]))
key, request = ask("a red heart", n)

def hang_at(number, log):
    real, calls = os.fsync, []
    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == number:
            os.write(log, b"hang\\n")
            time.sleep(300)
        real(descriptor)
    os.fsync = fsync

def draw(log):
    with Store(root).open(key, request) as run:
        for index in sorted(set(range(n)) - run.done()):
            os.write(log, b"%d drawn\\n" % index)
            run.save(index, paint(index), {"prompt": "a red heart", "seed": index})
            os.write(log, b"%d saved\\n" % index)
        run.finish({})

rounds, doubled, lost, damaged, leftovers = 0, 0, 0, 0, 0
while True:
    before = Store(root).open(key, request).done()
    reader, writer = os.pipe()
    wanted, fatal = generator.randrange(10, 40), generator.randrange(1, 27)
    child = os.fork()
    if not child:
        hang_at(fatal, writer)
        draw(writer)
        os._exit(0)
    os.close(writer)
    with open(reader) as log:
        lines = []
        while len(lines) < wanted and "".join(lines[-1:]) != "hang\\n":
            lines.append(log.readline())
            if not lines[-1]:
                break
        time.sleep(generator.random() * 0.004)
        os.kill(child, signal.SIGKILL)
        lines += log.readlines()
    _, status = os.waitpid(child, 0)
    rounds += 1
    said = [line.split() for line in lines if line.endswith("\\n") and line != "hang\\n"]
    run = Store(root).open(key, request)
    after = run.done()
    doubled += sum(int(index) in before for index, what in said if what == "drawn")
    lost += sum(int(index) not in after for index, what in said if what == "saved") + len(before - after)
    damaged += len(list(run.folder.glob("*.png"))) - len(after)
    leftovers += len(list(run.folder.glob("*.tmp")))
    if status == 0:
        break
print(json.dumps([rounds, doubled, lost, damaged, leftovers]))
"""


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_every_picture_once(python, tmp_path):
    answer, errors = python(PAINT + KILL, tmp_path, 5).communicate(timeout=250)
    assert errors == ""
    rounds, doubled, lost, damaged, leftovers = json.loads(answer)
    assert rounds > 10
    assert leftovers > 0, "no kill fell into a save; the test has lost its teeth"
    assert (doubled, lost, damaged) == (0, 0, 0)
    store = Store(tmp_path)
    (listed,) = store.runs()
    assert (listed.drawn, listed.total, listed.finished, listed.problem) == (200, 200, True, "")
    run = store.load(listed.key)
    assert len([each for each in run.folder.iterdir() if each.suffix == ".png"]) == 200
    assert not list(run.folder.glob("*.tmp"))
    for index, path in run.pictures().items():
        with Image.open(path) as image:
            expected = np.random.default_rng(index).integers(0, 256, (48, 48, 3), dtype=np.uint8)
            assert (np.asarray(image) == expected).all()
    report = store.repair()
    assert (report.pictures, report.damages, report.busy) == (200, (), ())


RACE = """
root, me, saved = Path(sys.argv[1]), int(sys.argv[2]), []
generator = random.Random(me)
names = [f"shared {k}" for k in range(6)] + [f"own {me} {k}" for k in range(3)]
generator.shuffle(names)
while not (root / "go").exists():
    time.sleep(0.005)
for name in names:
    with Store(root / "store").open(*ask(name, 4), wait=120) as run:
        for index in sorted(set(range(4)) - run.done()):
            run.save(index, paint(index, 8), {"prompt": name})
            saved.append([name, index])
            if generator.random() < 0.5:
                Store(root / "store").runs(search=name)
        run.finish({})
    Store(root / "store").runs()
print(json.dumps(saved))
"""


@pytest.mark.slow
def test_processes_on_one_store_lose_and_double_nothing(python, tmp_path):
    processes = [python(PAINT + RACE, tmp_path, number) for number in range(3)]
    (tmp_path / "go").touch()
    answers = [process.communicate(timeout=200) for process in processes]
    assert [errors for _, errors in answers] == ["", "", ""]
    saved = [tuple(each) for answer, _ in answers for each in json.loads(answer)]
    assert len(saved) == len(set(saved)) == (6 + 3 * 3) * 4
    store = Store(tmp_path / "store")
    assert [(each.drawn, each.finished, each.problem) for each in store.runs()] == [(4, True, "")] * 15
    assert store.repair().damages == ()
    assert store.repair().pictures == 60


LIMIT = """
import resource
root = Path(sys.argv[1])
store = Store(root)
with store.open(*ask("heart", 3)) as run:
    run.save(0, paint(0), {"prompt": "heart"})
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    for work in (lambda: run.save(1, paint(1, 256), {"prompt": "heart"}), store.runs):
        try:
            work()
            print("went well")
        except StoreError as error:
            print(error)
    run.save(2, paint(2), {"prompt": "heart"})
    print(sorted(run.done()), sorted(path.name for path in run.folder.iterdir()))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(store.runs()[0].drawn)
"""


def test_a_file_that_grows_too_large_leaves_nothing_behind(python, tmp_path):
    answer, errors = python(PAINT + LIMIT, tmp_path).communicate(timeout=100)
    assert errors == ""
    picture, listing, state, drawn = answer.splitlines()
    assert "0001-heart.png: the file would be larger than the system allows" in picture
    assert "index.sqlite" in listing
    assert "Traceback" not in answer
    assert state == "[0, 2] ['.lock', '0000-heart.png', '0002-heart.png', 'request.json']"
    assert drawn == "2"


INDEX = """
from limn.store import index
root, generator = Path(sys.argv[1]), random.Random(3)
for number in range(12):
    Store(root).open(*ask(f"heart {number}", 1))
    child = os.fork()
    if not child:
        while True:
            for name in os.listdir(root):
                if name.startswith("index.sqlite") and generator.random() < 0.3:
                    os.unlink(root / name)
            Store(root).runs()
    time.sleep(generator.random() * 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert len(Store(root).runs()) == number + 1
print("all listed")
"""


def test_a_listing_killed_while_it_fills_the_index_loses_nothing(python, tmp_path):
    answer, errors = python(PAINT + INDEX, tmp_path).communicate(timeout=100)
    assert (answer, errors) == ("all listed\n", "")


def test_a_picture_is_read_while_it_is_written_again(store, ask, paint):
    import threading

    run = store.open(*ask("heart"))
    path = run.save(0, paint(0), {"seed": 0})
    stop = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            try:
                read_record(path, whole=True)
            except Exception as error:
                wrong.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for seed in range(50):
        run.save(0, paint(seed), {"seed": seed})
    stop.set()
    thread.join()
    assert wrong == []
