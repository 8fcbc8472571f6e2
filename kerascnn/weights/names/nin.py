"""Network in Network: nobody publishes weights in a format we read."""

# The classifier, whose shapes depend on the number of classes.
OPTIONAL = ("head_",)
