# What can't be kept up: its circuit opens, its fallback runs, and the real
# command is tried again now and then until it holds.

load lib

# one dies at once until $FLEET/healed is there.
prepare() {
	cat > "$FLEET/one" <<-SH
		#!/bin/sh
		[ -e "$FLEET/healed" ] && exec sleep 1000
		exit 7
	SH
	chmod +x "$FLEET/one"
}

# fleet_of FALLBACK RETRY
fleet_of() {
	fleet_config <<-CONF
		components = (
		  { name = "one"; command = [ "$FLEET/one" ]; $1
		    restart = { max_restarts = 2; delay = "10ms";
		      stable_after = "300ms"; retry_every = "$2"; }; },
		  { name = "two"; command = [ "sleep", "1000" ];
		    after = [ "one" ]; }
		);
	CONF
	lk up -d
}

field_is() {
	local value
	value=$(status_field one "$1")
	[[ $value == "$2" ]] || fail "$1 is $value, not $2"
}

fallback_runs() {
	[[ $(ps -o args= -p "$(pid_of one)") == *"sleep 500" ]]
}

@test "its fallback runs, and says so everywhere" {
	fleet_of 'fallback = [ "sleep", "500" ];' 1h
	wait_until 15 field_is circuit open
	wait_until 5 fallback_runs
	field_is circuit open
	field_is last_exit 7
	# It holds nobody up.
	wait_state two running
	wait_event "event_type = 'component_fallback' AND component = 'one'"
	# The first death, and one for each restart that was allowed.
	[[ $(count_events "event_type = 'component_crashed'
	    AND component = 'one'") == 3 ]]
	run lk health
	[[ $status == 1 && $output == *"one: fallback"* ]] || fail "$output"
	run lk why one
	[[ $output == *"exit 7"* || $output == *"status 7"* ]] ||
	    fail "$output"
}

@test "the real one is tried again until it holds" {
	fleet_of 'fallback = [ "sleep", "500" ];' 2s
	wait_until 15 field_is circuit open
	local fallback
	wait_until 5 fallback_runs
	fallback=$(pid_of one)
	# Tried in vain: the fallback is back.
	wait_until 10 gone "$fallback"
	wait_until 10 fallback_runs
	touch "$FLEET/healed"
	wait_event "event_type = 'component_recovered' AND component = 'one'"
	wait_state one running
	field_is circuit closed
	[[ $(ps -o args= -p "$(pid_of one)") == *"sleep 1000" ]]
	[[ $(pgrep -cf "sleep 500$" -P "$(keeper_of one)") == 0 ]]
}

@test "restart closes the circuit, and start tries what has failed" {
	fleet_of '' 1h
	wait_state one failed
	wait_event "event_type = 'component_failed' AND component = 'one'"
	[[ $(pid_of one) == 0 || $(pid_of one) == null ]]
	touch "$FLEET/healed"
	lk restart one
	wait_state one running
	field_is circuit closed
	field_is level 0
}

@test "a keeper that dies in fallback is followed by one that knows it" {
	fleet_of 'fallback = [ "sleep", "500" ];' 1h
	wait_until 15 field_is circuit open
	wait_until 5 fallback_runs
	local keeper
	keeper=$(keeper_of one)
	kill -9 "$keeper"
	wait_until 10 has_other keeper_pid one "$keeper"
	wait_until 10 fallback_runs
	field_is circuit open
}

@test "failed for good, it is a reason for the mode" {
	fleet_config <<-CONF
		components = ( { name = "one"; command = [ "$FLEET/one" ];
		    mode_when_down = "slow";
		    restart = { max_restarts = 1; delay = "10ms"; }; } );
	CONF
	lk up -d
	wait_until 15 mode_is slow
	touch "$FLEET/healed"
	lk start one
	wait_until 15 mode_is normal
	wait_event "event_type = 'mode_changed'"
}
