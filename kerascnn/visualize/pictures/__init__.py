"""Arrays as pictures: tiles, heat maps, animations."""
