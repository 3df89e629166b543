# What every scenario stands on: a fleet of its own in a directory of its
# own, a few verbs to look at it, and a teardown that proves that nothing of
# it is left. Scenarios use the command line as an operator would; they wait
# for facts, never for durations. Loaded with `load lib`.

LK_ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BUILD=${BUILD:-build}
[[ $BUILD == /* ]] || BUILD=$LK_ROOT/$BUILD
LOOPKEEPER=${LOOPKEEPER:-$BUILD/bin/loopkeeper}
HELPERS=$BUILD/tests/helpers
# Limits are for a machine at rest; a sanitizer build is given more.
LK_PATIENCE=${LK_PATIENCE:-1}

# Makes $FLEET, a short path (a socket's has 108 bytes), and the environment
# in which `loopkeeper` means the build under test and this fleet's file.
setup_fleet() {
	FLEET=$(mktemp -d "${TMPDIR:-/tmp}/lk.XXXXXX")
	export FLEET HELPERS
	export LOOPKEEPER_CONFIG=$FLEET/loopkeeper.conf
	export PATH=$BUILD/bin:$PATH
	# No terminal, no colour, and no user's own settings.
	unset XDG_CONFIG_HOME NOTIFY_SOCKET
	export NO_COLOR=1
	mkdir "$FLEET/state"
}

# Writes the configuration from standard input, below the state directory's
# line, which is always the same.
fleet_config() {
	{
		echo "state_directory = \"$FLEET/state\";"
		cat
	} > "$LOOPKEEPER_CONFIG"
}

# Runs loopkeeper on this fleet. Descriptor 3 is bats' own: a process that
# lives on with it would keep bats waiting.
lk() {
	"$LOOPKEEPER" -c "$LOOPKEEPER_CONFIG" "$@" 3>&-
}

# The same for sqlite3 on the fleet's database.
sql() {
	sqlite3 -batch -cmd '.timeout 10000' "$FLEET/state/coordination.db" \
	    "$@" 3>&-
}

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

skip_unless() {
	local reason=$1
	shift
	"$@" > /dev/null 2>&1 || skip "$reason"
}

need() {
	local tool
	for tool; do
		skip_unless "needs $tool" command -v "$tool"
	done
}

need_root() {
	((EUID == 0)) || skip "needs root"
}

now_ms() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $((now / 1000))
}

# wait_until SECONDS COMMAND...: runs it every 20 ms until it succeeds; at the
# limit fails with what it said last.
wait_until() {
	local limit_ms=$(($1 * 1000 * LK_PATIENCE)) begun_ms out
	shift
	begun_ms=$(now_ms)
	while ! out=$("$@" 2>&1 3>&-); do
		if (($(now_ms) - begun_ms > limit_ms)); then
			fail "not within $((limit_ms / 1000)) s: $*" "$out"
			return 1
		fi
		sleep 0.02
	done
}

# status_field NAME FIELD: one field of a component in `status --json`;
# `status_field @ FIELD`: one of the fleet's.
status_field() {
	local filter='.components[] | select(.name == $name) | .[$field]'
	[[ $1 == @ ]] && filter='.fleet[$field]'
	{ lk status --json || true; } |
	    jq -r --arg name "$1" --arg field "$2" "$filter"
}

pid_of() {
	status_field "$1" pid
}

# Sees NAME in STATE, else says where it is.
state_is() {
	local state
	state=$(status_field "$1" state)
	[[ $state == "$2" ]] || fail "$1 is ${state:-unknown}, not $2"
}

wait_state() {
	wait_until "${3:-15}" state_is "$1" "$2"
}

# has_pid_other_than NAME PID: NAME has a running process that isn't PID.
has_pid_other_than() {
	local pid
	pid=$(pid_of "$1")
	[[ $pid =~ ^[1-9][0-9]*$ && $pid != "$2" ]] || fail "$1 has pid $pid"
}

# count_events WHERE: events in the database that match.
count_events() {
	sql "SELECT count(*) FROM events WHERE $1"
}

# wait_event WHERE [SECONDS]: at least one such event is in the database.
wait_event() {
	wait_until "${2:-15}" has_event "$1"
}

has_event() {
	[[ $(count_events "$1") -gt 0 ]] || fail "no event: $1"
}

gone() {
	[[ ! -d /proc/$1 || $(ps -o stat= -p "$1") == Z* ]] ||
	    fail "still there: $(ps -o pid=,ppid=,stat=,args= -p "$1")"
}

# Pids of every process that belongs to this fleet: it names the directory in
# its command line or environment, works in it, or holds something in it, in
# the run directory or in a cgroup of the run directory's name open.
fleet_processes() {
	local run pid
	run=${FLEET_RUN:-$(readlink -f "$FLEET/state/run" || true)}
	{
		grep -lasF -- "$FLEET" /proc/[0-9]*/cmdline \
		    /proc/[0-9]*/environ || true
		find /proc/[0-9]*/{cwd,fd} -maxdepth 1 \
		    \( -lname "$FLEET*" ${run:+-o -lname "$run*"} \) \
		    2> /dev/null
	} | cut -d/ -f3 | sort -nu | while read -r pid; do
		# The tools above are gone by now; this test's shells are not.
		[[ -d /proc/$pid ]] || continue
		is_ours "$pid" || echo "$pid"
	done
}

# This test's own shell or one of the shells above or below it.
is_ours() {
	local pid=$1
	[[ $pid == "$$" || $pid == "$BASHPID" || $pid == "$PPID" ]] && return
	while ((pid > 1)); do
		[[ $pid == "$$" ]] && {
			[[ $(< "/proc/$1/comm") == bash ]]
			return
		}
		pid=$(ps -o ppid= -p $((pid))) || return 1
	done
	return 1
}

# A process that ended while it was looked at is not left over.
nothing_left() {
	local left
	left=$(fleet_processes)
	[[ -n $left ]] || return 0
	# ps fails when none of them is left by now.
	left=$(ps -o pid,ppid,stat,wchan:16,args -p "${left//$'\n'/,}" || true)
	(($(wc -l <<< "$left") == 1)) || fail "left over:" "$left"
}

# Ends the fleet and proves that nothing of it is left; on a failure shows
# what it logged. A process left over fails the test and is killed.
teardown_fleet() {
	local failed=0
	[[ -n ${FLEET:-} && -d $FLEET ]] || return 0
	FLEET_RUN=$(readlink -f "$FLEET/state/run" || true)
	[[ -n ${BATS_TEST_COMPLETED:-} ]] || show_fleet
	: > "$FLEET/down.out"
	if [[ -f $LOOPKEEPER_CONFIG ]]; then
		lk down --now > "$FLEET/down.out" 2>&1 || true
	fi
	wait_until 5 nothing_left || {
		failed=1
		cat "$FLEET/down.out"
		fleet_processes | xargs -r kill -9 || true
	}
	[[ $FLEET_RUN == */loopkeeper* ]] && rm -rf "$FLEET_RUN"
	rm -rf "$FLEET"
	return "$failed"
}

# What one wants to see of a fleet whose test failed. Standard output of a
# teardown is shown by bats only then.
show_fleet() {
	local file
	echo "--- status"
	lk status --all 2>&1 | head -40 || true
	for file in "$FLEET"/*.log "$FLEET"/state/*.log \
	    "$FLEET"/state/run/*.log "$FLEET"/state/logs/*.log; do
		[[ -s $file ]] || continue
		echo "--- ${file#"$FLEET"/}"
		tail -n 30 "$file"
	done
}
