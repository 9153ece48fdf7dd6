-- KEYS: counts, versions. ARGV: now or '', width, size, name among the versions, successes, failures.
local now, width, size = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local part = advance(KEYS[1], now, width, size, { 's', 'f' })
add(KEYS[1], 's', size, part, tonumber(ARGV[5]))
add(KEYS[1], 'f', size, part, tonumber(ARGV[6]))
changed(KEYS[2], KEYS[1], ARGV[4])
return 0
