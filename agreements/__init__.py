"""What they have joined: products and connection agreements."""
