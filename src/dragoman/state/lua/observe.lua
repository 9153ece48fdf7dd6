-- KEYS: sketches, versions. ARGV: now or '', half-life, milliseconds until it is forgotten, name among the versions; then field and count.
-- Weights are those of the time `start`: what comes later weighs more (see _sketch.py).
local now, half_life = clock(ARGV[1]), tonumber(ARGV[2])
local start = tonumber(redis.call('HGET', KEYS[1], 'start') or nil)
if not start then
  start = now
  redis.call('HSET', KEYS[1], 'start', start)
elseif now - start > 40 * half_life then
  local factor = 2 ^ -math.min((now - start) / half_life, 1000)
  local known = redis.call('HGETALL', KEYS[1])
  redis.call('DEL', KEYS[1])
  for i = 1, #known, 2 do
    local weight = string.find(known[i], ':', 1, true) and tonumber(known[i + 1]) * factor or 0
    if weight > 1e-6 then redis.call('HSET', KEYS[1], known[i], string.format('%.9g', weight)) end
  end
  start = now
  redis.call('HSET', KEYS[1], 'start', start)
end
local factor = 2 ^ ((now - start) / half_life)
if now - tonumber(redis.call('HGET', KEYS[1], 'last') or now) > half_life then
  -- After a silence all that came before weighs one at most.
  local known, totals = redis.call('HGETALL', KEYS[1]), {}
  for i = 1, #known, 2 do
    local series = string.match(known[i], '^(%d+):')
    if series then totals[series] = (totals[series] or 0) + tonumber(known[i + 1]) end
  end
  for i = 1, #known, 2 do
    local total = totals[string.match(known[i], '^(%d+):')]
    if total and total > factor then
      redis.call('HSET', KEYS[1], known[i], string.format('%.9g', tonumber(known[i + 1]) * factor / total))
    end
  end
end
local fields, weights = {}, {}
for i = 5, #ARGV, 2 do fields[#fields + 1] = ARGV[i] end
for i, known in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
  weights[2 * i - 1] = fields[i]
  weights[2 * i] = string.format('%.9g', tonumber(known or 0) + tonumber(ARGV[2 * i + 4]) * factor)
end
redis.call('HSET', KEYS[1], 'last', now, unpack(weights))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
changed(KEYS[2], KEYS[1], ARGV[4])
return 0
