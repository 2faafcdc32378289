"""What shall we do, did we do it, and who was told?"""
