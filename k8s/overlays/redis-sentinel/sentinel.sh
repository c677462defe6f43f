# One of the three Sentinels.
set -eu
umask 077
. /start/primary.sh
{
  echo "port 26379"
  echo "dir /run/valkey"
  # Whoever may order them about names the primary, and clients send that one their passwords.
  printf 'requirepass "%s"\n' "$(cat /passwords/sentinels)"
  printf 'sentinel sentinel-pass "%s"\n' "$(cat /passwords/sentinels)"
  echo "sentinel resolve-hostnames yes"
  echo "sentinel announce-hostnames yes"
  echo "sentinel announce-ip $(hostname).redis"
  echo "sentinel monitor vm-drift $primary 6379 2"
  echo "sentinel auth-user vm-drift sentinel"
  printf 'sentinel auth-pass vm-drift "%s"\n' "$(cat /passwords/sentinel)"
  echo "sentinel down-after-milliseconds vm-drift 5000"
  echo "sentinel failover-timeout vm-drift 15000"
} > /run/valkey/sentinel.conf
exec valkey-server /run/valkey/sentinel.conf --sentinel
