-- After clock.lua: take a lock; its fence is 0 while another one holds it. With what is to be read under it.
-- KEYS[2]: lock, KEYS[3]: counter, KEYS[4]: perhaps what is read. ARGV[3]: token, ARGV[4]: ttl in ms.
-- The counter moves only when the lock is taken. A lost one goes on above all that were ever given.
if not redis.call('set', KEYS[2], ARGV[3], 'nx', 'px', ARGV[4]) then return {now, steady, 0} end
redis.call('set', KEYS[3], time[1] .. string.format('%06d', time[2]), 'nx')
return {now, steady, redis.call('incr', KEYS[3]), KEYS[4] and redis.call('get', KEYS[4])}
