"""The archive's own catalogue of detections."""
