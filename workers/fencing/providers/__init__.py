"""Proof that a lost node's boot has ended, or can write no more: one provider a file, behind one interface.

What does not belong here: when to fence, and what a proof is worth (`workers.fencing.decide`); releasing VMs.
"""
