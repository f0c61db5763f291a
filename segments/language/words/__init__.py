"""A rule as a sentence in English and Dutch.

calendar       what the clock shows now, and dates of the profile
dutch          phrases of Dutch
dutch_clauses  clauses of Dutch as a marketer would say them
dutch_deeds    what a customer did, in Dutch
english        phrases of English
goals          the sentences about what a rule is measured by
grammar        what a language must provide: nouns, phrases, numbers, lengths of time
narrowing      what follows the noun of an event set; what a field is compared with
nouns          the nouns of event sets and fields, in both languages
phrases        what commands say about rules and customers, in both languages
rule           the sentence of a rule, in one of the languages
sentence       the clauses that it is made of
shares         what may be said of measures in another way than a rule writes it
terms          measures and calculations as nouns
timers         the sentences about what time alone changes
"""
