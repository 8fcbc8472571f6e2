"""LiteRT's CompiledModel on Android, from Kotlin.

Sources: LiteRT's Kotlin API, `TensorBuffer.kt` (write and read int32, float32, int8 and bool: there
are no unsigned bytes) and `Model.kt`; "LiteRT CompiledModel Kotlin API" and "GPU acceleration" of
the LiteRT documentation (fixed shapes). Operators that a GPU or NPU lacks run on the CPU, which has
LiteRT's own kernels.
"""

from kerascnn.export.targets import rules

_TYPES = ("float32", "int8", "int32")

TARGET = rules.Target(
    name="android",
    title="Android (LiteRT CompiledModel)",
    recipes=("float32", "int8"),
    io="float32",
    inputs=_TYPES,
    outputs=_TYPES,
    rules=(
        rules.one_image,
        rules.fixed_shapes,
        rules.end_types(_TYPES, _TYPES),
        rules.litert_runs,
    ),
    source="LiteRT's TensorBuffer.kt",
)
