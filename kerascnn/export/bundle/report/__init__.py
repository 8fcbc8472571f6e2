"""What was measured on the files of a bundle: `report.json` and `report.html`."""
