"""The process that turns a SavedModel into a float TFLite file; started by convert.py.

The converter leaks memory on each call and can abort the process it runs in, so it gets one of
its own. Usage: python _child.py SAVED_MODEL OUTPUT. It imports nothing of kerascnn.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
FAILED = 3  # an exit code of its own: the converter refused, as opposed to Python's 1


def main(output: str) -> int:
    """Converts a SavedModel into `output`; writes the reason to standard error on failure."""
    # TensorFlow loads Keras where it finds it, and works without: a second less to wait.
    sys.modules["keras"] = None  # type: ignore[assignment]
    import tensorflow as tf

    saved_model = os.fsdecode(sys.stdin.buffer.read())
    if not saved_model:
        return FAILED  # the parent gave up
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    try:
        content = converter.convert()
    except Exception as error:  # noqa: BLE001 - the parent process reports whatever it was
        sys.stderr.write(f"\n{type(error).__name__}: {error}\n")
        return FAILED
    Path(output).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
