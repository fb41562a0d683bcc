"""Names, identifiers and places in the sky, and who has them."""
