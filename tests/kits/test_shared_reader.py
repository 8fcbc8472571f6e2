"""Kits are copied one by one, so the reader of bundles stands in two of them: the same file."""


def test_the_reader_of_bundles_is_the_same_in_each_kit(repository):
    micro, mediapipe = (
        (repository / "export" / kit / "bundle.py").read_bytes() for kit in ("micro", "mediapipe")
    )
    assert micro == mediapipe
