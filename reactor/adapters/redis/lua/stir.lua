-- Write Redis' time into each key. KEYS: any number. ARGV[1]: their time to live in seconds.
local time = redis.call('time')
local now = string.format('%d.%06d', time[1], time[2])
for _, key in ipairs(KEYS) do redis.call('set', key, now, 'ex', ARGV[1]) end
return now
