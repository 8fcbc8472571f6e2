"""Fewer bits: ranges of activations, rounding of weights, what each layer loses."""
