"""Text, JSON, XML, YAML and numbers of unknown origin."""
