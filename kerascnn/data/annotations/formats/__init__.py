"""One reader per format, and how formats are recognised."""
