#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "keeper/birth.h"
#include "keeper/peers.h"
#include "keeper/record.h"
#include "system/lock.h"
#include "system/process.h"
#include "system/rundir.h"

#define EXIT_UNBORN 1
#define EXIT_TAKEN  2

#define PAGE	    ((uintptr_t)4096)
#define STACK_SLACK 512 /* for the call that gives it back */
#define STACK_TRIM  ((uintptr_t)256 * 1024)

static _Noreturn void
fail(const char *name, const char *what)
{
	const struct log log = { .name = name };

	log_line(&log, "its keeper can't live: %s: %s", what, strerror(errno));
	_exit(EXIT_UNBORN);
}

static void
silence_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	struct itimerval off = { .it_value = { 0 } };
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	/* KILL, STOP and the two that libc keeps for itself say EINVAL. */
	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &action, NULL);
	(void)setitimer(ITIMER_REAL, &off, NULL);
	(void)setitimer(ITIMER_VIRTUAL, &off, NULL);
	(void)setitimer(ITIMER_PROF, &off, NULL);
}

/* Closes all that came from the daemon; stderr is left for what may yet go
 * wrong. */
static void
close_all_but(int fd)
{
	int null;

	if (fd > 3)
		(void)close_range(3, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0U, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	io_close(&null);
}

static void
open_loop(struct keeper *k)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	if (loop_open(&k->loop, k->sources, KEEPER_SOURCES, &signals) < 0)
		fail(k->name, "event loop");
}

/* Enters run/c/NAME, and takes its lock before anything else is touched. */
static void
enter_directory(struct keeper *k)
{
	char path[TEXT_NAME_MAX + 3];
	int run = open(k->run_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (run < 0)
		fail(k->name, k->run_directory);
	(void)snprintf(path, sizeof(path), "c/%s", k->name);
	if (mkdirat(run, path, geteuid() == 0 ? 0755 : 0700) < 0 &&
	    errno != EEXIST)
		fail(k->name, path);
	k->dirfd = rundir_open_component(run, k->name);
	if (k->dirfd < 0)
		fail(k->name, path);
	io_close(&run);
	k->lock_fd = lock_take(k->dirfd, "lock");
	if (k->lock_fd < 0 && errno == EAGAIN)
		_exit(EXIT_TAKEN);
	if (k->lock_fd < 0)
		fail(k->name, "lock");
}

static void
open_sockets(struct keeper *k)
{
	char directory[PATH_SIZE];

	if (path_format(directory, "%s/c/%s", k->run_directory, k->name) < 0)
		fail(k->name, k->run_directory);
	k->listen_fd = rundir_listen(
	    k->dirfd, "keeper", SOCK_SEQPACKET | SOCK_NONBLOCK, 0600);
	if (k->listen_fd < 0 ||
	    loop_add(&k->loop, k->listen_fd, EPOLLIN, SOURCE_LISTEN, NULL) == 0)
		fail(k->name, "keeper socket");
	if (notify_open(&k->notify, k->dirfd, directory) < 0 ||
	    loop_add(&k->loop, k->notify.fd, EPOLLIN, SOURCE_NOTIFY, NULL) == 0)
		fail(k->name, "notify socket");
}

static void
open_files(struct keeper *k, int pipe_size)
{
	char path[PATH_SIZE], writer[TEXT_NAME_MAX + 8];

	(void)snprintf(writer, sizeof(writer), "keeper-%s", k->name);
	if (path_format(path, "%s/spool", k->run_directory) < 0 ||
	    spool_open(&k->spool, path, writer) < 0)
		fail(k->name, "spool");
	record_inherit(k);
	if (status_open(&k->status, k->dirfd) < 0)
		fail(k->name, "status");
	if (output_open(&k->output, pipe_size) < 0)
		fail(k->name, "output pipes");
}

static void
open_cgroup(struct keeper *k)
{
	/* Without one the tree is ended by way of the keeper's children. */
	(void)cgroup_open(&k->cgroup, k->run_directory, k->name);
	k->record.tree = k->cgroup.fd >= 0 ? TREE_CGROUP : TREE_REAPER;
}

static const char *
keep_word(struct keeper *k, const char *word)
{
	char *kept = k->space + k->nwords;
	size_t n = strlen(word) + 1;

	(void)memcpy(kept, word, n);
	k->nwords += n;
	return kept;
}

/* Copies what is needed for life: birth itself is the daemon's. */
static void
remember(struct keeper *k, const struct keeper_birth *birth)
{
	k->name = keep_word(k, birth->name);
	k->run_directory = keep_word(k, birth->run_directory);
	k->state_directory = keep_word(k, birth->state_directory);
	k->config_path = keep_word(k, birth->config_path);
	k->environment =
	    birth->environment != NULL ? birth->environment : environ;
	k->nofile_soft = birth->nofile_soft;
	k->nwords = (k->nwords + 15) & ~(size_t)15;
	k->config = (void *)(k->space + k->nwords);
}

static struct keeper *
make(const struct keeper_birth *birth)
{
	struct keeper *k = mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (k == MAP_FAILED)
		fail(birth->name, "memory");
	remember(k, birth);
	k->notify.space = &k->notify_space;
	k->self = getpid();
	k->main_fd = k->startup_fd = -1;
	k->childless = true;
	for (int i = 0; i < KEEPER_PEERS; i++)
		k->peers[i].fd = -1;
	return k;
}

/*
 * Gives back the part of the stack below the caller's frame: what the daemon
 * and our birth have used of it would be ours alone for life.
 */
static void
trim_stack(void)
{
	char here;
	uintptr_t end = ((uintptr_t)&here - STACK_SLACK) & ~(PAGE - 1);
	void *start = (char *)&here - ((uintptr_t)&here - (end - STACK_TRIM));

	/* Says ENOMEM where the stack never reached; the rest is done. */
	(void)madvise(start, STACK_TRIM, MADV_DONTNEED);
}

static void
open_all(struct keeper *k, int daemon_fd, int pipe_size)
{
	struct keeper_peer *daemon;
	struct process self;

	enter_directory(k);
	open_files(k, pipe_size);
	open_sockets(k);
	open_cgroup(k);
	daemon = peers_add(k, daemon_fd);
	if (daemon == NULL)
		fail(k->name, "socket to the daemon");
	daemon->is_daemon = true;
	if (process_read(k->self, &self) == 0)
		k->record.keeper_start = self.start;
	uuid_new(k->record.death_id);
	k->random = (uint32_t)(k->record.keeper_start ^ (uint64_t)k->self);
}

struct keeper *
birth_give(const struct keeper_birth *birth)
{
	int daemon_fd = birth->daemon_fd, pipe_size = birth->pipe_size;
	struct keeper *k;

	(void)setsid();
	silence_signals();
	close_all_but(daemon_fd);
	k = make(birth);
	if (birth->forget != NULL)
		(void)madvise(birth->forget, birth->forget_size, MADV_DONTNEED);
	open_loop(k);
	if (chdir("/") < 0)
		fail(k->name, "/");
	setproctitle("-loopkeeper: keeper %s", k->name);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		fail(k->name, "subreaper");
	open_all(k, daemon_fd, pipe_size);
	(void)dup2(STDIN_FILENO, STDERR_FILENO);
	trim_stack();
	return k;
}

void
birth_undo(struct keeper *k)
{
	cgroup_close(&k->cgroup);
	spool_close(&k->spool);
}
