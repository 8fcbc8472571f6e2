"""Bundles: a folder with files, manifest, golden inputs and a report."""
