# A worker that commits by itself is held to the locks of others, and to the
# repository's own hooks. Nothing of the operator's is touched for that.

load lib

prepare() {
	need git
	export HOME=$FLEET GIT_CONFIG_NOSYSTEM=1
	export GIT_AUTHOR_NAME=w GIT_AUTHOR_EMAIL=w@w
	export GIT_COMMITTER_NAME=w GIT_COMMITTER_EMAIL=w@w
	# With what a shell, or a pattern, must not take for its own.
	DIRECTORY="$FLEET/it's a loop"
	REPOSITORY="$FLEET/a [r]epository"
	WORKTREE=$FLEET/worktree
	fleet_config <<-CONF
		components = ( { name = "loop-1"; command = [ "true" ];
		    loop = { worker = [ "true" ];
		      repository = "$REPOSITORY"; }; } );
	CONF
	mkdir "$DIRECTORY"
	git init -q -b main "$REPOSITORY"
	mkdir "$REPOSITORY/src"
	echo a > "$REPOSITORY/src/a.c"
	git -C "$REPOSITORY" add .
	git -C "$REPOSITORY" commit -q -m Begin
	git -C "$REPOSITORY" worktree add -q "$WORKTREE" -b loop-1/working
	cp "$REPOSITORY/.git/config" "$FLEET/config.before"
	lk add A-1 --loop loop-1 --verify true
	write_hooks own
}

clean_up() {
	cmp "$REPOSITORY/.git/config" "$FLEET/config.before"
}

