"""The report of an evaluation: figures, tables and the page that holds them."""
