"""`kerascnn export` says which operators keep a file from running in one partition, and why."""

from types import SimpleNamespace

from kerascnn.cli import bundle_table


def test_a_file_in_pieces_is_explained(capsys):
    file = SimpleNamespace(
        delegate_partitions=3,
        undelegated_reasons={"DIV": "none for 8 bits", "SOFTMAX": "none for 8 bits"},
    )
    bundle_table.show_outside("int8", file)
    told = " ".join(capsys.readouterr().out.split())
    assert told == (
        "int8: 3 partitions of the CPU delegate; outside it stay DIV, SOFTMAX: none for 8 bits"
    )


def test_a_file_in_one_piece_needs_no_words(capsys):
    file = SimpleNamespace(delegate_partitions=1, undelegated_reasons={"SOFTMAX": "none"})
    bundle_table.show_outside("int8", file)
    assert capsys.readouterr().out == ""
