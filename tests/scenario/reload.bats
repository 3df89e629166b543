# Reload: only the difference is applied; what didn't change isn't touched, a
# bad file changes nothing.

load lib

prepare() {
	sleepers one two three
	lk up -d --wait
}

last_reload() {
	sql "SELECT json_extract(payload, '\$.$1') FROM events WHERE
	    event_type = 'config_reloaded' ORDER BY timestamp DESC LIMIT 1"
}

@test "an equal configuration is a no-op" {
	local before
	before=$(all_pids)
	run lk reload
	[[ $status == 0 && $output == *"nothing changed"* ]] || fail "$output"
	[[ $(all_pids) == "$before" ]]
	wait_event "event_type = 'config_reloaded'"
	[[ $(last_reload unchanged) == 5 && $(last_reload restarted) == 0 ]]
	[[ $(count_events "event_type = 'component_stopped'") == 0 ]]
}

@test "added, removed, changed: and the rest is left alone" {
	local one two
	one=$(pid_of one)
	two=$(pid_of two)
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "sleep", "1000" ]; },
		  { name = "two"; command = [ "sleep", "1001" ]; },
		  { name = "four"; command = [ "sleep", "1000" ];
		    after = [ "two" ]; }
		);
	CONF
	run lk reload --dry-run
	[[ $status == 0 && $output == *"+ four"* && $output == *"- three"* ]] ||
	    fail "$output"
	[[ $(pid_of two) == "$two" ]]
	run lk reload
	[[ $status == 0 && $output == *"+ four"* && $output == *"- three"* &&
	    $output == *"~ two: restart"* ]] || fail "$output"
	wait_state four running
	wait_until 10 has_pid_other_than two "$two"
	wait_state two running
	wait_until 10 is_forgotten three
	[[ $(pid_of one) == "$one" ]]
	wait_event "event_type = 'config_reloaded'"
	[[ $(last_reload added) == 1 && $(last_reload removed) == 1 &&
	    $(last_reload restarted) == 1 ]]
	[[ $(status_field two restarts) == 0 ]]
}

is_forgotten() {
	[[ ! -d $FLEET/state/run/c/$1 ]]
}

@test "what can change in place does" {
	local before
	before=$(all_pids)
	sed -i 's/"one";/"one"; restart = { delay = "3s"; }; log = { size = "1M"; };/' \
	    "$LOOPKEEPER_CONFIG"
	run lk reload
	[[ $status == 0 && $output == *"one: in place"* ]] || fail "$output"
	[[ $(all_pids) == "$before" ]]
	wait_event "event_type = 'config_reloaded'"
	[[ $(last_reload in_place) == 1 && $(last_reload restarted) == 0 ]]
}

@test "a bad file changes nothing" {
	local before
	before=$(all_pids)
	sed -i 's/"two"; command/"two"; comand/' "$LOOPKEEPER_CONFIG"
	run lk reload
	[[ $status == 1 && $output == *comand* && $output == *command* ]] ||
	    fail "$output"
	[[ $(all_pids) == "$before" ]]
	# By signal as well, where nobody hears an answer.
	kill -HUP "$(status_field @ daemon_pid)"
	wait_event "event_type = 'config_reloaded' AND
	    json_extract(payload, '\$.result') = 'refused'"
	[[ $(all_pids) == "$before" ]]
}

@test "HUP reloads, also by way of the guardian" {
	sed -i 's/"three"; command = \[ "sleep", "1000"/"three"; command = [ "sleep", "1002"/' \
	    "$LOOPKEEPER_CONFIG"
	local three
	three=$(pid_of three)
	kill -HUP "$(status_field @ guardian_pid)"
	wait_until 10 has_pid_other_than three "$three"
	wait_state three running
}

@test "a component that leaves and comes back at once" {
	cp "$LOOPKEEPER_CONFIG" "$FLEET/full.conf"
	sed -i 's/"three"; command = \[ "sleep"/"other"; command = [ "sleep"/' \
	    "$LOOPKEEPER_CONFIG"
	lk reload
	cp "$FLEET/full.conf" "$LOOPKEEPER_CONFIG"
	lk reload
	wait_state three running
	wait_until 10 is_forgotten other
}

@test "what an operator stopped isn't started by coming back" {
	lk stop three
	cp "$LOOPKEEPER_CONFIG" "$FLEET/full.conf"
	sed -i 's/"three"; command = \[ "sleep"/"other"; command = [ "sleep"/' \
	    "$LOOPKEEPER_CONFIG"
	lk reload
	wait_until 10 is_forgotten three
	cp "$FLEET/full.conf" "$LOOPKEEPER_CONFIG"
	lk reload
	wait_until 10 test -e "$FLEET/state/run/c/three/status"
	wait_state three stopped
	wait_events 1 "event_type = 'component_started' AND component = 'three'"
}

@test "a disabled component doesn't exist for the fleet" {
	sed -i 's/"two"; command/"two"; enabled = false; command/' \
	    "$LOOPKEEPER_CONFIG"
	run lk reload
	[[ $status == 0 && $output == *"- two"* ]] || fail "$output"
	wait_until 10 is_forgotten two
	sed -i 's/ enabled = false;//' "$LOOPKEEPER_CONFIG"
	lk reload
	wait_state two running
}

@test "the daemon dies during a reload: the next one finishes it" {
	local one two
	one=$(pid_of one)
	two=$(pid_of two)
	sed -i 's/"two"; command = \[ "sleep", "1000"/"two"; command = [ "sleep", "1003"/' \
	    "$LOOPKEEPER_CONFIG"
	kill -HUP "$(status_field @ daemon_pid)"
	kill -9 "$(status_field @ daemon_pid)"
	wait_until 15 has_pid_other_than two "$two"
	wait_state two running
	[[ $(pid_of one) == "$one" ]]
	[[ $(tr '\0' ' ' < "/proc/$(pid_of two)/cmdline") == *1003* ]]
}

@test "many components at once" {
	local i
	{
		echo 'components = ('
		for i in $(seq 200); do
			echo "{ name = \"c$i\"; command = [ \"sleep\", \"1000\" ]; },"
		done
		echo '{ name = "one"; command = [ "sleep", "1000" ]; } );'
	} | fleet_config
	local one
	one=$(pid_of one)
	lk reload
	wait_until 30 all_run 201
	[[ $(pid_of one) == "$one" ]]
}

all_run() {
	local n
	n=$(lk status --json | jq '[.components[] | select(.state == "running")
	    | select(.name | test("^(c[0-9]+|one)$"))] | length')
	[[ $n == "$1" ]] || fail "$n run"
}
