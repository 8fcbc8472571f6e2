"""Folders as people and systems arrange them: splits, classes, files that are not used."""
