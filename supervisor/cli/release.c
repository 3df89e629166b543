#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/release.h"
#include "store/store.h"
#include "system/process.h"

#define LOOK_MS	    50
#define PATIENCE_MS 10000
#define BACK_MS	    600000 /* a large database takes long to be checked */
#define RELEASED    "released"
#define DATABASE    "coordination.db"
#define NAMED_MAX   8

static const char *const companions[] = { DATABASE "-wal", DATABASE "-shm" };

/* One look at the database of a state directory. */
struct look {
	int dirfd;
	struct stat files[3]; /* database, -wal, -shm; st_nlink 0: none */
	size_t openers;
	bool print; /* names the openers */
};

static bool
exists(int dirfd, const char *name, struct stat *st)
{
	return fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether the descriptor at dirfd/name is one of the files. */
static bool
is_opener(const struct look *l, int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, 0) < 0)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (l->files[i].st_nlink > 0 &&
		    l->files[i].st_dev == st.st_dev &&
		    l->files[i].st_ino == st.st_ino)
			return true;
	return false;
}

static void
found(struct look *l, const char *pid)
{
	char command[128];
	int64_t number;

	l->openers++;
	if (!l->print || l->openers > NAMED_MAX)
		return;
	if (text_parse_int(pid, 1, INT32_MAX, &number) < 0)
		return;
	process_command((pid_t)number, command, sizeof(command));
	(void)cli_error(
	    CLI_FAILED, "process %s (%s) has %s open", pid, command, DATABASE);
}

static void
look_at_process(struct look *l, const char *pid)
{
	char path[64];
	const struct dirent *e;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return; /* gone, or another user's: root sees them */
	while ((e = readdir(dir)) != NULL) {
		if (isdigit((unsigned char)e->d_name[0]) &&
		    is_opener(l, dirfd(dir), e->d_name)) {
			found(l, pid);
			break;
		}
	}
	(void)closedir(dir);
}

static void
look_for_openers(struct look *l)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;

	(void)exists(l->dirfd, DATABASE, &l->files[0]);
	(void)exists(l->dirfd, companions[0], &l->files[1]);
	(void)exists(l->dirfd, companions[1], &l->files[2]);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			look_at_process(l, e->d_name);
	if (dir != NULL)
		(void)closedir(dir);
}

/* The recorder's mark: it has closed the database and keeps all others of
 * ours out (store/guard.h). */
static bool
is_marked(int dirfd)
{
	char text[128];

	return io_read_file(dirfd, "database.lock", text, sizeof(text)) >= 0 &&
	    strncmp(text, RELEASED, sizeof(RELEASED) - 1) == 0;
}

static bool
is_released(struct look *l)
{
	struct stat st;

	if (!is_marked(l->dirfd) || exists(l->dirfd, companions[0], &st) ||
	    exists(l->dirfd, companions[1], &st))
		return false;
	look_for_openers(l);
	return l->openers == 0;
}

static int
complain(struct look *l)
{
	struct stat st;

	*l = (struct look){ .dirfd = l->dirfd, .print = true };
	look_for_openers(l);
	if (l->openers == 0 && !is_marked(l->dirfd))
		(void)cli_error(CLI_FAILED,
		    "the recorder has not released the database; "
		    "'loopkeeper status recorder' may say why");
	for (size_t i = 0; i < 2; i++)
		if (exists(l->dirfd, companions[i], &st))
			(void)cli_error(
			    CLI_FAILED, "there still is a %s", companions[i]);
	return cli_error(CLI_FAILED,
	    "the components are paused, but the database is NOT free: don't "
	    "replace it yet; 'loopkeeper pause all' looks again");
}

int
release_wait(const struct cli *cli)
{
	int64_t give_up_ms = clock_ms() + PATIENCE_MS;
	struct look l;
	bool released;
	int dirfd =
	    open(cli->state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dirfd < 0)
		return cli_error(CLI_FAILED, "%s: %s", cli->state_directory,
		    strerror(errno));
	do {
		l = (struct look){ .dirfd = dirfd };
		released = is_released(&l);
		if (!released)
			(void)poll(NULL, 0, LOOK_MS);
	} while (!released && clock_ms() < give_up_ms);
	if (!released)
		(void)complain(&l);
	io_close(&dirfd);
	return released ? CLI_DONE : CLI_FAILED;
}

int
release_wait_back(const struct cli *cli)
{
	int64_t give_up_ms = clock_ms() + BACK_MS;
	struct store s;
	int result;

	do {
		result = store_open(&s, cli->state_directory, STORE_READ);
		if (result == 0)
			store_close(&s);
	} while (result < 0 && (errno == EBUSY || errno == ESHUTDOWN) &&
	    clock_ms() < give_up_ms);
	return result == 0 ? CLI_DONE : cli_error(CLI_FAILED, "%s", s.error);
}
