# One of the three servers.
set -eu
umask 077
me="$(hostname).redis"
. /start/primary.sh
{
  echo "aclfile /run/valkey/users.acl"
  echo "dir /data"
  echo "appendonly yes"
  echo "appendfsync everysec"
  echo "maxmemory 384mb"
  echo "maxmemory-policy noeviction"
  echo "replica-announce-ip $me"
  echo "masteruser replica"
  printf 'masterauth "%s"\n' "$(cat /passwords/replica)"
  # A primary that nobody follows any more takes nothing in: it may have been replaced on the other side of a cut.
  echo "min-replicas-to-write 1"
  echo "min-replicas-max-lag 10"
  if [ "$primary" != "$me" ]; then echo "replicaof $primary 6379"; fi
} > /run/valkey/server.conf
exec valkey-server /run/valkey/server.conf
