"""How detections are selected: by outline, class and query; what was selected, undone and named."""
