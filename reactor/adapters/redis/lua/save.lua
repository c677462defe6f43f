-- Write a record, its events and its change, and release its lock: 0, and nothing done, if a later holder wrote it.
-- KEYS: record, the outage's set, stream, totals, changes, and the lock if there is one.
-- ARGV: record, its fence (0: must be new), drift id, ttl in ms or 0, cap, what it adds to the totals, change, the
-- lock's token, events...
-- A client that lost the answer sends the script again, so an end counts only where there was none before.
local old, was = redis.call('get', KEYS[1]), {}
if old then
  local ok, decoded = pcall(cjson.decode, old)
  if ok and type(decoded) == 'table' then was = decoded end
  if ARGV[2] == '0' then return 0 end
  if (tonumber(was['fence']) or 0) > tonumber(ARGV[2]) then return 0 end
end
redis.call('set', KEYS[1], ARGV[1])
redis.call('sadd', KEYS[2], ARGV[3])
redis.call('persist', KEYS[2])
if ARGV[4] ~= '0' then
  redis.call('pexpire', KEYS[1], ARGV[4])
  redis.call('pexpire', KEYS[2], ARGV[4])
end
if type(was['ended_at']) ~= 'number' then
  for field, amount in pairs(cjson.decode(ARGV[6])) do redis.call('hincrbyfloat', KEYS[4], field, amount) end
end
local change = cjson.decode(ARGV[7])
if was['phase'] ~= change['phase'] or was['reason'] ~= change['reason'] then
  redis.call('xadd', KEYS[5], 'maxlen', '~', ARGV[5], '*', 'change', ARGV[7])
end
if KEYS[6] and redis.call('get', KEYS[6]) == ARGV[8] then redis.call('del', KEYS[6]) end
for i = 9, #ARGV do redis.call('xadd', KEYS[3], 'maxlen', '~', ARGV[5], '*', 'event', ARGV[i]) end
return 1
