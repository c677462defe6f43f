# The users of redis.yaml's init container: passwords become hashes, so no file of the server holds one, and no character of
# one can break the file.
set -eu
umask 077
cat /rules/*.rules | while read -r name rules; do
  case "$name" in ""|"#"*) continue ;; esac
  # An empty password would let anybody in.
  test -s "/passwords/$name" || { echo "Secret redis: no password for $name" >&2; exit 1; }
  hash=$(sha256sum < "/passwords/$name" | cut -d" " -f1)
  echo "user $name on #$hash resetkeys resetchannels -@all $rules"
done > /run/valkey/users.acl
echo "user default off" >> /run/valkey/users.acl
