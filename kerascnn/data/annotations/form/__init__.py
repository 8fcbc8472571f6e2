"""The one form of all annotations: pictures, objects, masks and what they are made of."""
