"""The diagnosis: is entropy a good proxy for confidence on this model and task, and do the policies act where they should?"""
