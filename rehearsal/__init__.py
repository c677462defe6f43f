"""The product's own processes in virtual time, on a simulated cluster: for tests, and for `vmdrift rehearse`.

What does not belong here: any judgement; whoever plays looks at the cluster and at what was recorded.
"""
