# Sets $primary: whoever a Sentinel says, or, where there is none yet, the first server.
primary=redis-0.redis
REDISCLI_AUTH=$(cat /passwords/sentinels)
export REDISCLI_AUTH
for other in redis-0.redis redis-1.redis redis-2.redis; do
  told=$(timeout 3 valkey-cli -h "$other" -p 26379 sentinel get-master-addr-by-name vm-drift 2>/dev/null | head -n 1) || told=""
  if [ -n "$told" ]; then primary=$told; break; fi
done
