-- Move waiting jobs into their queue. Each leaves the one and enters the other at once, so who comes second finds none.
-- KEYS[1]: RQ's registry of the queue's waiting jobs, by due time, KEYS[2]: the queue. ARGV[1]: only those due by then,
-- ARGV[2]: the time as RQ writes it, ARGV[3]: the prefix of jobs' keys, ARGV[4], ...: their ids.
-- Writes what RQ 2's own scheduler changes in a job (`Queue._enqueue_async_job`). What is no job is only removed. Each
-- job is removed last, so that one that cannot be written, for want of memory or of rights, goes on waiting.
for i = 4, #ARGV do
  local job, due = ARGV[3] .. ARGV[i], redis.call('zscore', KEYS[1], ARGV[i])
  if due and tonumber(due) <= tonumber(ARGV[1]) then
    if redis.call('type', job)['ok'] == 'hash' then
      redis.call('hset', job, 'status', 'queued', 'enqueued_at', ARGV[2])
      redis.call('rpush', KEYS[2], ARGV[i])
    end
    redis.call('zrem', KEYS[1], ARGV[i])
  end
end
