#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "git/repository.h"
#include "git/wreck.h"
#include "system/process.h"

/* A git may have been started this much after the time that its lock bears,
 * by clocks that are read in different ways. */
#define SLACK_MS 2000

/* A lock that is no older is what everybody sees who looks while a git works.
 */
#define YOUNG_MS 5000

int
wreck_move_aside(struct git *g, const char *path, const char *name)
{
	long long now_ms = clock_wall_ms();
	char aside[PATH_SIZE];
	int result;

	result = path_format(aside, "%s/loopkeeper/aside", g->common);
	if (result == 0)
		result = path_make(aside, 0700);
	/* Several may go in one millisecond. */
	while (result == 0 &&
	    (result = path_format(aside, "%s/loopkeeper/aside/%s-%lld",
		 g->common, name, now_ms++)) == 0 &&
	    access(aside, F_OK) == 0)
		;
	if (result < 0 || (rename(path, aside) < 0 && errno != ENOENT))
		return git_fail(
		    g, errno, "moving %s aside: %s", path, strerror(errno));
	return 0;
}

int
wreck_move_beside(struct git *g, const struct worktree *w, const char *from,
    const char *what, char aside[static PATH_SIZE])
{
	long long now_ms = clock_wall_ms();
	int result;

	/* Several may go in one millisecond. */
	do
		result =
		    path_format(aside, "%s.%s-%lld", w->path, what, now_ms++);
	while (result == 0 && access(aside, F_OK) == 0);
	if (result == 0 && rename(from, aside) == 0)
		return 0;
	aside[0] = '\0';
	return git_fail(g, errno, "moving %s aside: %s", from, strerror(errno));
}

int
wreck_set_aside(struct git *g, const struct worktree *w, char *aside)
{
	struct stat st;

	return lstat(w->path, &st) == 0
	    ? wreck_move_beside(g, w, w->path, "wreck", aside)
	    : 0;
}

int
wreck_clear_place(struct git *g, const struct worktree *w, char *aside)
{
	char path[PATH_SIZE];
	struct stat st;

	if (lstat(w->path, &st) == 0 && !S_ISDIR(st.st_mode))
		return wreck_set_aside(g, w, aside);
	if (path_format(path, "%s/.git", w->path) < 0)
		return git_fail(g, errno, "%s: %s", w->path, strerror(errno));
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode)
	    ? wreck_move_beside(g, w, path, "inner", aside)
	    : 0;
}

int
wreck_clear_admin(struct git *g, struct worktree *w)
{
	if (w->admin[0] != '\0' &&
	    wreck_move_aside(g, w->admin, "worktree") < 0)
		return -1;
	w->admin[0] = '\0';
	return 0;
}

/* The time in a name that wreck_move_beside() made of path's; 0 of another
 * name. */
static long long
time_aside(const struct worktree *w, const char *name)
{
	const char *own = strrchr(w->path, '/') + 1;
	size_t len = strlen(own);
	const char *rest = name + len + 7;

	if (strncmp(name, own, len) != 0 ||
	    (strncmp(name + len, ".wreck-", 7) != 0 &&
		strncmp(name + len, ".inner-", 7) != 0) ||
	    *rest == '\0' || rest[strspn(rest, "0123456789")] != '\0')
		return 0;
	return strtoll(rest, NULL, 10);
}

int
wreck_delete_old(struct git *g, const struct worktree *w)
{
	char folder[PATH_SIZE], path[PATH_SIZE], last[PATH_SIZE] = "";
	long long made, newest = 0;
	struct dirent *entry;
	int result = 0;
	DIR *all;

	if (path_dirname(folder, w->path) < 0 ||
	    (all = opendir(folder)) == NULL)
		return git_fail(g, errno, "%s: %s", w->path, strerror(errno));
	while (result == 0 && (entry = readdir(all)) != NULL) {
		made = time_aside(w, entry->d_name);
		if (made == 0)
			continue;
		result = path_format(path, "%s/%s", folder, entry->d_name);
		/* The older one of two goes. */
		if (result == 0 && newest > 0)
			result =
			    worktree_delete(g, made > newest ? last : path);
		if (made > newest) {
			newest = made;
			(void)path_format(last, "%s", path);
		}
	}
	if (result < 0)
		(void)git_fail(g, errno, "%s: deleting what was set aside: %s",
		    folder, strerror(errno));
	(void)closedir(all);
	return result;
}

int
wreck_forget_operations(struct git *g, const struct worktree *w)
{
	static const char *const operations[] = { "MERGE_HEAD",
		"CHERRY_PICK_HEAD", "REVERT_HEAD", "AUTO_MERGE", "sequencer",
		"rebase-merge", "rebase-apply", "BISECT_LOG", "BISECT_START",
		"BISECT_NAMES" };
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]);
	     i++) {
		if (path_format(path, "%s/%s", w->admin, operations[i]) < 0)
			return git_fail(
			    g, errno, "%s: %s", w->admin, strerror(errno));
		if (access(path, F_OK) == 0 &&
		    wreck_move_aside(g, path, operations[i]) < 0)
			return -1;
	}
	return 0;
}

