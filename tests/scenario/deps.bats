# `make deps` of a plain user: nothing to do where nothing is missing; else it
# says what root has to install, and fails. Nothing is ever installed here:
# there is no way to become root.

load lib

NEEDS="loopkeeper needs these Debian packages, or what your system calls them: "

prepare() {
	need make setpriv
	become_plain_user
	TREE=$FLEET/tree TOOLS=$FLEET/tools
	mkdir -p "$TREE/config" "$TOOLS"
	cp "$LK_ROOT/Makefile" "$TREE"
	cp "$LK_ROOT/config/deps" "$TREE/config"
	chmod -R a+rX "$TREE"
	link_tools
	rm -f "$TOOLS/sudo"
}

# All that is on PATH, to be taken from there one by one.
link_tools() {
	local directory directories
	IFS=: read -ra directories <<< "$PATH"
	for directory in "${directories[@]}"; do
		find -L "$directory" -maxdepth 1 -type f -executable \
		    -exec ln -st "$TOOLS" {} + 2> /dev/null || true
	done
}

make_deps() {
	run "${AS[@]}" env -u MAKEFLAGS PATH="$TOOLS" \
	    make -C "$TREE" --no-print-directory "${1:-deps}" 3>&- < /dev/null
}

@test "with everything there it does nothing, and needs nobody's leave" {
	skip_unless "something is missing here" \
	    "$LK_ROOT/config/deps" --check build test
	rm -f "$TOOLS/apt-get"
	make_deps
	[[ $status == 0 && $output == "config/deps build test" ]] ||
	    fail "$status: $output"
}

@test "without root and sudo it names the packages and the line, and fails" {
	need apt-get
	rm "$TOOLS/jq" "$TOOLS/strace"
	make_deps
	[[ $status != 0 ]]
	[[ ${lines[1]} == "$NEEDS"*jq*strace ]]
	[[ ${lines[2]} == "There is no sudo here: let root run this:"* ]]
	[[ ${lines[2]} == *": apt-get install "*" jq"*" strace" ]]
	[[ $output != *libbsd-dev* ]]
}

@test "where there is no apt it names the packages, and fails" {
	rm -f "$TOOLS/jq" "$TOOLS/apt-get"
	make_deps
	[[ $status != 0 ]]
	[[ ${lines[1]} == "$NEEDS"*jq* ]]
	[[ $output != *apt-get* ]]
}

@test "building says what is missing, and how to get it" {
	rm -f "$TOOLS/git"
	make_deps needs
	[[ $status != 0 ]]
	[[ $output == "missing: "*git*"(make deps installs them)"* ]]
}
