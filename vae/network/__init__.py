"""The variational autoencoder: MLP encoder, DeepONet decoder, Poisson likelihood in counts.

Importing this package does not import torch: a trained model encodes and decodes with numpy. The torch modules are
`vae.network.autoencoder` (and what it is made of) and `vae.network.likelihood`.
"""

from vae.network.config import NETWORKS, Likelihood, NetworkConfig
from vae.network.scaling import scale_input
from vae.network.trained import TrainedModel

__all__ = ["NETWORKS", "Likelihood", "NetworkConfig", "TrainedModel", "scale_input"]
