"""How good the latents and reconstructions are, beside baselines that need no network."""
