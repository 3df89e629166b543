# What happened, in words, from the database and from the spool.

load lib

prepare() {
	sleepers web
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

@test "a filter that lets nothing pass is answered" {
	lk up -d --wait
	run -0 lk timeline --filter component=nobody
	[[ $output == "no such events; --since reaches further back" ]]
	run -0 lk timeline --filter component=nobody --json
	[[ $output == "[]" ]]
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
	# A time that is still to come today was yesterday's.
	run -0 lk timeline --since "$(date -d '+5 minutes' +%H:%M)"
	says "x not long ago"
	[[ $output != *"x long ago"* ]]
}

@test "-f shows each event once, while it happens" {
	lk up -d --wait
	background follow "$LOOPKEEPER" timeline -f
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
	lk up -d --wait
	background follow "$LOOPKEEPER" timeline -f --json
	wait_until 10 has_line "$FLEET/follow" component_ready
	foreigner 'BEGIN EXCLUSIVE;'
	kill -9 "$(pid_of web)"
	wait_until 10 has_line "$FLEET/follow" component_restarted
	tell_foreigner 'COMMIT;'
	wait_event "event_type = 'component_restarted'"
	run -0 jq -es '[.[] | select(.event_type == "component_restarted")] |
	    length == 1' "$FLEET/follow"
}

@test "-f shows what a component with a user of its own has spooled" {
	need_root
	chmod 711 "$FLEET"
	cat >> "$LOOPKEEPER_CONFIG" <<-CONF
		include = [ "more.conf" ];
	CONF
	cat > "$FLEET/more.conf" <<-'CONF'
		components = ( { name = "stranger"; user = "nobody";
		    command = [ "sh", "-c", "until [ -e ../go ]; do sleep 0.05; done;
		    printf '{\"id\":\"s-1\",\"timestamp\":\"2026-01-07T02:14:00Z\",\"source\":\"stranger\",\"event_type\":\"human_message\",\"payload\":{\"component\":\"stranger\",\"text\":\"hello\"}}\\n' >> $LOOPKEEPER_SPOOL/stranger-1.jsonl;
		    exec sleep 1000" ]; working_directory = "there"; } );
	CONF
	mkdir -m 755 "$FLEET/there"
	lk up -d --wait
	background follow "$LOOPKEEPER" timeline -f --since 2026-01-01
	wait_until 10 has_line "$FLEET/follow" 'stranger is ready'
	# Nobody but the timeline looks at the spool.
	recorder=$(pid_of recorder)
	kill -STOP "$recorder"
	touch "$FLEET/go"
	wait_until 10 has_line "$FLEET/follow" 'stranger says: hello'
	kill -CONT "$recorder"
	wait_event "id = 's-1'"
	[[ $(grep -c hello "$FLEET/follow") == 1 ]]
}
