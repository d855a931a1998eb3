"""Check pages of audits with axe-core in headless Chromium, in light, in dark, on a phone and with pictures opened.

python -m tools.page_check stereotypes=limn-runs/audits/A/report.html culture=...

Needs `chromium` and `npm` on the path; axe-core is fetched once into runs/axe and does not ship.
"""

import argparse
import html
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.kit.results import write

AXE = "axe-core@4.14.1"
STORE = Path("runs/axe")
WAYS = {
    "light": (1280, 1, ""),
    "dark": (1280, 0, ""),
    "phone": (390, 1, ""),
    "pictures opened": (1280, 1, "document.querySelector('a[data-where]')?.click();"),
}
"""How a page is looked at: its width, the colour scheme (0 is dark), and what is done first."""

GRAVE = ("serious", "critical")
RUN = """
addEventListener("load", async () => {
  %s
  const { violations, passes } = await axe.run(document, { resultTypes: ["violations"] });
  const told = violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => html) }));
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  parent.postMessage(JSON.stringify({ told, passes: passes.length, dark, width: innerWidth }), "*");
});
"""
FRAME = """<!DOCTYPE html><pre id="axe"></pre><iframe src="page.html" width="%d" height="900"></iframe><script>
addEventListener("message", ({ data }) => { document.getElementById("axe").textContent = data; });
</script>"""


def axe() -> str:
    """Return the script of axe-core, fetched once."""
    script = STORE / "package" / "axe.min.js"
    if not script.exists():
        STORE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", AXE], cwd=STORE, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(STORE.glob("*.tgz"))) as packed:
            packed.extract("package/axe.min.js", STORE, filter="data")
    return script.read_text("utf-8")


def look(page: Path, way: str) -> dict[str, Any]:
    """Return what axe-core finds on a page, looked at in one way."""
    width, scheme, first = WAYS[way]
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8"))
    text = text.replace("</body>", f"<script>{axe()}</script>\n<script>{RUN % first}</script>\n</body>")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=120000", "--dump-dom"]
    flags += ["--window-size=1400,1000", f"--blink-settings=preferredColorScheme={scheme}"]
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.html"
        (Path(folder) / "page.html").write_text(text, "utf-8")
        frame.write_text(FRAME % width, "utf-8")
        done = subprocess.run(
            ["chromium", *flags, f"file://{frame}"], capture_output=True, text=True, check=True, timeout=600
        )
    found = re.search(r'<pre id="axe">(.+?)</pre>', done.stdout, re.DOTALL)
    answer = dict(json.loads(html.unescape(found[1]))) if found else {}
    if (answer.get("width"), answer.get("dark")) != (width, not scheme):
        raise SystemExit(f"{page}: could not be looked at as {way}: {answer}")
    return answer


def check(page: Path) -> dict[str, Any]:
    """Return how large a page is and what was found on it in every way of looking."""
    found: dict[str, Any] = {}
    for way in WAYS:
        answer = look(page, way)
        found[way] = {
            "rules passed": answer["passes"],
            "grave": sorted({row["id"] for row in answer["told"] if row["impact"] in GRAVE}),
            "other": sorted({row["id"] for row in answer["told"] if row["impact"] not in GRAVE}),
        }
        for row in answer["told"]:
            print(
                f"{page}, {way}: {row['impact']} {row['id']}: {len(row['nodes'])}, {row['nodes'][0][:160]}",
                flush=True,
            )
    return {
        "megabytes": round(page.stat().st_size / 1e6, 2),
        "pictures": page.read_text("utf-8").count("<img "),
        **found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", metavar="NAME=PAGE")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results/page_check.json")
    given = parser.parse_args()
    pages = {name: check(Path(path)) for name, path in (text.split("=", 1) for text in given.pages)}
    grave = {name: [rule for way in WAYS for rule in one[way]["grave"]] for name, one in pages.items()}
    print(json.dumps(pages, indent=1))
    if given.write:
        write("page_check", {"axe": AXE, "pages": pages}, "python -m tools.page_check --write NAME=PAGE ...")
    sys.exit(any(grave.values()))


if __name__ == "__main__":
    main()
