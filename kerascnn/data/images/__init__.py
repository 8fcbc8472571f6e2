"""Image files to pixels, with every way in which a file can be bad."""
