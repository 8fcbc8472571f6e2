"""Where files may be written: known before the work that fills them."""

import pytest

from kerascnn.errors import OutputExistsError
from kerascnn.files import refuse_existing


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_target_below_a_file_is_refused(overwrite, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"notes\.txt is a file"):
        refuse_existing(tmp_path / "notes.txt" / "deep" / "run", overwrite)


def test_new_and_empty_folders_are_free(tmp_path):
    refuse_existing(tmp_path, overwrite=False)
    refuse_existing(tmp_path / "new" / "run", overwrite=False)
