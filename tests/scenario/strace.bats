# They never wait: after the start, guardian, daemon and keepers open, write,
# stat or sync nothing outside the run directory (on tmpfs), /proc and the
# cgroups, whatever happens to the components.

load lib

prepare() {
	need strace
	skip_unless "may not trace" strace -o /dev/null true
}

# Calls that name a file or change one, of these processes but not of their
# children, which are components' as soon as they are forked.
trace() {
	local pids=() pid
	for pid; do
		pids+=(-p "$pid")
	done
	background strace.err strace -y -q -o "$FLEET/trace" -e signal=none -e trace=open,openat,\
openat2,creat,stat,lstat,newfstatat,statx,access,faccessat,faccessat2,\
readlink,readlinkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,\
rmdir,link,linkat,symlink,symlinkat,truncate,ftruncate,write,writev,pwrite64,\
pwritev,pwritev2,fsync,fdatasync,sync,syncfs,sync_file_range,fallocate,\
chmod,fchmod,fchmodat,chown,fchown,fchownat,nanosleep,clock_nanosleep \
	    "${pids[@]}"
	for pid; do
		wait_until 10 is_traced "$pid"
	done
}

is_traced() {
	! grep -q '^TracerPid:.0$' "/proc/$1/status"
}

# What the trace holds that it shouldn't. With -y a descriptor is followed by
# the path behind it in <>; a path alone is in quotes.
strangers() {
	local run
	run=$(readlink -f "$FLEET/state/run")
	grep -E '^[0-9]+ +[a-z0-9_]+\(' "$FLEET/trace" |
	    grep -vE "<(pipe|socket|anon_inode|UNIX|/dev/null|/proc/|/dev/pts)" |
	    grep -vF "<$run" | grep -vF "\"$run" | grep -vE '"/proc/' |
	    grep -vE '[<"]/sys/fs/cgroup|<[^>]*cgroup' || true
}

@test "after the start nothing is touched outside tmpfs, proc and cgroup" {
	fleet_config <<-CONF
		defaults = { restart = { delay = "50ms"; max_restarts = 0; }; };
		components = (
		  { name = "plain"; command = [ "sleep", "1000" ]; },
		  { name = "talks"; command = [ "$HELPERS/numbered",
		    "$FLEET/count", "5" ]; },
		  { name = "hangs"; command = [ "$HELPERS/client", "hang" ];
		    ready = "notify"; heartbeat = { timeout = "2s"; }; },
		  { name = "broken"; command = [ "/bin/false" ];
		    restart = { max_restarts = 3; }; }
		);
	CONF
	lk up -d
	wait_state plain running
	wait_state hangs running
	local run plain hung
	run=$(readlink -f "$FLEET/state/run")
	[[ $(stat -f -c %T "$run") == tmpfs ]] || skip "no tmpfs here"
	trace "$(status_field @ guardian_pid)" "$(status_field @ daemon_pid)" \
	    "$(status_field plain keeper_pid)" \
	    "$(status_field hangs keeper_pid)" \
	    "$(status_field broken keeper_pid)" \
	    "$(status_field talks keeper_pid)"
	plain=$(pid_of plain) hung=$(pid_of hangs)
	kill -9 "$plain"
	wait_until 20 has_pid_other_than plain "$plain"
	wait_until 20 has_pid_other_than hangs "$hung"
	lk restart talks
	lk stop plain
	wait_state plain stopped
	lk start plain
	wait_state plain running
	wait_state broken failed 30
	end_background
	# It did trace something.
	grep -q "$run" "$FLEET/trace"
	local found
	found=$(strangers)
	[[ -z $found ]] || fail "$(head -20 <<< "$found")"
	run ! grep -E '(nano)?sleep\(' "$FLEET/trace"
}
