-- The beginning of every script that reads Redis' clock: `now` and `steady` as text, in seconds since the epoch.
-- KEYS[1]: what is known of the clock. ARGV[1]: what the caller knows of the time since its last reading: "watched",
-- "new" (nothing), or "stepped". ARGV[2]: after so many seconds without a reading nobody knows whether it stepped.
local time, stored = redis.call('time'), redis.call('hmget', KEYS[1], 'read', 'steady')
local now, steady = string.format('%d.%06d', time[1], time[2]), stored[2]
local unread = tonumber(now) - (tonumber(stored[1]) or 0)
if not string.match(steady or '', '^%d+%.%d+$') then steady = nil end
if not steady or unread < 0 or ARGV[1] == 'stepped' or (ARGV[1] == 'new' and unread > tonumber(ARGV[2])) then
  steady = now
end
redis.call('hset', KEYS[1], 'read', now, 'steady', steady)
