#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "junit_fixture.h"

struct junit_report report;

int
junit_teardown(void **state)
{
	junit_report_free(&report);
	return 0;
}

int
read_report(const char *text)
{
	int result, fd = memfd_create("junit", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	result = junit_report_read(&report, fd);
	(void)close(fd);
	return result;
}

void
read_file(const char *name, size_t n, size_t nseen)
{
	static const char *const roots[] = { "/srv/project/" };
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "tests/unit/junit/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (junit_report_read(&report, fd) < 0)
		fail_msg("%s:%zu: %s", path, report.error_line, report.error);
	(void)close(fd);
	assert_int_equal(report.n, n);
	assert_int_equal(report.nseen, nseen);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    junit_case_locate(&report.cases[i], roots, 1), 0);
}

void
one_case(const char *suite, const char *class_name, const char *name,
    const char *file)
{
	static const char *const roots[] = { "/srv/other", "/srv/project//" };
	char text[1024];

	junit_report_free(&report);
	(void)snprintf(text, sizeof(text),
	    "<testsuites><testsuite name='%s'><testcase classname='%s' "
	    "name='%s' file='%s'><failure/></testcase></testsuite>"
	    "</testsuites>",
	    suite, class_name, name, file);
	assert_int_equal(read_report(text), 0);
	assert_int_equal(junit_case_locate(&report.cases[0], roots, 2), 0);
}

void
is_case(size_t i, const char *name, const char *file, const char *directory)
{
	char found[JUNIT_PATH_SIZE];

	assert_string_equal(report.cases[i].name, name);
	assert_string_equal(report.cases[i].file, file);
	junit_case_directory(&report.cases[i], found);
	assert_string_equal(found, directory);
}
