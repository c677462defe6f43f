-- Take back a suspicion that is there, count how it ended, and send its events: 1, or 0 and nothing done if it is not.
-- KEYS: open suspicions, stream, ends. ARGV: id, how, cap, events...
if redis.call('hdel', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('hincrby', KEYS[3], ARGV[2], 1)
for i = 4, #ARGV do redis.call('xadd', KEYS[2], 'maxlen', '~', ARGV[3], '*', 'event', ARGV[i]) end
return 1
