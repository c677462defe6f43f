"""Fencing: proof that a lost node's boot has ended, or can write no more. One provider a file, behind one interface.

What does not belong here: when to fence, and what a proof is worth (`workers.decide.fencing`); releasing VMs.
"""
