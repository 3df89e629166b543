/* JUnit reports of six writers, what of them is kept, and what is refused. */
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "junit_fixture.h"

#define CHUNK (1024 * 1024)

/* That the id begins so, and ends in a hash of its own. */
static void
has_id(size_t i, const char *begin)
{
	char id[ATTEMPT_TEST_SIZE];

	junit_case_id(&report.cases[i], id);
	if (strncmp(id, begin, strlen(begin)) != 0 ||
	    strlen(id) != strlen(begin) + JUNIT_HASH_DIGITS)
		fail_msg("%s", id);
}

static void
test_vitest(void **state)
{
	read_file("vitest.xml", 3, 5);
	is_case(
	    0, "add > adds 'a' (and b)", "src/math/add.test.ts", "src/math");
	is_case(1, "add > carries", "src/math/add.test.ts", "src/math");
	is_case(2, "reads nothing", "src/io/read.test.ts", "src/io");
	has_id(0, "src-math-add-test-add-adds-a-and-b-");
	assert_int_equal(report.cases[0].line, 6);
	/* The message once, though the text has it too; UTF-8 stays. */
	assert_string_equal(report.cases[1].detail,
	    "carry is not a function\nTypeError: carry is not a function");
	assert_non_null(strstr(report.cases[0].detail, "❯ src/math"));
}

static void
test_jest(void **state)
{
	read_file("jest.xml", 1, 3);
	is_case(
	    0, "math add adds negatives", "__tests__/add.test.js", "__tests__");
	has_id(0, "tests__-add-test-math-add-adds-negatives-");
	assert_non_null(strstr(report.cases[0].detail, "Expected: -3"));
}

static void
test_pytest(void **state)
{
	read_file("pytest.xml", 4, 6);
	is_case(0, "test_many[1-2]", "tests/unit/test_calc.py", "tests/unit");
	is_case(1, "test_read", "tests/io/test_read.py", "tests/io");
	is_case(2, "tests.test_broken", "tests/test_broken.py", "tests");
	is_case(3, "test_file", "tests/unit/test_calc.py", "tests/unit");
	has_id(0, "tests-unit-test_calc-test_many-1-2-");
	assert_string_equal(
	    report.cases[0].class_name, "tests.unit.test_calc.TestAdd");
}

static void
test_gotestsum(void **state)
{
	read_file("gotestsum.xml", 2, 4);
	is_case(0, "TestAdd/negative", "", "example.com/calc/pkg/add");
	is_case(1, "TestAdd", "", "example.com/calc/pkg/add");
	has_id(0, "example-com-calc-pkg-add-TestAdd-negative-");
	assert_string_equal(report.cases[1].detail,
	    "Failed\n=== RUN   TestAdd\n--- FAIL: TestAdd (0.00s)");
}

/* What passed at last isn't among them; a failure needs no text. */
static void
test_nextest(void **state)
{
	read_file("nextest.xml", 2, 4);
	is_case(0, "tests::adds", "", "calc");
	is_case(1, "reads", "", "calc::integration");
	has_id(0, "calc-tests-adds-");
	assert_null(strstr(report.cases[0].detail, "again"));
	assert_null(strstr(report.cases[0].detail, "running"));
	assert_string_equal(report.cases[1].detail, "");
}

/* Of a case without a text there is its output; of one without a place, only
 * its name. */
static void
test_ctest(void **state)
{
	read_file("ctest.xml", 2, 4);
	is_case(0, "add_negative", "", "");
	is_case(1, "parser.c", "", "");
	has_id(0, "add_negative-");
	assert_string_equal(
	    report.cases[0].detail, "add_test.c:9: 3 is not -3");
	assert_string_equal(report.cases[1].detail, "Timeout");
}

/* Bounded, and clean at the bound; DEL, C1 and NEL aren't text. */
static void
test_detail(void **state)
{
	static char text[3 * JUNIT_DETAIL_SIZE];
	struct buf b;

	assert_int_equal(
	    read_report("<testsuite><testcase name='n'><error message='a&#127;"
			"b&#133;c'>\n\n x&#13;y\tz <i>in</i><![CDATA[<&]]> \n"
			"</error><failure message='second'/></testcase>"
			"</testsuite>"),
	    0);
	assert_string_equal(
	    report.cases[0].detail, "abc\nxy\tz in<&\n\nsecond");
	junit_report_free(&report);
	buf_init(&b, text, sizeof(text));
	buf_add(&b, "<testsuite><testcase name='n'><error>x");
	while (b.len < 2 * JUNIT_DETAIL_SIZE)
		buf_add(&b, "\u4f60");
	buf_add(&b, "</error></testcase></testsuite>");
	assert_int_equal(read_report(text), 0);
	assert_true(strlen(report.cases[0].detail) < JUNIT_DETAIL_SIZE);
	assert_true(strlen(report.cases[0].detail) > JUNIT_DETAIL_SIZE - 16);
	assert_non_null(strstr(report.cases[0].detail, "\u4f60\n[cut]"));
}

static void
refused(const char *text, size_t line, const char *error)
{
	assert_int_equal(read_report(text), -1);
	if (strstr(report.error, error) == NULL)
		fail_msg("%s", report.error);
	assert_int_equal(report.error_line, line);
	junit_report_free(&report);
}

static void
test_refused(void **state)
{
	static char text[JUNIT_NAME_MAX + 128];
	struct buf b;

	refused("", 1, "no element found");
	refused("{}", 1, "not well-formed");
	refused("<testsuites>\n<testsuite>", 2, "no element found");
	refused("<testsuites>\n</testsuite>", 2, "mismatched");
	refused("<html/>", 1, "begins with <html>");
	refused("<!DOCTYPE x [\n<!ENTITY a 'b'>]><testsuite>&a;</testsuite>", 1,
	    "DOCTYPE");
	refused("<testsuite>&a;</testsuite>", 1, "undefined entity");
	refused("<testsuite>\n<testcase><failure/></testcase></testsuite>", 2,
	    "without a name");
	buf_init(&b, text, sizeof(text));
	for (int i = 0; i <= JUNIT_DEPTH_MAX; i++)
		buf_add(&b, "<testsuite>");
	refused(text, 1, "in each other");
	buf_init(&b, text, sizeof(text));
	buf_add(&b, "<testsuite><testcase name='");
	for (int i = 0; i <= JUNIT_NAME_MAX; i++)
		buf_add(&b, "n");
	buf_add(&b, "'><failure/></testcase></testsuite>");
	refused(text, 1, "name is over 4 kB");
}

/* Writes blanks until nobody reads them any more. */
static void
write_blanks(int fd)
{
	static char blanks[CHUNK];

	(void)memset(blanks, ' ', sizeof(blanks));
	(void)memcpy(blanks, "<testsuite>", 11);
	for (int i = 0; i < JUNIT_BYTES_MAX / CHUNK + 1; i++) {
		if (write(fd, blanks, sizeof(blanks)) < 0)
			break;
		(void)memset(blanks, ' ', 11);
	}
	_exit(0);
}

/* Also from a pipe, whose size nobody knows. */
static void
test_too_large(void **state)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		write_blanks(fds[1]);
	}
	(void)close(fds[1]);
	assert_int_equal(junit_report_read(&report, fds[0]), -1);
	assert_non_null(strstr(report.error, "over 64 MB"));
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vitest),
		TEST(test_jest),
		TEST(test_pytest),
		TEST(test_gotestsum),
		TEST(test_nextest),
		TEST(test_ctest),
		TEST(test_detail),
		TEST(test_refused),
		TEST(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
