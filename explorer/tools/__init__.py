"""What adapts the atlas for the views: selection algebra and export. No widgets."""
