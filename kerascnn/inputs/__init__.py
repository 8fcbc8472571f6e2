"""What people hand to functions that train, explain or measure: images, targets, keywords.

Each is checked here once, before the first step, whatever library the arrays come from; errors say
the value and where it is. It knows no layer and no model of ours. Importing it loads NumPy only.
"""