/* Looking for a git that may own a lock file. */
struct owner {
	const char *places[3]; /* of the repository and the worktree */
	int64_t lock_wall_ms;  /* when the lock was made */
	pid_t found;
};

static bool
mentions(const struct owner *o, const char *text, size_t len)
{
	for (size_t i = 0; i < 3; i++)
		if (o->places[i] != NULL &&
		    memmem(text, len, o->places[i], strlen(o->places[i])) !=
			NULL)
			return true;
	return false;
}

/* Whether a file of /proc/PID has one of the places in it. */
static bool
file_mentions(const struct owner *o, pid_t pid, const char *name)
{
	char path[64], text[16384];
	ssize_t n = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (strcmp(name, "cwd") == 0) {
		n = readlink(path, text, sizeof(text));
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			n = read(fd, text, sizeof(text));
		io_close(&fd);
	}
	return n > 0 && mentions(o, text, (size_t)n);
}

static bool
is_no_owner(void *context, const struct process *p)
{
	struct owner *o = context;
	int64_t age_ms;

	if (strncmp(p->comm, "git", 3) != 0 || p->state == 'Z')
		return true;
	/* Who was born after the lock didn't make it. */
	age_ms = (int64_t)(process_start_now() - p->start) * 1000 /
	    sysconf(_SC_CLK_TCK);
	if (clock_wall_ms() - age_ms > o->lock_wall_ms + SLACK_MS)
		return true;
	if (!file_mentions(o, p->pid, "cwd") &&
	    !file_mentions(o, p->pid, "environ") &&
	    !file_mentions(o, p->pid, "cmdline"))
		return true;
	o->found = p->pid;
	return false;
}

/* The lock that is at path: 1, 0 none, -1. */
static int
look(struct git *g, const char *path, struct stat *ret)
{
	if (stat(path, ret) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR
	    ? 0
	    : git_fail(g, errno, "%s: %s", path, strerror(errno));
}

static int64_t
modified_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 +
	    st->st_mtim.tv_nsec / 1000000;
}

/* 0, or -1 when a git may own it. */
static int
find_owner(struct git *g, struct owner *o, const char *path)
{
	o->found = 0;
	if (process_each(is_no_owner, o) < 0)
		return git_fail(g, errno, "/proc: %s", strerror(errno));
	if (o->found == 0)
		return 0;
	return git_fail(g,
	    clock_wall_ms() - o->lock_wall_ms < YOUNG_MS ? EAGAIN : EBUSY,
	    "%s is there, and a git that may have made it lives (pid %d)", path,
	    (int)o->found);
}

/* One at a time does this, so that what was found to be nobody's isn't another
 * one's by the time it is moved. */
static int
clear_alone(struct git *g, struct owner *o, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st, then;
	int found = look(g, path, &st);

	if (found <= 0)
		return found;
	o->lock_wall_ms = modified_ms(&st);
	if (find_owner(g, o, path) < 0)
		return -1;
	found = look(g, path, &then);
	if (found <= 0)
		return found;
	if (then.st_ino != st.st_ino || modified_ms(&then) != o->lock_wall_ms)
		return git_fail(g, EAGAIN, "%s: another git works", path);
	return wreck_move_aside(g, path, slash != NULL ? slash + 1 : path) < 0
	    ? -1
	    : 1;
}

/* 1 moved aside, 0 there is none, -1. */
static int
clear_lock(struct git *g, struct owner *o, const char *path)
{
	struct stat st;
	int found = look(g, path, &st), lock;

	if (found <= 0)
		return found;
	lock = repository_lock(g, "aside");
	if (lock < 0)
		return -1;
	found = clear_alone(g, o, path);
	io_close(&lock);
	return found;
}

int
wreck_clear_locks(struct git *g, const struct worktree *w,
    const char *const *names, char ret[static PATH_SIZE])
{
	struct owner o = { .places = { g->top, g->common,
			       w != NULL ? w->path : NULL } };
	char path[PATH_SIZE];
	int cleared = 0, result;

	for (size_t i = 0; names[i] != NULL; i++) {
		if (path_format(path, "%s/%s.lock",
			w != NULL ? w->admin : g->common, names[i]) < 0)
			return git_fail(
			    g, errno, "%s: %s", names[i], strerror(errno));
		result = clear_lock(g, &o, path);
		if (result < 0)
			return -1;
		if (result > 0)
			(void)path_format(ret, "%s", path);
		cleared += result;
	}
	return cleared;
}
