-- Renew a lock, or release it: 0 if it is no longer the caller's.
-- KEYS[1]: lock. ARGV[1]: token, ARGV[2]: ttl in ms, 0 to release it.
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('del', KEYS[1]) else redis.call('pexpire', KEYS[1], ARGV[2]) end
return 1
