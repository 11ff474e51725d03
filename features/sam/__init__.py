"""Which regions does an image consist of, told by a network of the Segment Anything family?"""
