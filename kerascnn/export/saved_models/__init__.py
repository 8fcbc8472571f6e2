"""SavedModels: for inference, and for servers with signatures."""
