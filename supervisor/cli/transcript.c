/* transcript: what the worker of one attempt wrote. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "base/io.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/print.h"
#include "store/queries_tests.h"

#define LOOK_MS 500 /* how often -f looks for more */

/* The attempt that is meant, once choose() has seen them all. */
struct choice {
	int64_t wanted; /* 0: the last one that has a transcript */
	int64_t found;	/* 0: none */
	int64_t last;
	bool ended;
	char path[PATH_SIZE];
};

static int
choose(const struct attempt_row *a, void *argument)
{
	struct choice *c = argument;

	c->last = a->fence;
	if (c->wanted != 0 ? a->fence != c->wanted : a->transcript[0] == '\0')
		return 0;
	c->found = a->fence;
	c->ended = a->ended_at[0] != '\0';
	(void)strlcpy(c->path, a->transcript, sizeof(c->path));
	return 0;
}

/* Finds the transcript's path. */
static int
find(struct cli *cli, struct store *s, const char *id, struct choice *c)
{
	char path[PATH_SIZE];

	if (queries_each_attempt(s, id, choose, c) < 0)
		return database_error(s);
	if (c->last == 0)
		return cli_error(
		    CLI_FAILED, "%s has not been attempted yet", id);
	if (c->found == 0)
		return cli_error(CLI_FAILED,
		    c->wanted != 0 ? "%s has no attempt of that number; the "
				     "last one is %lld"
				   : "no attempt at %s (the last is %lld) "
				     "has a transcript yet",
		    id, (long long)c->last);
	if (c->path[0] == '\0')
		return cli_error(CLI_FAILED,
		    "attempt %lld at %s has no transcript yet",
		    (long long)c->found, id);
	if (path_resolve(path, cli->state_directory, c->path) < 0)
		return cli_error(
		    CLI_FAILED, "%s: %s", c->path, strerror(errno));
	(void)strlcpy(c->path, path, sizeof(c->path));
	return CLI_DONE;
}

/* Copies what is there. Returns 0, or -1 with errno. */
static int
copy(int fd)
{
	char bytes[65536];
	ssize_t n;

	for (;;) {
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : -1;
		if (io_write_all(STDOUT_FILENO, bytes, (size_t)n) < 0)
			return -1;
	}
}

/* Whether the attempt is over; when the database can't be asked it is not
 * known, unless it was released: then nobody is at work. */
static bool
has_ended(struct cli *cli, const char *id, int64_t attempt)
{
	struct choice c = { .wanted = attempt };
	struct store s;

	if (store_open(&s, cli->state_directory, STORE_READ) < 0)
		return errno == ESHUTDOWN || errno == ENOENT;
	(void)queries_each_attempt(&s, id, choose, &c);
	store_close(&s);
	return c.found == 0 || c.ended;
}

static int
print(struct cli *cli, const char *id, const struct choice *c, bool follow)
{
	bool ended = c->ended;
	int fd = open(c->path, O_RDONLY | O_CLOEXEC), result;

	if (fd < 0)
		return cli_error(
		    CLI_FAILED, "%s: %s", c->path, strerror(errno));
	while ((result = copy(fd)) == 0 && follow && !ended) {
		(void)poll(NULL, 0, LOOK_MS);
		/* What came before this was known is copied once more. */
		ended = has_ended(cli, id, c->found);
	}
	if (result < 0)
		(void)cli_error(0, "%s: %s", c->path, strerror(errno));
	io_close(&fd);
	return result < 0 ? CLI_FAILED : CLI_DONE;
}

static int
print_where(const char *id, const struct choice *c)
{
	return print_json(
	    json_pack("{s:o,s:I,s:o,s:b}", "test", print_json_text(id),
		"attempt", (json_int_t)c->found, "transcript",
		print_json_text(c->path), "ended", c->ended),
	    CLI_DONE);
}

int
transcript_run(struct cli *cli, int argc, char **argv)
{
	bool follow = false;
	const struct option_spec specs[] = {
		{ .name = "follow", .letter = 'f', .flag = &follow },
	};
	char id[IDS_SIZE];
	struct choice c = { 0 };
	struct store s;
	int code;

	if (options_parse(cli, argc, argv, specs, 1, 1, 2) == 2 &&
	    text_parse_int(argv[2], 1, INT32_MAX, &c.wanted) < 0)
		cli_fail(CLI_USAGE,
		    "%s is no number of an attempt; 'loopkeeper show %s' lists "
		    "them",
		    argv[2], argv[1]);
	database_open(cli, &s, STORE_READ);
	code = ids_find(cli, &s, IDS_TEST, argv[1], id);
	if (code == CLI_DONE)
		code = find(cli, &s, id, &c);
	store_close(&s);
	if (code == CLI_DONE)
		code = cli->json ? print_where(id, &c)
				 : print(cli, id, &c, follow);
	return database_done(cli, &s, code);
}
