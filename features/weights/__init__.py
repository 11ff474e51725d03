"""Which weights do the large networks need, where do they lie, and are they what they should be?"""
