-- KEYS: the key's probe. ARGV: now or '', ttl. 
local now, ttl = clock(ARGV[1]), tonumber(ARGV[2])
if tonumber(redis.call('GET', KEYS[1]) or 0) > now then return 0 end
redis.call('SET', KEYS[1], string.format('%d', now + ttl))
tidy_after(KEYS[1], ttl)
return 1
