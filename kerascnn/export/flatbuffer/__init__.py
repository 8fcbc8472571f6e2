"""The `.tflite` file itself: read, checked, edited and written; its metadata."""
