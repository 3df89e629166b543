#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/common/agent.h"
#include "base/clock.h"
#include "base/io.h"
#include "system/lock.h"
#include "system/notify_send.h"
#include "system/wanted.h"

#define BUSY_MS	      2000 /* a stop must be obeyed in between */
#define RETRY_MS      2000
#define MOVED_MS      500
#define TELL_AGAIN_MS 60000

#define EXIT_USAGE 2

static int
usage(const struct agent *a, bool needs_name)
{
	(void)fprintf(stderr, "usage: %s [-c FILE] %s\n", a->log.name,
	    needs_name ? "NAME" : "[NAME]");
	return EXIT_USAGE;
}

static int
take_name(struct agent *a, const char *name)
{
	if (!text_is_name(name)) {
		log_line(&a->log, "%s: no name for a component", name);
		return EXIT_USAGE;
	}
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	return 0;
}

static int
parse_options(struct agent *a, int argc, char **argv, const char *name_default,
    const char **ret_path)
{
	const char *name = getenv("LOOPKEEPER_COMPONENT");
	int option;

	*ret_path = NULL;
	while ((option = getopt(argc, argv, "c:h")) != -1) {
		if (option != 'c')
			return usage(a, name_default == NULL);
		*ret_path = optarg;
	}
	if (optind < argc)
		name = argv[optind++];
	else if (name == NULL)
		name = name_default;
	if (optind < argc || name == NULL)
		return usage(a, name_default == NULL);
	return take_name(a, name);
}

static int
load_configuration(struct agent *a, const char *option)
{
	char path[PATH_SIZE];
	const char *state = getenv("LOOPKEEPER_STATE_DIRECTORY");

	if (conf_find(option, path, stderr) < 0)
		return 1;
	a->conf = conf_load(path, stderr);
	if (a->conf == NULL)
		return 1;
	/* The fleet's own wins: the file may have been edited since. */
	if (state == NULL)
		state = a->conf->fleet.state_directory;
	if (path_format(a->state_directory, "%s", state) < 0 ||
	    path_make(a->state_directory, 0700) < 0) {
		log_line(&a->log, "%s: %s", state, strerror(errno));
		return 1;
	}
	return 0;
}

static int
open_events(struct agent *a)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	sigset_t signals;

	(void)sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void)sigaddset(&signals, caught[i]);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) == 0 &&
	    loop_open(&a->loop, a->sources, AGENT_SOURCES, &signals) == 0)
		return 0;
	log_line(&a->log, "cannot open the event loop: %s", strerror(errno));
	return 1;
}

/* The mode lies in the run directory. */
static void
listen_for_news(struct agent *a)
{
	const char *file = getenv("LOOPKEEPER_MODE_FILE");
	char run[PATH_SIZE];
	int found = file != NULL
	    ? path_dirname(run, file)
	    : path_format(run, "%s/run", a->state_directory);

	news_open(
	    &a->news, &a->loop, a->state_directory, found == 0 ? run : NULL);
}

static int
open_spool(struct agent *a)
{
	const char *directory = getenv("LOOPKEEPER_SPOOL");
	char path[PATH_SIZE];

	if (directory == NULL) {
		if (path_format(path, "%s/spool", a->state_directory) < 0 ||
		    path_make(path, 0700) < 0) {
			log_line(&a->log, "%s: %s", path, strerror(errno));
			return 1;
		}
		directory = path;
	}
	if (spool_open(&a->spool, directory, a->name) == 0)
		return 0;
	log_line(&a->log, "%s: %s", directory, strerror(errno));
	return 1;
}

int
agent_begin(struct agent *a, int argc, char **argv, const char *name_default)
{
	const char *slash = strrchr(argv[0], '/'), *path;
	int code;

	*a = (struct agent){ .log = { .name =
					  slash != NULL ? slash + 1 : argv[0],
				 .stamped = getenv("NOTIFY_SOCKET") == NULL },
		.loop = { .epoll_fd = -1, .timer_fd = -1, .signal_fd = -1 },
		.store = { .lock_fd = -1 },
		.news = { .fd = -1 },
		.spool = { .dirfd = -1, .fd = -1 } };
	/* What a shell left open is for none of the programs started here. */
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	code = parse_options(a, argc, argv, name_default, &path);
	if (code == 0)
		code = load_configuration(a, path);
	if (code == 0)
		code = open_events(a);
	if (code == 0)
		code = open_spool(a);
	if (code != 0)
		return code;
	a->log.name = a->name;
	a->watchdog_ms = notify_watchdog_ms();
	listen_for_news(a);
	(void)agent_look(a);
	return 0;
}

void
agent_finish(struct agent *a)
{
	store_close(&a->store);
	spool_close(&a->spool);
	news_close(&a->news);
	loop_close(&a->loop);
	conf_free(a->conf);
	a->conf = NULL;
}

static void
beat(struct agent *a, int64_t now_ms)
{
	if (a->watchdog_ms == 0 || now_ms < a->beat_ms)
		return; /* never, or not yet */
	a->beat_ms = now_ms + a->watchdog_ms / 2;
	/* Nobody to hear it is nothing we could help. */
	(void)notify_send("WATCHDOG=1");
}

void
agent_beat(struct agent *a)
{
	beat(a, clock_ms());
}

