/*
 * The logger as a process of its own, below a keeper that is played here: a
 * directory run/c/NAME with a socket, and the two pipes behind it. Components
 * are forked and write as fast as they like. Whatever goes wrong in here, or
 * takes a minute, fails the test.
 */
#ifndef LOOPKEEPER_TESTS_LOGGER_FIXTURE_H
#define LOOPKEEPER_TESTS_LOGGER_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/line.h"
#include "base/path.h"
#include "base/text.h"
#include "model/config.h"
#include "scratch.h"

struct keeper {
	char name[TEXT_NAME_MAX + 1];
	int dirfd;
	int listening;
	int connection; /* -1: none */
	int pipes[2][2];
	struct config_log log;
};

struct fleet {
	struct scratch at; /* STATE */
	pid_t logger;	   /* 0: not running */
	struct keeper keepers[2];
	int nkeepers;
};

/* What the logs of one component say, rotated files first. */
struct text {
	char *bytes;
	size_t len;
};

/* What the logger has to do without. */
enum lack { LACK_NOTHING, LACK_INOTIFY, LACK_SPACE };

/* For cmocka: *state is a fleet whose one keeper is "one". */
int logger_set_up(void **state);
int logger_tear_down(void **state);

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, logger_set_up, logger_tear_down)

/* A keeper, which keeper_end() closes. */
void keeper_begin(struct fleet *f, struct keeper *k, const char *name);
void keeper_end(struct keeper *k);

/* What keepers do for a logger: to be called as long as one runs. */
void serve(struct fleet *f);

void logger_start(struct fleet *f);
void logger_start_with(struct fleet *f, enum lack lack);

/* Skips the test when that can't be taken away from a logger here. */
void skip_unless_confined(struct fleet *f);

/* Ends it with this signal; after SIGTERM it must exit with 0. */
void logger_end(struct fleet *f, int signal);

/* The caller frees .bytes. */
struct text read_logs(const struct fleet *f, const char *name);

/* The next line of t, *at going on behind it. False at the end. */
bool next_line(const struct text *t, size_t *at, struct line *ret);

/* How many lines are this text; waits until there are n. */
size_t count_lines(const struct fleet *f, const char *name, const char *text);
void wait_lines(struct fleet *f, const char *name, const char *text, size_t n);

/* Until the pipes are empty. */
void wait_drained(struct fleet *f, const struct keeper *k);

/* Lines "N" of one stream, counted from 0 without a gap or a repeat. */
size_t assert_counted(
    const struct fleet *f, const char *name, enum line_stream stream);

/* A component: says something; writes n numbered lines on both streams, with
 * pauses now and then; has done so, with exit 0; the same, waited for. */
void say(const struct keeper *k, enum line_stream stream, const char *text);
pid_t start_counting(const struct keeper *k, size_t n, bool paused);
bool has_ended(pid_t pid);
void count_to(struct fleet *f, const struct keeper *k, size_t n);

#endif
