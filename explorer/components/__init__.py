"""Our own pieces of HTML: what all parts of the page are made of."""
