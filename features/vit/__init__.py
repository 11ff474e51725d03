"""Dense descriptors by a pretrained vision transformer."""
