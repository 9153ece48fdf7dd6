-- KEYS: memory. ARGV: a name for it. Gives the name that Redis's memory has: another one than before says that it has forgotten everything.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
keep(KEYS[1])
return redis.call('GET', KEYS[1])
