"""CSV files as spreadsheets write them: rows, image files, targets."""
