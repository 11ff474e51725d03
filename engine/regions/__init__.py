"""What is new in an image, has it been taught, and is it accepted or a defect?"""
