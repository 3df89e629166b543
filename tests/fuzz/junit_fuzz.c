/*
 * What a JUnit report may hold: any bytes. Either it is refused with a reason,
 * or each of its cases becomes a test: with an id that a file may be named
 * after, a text that is fit to be read, and a command in which the case's name
 * is one word of sh.
 */
#include <assert.h>
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/junit_case.c"   /* NOLINT(bugprone-suspicious-include) */
#include "cli/junit_detail.c" /* NOLINT(bugprone-suspicious-include) */
#include "cli/junit_report.c" /* NOLINT(bugprone-suspicious-include) */
#include "cli/junit_verify.c" /* NOLINT(bugprone-suspicious-include) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const roots[] = { "/srv/project", "" };

static void
check_id(const struct junit_case *c)
{
	char id[ATTEMPT_TEST_SIZE], again[ATTEMPT_TEST_SIZE];

	junit_case_id(c, id);
	junit_case_id(c, again);
	assert(strcmp(id, again) == 0 && strlen(id) >= HASH_DIGITS);
	assert(isalnum((unsigned char)id[0]));
	for (const char *p = id; *p != '\0'; p++)
		assert(isalnum((unsigned char)*p) || *p == '-' || *p == '_');
}

static void
check_detail(const struct junit_case *c)
{
	assert(strlen(c->detail) < JUNIT_DETAIL_SIZE);
	for (const char *p = c->detail; *p != '\0'; p += text_utf8_len(p))
		assert(is_fit(p, text_utf8_len(p)));
}

/* Reads what sh would of the name between its quotes. */
static void
check_command(const struct junit_case *c)
{
	char command[JUNIT_VERIFY_SIZE];
	const char *p = command + 2, *name = c->name;
	struct buf b;

	buf_init(&b, command, sizeof(command));
	junit_verify_fill(&b, "t {name} {pattern}", c);
	assert(!b.cut && command[2] == '\'');
	for (bool quoted = false; *name != '\0' || quoted; p++) {
		if (*p == '\'') {
			quoted = !quoted;
		} else if (!quoted) {
			assert(*p == '\\' && *++p == '\'' && *name++ == '\'');
		} else {
			assert(*p == *name++);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct junit_report report;
	int result, fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd == -1 || write(fd, data, size) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET) == -1)
		err(1, "memfd");
	result = junit_report_read(&report, fd);
	(void)close(fd);
	assert((result == 0) == (report.error[0] == '\0'));
	assert(report.nseen >= report.n);
	for (size_t i = 0; result == 0 && i < report.n; i++) {
		struct junit_case *c = &report.cases[i];
		char directory[JUNIT_PATH_SIZE];

		assert(c->name[0] != '\0');
		if (junit_case_locate(c, roots, 2) < 0)
			err(1, "locate");
		junit_case_directory(c, directory);
		check_id(c);
		check_detail(c);
		check_command(c);
	}
	junit_report_free(&report);
	return 0;
}
