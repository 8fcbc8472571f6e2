"""What a bundle promises: manifest, schema, versions, strict JSON. Standard library only."""
