# Every message of check-config, word for word: NAME.conf is faulty, and
# NAME.out is what is said of it. And what is shipped is accepted.

load ../scenario/lib

setup() {
	need jq
	cd "$LK_ROOT/tests/config" || return
	unset LOOPKEEPER_CONFIG XDG_CONFIG_HOME
}

teardown() {
	[[ -z ${OPEN:-} ]] || rm -rf "$OPEN"
}

# What it says, with the directories of this build by their names.
messages() {
	PATH=/usr/bin:/bin "$LOOPKEEPER" check-config "$1" 2>&1 |
	    sed "s,$BUILD/bin,BIN,g; s,$PWD,HERE,g
		s,BIN\, /[^ ,]*\,,BIN\, LIBEXEC\,,
		s,${BUILD%/*}/config,SHIPPED,g
		s#\(HERE/workers\), /[^,]*/workers, SHIPPED#\1, DATA/workers, SHIPPED#"
}

same() {
	local name=$1
	messages "$name.conf" | diff -u "$name.out" - || {
		echo "^ $name.conf is told otherwise"
		return 1
	}
}

@test "each faulty file is told in these words" {
	local file bad=0
	for file in *.conf; do
		same "${file%.conf}" || bad=1
		if PATH=/usr/bin:/bin "$LOOPKEEPER" check-config "$file" \
		    > "$BATS_TEST_TMPDIR/out" 2> /dev/null; then
			echo "$file is accepted"
			bad=1
		fi
		[[ ! -s $BATS_TEST_TMPDIR/out ]] || bad=1
	done
	((bad == 0))
}

@test "what is shipped is accepted" {
	local file
	for file in "$LK_ROOT"/config/*.conf "$LK_ROOT"/examples/*/*.conf; do
		[[ -e $file ]] || continue
		"$LOOPKEEPER" check-config "$file" || fail "$file"
	done
}

@test "each shipped preset is accepted, where its program is there" {
	local preset name
	cd "$BATS_TEST_TMPDIR"
	mkdir programs
	for preset in "$LK_ROOT"/config/workers/*.conf; do
		name=$(sed -n 's/^argv = \[ "\([^"]*\)".*/\1/p' "$preset")
		printf '#!/bin/sh\n' > "programs/$name"
		chmod 755 "programs/$name"
		name=${preset##*/}
		cat > fleet.conf <<-CONF
			components = ( { name = "loop-1";
			    command = [ "loopkeeper-loop" ];
			    loop = { worker = "${name%.conf}"; }; } );
		CONF
		PATH=$PWD/programs:$PATH "$LOOPKEEPER" check-config fleet.conf
	done
	((${#name} > 0))
}

@test "the printed defaults are a file, and change nothing" {
	local own='components = ( { name = "a"; command = [ "sh" ]; } );'
	cd "$BATS_TEST_TMPDIR"
	"$LOOPKEEPER" check-config --defaults > printed
	"$LOOPKEEPER" check-config printed
	echo "$own" > fleet.conf
	"$LOOPKEEPER" check-config --flat fleet.conf > plain.flat
	{ cat printed; echo "$own"; } > fleet.conf
	"$LOOPKEEPER" check-config --flat fleet.conf > printed.flat
	cmp plain.flat printed.flat
	# It can tell: another value is another struct.
	sed -i 's/start_timeout = .*/start_timeout = "7s";/' fleet.conf
	"$LOOPKEEPER" check-config --flat fleet.conf > other.flat
	run ! cmp plain.flat other.flat
}

@test "a file that is none is refused" {
	cd "$BATS_TEST_TMPDIR"
	run "$LOOPKEEPER" check-config missing.conf
	((status == 1))
	[[ $output == *"missing.conf: No such file or directory" ]]
	run "$LOOPKEEPER" check-config .
	((status == 1))
	[[ $output == *"it is a directory" ]]
	printf 'state_directory = "a\0b";\n' > nul.conf
	run "$LOOPKEEPER" check-config nul.conf
	((status == 1))
	[[ $output == "nul.conf: is no text: it has a NUL byte in it" ]]
	mkfifo fifo.conf
	run "$LOOPKEEPER" check-config fifo.conf
	((status == 1))
	[[ $output == "fifo.conf: can't be read: it is no regular file" ]]
}

@test "the file is found by option, variable and place, and its lack told" {
	cd "$BATS_TEST_TMPDIR"
	run env -u XDG_CONFIG_HOME HOME="$PWD" "$LOOPKEEPER" check
	((status == 1))
	[[ $output == *"./loopkeeper.conf, $PWD/.config/loopkeeper/"* ]]
	mkdir -p .config/loopkeeper
	echo 'state_directory = "x";' > .config/loopkeeper/loopkeeper.conf
	run env HOME="$PWD" "$LOOPKEEPER" check
	((status == 0))
	[[ $output == "$PWD/.config/loopkeeper/loopkeeper.conf is good:"* ]]
	echo 'nonsense' > broken.conf
	run env HOME="$PWD" LOOPKEEPER_CONFIG=broken.conf "$LOOPKEEPER" check
	((status == 1))
	[[ $output == broken.conf:1:* ]]
	run env HOME="$PWD" LOOPKEEPER_CONFIG=broken.conf "$LOOPKEEPER" \
	    -c .config/loopkeeper/loopkeeper.conf check
	((status == 0))
}

@test "--json tells components, or errors with their lines" {
	cd "$BATS_TEST_TMPDIR"
	echo 'components = ( { name = "a"; command = [ "sh", "-x" ]; } );' \
	    > good.conf
	"$LOOPKEEPER" check --json good.conf > good.json
	jq -e '.ok and (.errors == []) and (.components | length == 3) and
	    .components[0].name == "a" and
	    .components[0].command[1] == "-x" and
	    .components[1].housekeeping' good.json
	printf 'nice = 1;\ncomponents = ( { name = "a"; } );\n' > bad.conf
	run "$LOOPKEEPER" check --json bad.conf
	((status == 1))
	jq -e '(.ok | not) and .errors[0].line == 1 and
	    .errors[1].line == 2 and .errors[1].file == "bad.conf" and
	    (.errors[1].message | startswith("a: command is missing"))' \
	    <<< "$output"
}

@test "only root may set a user" {
	local as=()
	# Where nobody may look as well.
	OPEN=$(mktemp -d "${TMPDIR:-/tmp}/lk.XXXXXX")
	chmod 755 "$OPEN"
	cat > "$OPEN/f.conf" <<-CONF
		components = ( { name = "a"; command = [ "sh" ];
		    user = "daemon"; } );
	CONF
	if ((EUID == 0)); then
		"$LOOPKEEPER" check-config "$OPEN/f.conf"
		need setpriv
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		skip_unless "nobody can't run the build" "${as[@]}" \
		    "$LOOPKEEPER" version
	fi
	run "${as[@]}" "$LOOPKEEPER" check-config "$OPEN/f.conf"
	((status == 1))
	[[ $output == *"user can only be set when loopkeeper runs as root"* ]]
}

@test "1,000 components are checked at once" {
	local i
	cd "$BATS_TEST_TMPDIR"
	{
		echo 'components = ('
		for ((i = 0; i < 1000; i++)); do
			((i)) && echo ','
			echo "{ name = \"c-$i\"; command = [ \"sleep\", \"9\" ]; }"
		done
		echo ');'
	} > wide.conf
	run timeout 60 "$LOOPKEEPER" check-config wide.conf
	((status == 0))
	[[ $output == "wide.conf is good: 1000 components" ]]
}
