"""How is the world changed, and how are people told?"""
