"""What does the doctor look at, part by part?"""
