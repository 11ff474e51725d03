"""How well are regions found, recognised, and told from what is new?"""
