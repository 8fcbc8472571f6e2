"""The page a training run leaves behind: one module for each of its parts."""
