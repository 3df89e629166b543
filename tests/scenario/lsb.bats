# The init script and the exit codes that the LSB gives to each outcome.

load lib

prepare() {
	sleepers one
	export LOOPKEEPER_DEFAULTS=$FLEET/defaults
	cat > "$LOOPKEEPER_DEFAULTS" <<-SH
		CONFIG=$LOOPKEEPER_CONFIG
		OWNER=$(id -un)
	SH
	sed "s,@BINDIR@,$BUILD/bin,g" "$LK_ROOT/config/init/loopkeeper.init" \
	    > "$FLEET/init"
	chmod 755 "$FLEET" "$FLEET/init"
}

# gives CODE VERB...
gives() {
	local want=$1 code=0
	shift
	"$FLEET/init" "$@" > "$FLEET/init.out" 2>&1 3>&- || code=$?
	[[ $code == "$want" ]] ||
	    fail "$*: $code, not $want" "$(cat "$FLEET/init.out")"
}

@test "0: what was asked is done, again too" {
	gives 0 start
	gives 0 start
	wait_state one running
	gives 0 status
	gives 0 reload
	gives 0 force-reload
	local pid
	pid=$(pid_of one)
	gives 0 restart
	wait_until 10 has_pid_other_than one "$pid"
	pid=$(pid_of one)
	gives 0 try-restart
	wait_until 10 has_pid_other_than one "$pid"
	gives 0 stop
	gives 0 stop
	gives 0 try-restart
}

@test "status 3: never started, or stopped" {
	gives 3 status
	gives 0 start
	gives 0 stop
	gives 3 status
}

@test "status 1: everything has died" {
	gives 0 start
	wait_state one running
	kill_everything
	gives 1 status
	gives 0 start
	gives 0 status
}

@test "status 2: it has died, and the machine was started anew" {
	gives 0 start
	wait_state one running
	kill_everything
	rm -rf "$(readlink "$FLEET/state/run")"
	gives 2 status
	gives 0 start
	gives 0 status
}

@test "status 4: it can't be known" {
	echo "PROGRAM=$FLEET/none" >> "$LOOPKEEPER_DEFAULTS"
	gives 4 status
}

@test "1: it can't be done" {
	echo 'components = ( { name = 7; } );' > "$LOOPKEEPER_CONFIG"
	gives 1 start
}

@test "2: one verb is wanted" {
	gives 2
	gives 2 start now
}

@test "3: there is no such verb" {
	gives 3 dance
}

@test "4: somebody else's fleet" {
	need_root
	# Where anybody can reach them, wherever the build lies.
	mkdir "$FLEET/programs"
	cp "$BUILD"/bin/* "$FLEET/programs"
	echo "PROGRAM=$FLEET/programs/loopkeeper" >> "$LOOPKEEPER_DEFAULTS"
	chmod 755 "$FLEET"
	local code=0
	setpriv --reuid=65534 --regid=65534 --clear-groups "$FLEET/init" start \
	    > "$FLEET/init.out" 2>&1 || code=$?
	[[ $code == 4 ]] || fail "$code" "$(cat "$FLEET/init.out")"
}

@test "5: not installed" {
	echo "PROGRAM=$FLEET/none" >> "$LOOPKEEPER_DEFAULTS"
	gives 5 start
}

@test "6: not configured" {
	echo "CONFIG=$FLEET/none.conf" >> "$LOOPKEEPER_DEFAULTS"
	gives 6 start
}

@test "7: nothing runs that could be reloaded" {
	gives 7 reload
	gives 7 force-reload
}
