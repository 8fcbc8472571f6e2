"""Kits are copied one by one, so the reader of bundles stands in each: the same text."""

import ast

# What only `run.py`, which also answers photos, does in a way of its own.
OWN = {"Parser", "run", "main", "selftest"}


def parts(path):
    """The source of each function, class and constant of a file, by name."""
    text = path.read_text("utf-8")
    found = {}
    for node in ast.parse(text).body:
        names = [getattr(node, "name", None)]
        if isinstance(node, ast.Assign):
            names = [ast.unparse(target) for target in node.targets]
        found |= {name: ast.get_source_segment(text, node) for name in names if name}
    return found


def test_the_reader_of_bundles_is_the_same_in_each_kit(repository):
    micro, mediapipe = (
        (repository / "export" / kit / "bundle.py").read_bytes() for kit in ("micro", "mediapipe")
    )
    assert micro == mediapipe


def test_the_reader_is_that_of_the_python_kit(repository):
    python, micro = (
        parts(repository / "export" / name) for name in ("python/run.py", "micro/bundle.py")
    )
    assert micro.keys() <= python.keys()
    assert {name for name in micro if micro[name] != python[name]} == set()
