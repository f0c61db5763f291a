"""The oracle: an independent and slow definition of what rules mean, for tests of the engine.

buying  purchases to come: the formulas of the models, with many digits
carried what an enter carries as text
drawn   who is drawn by a name: splits and control groups
calendar what a clock shows, and when a date begins
clocks  when the calendar alone may change a rule
evidence  the leaves of a rule as they stand
foretold  what a model tells of a customer, and when time alone makes it pass its bound
identity  whose the events of merged ids are
life    what flips when in the life of one customer
matters how long events matter to a rule
memory  the events that happened to a customer
moved   new borders: what of the customer flips by them
oracle  whether a condition holds at an instant
sides   how the two sides of a calculation are told, and when time alone makes them cross
watches what comes of an enter into a segment with a goal
"""
