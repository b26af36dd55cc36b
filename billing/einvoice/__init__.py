"""The invoice as XML, and the checks it must pass."""
