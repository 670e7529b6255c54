"""Runs the notebook in docs/notebooks as it stands there, cell by cell.

    python tests/notebook.py ALBSCOPE

Its own assertions hold the counts against `albscope analyze --format json`. It is kept without outputs; --show
prints them.
"""

import os
import pathlib
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

folder = pathlib.Path(__file__).resolve().parent.parent / "docs" / "notebooks"
os.environ["ALBSCOPE"] = str(pathlib.Path(sys.argv[1]).resolve())
os.environ["MPLBACKEND"] = "agg"
notebook = nbformat.read(folder / "incident.ipynb", as_version=4)
kept = [cell for cell in notebook.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)]
if kept:
    sys.exit(f"{len(kept)} cells of the notebook have outputs: clear them")
client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
# The notebook leaves its files for whoever works with it.
with tempfile.TemporaryDirectory() as work:
    os.environ["TMPDIR"] = work
    client.execute()
for cell in notebook.cells:
    if "--show" in sys.argv and cell.cell_type == "code":
        for output in cell.outputs:
            print(output.get("text") or output.get("data", {}).get("text/plain", ""))
    elif "--show" in sys.argv:
        print(cell.source.splitlines()[0])
print(f"the notebook runs: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells")
