"""Numbers of the schema's fused activation functions."""

NONE, RELU, RELU6 = 0, 1, 3
