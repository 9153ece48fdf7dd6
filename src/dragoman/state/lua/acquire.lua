-- KEYS: one for each claim. ARGV: now or '', lease ('' only looks), ttl; for each claim limit, amount, width, size (width 0: slots).
-- Gives now, 0 and the part of each claim; or now, the number of the claim refused, what is used, and milliseconds until it fits (-1: never).
local now, lease, ttl = clock(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local claims, refused, longest = {}, nil, nil

local function fits_in(key, claim, used)
  if claim.amount > claim.limit then return -1 end
  local fields = {}
  for part = claim.part - claim.size + 1, claim.part do fields[#fields + 1] = part % claim.size end
  local excess = used + claim.amount - claim.limit
  for i, amount in ipairs(redis.call('HMGET', key, unpack(fields))) do
    excess = excess - tonumber(amount or 0)
    if excess <= 0 then return math.max((claim.part + i) * claim.width - now, 0) end
  end
  return 0
end

for i, key in ipairs(KEYS) do
  local at = 4 * i
  local claim = { limit = tonumber(ARGV[at]), amount = tonumber(ARGV[at + 1]), width = tonumber(ARGV[at + 2]), size = tonumber(ARGV[at + 3]) }
  claims[i] = claim
  local used, wait
  if claim.width == 0 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used = redis.call('ZCARD', key)
    if used >= claim.limit then wait = claim.limit > 0 and 1000 or -1 end
  else
    claim.part = advance(key, now, claim.width, claim.size, { '' })
    used = tonumber(redis.call('HGET', key, 'total') or 0)
    if used + claim.amount > claim.limit then wait = fits_in(key, claim, used) end
  end
  if wait and (not refused or (longest >= 0 and (wait < 0 or wait > longest))) then
    refused, longest = { now, i, used, wait }, wait
  end
end
if refused then return refused end
if lease == '' then return { now, 0 } end

local reply = { now, 0 }
for i, key in ipairs(KEYS) do
  local claim = claims[i]
  if claim.width == 0 then
    hold(key, lease, now, ttl)
  else
    add(key, '', claim.size, claim.part, claim.amount)
  end
  reply[i + 2] = claim.part or -1
end
return reply
