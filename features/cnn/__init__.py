"""Dense descriptors by a convolutional network whose weights a package brings."""
