"""What `make bench` runs: the annual run on made-up registers of growing size, beside the bare work of the machine."""
