-- KEYS: what changes. ARGV: lease; for each key width, size, part, change (width 0: a slot is free).
local lease = ARGV[1]
for i, key in ipairs(KEYS) do
  local at = 4 * i - 2
  local width, size, part = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if width == 0 then
    redis.call('ZREM', key, lease)
  else
    local last = tonumber(redis.call('HGET', key, 'last') or nil)
    if last and part > last - size and part <= last then add(key, '', size, part, tonumber(ARGV[at + 3])) end
  end
end
return 0
