"""The oracle: an independent and slow definition of what rules mean, for tests of the engine.

life    what flips when in the life of one customer
memory  the events that happened to a customer
oracle  whether a condition holds at an instant
sides   how the two sides of a calculation are told, and when time alone makes them cross
"""
