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
#include "cli/database.h"
#include "cli/release.h"
#include "store/store.h"
#include "system/process.h"

#define LOOK_MS	    50
#define PATIENCE_MS 10000
#define BACK_MS	    600000 /* a large database takes long to be checked */
#define RELEASED    "released"
#define NAMED_MAX   8

/* The database and its companions. */
static const char *const files[] = { "coordination.db", "coordination.db-wal",
	"coordination.db-shm" };
#define NFILES (sizeof(files) / sizeof(files[0]))

/* One look at the database of a state directory. */
struct look {
	int dirfd;
	struct stat files[NFILES]; /* st_nlink 0: it isn't there */
	size_t openers;
	bool print; /* names the openers */
};

/* Whether the descriptor dirfd/name is one of the files. */
static bool
is_opener(const struct look *l, int dirfd, const char *name)
{
	struct stat st;

	if (!isdigit((unsigned char)name[0]) ||
	    fstatat(dirfd, name, &st, 0) < 0)
		return false;
	for (size_t i = 0; i < NFILES; i++)
		if (l->files[i].st_nlink > 0 &&
		    l->files[i].st_dev == st.st_dev &&
		    l->files[i].st_ino == st.st_ino)
			return true;
	return false;
}

static void
look_at_process(struct look *l, pid_t pid)
{
	char path[64], command[128];
	const struct dirent *e;
	bool has = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return; /* gone, or another user's: root sees them */
	while (!has && (e = readdir(dir)) != NULL)
		has = is_opener(l, dirfd(dir), e->d_name);
	(void)closedir(dir);
	l->openers += has;
	if (!has || !l->print || l->openers > NAMED_MAX)
		return;
	process_command(pid, command, sizeof(command));
	(void)cli_error(CLI_FAILED, "process %d (%s) has %s open", (int)pid,
	    command, files[0]);
}

static void
look_for_openers(struct look *l)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	int64_t pid;

	for (size_t i = 0; i < NFILES; i++)
		(void)fstatat(
		    l->dirfd, files[i], &l->files[i], AT_SYMLINK_NOFOLLOW);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (text_parse_int(e->d_name, 1, INT32_MAX, &pid) == 0)
			look_at_process(l, (pid_t)pid);
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
	if (!is_marked(l->dirfd))
		return false;
	look_for_openers(l);
	return l->openers == 0 && l->files[1].st_nlink == 0 &&
	    l->files[2].st_nlink == 0;
}

static int
complain(struct look *l)
{
	*l = (struct look){ .dirfd = l->dirfd, .print = true };
	look_for_openers(l);
	if (l->openers == 0 && !is_marked(l->dirfd))
		(void)cli_error(CLI_FAILED,
		    "the recorder has not released the database; "
		    "'loopkeeper status recorder' may say why");
	for (size_t i = 1; i < NFILES; i++)
		if (l->files[i].st_nlink > 0)
			(void)cli_error(
			    CLI_FAILED, "there still is a %s", files[i]);
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
	return result == 0 ? CLI_DONE : database_error(&s);
}
