"""What in an image spoke for an answer: one method per file."""
