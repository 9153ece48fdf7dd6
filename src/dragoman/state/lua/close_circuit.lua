-- KEYS: outages, the key's probe. ARGV: key.
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return 0
