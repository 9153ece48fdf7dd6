-- KEYS: outages, the key's probe. ARGV: key, milliseconds of its end, the outage. The one that ends later holds.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or tonumber(string.match(known, '^%d+')) <= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
end
keep(KEYS[1])
redis.call('DEL', KEYS[2])
return 0
