"""The Panel dashboard: from an atlas on disk to a person's screen."""
