"""What the HTML reports share: the frame of a page, its style, numbers, pictures and charts.

Standard library, NumPy and Pillow only. A page is one file that loads nothing from anywhere, and
follows the reader's colour scheme and the width of the window.
"""
