-- Write down a suspicion that is not there yet, and send its events: 1, or 0 and nothing done if it is.
-- KEYS: open suspicions, stream. ARGV: id, suspicion, cap, events...
if redis.call('hsetnx', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
for i = 4, #ARGV do redis.call('xadd', KEYS[2], 'maxlen', '~', ARGV[3], '*', 'event', ARGV[i]) end
return 1
