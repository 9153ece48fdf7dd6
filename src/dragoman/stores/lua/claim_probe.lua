-- KEYS: the key's probe. ARGV: now or '', ttl. The time is kept beside Redis's own expiry, so that it may be another clock's.
local now, ttl = clock(ARGV[1]), tonumber(ARGV[2])
if tonumber(redis.call('GET', KEYS[1]) or 0) > now then return 0 end
redis.call('SET', KEYS[1], string.format('%d', now + ttl), 'PX', ttl + 1000)
return 1
