"""The code of docs/annotations.md runs."""

import re

from made_annotations import voc_object
from test_masks import make


def test_the_code_of_the_guide_runs(repository, voc, tmp_path, monkeypatch, capsys):
    for number in range(5):
        objects = voc_object("cat", 1, 1, 20, 20)
        voc(f"{number}", objects, folder="photos", picture="photos/{}.jpg")
    make(tmp_path / "scenes", {"a": [0, 1]})
    monkeypatch.chdir(tmp_path)
    text = (repository / "docs/annotations.md").read_text(encoding="utf-8")
    variables = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "guide", "exec"), variables)
    assert (tmp_path / "training.json").is_file()
    assert variables["mask"].shape == (30, 40)
    assert "pixels are counted from 1" in capsys.readouterr().out
