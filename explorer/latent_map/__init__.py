"""The latent map: one image of all detections, live under pan and zoom, with its marks and gestures."""

from explorer.latent_map.figure import LatentMap

__all__ = ["LatentMap"]
