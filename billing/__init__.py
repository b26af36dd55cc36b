"""What is owed: the annual run, invoices, the ledger, and the documents made of them."""