# write_hooks own|none: as the loop does before an attempt.
write_hooks() {
	mapfile -t VARIABLES < <("$HELPERS/git-hooks" "$DIRECTORY" loop-1 \
	    "$REPOSITORY" "$1" "$LOOPKEEPER" "$LOOPKEEPER_CONFIG")
	[[ ${#VARIABLES[@]} == 9 ]]
}

# worker COMMAND...: as a worker's child, in the worktree.
worker() {
	(
		cd "$WORKTREE" || exit
		env "${VARIABLES[@]}" LOOPKEEPER_LOOP=loop-1 \
		    LOOPKEEPER_REPOSITORY="$REPOSITORY" "$@" 3>&-
	)
}

# lock PATTERN LOOP TEST [MODIFIER of expiry]
lock() {
	sql "INSERT OR REPLACE INTO file_locks (file_path, locked_by, test_id,
	    locked_at, expires_at) VALUES ('$1', '$2', '$3',
	    datetime('now', '-4 minutes'), datetime('now', '${4:-1 hour}'))"
}

# own_hook NAME [DIRECTORY]: the repository's hook is the script on standard
# input.
own_hook() {
	local directory=${2:-$REPOSITORY/.git/hooks}
	mkdir -p "$directory"
	cat > "$directory/$1"
	chmod 755 "$directory/$1"
}

change() {
	echo "$RANDOM" >> "$WORKTREE/${1:-src/a.c}"
}

commits() {
	git -C "$WORKTREE" rev-list --count HEAD
}

says() {
	[[ $output == *"$1"* ]] || fail "no '$1' in:" "$output"
}

@test "a commit of a file that another loop has locked is refused" {
	local words="src/a.c is locked by loop-2 for CP-UFS-001 since 4m: leave
	    it alone, or wait until it is free"
	lock 'src/*.c' loop-2 CP-UFS-001
	change
	run -1 worker git commit -q -a -m Mine
	says "loopkeeper: ${words//$'\n'	    / }"
	# Named, or with an index of its own.
	run -1 worker git commit -q src/a.c -m Mine
	says "src/a.c is locked"
	# In whatever folder it is.
	run -1 worker sh -c 'cd src && git commit -q -a -m Mine'
	says "src/a.c is locked"
	[[ $(commits) == 1 ]]
	# Other files are free, whatever lies in the worktree.
	change other
	worker git add other
	run -0 worker git commit -q -m Other
	[[ $(commits) == 2 ]]
	# So is this one, once the other loop is done.
	sql "DELETE FROM file_locks"
	run -0 worker git commit -q -a -m Mine
	[[ -z $output ]]
}

@test "no lock: its own, one that has expired, another file's" {
	lock src/a.c loop-1 A-1
	lock src/b.c loop-2 B-1
	lock 'src/*' loop-3 C-1 '-1 second'
	change
	run -0 worker git commit -q -a -m Mine
	[[ -z $output ]]
	# The clock was put forward, but the work goes on.
	sql "INSERT INTO attempts (id, test_id, loop_id, fence)
	    VALUES ('x', 'C-1', 'loop-3', 1)"
	change
	run -1 worker git commit -q -a -m Mine
	says "locked by loop-3 for C-1"
}

@test "a file that is deleted, new, or strangely named" {
	lock 'src/a.c' loop-2 B-1
	lock $'odd/\nn\xc3\xa4me' loop-2 B-2
	worker git rm -q src/a.c
	mkdir "$WORKTREE/odd"
	touch "$WORKTREE/odd/"$'\nn\xc3\xa4me'
	worker git add odd
	run -1 worker git commit -q -m Mine
	says "src/a.c is locked"
	says "for B-2"
}

@test "the repository's own hook comes first" {
	own_hook pre-commit <<-'SH'
		#!/bin/sh
		echo own: "$(git diff --cached --name-only)" "$#" >&2
		git config core.hooksPath > "$FLEET/seen"
		git rev-parse --git-path hooks >> "$FLEET/seen"
		[ ! -e "$FLEET/refuse" ]
	SH
	lock 'src/*' loop-2 B-1
	change
	run -1 worker git commit -q -a -m Mine
	[[ ${lines[0]} == "own: src/a.c 0" ]]
	[[ ${lines[1]} == *"locked by loop-2"* ]]
	# To it the repository is as it is without us.
	[[ $(sort -u "$FLEET/seen") == "$REPOSITORY/.git/hooks" ]]
	touch "$FLEET/refuse"
	run -1 worker git commit -q -a -m Mine
	[[ ${#lines[@]} == 1 ]]
	rm "$FLEET/refuse"
	sql "DELETE FROM file_locks"
	run -0 worker git commit -q -a -m Mine
	[[ $output == "own: src/a.c 0" ]]
	# The operator's own commits know nothing of this.
	echo b > "$REPOSITORY/src/a.c"
	lock 'src/*' loop-2 B-1
	git -C "$REPOSITORY" commit -q -a -m His
}

@test "repository_hooks = false: only ours" {
	own_hook pre-commit <<< $'#!/bin/sh\nexit 1'
	own_hook commit-msg <<< $'#!/bin/sh\nexit 1'
	change
	run -1 worker git commit -q -a -m Mine
	write_hooks none
	run -0 worker git commit -q -a -m Mine
	lock 'src/*' loop-2 B-1
	change
	run -1 worker git commit -q -a -m Mine
	says "locked by loop-2"
	write_hooks own
	own_hook pre-commit <<< $'#!/bin/sh\nexit 0'
	sql "DELETE FROM file_locks"
	run -1 worker git commit -q -a -m Mine
}

@test "other hooks get their arguments and their input" {
	own_hook commit-msg <<-'SH'
		#!/bin/sh
		echo "Checked-by: hook" >> "$1"
	SH
	own_hook prepare-commit-msg <<-'SH'
		#!/bin/sh
		echo "$2" > "$FLEET/source"
	SH
	own_hook post-rewrite <<-'SH'
		#!/bin/sh
		{ echo "$1"; cat; } > "$FLEET/rewritten"
	SH
	own_hook post-commit <<< $'#!/bin/sh\ntouch "$FLEET/post"'
	chmod 644 "$REPOSITORY/.git/hooks/post-commit"
	change
	run -0 worker git commit -q -a -m Mine
	git -C "$WORKTREE" log -1 --format=%B | grep -qx "Checked-by: hook"
	[[ $(< "$FLEET/source") == message ]]
	[[ ! -e $FLEET/post ]]
	run -0 worker git commit -q --amend -m Again
	[[ $(head -n 1 "$FLEET/rewritten") == amend ]]
	grep -q "$(git -C "$WORKTREE" rev-parse HEAD)" "$FLEET/rewritten"
}

@test "the operator's own core.hooksPath is respected" {
	own_hook pre-commit <<< $'#!/bin/sh\necho default >&2'
	own_hook pre-commit "$FLEET/his hooks" <<< $'#!/bin/sh\necho his >&2'
	printf '[core]\n\thooksPath = ~/his hooks\n' > "$FLEET/.gitconfig"
	change
	run -0 worker git commit -q -a -m Mine
	[[ $output == his ]]
	# A relative one lies in the worktree.
	own_hook pre-commit "$WORKTREE/.husky" <<< $'#!/bin/sh\necho husky >&2'
	git -C "$REPOSITORY" config core.hooksPath .husky
	change
	run -0 worker git commit -q -a -m Mine
	[[ $output == husky ]]
	git -C "$REPOSITORY" config --unset core.hooksPath
	cp "$REPOSITORY/.git/config" "$FLEET/config.before"
	# One that he tells git by variables, which stay.
	export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=core.hooksPath
	export GIT_CONFIG_VALUE_0=.husky GIT_CONFIG_KEY_1=user.name
	export GIT_CONFIG_VALUE_1=Olaf
	write_hooks own
	[[ ${VARIABLES[0]} == GIT_CONFIG_COUNT=5 ]]
	own_hook pre-commit "$WORKTREE/.husky" <<-'SH'
		#!/bin/sh
		echo "$(git config user.name)" "$(git config core.hooksPath)" >&2
	SH
	change
	run -0 worker git commit -q -a -m Mine
	[[ $output == "Olaf .husky" ]]
}

@test "a repository that a worker's tests make is not the loop's" {
	lock '*' loop-2 B-1
	run -0 worker sh -c "git init -q '$FLEET/inner' &&
	    cd '$FLEET/inner' && echo x > x && git add x &&
	    git commit -q -m x"
	[[ -z $output ]]
}

@test "the end of a merge brings what others did" {
	worker git checkout -q -b loop-1/other
	change
	worker git commit -q -a -m Theirs
	worker git checkout -q loop-1/working
	change
	worker git commit -q -a -m Mine
	lock '*' loop-2 B-1
	run -1 worker git merge -q loop-1/other
	echo both > "$WORKTREE/src/a.c"
	run -0 worker git commit -q -a -m Both
}

@test "where nobody can tell, the commit passes with a warning" {
	lock '*' loop-2 B-1
	change
	mv "$FLEET/state" "$FLEET/away"
	run -0 worker git commit -q -a -m Mine
	says "nobody could tell whether a file is locked"
	mv "$FLEET/away" "$FLEET/state"
	change
	mv "$LOOPKEEPER_CONFIG" "$FLEET/away"
	run -0 worker git commit -q -a -m Mine
	says "nobody could tell"
	# Inside a fleet the file isn't needed.
	change
	run -1 worker env LOOPKEEPER_STATE_DIRECTORY="$FLEET/state" \
	    git commit -q -a -m Mine
	says "is locked"
	mv "$FLEET/away" "$LOOPKEEPER_CONFIG"
	run -2 lk check-commit
	says "LOOPKEEPER_LOOP isn't set"
}

@test "a cleared environment, where worktrees have a configuration" {
	local before
	before=$(cd "$WORKTREE" && git rev-parse --git-dir)
	run -0 "$HELPERS/git-hooks" "$DIRECTORY" loop-1 "$REPOSITORY" own \
	    "$LOOPKEEPER" "$LOOPKEEPER_CONFIG" "$WORKTREE"
	[[ $output == "not set" ]]
	[[ ! -e $before/config.worktree ]]
	git -C "$REPOSITORY" config extensions.worktreeConfig true
	cp "$REPOSITORY/.git/config" "$FLEET/config.before"
	run -0 "$HELPERS/git-hooks" "$DIRECTORY" loop-1 "$REPOSITORY" own \
	    "$LOOPKEEPER" "$LOOPKEEPER_CONFIG" "$WORKTREE"
	[[ $output == set ]]
	own_hook pre-commit <<< $'#!/bin/sh\necho own >&2'
	lock '*' loop-2 B-1
	change
	run -1 worker env -i PATH="$PATH" HOME="$FLEET" \
	    git -c user.name=w -c user.email=w@w commit -q -a -m Mine
	says "own"
	says "is locked by loop-2"
	# The operator's checkout has its own hook only.
	echo b > "$REPOSITORY/src/a.c"
	git -C "$REPOSITORY" commit -q -a -m His
}

@test "nobody moves the integration branch from a worktree" {
	local kind
	git -C "$REPOSITORY" branch loopkeeper/main
	own_hook reference-transaction <<-'SH'
		#!/bin/sh
		echo "$1" >> "$HOME/transactions"
		cat >> "$HOME/transactions"
	SH
	for kind in own none; do
		write_hooks "$kind"
		run -0 worker git checkout -q loopkeeper/main
		echo "$kind" > "$WORKTREE/unverified-$kind"
		worker git add "unverified-$kind"
		run worker git commit -q -m "By myself"
		((status != 0))
		[[ $output == *"loopkeeper/main isn't to be moved from here"* ]]
		run worker git branch -f loopkeeper/main HEAD~0
		run worker git branch -D -f loopkeeper/main
		((status != 0))
		run -0 worker git checkout -q loop-1/working
		run -0 worker git commit -q -m "On my own branch"
	done
	[[ $(git -C "$REPOSITORY" rev-parse loopkeeper/main) == \
	    $(git -C "$REPOSITORY" rev-parse main) ]]
	grep -q 'refs/heads/loop-1/working$' "$HOME/transactions"
}

# refused WORDS COMMAND...: a worker's command, and nothing of it happens.
refused() {
	local before
	before=$(every_ref)
	run worker "${@:2}"
	((status != 0)) || fail "it was done: ${*:2}"
	says "loopkeeper: $1"
	[[ $(every_ref) == "$before" ]] || fail "refs differ after ${*:2}"
}

every_ref() {
	git -C "$REPOSITORY" for-each-ref
	git -C "$REPOSITORY" stash list
}

@test "nothing is pushed from a worktree" {
	local kind to=$FLEET/remote
	git init -q --bare "$to"
	own_hook pre-push <<< $'#!/bin/sh\ntouch "$FLEET/own"'
	change
	run -0 worker git commit -q -a -m Mine
	for kind in own none; do
		write_hooks "$kind"
		refused "nothing is pushed from here: commit to loop-1/working" \
		    git push -q "$to" HEAD:refs/heads/x
		[[ -z $(git -C "$to" for-each-ref) && ! -e $FLEET/own ]]
	done
	# The operator pushes as ever.
	git -C "$REPOSITORY" push -q "$to" main
	[[ -e $FLEET/own ]]
}

@test "not without the hook either, by whichever git" {
	local it to=$FLEET/remote where
	it=$(type -P git)
	git init -q --bare "$to"
	git -C "$REPOSITORY" remote add origin "$to"
	git -C "$REPOSITORY" remote add other "$FLEET/nowhere"
	git -C "$REPOSITORY" config remote.other.pushurl "$to"
	cp "$REPOSITORY/.git/config" "$FLEET/config.before"
	change
	run -0 worker git commit -q -a -m Mine
	refused "nothing is pushed from here" git push --no-verify "$to" HEAD:x
	refused "nothing is pushed from here" git send-pack "$to" HEAD:x
	for where in "$WORKTREE" "$REPOSITORY"; do
		run worker "$it" -C "$where" push --no-verify "$to" main:x
		says "loopkeeper-nothing-is-pushed"
		run worker "$it" -C "$where" push --no-verify origin main:x
		says "loopkeeper-nothing-is-pushed"
		# An address for pushes is taken as it is.
		run worker "$it" -C "$where" push --no-verify other main:x
		says "does not support --signed push"
	done
	[[ -z $(git -C "$to" for-each-ref) ]]
	# What others push is fetched.
	git -C "$REPOSITORY" push -q "$to" main
	run -0 worker git fetch -q origin
	run -0 worker git fetch -q "$to" main
}

@test "the operator's configuration is kept from a worker" {
	local kind words="the configuration is the operator's"
	for kind in own none; do
		write_hooks "$kind"
		refused "$words" git config user.name Olaf
		refused "$words" git config --local user.name Olaf
		refused "$words" git config user.name --add Olaf
		refused "$words" git -C / -C "$WORKTREE" config a.b c
		refused "$words" git --git-dir="$REPOSITORY/.git" config a.b c
		refused "$words" git config --type bool a.b true
		refused "$words" git config --unset core.bare
		refused "$words" git config --remove-section core
		refused "$words" git config -f "$REPOSITORY/.git/config" a.b c
		refused "$words" git config --file="$REPOSITORY/.git/config" \
		    a.b c
		refused "$words" git config --edit
		says "git -c NAME=VALUE commit"
		words="remotes and what follows them are the operator's"
		refused "$words" git remote add origin "$FLEET"
		refused "$words" git branch --set-upstream-to=main
		words="the configuration is the operator's"
	done
	run worker git config --worktree user.name Olaf
	((status != 0))
}

@test "what a worker asks of the configuration it is told" {
	local name=tester
	git -C "$REPOSITORY" config user.name "$name"
	cp "$REPOSITORY/.git/config" "$FLEET/config.before"
	run -0 worker git config user.name
	[[ $output == "$name" ]]
	run -0 worker git config --get user.name
	run -0 worker git config --get user.name 'te.*'
	run -0 worker git config --get-regexp '^user' 'te.*'
	run -0 worker git config --type=path --get-all user.name
	run -0 worker git config --default x --type path a.b
	[[ $output == x ]]
	run -0 worker git config --list --show-origin
	says "user.name=$name"
	run -0 worker git config -l
	run -0 worker git -c user.name=Olaf config user.name
	[[ $output == Olaf ]]
	run -0 worker git remote -v
	# And elsewhere it may write.
	run -0 worker git config --global user.name Olaf
	run -0 worker git config -f "$FLEET/some.config" user.name Olaf
	[[ $(< "$FLEET/some.config") == *Olaf* ]]
}

@test "the operator's stashes are kept from a worker" {
	local words="stashes are the operator's" kind i
	for i in 1 2; do
		echo "his $i" > "$REPOSITORY/src/a.c"
		git -C "$REPOSITORY" stash -q
	done
	for kind in own none; do
		write_hooks "$kind"
		change
		refused "$words" git stash
		# Where git isn't found by its name it has its hooks yet.
		refused "$words" "$(type -P git)" stash
		refused "$words" "$(type -P git)" stash clear
		# What it wanted to put away is still there.
		[[ -n $(git -C "$WORKTREE" status --porcelain) ]]
		git -C "$WORKTREE" checkout -q .
		refused "$words" git stash drop
		refused "$words" git stash pop
		refused "$words" sh -c "cd / && git -c a.b=c -C '$WORKTREE' \
		    --no-pager stash drop -q 'stash@{1}'"
		refused "$words" git reflog expire --expire=now --all
		[[ -z $(git -C "$WORKTREE" status --porcelain) ]]
	done
	run -0 worker git stash list
	[[ ${#lines[@]} == 2 ]]
	# He has them back as he left them.
	git -C "$REPOSITORY" stash pop -q
	[[ $(< "$REPOSITORY/src/a.c") == "his 2" ]]
	git -C "$REPOSITORY" checkout -q .
	git -C "$REPOSITORY" stash pop -q
	[[ $(< "$REPOSITORY/src/a.c") == "his 1" ]]
}

@test "branches and tags that aren't the loop's own are kept from a worker" {
	local packed words="isn't to be changed from here"
	git -C "$REPOSITORY" branch his
	git -C "$REPOSITORY" tag v1
	git -C "$REPOSITORY" update-ref refs/loopkeeper/attempts/1 HEAD
	change
	run -0 worker git commit -q -a -m Mine
	for packed in no yes; do
		[[ $packed == no ]] || git -C "$REPOSITORY" pack-refs --all
		refused "refs/heads/his $words" git branch -f his HEAD
		refused "refs/heads/his $words" git branch -D his
		refused "refs/heads/main $words" git update-ref \
		    refs/heads/main HEAD
		refused "refs/heads/new $words" git checkout -q -b new
		refused "refs/tags/v1 $words" git tag -f v1
		refused "refs/tags/v1 $words" git tag -d v1
		refused "refs/tags/v2 $words" git tag v2
		refused "refs/loopkeeper/attempts/1 $words" git update-ref \
		    -d refs/loopkeeper/attempts/1
		refused "refs/notes/commits $words" git notes add -m x
	done
	# One of many, and in no order.
	refused "refs/heads/his $words" sh -c 'printf "%s\n" \
	    "update refs/heads/loop-1/a HEAD" "delete refs/heads/his" |
	    git update-ref --stdin'
	run -0 worker git checkout -q -b loop-1/new
	run -0 worker git branch -m loop-1/newer
	run -0 worker git checkout -q loop-1/working
	run -0 worker git branch -D -q loop-1/newer
	run -0 worker git reset -q --hard HEAD~1
	# The operator's own moves know nothing of this.
	git -C "$REPOSITORY" branch -q -D his
	git -C "$REPOSITORY" tag -d v1
}

@test "in a repository of its own a worker does all of it" {
	git init -q --bare "$FLEET/remote"
	git init -q -b main "$FLEET/inner"
	run -0 worker sh -e -c "cd '$FLEET/inner'
	    echo x > x && git add x && git commit -q -m x
	    git checkout -q -b other && git tag v1
	    echo y > x && git stash -q && git stash drop -q
	    git config user.name Olaf && git remote add origin '$FLEET/remote'
	    git push -q origin main && git push -q '$FLEET/remote' v1
	    cd '$WORKTREE' && git --git-dir '$FLEET/inner/.git' config a.b c &&
	    git --git-dir='$FLEET/inner/.git' config a.b c &&
	    git clone -q '$FLEET/remote' '$FLEET/clone' &&
	    cd '$FLEET/clone' && git push -q origin HEAD:refs/heads/new"
	[[ -z $output ]]
	[[ $(git -C "$FLEET/remote" for-each-ref | wc -l) == 3 ]]
}
