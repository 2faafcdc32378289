"""What is durably known about a workload, and how is it kept?"""
