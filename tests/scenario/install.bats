# What `make install` puts into place works from there, without the tree.

load lib

prepare() {
	need make
	[[ -z ${SANITIZE:-} ]] || skip "what it installs is not the build under test"
}

@test "an installed fleet starts, with all its programs, and stops" {
	local root=$FLEET/root
	env -u MAKEFLAGS make -s -C "$LK_ROOT" install BUILD="$FLEET/build" CFLAGS=-O0 \
	    PREFIX="$root" > "$FLEET/make.out" 2>&1 ||
	    fail "$(cat "$FLEET/make.out")"
	rm -r "$FLEET/build"
	[[ $(find "$root" -name '*.service' | wc -l) == 2 ]]
	run grep -rl '@BINDIR@' "$root"
	[[ -z $output ]] || fail "not filled in: $output"
	# shellcheck disable=SC2034 # lib.bash uses it
	LOOPKEEPER=$root/bin/loopkeeper
	PATH=/usr/sbin:/usr/bin:/sbin:/bin
	fleet_config <<-CONF
		components = (
		  { name = "monitor"; command = [ "loopkeeper-monitor" ];
		    ready = "notify"; },
		  { name = "one"; command = [ "sleep", "1000" ]; }
		);
	CONF
	lk up -d
	wait_state monitor running
	wait_state one running
	[[ $(readlink "/proc/$(pid_of monitor)/exe") == \
	    $root/libexec/loopkeeper/loopkeeper-monitor ]]
	lk down
	# Presets and their prompt are found where they were put.
	cp "$LK_ROOT/tests/helpers/stand-in" "$root/libexec/loopkeeper/claude"
	cat > "$FLEET/preset.conf" <<-CONF
		components = ( { name = "loop-1";
		    command = [ "loopkeeper-loop" ];
		    loop = { worker = "claude"; }; } );
	CONF
	"$LOOPKEEPER" check-config "$FLEET/preset.conf"
}
