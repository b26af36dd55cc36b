"""The road to a connection: the five steps that an authority walks before it joins a product."""
