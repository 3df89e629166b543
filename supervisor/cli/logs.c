/*
 * logs: what components wrote, several of them as one text by time. Reads the
 * files alone and so works whether anything runs or not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/commands.h"
#include "cli/ids.h"
#include "cli/log_follow.h"
#include "cli/log_merge.h"
#include "cli/log_print.h"
#include "cli/log_tail.h"
#include "cli/options.h"
#include "cli/owner.h"
#include "cli/since.h"

#define LINES_DEFAULT 50
#define LINES_MAX     10000000

struct request {
	bool follow;
	struct log_begin begin;
	char since[CLOCK_ISO_SIZE];
	bool all; /* no names were given */
	struct log_style style;
};

/* The files of every component have to be open at once. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Returns the number of names. */
static int
parse(struct cli *cli, int argc, char **argv, struct request *q)
{
	const char *lines = NULL, *since = NULL;
	const struct option_spec specs[] = {
		{ .name = "follow", .letter = 'f', .flag = &q->follow },
		{ .name = "lines", .letter = 'n', .value = &lines },
		{ .name = "since", .value = &since },
		{ .name = "timestamps",
		    .letter = 't',
		    .flag = &q->style.stamps },
	};
	int nwords = options_parse(cli, argc, argv, specs, 4, 0, INT_MAX);

	q->begin.lines = since == NULL ? LINES_DEFAULT : -1;
	if (lines != NULL &&
	    text_parse_int(lines, 0, LINES_MAX, &q->begin.lines) < 0)
		cli_fail(
		    CLI_USAGE, "-n wants a number of lines, not '%s'", lines);
	if (since != NULL) {
		clock_format_iso(q->since, since_parse(since));
		q->begin.since = q->since;
	}
	return nwords;
}

static bool
has_log(int logsdir, const char *name)
{
	char file[TEXT_NAME_MAX + 16];

	if (!text_is_name(name))
		return false;
	(void)snprintf(file, sizeof(file), "%s.log", name);
	if (faccessat(logsdir, file, F_OK, 0) == 0)
		return true;
	(void)snprintf(file, sizeof(file), "%s.log.1", name);
	return faccessat(logsdir, file, F_OK, 0) == 0;
}

static int
add(const struct cli *cli, struct log_merge *m, int logsdir, const char *name,
    const struct request *q)
{
	if (log_merge_find(m, name) >= 0 ||
	    log_merge_add(m, logsdir, name, &q->begin) == 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "cannot read %s/logs/%s.log: %s",
	    cli->state_directory, name, strerror(errno));
}

/* What a word means: also a component that is no more but left its log. */
static int
add_word(struct cli *cli, struct log_merge *m, int logsdir, const char *word,
    const struct request *q)
{
	char name[TEXT_NAME_MAX + 1];

	if (has_log(logsdir, word))
		return add(cli, m, logsdir, word, q);
	ids_component(cli, word, name);
	if (!has_log(logsdir, name))
		(void)cli_error(
		    CLI_DONE, "%s has not written anything yet", name);
	return add(cli, m, logsdir, name, q);
}

static int
add_all(const struct cli *cli, struct log_merge *m, int logsdir,
    const struct request *q)
{
	int fd = openat(logsdir, ".", O_RDONLY | O_CLOEXEC), code = CLI_DONE;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char name[TEXT_NAME_MAX + 1];
	const struct dirent *d;

	if (dir == NULL) {
		io_close(&fd);
		return cli_error(CLI_FAILED, "cannot read %s/logs: %s",
		    cli->state_directory, strerror(errno));
	}
	while (code == CLI_DONE && (d = readdir(dir)) != NULL)
		if (log_follow_name(d->d_name, name))
			code = add(cli, m, logsdir, name, q);
	(void)closedir(dir);
	return code;
}

/* Prints all that is there now. Returns 0, or -1 with errno. */
static int
print_rest(struct log_merge *m, const struct request *q)
{
	struct line line;
	size_t index;
	int got;

	while ((got = log_merge_next(m, &line, &index)) > 0)
		log_print(stdout, &q->style, m->heads[index].reader.name, index,
		    &line);
	return got;
}

/* Prints the last q->begin.lines of what is there now. */
static int
print_last(struct log_merge *m, const struct request *q)
{
	struct log_tail tail = TAILQ_HEAD_INITIALIZER(tail);
	const struct log_kept *kept;
	struct line line;
	int64_t n = 0;
	size_t index;
	int got;

	while ((got = log_merge_next(m, &line, &index)) > 0) {
		if (log_tail_add(&tail, &line, index) < 0) {
			got = -1;
			break;
		}
		if (n++ >= q->begin.lines)
			log_tail_remove(&tail, TAILQ_FIRST(&tail));
	}
	TAILQ_FOREACH (kept, &tail, entry)
		log_print(stdout, &q->style, m->heads[kept->index].reader.name,
		    kept->index, &kept->line);
	log_tail_free(&tail);
	return got;
}

static void
choose_style(
    const struct cli *cli, const struct log_merge *m, struct request *q)
{
	q->style.json = cli->json;
	q->style.colour = cli->colour;
	q->style.clean = isatty(STDOUT_FILENO) == 1;
	if (m->n <= 1 && !q->all)
		return;
	q->style.name_width = 1;
	for (size_t i = 0; i < m->n; i++) {
		int n = (int)strlen(m->heads[i].reader.name);

		if (n > q->style.name_width)
			q->style.name_width = n;
	}
}

static int
show(struct cli *cli, struct log_merge *m, int logsdir, struct request *q)
{
	int result;

	choose_style(cli, m, q);
	result = q->begin.lines < 0 ? print_rest(m, q) : print_last(m, q);
	if (result == 0 && q->follow)
		result = log_follow(m, logsdir, q->all, &q->style);
	if (result < 0)
		return cli_error(CLI_FAILED, "cannot read %s/logs: %s",
		    cli->state_directory, strerror(errno));
	return CLI_DONE;
}

int
logs_run(struct cli *cli, int argc, char **argv)
{
	struct request q = { 0 };
	struct log_merge m = { .last = -1 };
	int code = CLI_DONE, logsdir, nwords = parse(cli, argc, argv, &q);

	cli_locate(cli);
	raise_file_limit();
	q.all = nwords == 0;
	logsdir = log_reader_directory(cli->state_directory);
	if (logsdir < 0 && errno == EACCES)
		owner_only(cli, "read %s/logs", cli->state_directory);
	if (logsdir < 0)
		return cli_error(CLI_NOT_RUNNING,
		    "there are no logs in %s yet; 'loopkeeper up -d' starts "
		    "the fleet",
		    cli->state_directory);
	if (q.all)
		code = add_all(cli, &m, logsdir, &q);
	for (int i = 1; i <= nwords && code == CLI_DONE; i++)
		code = add_word(cli, &m, logsdir, argv[i], &q);
	if (code == CLI_DONE)
		code = show(cli, &m, logsdir, &q);
	log_merge_close(&m);
	io_close(&logsdir);
	return code;
}
