-- What all scripts begin with. Redis's clock is the one that processes agree on; a script is one atomic step.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Redis's own expiry only tidies up: what holds is in the values, and time in them may be another clock's.
local function tidy_after(key, milliseconds)
  redis.call('PEXPIRE', key, math.max(milliseconds, 60000))
end

-- A window (see _window.py) is a hash: `last` is the current part, and each series has its parts in a ring, and their `total`.
local function advance(key, now, width, size, series)
  local current = math.floor(now / width)
  local last = tonumber(redis.call('HGET', key, 'last') or nil)
  local gone = current - (last or 0)
  if last and gone <= 0 and gone > -size then return last end
  if gone < 0 or gone >= size then
    redis.call('DEL', key)
  else
    for _, name in ipairs(series) do
      local parts, freed = {}, 0
      for part = last + 1, current do parts[#parts + 1] = name .. (part % size) end
      for _, amount in ipairs(redis.call('HMGET', key, unpack(parts))) do
        if amount then freed = freed + tonumber(amount) end
      end
      redis.call('HDEL', key, unpack(parts))
      if freed ~= 0 then redis.call('HINCRBY', key, name .. 'total', -freed) end
    end
  end
  redis.call('HSET', key, 'last', current)
  tidy_after(key, (size + 1) * width)
  return current
end

local function add(key, name, size, part, amount)
  if amount ~= 0 then
    redis.call('HINCRBY', key, name .. (part % size), amount)
    redis.call('HINCRBY', key, name .. 'total', amount)
  end
end

local function hold(key, lease, now, ttl)
  redis.call('ZADD', key, now + ttl, lease)
  if redis.call('PTTL', key) < ttl then tidy_after(key, ttl + 1000) end
end

-- What has no end of its own is kept for a day after the last process was there.
local function keep(key)
  redis.call('PEXPIRE', key, 86400000)
end

-- Tells the others that something is to be read: each change has a number of its own. `key` is what changed, its name in `versions` the
-- end of it. With each new name a few of the oldest are looked at, and forgotten with what they named.
local function changed(versions, key, name)
  local newest = redis.call('ZREVRANGE', versions, 0, 0, 'WITHSCORES')
  if redis.call('ZADD', versions, tonumber(newest[2] or 0) + 1, name) == 1 then
    local prefix = string.sub(key, 1, #key - #name)
    for _, old in ipairs(redis.call('ZRANGE', versions, 0, 2)) do
      if redis.call('EXISTS', prefix .. old) == 0 then redis.call('ZREM', versions, old) end
    end
  end
  keep(versions)
end
