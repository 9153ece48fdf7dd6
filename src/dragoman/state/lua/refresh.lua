-- KEYS: outages, in flight, versions, memory; then the watched counters. ARGV: now or '', process, what it has in flight ('' ends it), milliseconds
-- for which that holds, the newest version known, how many changes at most, what names among the versions begin with as keys; then 'window'
-- or 'slots' for each watched counter. Keys that are made here begin as all others do, so that they are in the same slot of a cluster.
local now = clock(ARGV[1])

local function lasting(key)
  local lasts, over, all = {}, {}, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if tonumber(string.match(all[i + 1], '^%d+')) > now then
      lasts[#lasts + 1] = all[i]
      lasts[#lasts + 1] = all[i + 1]
    else
      over[#over + 1] = all[i]
    end
  end
  for _, name in ipairs(over) do redis.call('HDEL', key, name) end
  return lasts
end

if ARGV[3] == '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
else
  redis.call('HSET', KEYS[2], ARGV[2], string.format('%d', now + tonumber(ARGV[4])) .. ' ' .. ARGV[3])
end

for i = 1, 4 do keep(KEYS[i]) end

local newest = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2] or '0'
local since = ARGV[5]
if tonumber(since) > tonumber(newest) then since = '0' end
local changes, upto = {}, since
local versions = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. since, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[6])
for i = 1, #versions, 2 do
  local values = redis.call('HGETALL', ARGV[7] .. versions[i])
  if #values == 0 then redis.call('ZREM', KEYS[3], versions[i]) end
  changes[#changes + 1] = { versions[i], values }
  upto = versions[i + 1]
end

local watched = {}
for i = 5, #KEYS do
  if ARGV[i + 3] == 'window' then
    watched[#watched + 1] = redis.call('HGETALL', KEYS[i])
  else
    watched[#watched + 1] = redis.call('ZRANGEBYSCORE', KEYS[i], '(' .. string.format('%d', now), '+inf', 'WITHSCORES')
  end
end
return { now, lasting(KEYS[1]), lasting(KEYS[2]), tonumber(upto), changes, watched }
