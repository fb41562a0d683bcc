"""One view a file; each takes the session and knows no other view."""
