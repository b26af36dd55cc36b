"""The doors to the outside: files, later mail, NemHandel, identity, banks."""
