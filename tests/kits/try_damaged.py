"""Runs the Python kit on damaged bundles, all in this one process, without Keras in it.

    python try_damaged.py BUNDLE FOLDER DAMAGED COUNT ARGUMENT...

The kit's folder is in PYTHONPATH; `{}` in an ARGUMENT is the damaged bundle. Prints a JSON object
per bundle: code, stdout, stderr, and the labels as they are now.
"""

import contextlib
import io
import json
import sys
from pathlib import Path

import mutants
import run as kit

kit.TRIAL_SECONDS = 1  # of computing, whatever else the machine does
bundle, folder, damaged, count, *arguments = sys.argv[1:]
for made in mutants.bundles(Path(bundle), Path(folder), damaged, int(count)):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = kit.main([argument.format(made) for argument in arguments])
    labels = (made / "labels.txt").read_bytes().decode("utf-8", "replace")
    found = {"returncode": code, "stdout": out.getvalue(), "stderr": err.getvalue()}
    print(json.dumps({**found, "labels": labels.split("\n")}), flush=True)
