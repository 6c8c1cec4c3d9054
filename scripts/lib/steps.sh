# Shared by the scripts here, never run alone: steps with a name and a time.

# step NAME COMMAND…: says what begins, runs it, says how long it took. Ends the script when COMMAND fails.
step() {
  local name=$1 began=$SECONDS
  shift
  echo "==> $name"
  if "$@"; then
    echo "<== $name: $((SECONDS - began)) s"
  else
    local code=$?
    echo "<== $name: FAILED after $((SECONDS - began)) s" >&2
    exit "$code"
  fi
}

# free_port: a port below the kernel's ephemeral range that, like the one after it, nobody answers on.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && ! (exec 3<>"/dev/tcp/127.0.0.1/$((port + 1))") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}
