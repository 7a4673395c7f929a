"""The shop is told what happened to its money, by post: signed, at least once, in no promised order.

As docs.stripe.com/webhooks has it. Letters are carried by tasks and connections of their own; a payment never
waits for one, and an address that does not answer is asked ever more rarely.
"""
