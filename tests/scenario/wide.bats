# alone
# A thousand components (a hundred under sanitizers): all up, all killed at
# once and back, all heard, all gone.

load lib

prepare() {
	N=1000
	[[ -z ${SANITIZE:-} ]] || N=100
}

# wide_config COMMAND-AND-KEYS: N components p0, p1, ... alike.
wide_config() {
	local i
	{
		echo 'defaults = { restart = { max_restarts = 0;' \
		    'delay = "50ms"; }; };'
		echo 'components = ('
		for ((i = 0; i < N; i++)); do
			((i)) && echo ','
			echo "{ name = \"p$i\"; ${1//@/$i} }"
		done
		echo ');'
	} | fleet_config
}

# count FILTER: of how many components p... of the status it is true.
count() {
	{ lk status --json || true; } | jq "[.components[] |
	    select(.name | test(\"^p[0-9]+\$\")) | select($1)] | length"
}

all_are() {
	local n
	n=$(count "$1")
	[[ $n == "$N" ]] || fail "$n of $N: $1"
}

@test "all start, all come back when all are killed, all end" {
	wide_config 'command = [ "sleep", "10000" ];'
	lk up -d
	wait_until 60 all_are '.state == "running"'
	lk status --json | jq -r '.components[] |
	    select(.name | test("^p[0-9]+$")) | .pid' > "$FLEET/pids"
	xargs kill -9 < "$FLEET/pids"
	wait_until 60 all_are '.state == "running" and .restarts == 1'
	lk status --json | jq -r '.components[].pid' |
	    sort > "$FLEET/successors"
	[[ -z $(sort "$FLEET/pids" | comm -12 - "$FLEET/successors") ]]
	lk down
	nothing_left
	# Each death and each start is in the database, once.
	[[ $(count_events "event_type = 'component_crashed'") == "$N" ]]
	[[ $(count_events "event_type = 'component_restarted'") == "$N" ]]
}

@test "ten heartbeats a second from each: none is late" {
	wide_config "ready = \"notify\"; heartbeat = { timeout = \"4s\"; };
	    command = [ \"$HELPERS/beats\", \"10\" ];"
	lk up -d
	wait_until 60 all_are '.state == "running"'
	wait_until 60 all_are '.heartbeats >= 100'
	all_are '.restarts == 0'
	lk down
	[[ $(count_events "event_type IN ('component_late',
	    'component_stuck')") == 0 ]]
}
