# What happened, in words, from the database and from the spool.

bats_require_minimum_version 1.5.0

setup() {
	load lib
	need jq sqlite3
	setup_fleet
	fleet_config <<-CONF
		components = ( { name = "web";
		    command = [ "sleep", "1000" ]; } );
	CONF
}

teardown() {
	if [[ -n ${FOLLOWER:-} ]]; then
		kill "$FOLLOWER" 2> /dev/null || true
		wait "$FOLLOWER" || true
	fi
	teardown_fleet
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

has_line() {
	grep -qE "$2" "$1" || fail "no line $2 in" "$(< "$1")"
}

@test "one readable line per event" {
	lk up -d --wait
	kill -9 "$(pid_of web)"
	wait_event "event_type = 'component_restarted'"
	run -0 lk timeline --since boot --filter component=web
	[[ ${lines[0]} =~ ^[0-9:]{8}\ \ web\ started\ \(pid\ [0-9]+\)$ ]]
	says "web is ready"
	says "web crashed: signal 9 (Killed)"
	says "web started again"
	[[ $output != *recorder* ]]
}

@test "filters are and-ed, by columns and fields of the payload" {
	lk up -d --wait
	kill -9 "$(pid_of web)"
	wait_event "event_type = 'component_restarted'"
	run -0 lk timeline --filter component=WEB \
	    --filter event_type=component_ready --filter restarts=1
	[[ ${#lines[@]} == 1 ]]
	says "web is ready"
	run -2 lk timeline --filter colour=red
	says "no event has such a field; there are id, timestamp"
	says "restarts"
	run -2 lk timeline --filter component
	run -2 lk timeline --since noon
	lk timeline --filter component=web --json |
	    jq -e 'length > 2 and all(.payload.component == "web")'
}

@test "since is an age, a day, a time or the boot" {
	lk up -d --wait
	sql "INSERT INTO events (id, timestamp, source, event_type) VALUES
	    ('old', datetime('now', '-3 days'), 'x', 'long_ago'),
	    ('mid', datetime('now', '-2 hours'), 'x', 'not_long_ago')"
	run -0 lk timeline
	[[ $output != *"long ago"* ]]
	run -0 lk timeline --since 3h
	says "x not long ago"
	run -0 lk timeline --since 4d
	says "x long ago"
	run -0 lk timeline --since "$(date -d '-3 hours' '+%Y-%m-%d %H:%M')"
	says "x not long ago"
	[[ $output != *"x long ago"* ]]
	run -0 lk timeline --since "$(date -d '-5 days' +%Y-%m-%d)"
	says "x long ago"
}

@test "-f shows each event once, while it happens" {
	lk up -d --wait
	"$LOOPKEEPER" timeline -f > "$FLEET/follow" 3>&- &
	FOLLOWER=$!
	wait_until 10 has_line "$FLEET/follow" "web is ready"
	kill -9 "$(pid_of web)"
	wait_until 10 has_line "$FLEET/follow" "web started again"
	sql "INSERT INTO events (id, source, event_type, payload) VALUES
	    ('mine', 'x', 'test_passed', '{\"test_id\":\"T-9\"}')"
	wait_until 10 has_line "$FLEET/follow" "x passed T-9"
	[[ $(grep -c 'web crashed' "$FLEET/follow") == 1 ]]
	[[ $(grep -c 'web started again' "$FLEET/follow") == 1 ]]
}

@test "-f goes on while the database is locked" {
	need python3
	lk up -d --wait
	"$LOOPKEEPER" timeline -f --json > "$FLEET/follow" 3>&- &
	FOLLOWER=$!
	wait_until 10 has_line "$FLEET/follow" component_ready
	python3 - "$FLEET" 3>&- <<-'PY' &
		import os, sqlite3, sys
		db = sqlite3.connect(sys.argv[1] + "/state/coordination.db",
		    isolation_level=None, timeout=60)
		db.execute("BEGIN EXCLUSIVE")
		open(sys.argv[1] + "/locked", "w").close()
		while not os.path.exists(sys.argv[1] + "/release"):
		    os.system("sleep 0.05")
	PY
	local python=$!
	wait_until 10 test -e "$FLEET/locked"
	kill -9 "$(pid_of web)"
	wait_until 10 has_line "$FLEET/follow" component_restarted
	: > "$FLEET/release"
	wait "$python"
	wait_event "event_type = 'component_restarted'"
	run -0 jq -es '[.[] | select(.event_type == "component_restarted")] |
	    length == 1' "$FLEET/follow"
}
