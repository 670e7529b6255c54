"""Counts the instructions that `analyze` and `export` take for a line, and compares them with
benches/instructions.json.

    python tests/instructions.py ALBSCOPE            fails if a count is more than 10 % above its figure
    python tests/instructions.py ALBSCOPE --write    writes the figures anew

valgrind counts, on one thread, so the figures do not depend on what else the machine does. The logs are small
(some 40,000 lines): an incident, which is `sample-logs`, and a healthy load balancer, which `albscope simulate`
makes. A figure contains the start of the program.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FIGURES = HERE.parent / "benches" / "instructions.json"
ALLOWED = 1.10

albscope = pathlib.Path(sys.argv[1]).resolve()
folder = tempfile.TemporaryDirectory()
work = pathlib.Path(folder.name)

healthy = ["--seed", "1", "--start", "2026-11-22T08:00:00Z", "--duration", "10m", "--rate", "60", "--quiet"]
subprocess.run([albscope, "simulate", "healthy", "--output", work / "healthy", *healthy], check=True, stdout=subprocess.DEVNULL)
logs = {"incident": HERE.parent / "sample-logs", "healthy": work / "healthy"}
commands = {
    "analyze": lambda log: ["analyze", log, "--format", "json"],
    "export": lambda log: ["export", log, "--output", work / "requests.parquet"],
}


def lines(log):
    report = subprocess.run([albscope, "analyze", log, "--format", "json", "--quiet"], check=True, stdout=subprocess.PIPE)
    return json.loads(report.stdout)["input"]["lines"]


def instructions(arguments):
    counted = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={work / 'callgrind'}", albscope, *arguments, "--threads", "1", "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = re.search(r"Collected : (\d+)", counted.stderr)
    if counted.returncode or not found:
        sys.exit(f"valgrind ended with {counted.returncode}:\n{counted.stderr}")
    return int(found[1])


counts = {}
for log, path in logs.items():
    number = lines(path)
    for command, arguments in commands.items():
        counts[f"{command} {log}"] = round(instructions(arguments(path)) / number)

if "--write" in sys.argv:
    FIGURES.write_text(json.dumps(counts, indent=4) + "\n")
figures = json.loads(FIGURES.read_text())
if figures.keys() != counts.keys():
    sys.exit(f"{FIGURES} has figures for {sorted(figures)}, and there are counts for {sorted(counts)}: write them anew with --write")
above = False
for what, count in counts.items():
    ratio = count / figures[what]
    above |= ratio > ALLOWED
    print(f"{what:17} {count:6} instructions per line, {ratio:.3f} of the figure {figures[what]}")
if above:
    sys.exit(f"more than {ALLOWED:.2f} of the figure in {FIGURES}")
