-- KEYS: what is held. ARGV: now or '', lease, ttl; for each key width, size, part, amount (width 0: a slot is held for ttl from now;
-- else what was admitted elsewhere is added).
local now, lease, ttl = clock(ARGV[1]), ARGV[2], tonumber(ARGV[3])
for i, key in ipairs(KEYS) do
  local at = 4 * i
  local width, size, part = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if width == 0 then
    hold(key, lease, now, ttl)
  else
    local last = advance(key, now, width, size, { '' })
    if part > last - size then add(key, '', size, math.min(part, last), tonumber(ARGV[at + 3])) end
  end
end
return 0
