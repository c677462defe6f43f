"""What is sent to others: CloudEvents to the sink, and Kubernetes Events on the VM and its node.

What does not belong here: the page and the metrics, which read records themselves (`reactor.web`).
"""
