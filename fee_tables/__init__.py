"""What it costs: the size key, the association's table and the products' fee tables, as adopted decisions."""
