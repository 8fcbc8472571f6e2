"""Reaching into a model while it computes, and its derivatives on each backend."""