static void
take_events(struct agent *a)
{
	struct loop_event event;
	uint64_t signals;

	while (loop_next(&a->loop, &event))
		news_hear(&a->news, &a->loop);
	signals = loop_signals(&a->loop);
	if (signals & loop_signal_bit(SIGCHLD))
		a->child_due = true;
	if (signals &
	    (loop_signal_bit(SIGTERM) | loop_signal_bit(SIGINT) |
		loop_signal_bit(SIGHUP))) {
		if (!a->stopping)
			(void)notify_send("STOPPING=1");
		a->stopping = true;
	}
}

static int64_t
earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms == 0 || (b_ms != 0 && b_ms < a_ms) ? b_ms : a_ms;
}

int
agent_wait(struct agent *a, int64_t deadline_ms, bool idle)
{
	bool was_stopping = a->stopping, over = false;
	int64_t now_ms = clock_ms();

	a->child_due = false;
	beat(a, now_ms);
	/* One wake-up for all that is due now and then. */
	if (idle)
		deadline_ms = earlier(deadline_ms,
		    earlier(a->beat_ms, news_rarely_ms(&a->news, now_ms)));
	while (!over) {
		int64_t until_ms = earlier(deadline_ms, a->beat_ms);

		if (idle)
			until_ms = earlier(until_ms, a->news.look_ms);
		if (loop_wait(&a->loop, until_ms) < 0) {
			log_line(&a->log, "epoll: %s", strerror(errno));
			return -1;
		}
		take_events(a);
		now_ms = clock_ms();
		beat(a, now_ms);
		over = a->child_due || a->stopping != was_stopping ||
		    now_ms >= deadline_ms ||
		    (idle && news_due(&a->news, &a->loop, now_ms));
	}
	return 0;
}

/* Alone in a terminal nobody has told where the mode is: a fleet that is down
 * has none, whatever its file says. */
static enum mode
read_mode(const struct agent *a)
{
	const char *file = getenv("LOOPKEEPER_MODE_FILE");
	char path[PATH_SIZE], text[256];
	enum mode mode = MODE_NORMAL;

	if (file == NULL) {
		if (path_format(path, "%s/lock", a->state_directory) < 0 ||
		    lock_holder(AT_FDCWD, path) <= 0 ||
		    path_format(path, "%s/run/mode", a->state_directory) < 0)
			return mode;
		file = path;
	}
	if (io_read_file(AT_FDCWD, file, text, sizeof(text)) < 0 &&
	    errno != EFBIG)
		return mode;
	text[strcspn(text, " \t\n")] = '\0';
	(void)mode_parse(text, &mode);
	return mode;
}

static bool
read_draining(const struct agent *a)
{
	const struct wanted_entry *entry;
	struct wanted wanted;
	bool draining;

	if (wanted_read(a->state_directory, &wanted) < 0)
		return a->draining;
	entry = wanted_find(&wanted, a->name);
	draining = entry != NULL &&
	    (entry->state == WANTED_DRAINING || entry->state == WANTED_PAUSED);
	wanted_free(&wanted);
	return draining;
}

bool
agent_look(struct agent *a)
{
	enum mode mode = read_mode(a);
	bool draining = read_draining(a);
	bool changed = mode != a->mode || draining != a->draining;

	a->mode = mode;
	a->draining = draining;
	if (mode == MODE_FILE_BASED)
		store_close(&a->store);
	return changed;
}

/* The same trouble, tried every two seconds, is told once a minute. */
static void
tell_refusal(struct agent *a, const char *what)
{
	int64_t now_ms = clock_ms();

	if (a->told_ms == 0 || now_ms - a->told_ms >= TELL_AGAIN_MS) {
		log_line(&a->log, "%s%s%s; trying again every %d s", what,
		    what[0] != '\0' ? ": " : "", store_error(&a->store),
		    RETRY_MS / 1000);
		a->told_ms = now_ms;
	}
	a->retry_ms = now_ms + RETRY_MS;
}

int
agent_database(struct agent *a)
{
	if (a->store.db != NULL && store_has_moved(&a->store)) {
		/* Whoever moved it puts another one in its place. */
		store_close(&a->store);
		a->retry_ms = clock_ms() + MOVED_MS;
	}
	if (a->mode == MODE_FILE_BASED || clock_ms() < a->retry_ms)
		return -1;
	if (a->store.db != NULL)
		return 0;
	if (store_open(&a->store, a->state_directory, STORE_CREATE) < 0) {
		tell_refusal(a, "");
		return -1;
	}
	store_set_busy(&a->store, BUSY_MS);
	if (a->told_ms != 0)
		log_line(&a->log, "the database is back");
	a->told_ms = 0;
	return 0;
}

void
agent_failed(struct agent *a, const char *what)
{
	bool is_busy = errno == EBUSY;

	tell_refusal(a, what);
	/* A lock of others passes; everything else is looked at afresh. */
	if (!is_busy)
		store_close(&a->store);
}

void
agent_status(struct agent *a, const char *format, ...)
{
	char status[sizeof(a->status)], message[sizeof(a->status) + 8];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(status, sizeof(status), format, ap);
	va_end(ap);
	if (strcmp(status, a->status) == 0)
		return;
	(void)snprintf(a->status, sizeof(a->status), "%s", status);
	(void)snprintf(message, sizeof(message), "STATUS=%s", status);
	(void)notify_send(message);
}

void
agent_ready(struct agent *a)
{
	a->beat_ms = 0;
	beat(a, clock_ms());
	(void)notify_send("READY=1");
}
