"""Three dimensions: cameras, rays, volume rendering, and objects as three planes of features."""
