"""LiteRT.js in a browser, on the CPU (WebAssembly with XNNPACK).

Sources: `@litertjs/core` 2.5.3, `dist/index.js`: `DATATYPES` (tensors are float32, int32 or uint8;
nothing else can be passed in or read), and its README (WebGPU runs what it supports, WebAssembly
the rest); LiteRT for Web, "Model conversion": no dynamic dimensions. The WebAssembly file holds
LiteRT's own kernels, so an operator that LiteRT takes here is taken there.
"""

from kerascnn.export.targets import rules

_TYPES = ("float32", "uint8", "int32")

TARGET = rules.Target(
    name="litert-js",
    title="browsers (LiteRT.js)",
    recipes=("float32", "int8"),
    io="uint8",
    inputs=_TYPES,
    outputs=_TYPES,
    rules=(
        rules.one_image,
        rules.fixed_shapes,
        rules.end_types(_TYPES, _TYPES),
        rules.litert_runs,
    ),
    source="@litertjs/core 2.5, DATATYPES",
)
