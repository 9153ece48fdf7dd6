-- KEYS: counters. ARGV: now or ''; for each key width, size (width 0: slots). Gives what is used of each.
local now, reply = clock(ARGV[1]), {}
for i, key in ipairs(KEYS) do
  local width, size = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if width == 0 then
    reply[i] = redis.call('ZCOUNT', key, '(' .. string.format('%d', now), '+inf')
  elseif redis.call('EXISTS', key) == 1 then
    advance(key, now, width, size, { '' })
    reply[i] = tonumber(redis.call('HGET', key, 'total') or 0)
  else
    reply[i] = 0
  end
end
return reply
