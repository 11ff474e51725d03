"""A small network, trained on rendered regions, that tells whether two regions are alike."""
