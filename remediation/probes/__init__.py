"""Which facts do we fetch ourselves?"""
