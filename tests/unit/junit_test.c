/* JUnit reports of six writers, what is made of their cases, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "cli/junit_case.c"   /* NOLINT(bugprone-suspicious-include) */
#include "cli/junit_detail.c" /* NOLINT(bugprone-suspicious-include) */
#include "cli/junit_report.c" /* NOLINT(bugprone-suspicious-include) */
#include "cli/junit_spread.c" /* NOLINT(bugprone-suspicious-include) */
#include "cli/junit_verify.c" /* NOLINT(bugprone-suspicious-include) */

static struct junit_report report;

static int
finish(void **state)
{
	(void)state;
	junit_report_free(&report);
	return 0;
}

/* Reads tests/unit/junit/NAME and locates its cases. */
static void
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

static int
read_text(const char *text)
{
	int result, fd = memfd_create("junit", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	result = junit_report_read(&report, fd);
	(void)close(fd);
	return result;
}

static void
is_case(size_t i, const char *name, const char *file, const char *directory)
{
	char found[JUNIT_PATH_SIZE];

	assert_string_equal(report.cases[i].name, name);
	assert_string_equal(report.cases[i].file, file);
	junit_case_directory(&report.cases[i], found);
	assert_string_equal(found, directory);
}

/* That the id begins so, and ends in a hash of its own. */
static void
has_id(size_t i, const char *begin)
{
	char id[ATTEMPT_TEST_SIZE];

	junit_case_id(&report.cases[i], id);
	if (strncmp(id, begin, strlen(begin)) != 0 ||
	    strlen(id) != strlen(begin) + HASH_DIGITS)
		fail_msg("%s", id);
}

static void
test_vitest(void **state)
{
	(void)state;
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
	(void)state;
	read_file("jest.xml", 1, 3);
	is_case(
	    0, "math add adds negatives", "__tests__/add.test.js", "__tests__");
	has_id(0, "tests__-add-test-math-add-adds-negatives-");
	assert_non_null(strstr(report.cases[0].detail, "Expected: -3"));
}

static void
test_pytest(void **state)
{
	(void)state;
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
	(void)state;
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
	(void)state;
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
	(void)state;
	read_file("ctest.xml", 2, 4);
	is_case(0, "add_negative", "", "");
	is_case(1, "parser.c", "", "");
	has_id(0, "add_negative-");
	assert_string_equal(
	    report.cases[0].detail, "add_test.c:9: 3 is not -3");
	assert_string_equal(report.cases[1].detail, "Timeout");
}

static void
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
	assert_int_equal(read_text(text), 0);
	assert_int_equal(junit_case_locate(&report.cases[0], roots, 2), 0);
}

static void
test_files(void **state)
{
	(void)state;
	one_case("s", "c", "n", "/srv/project/test/a.rb");
	is_case(0, "n", "test/a.rb", "test");
	one_case("s", "c", "n", "/srv/projects/a.rb");
	is_case(0, "n", "/srv/projects/a.rb", "/srv/projects");
	one_case("s", "c", "n", ".//a.rb");
	is_case(0, "n", "a.rb", ".");
	one_case("add.test.ts", "own name", "n", "");
	is_case(0, "n", "add.test.ts", ".");
	one_case("github.com/nats-io/nats.go", "github.com/nats-io/nats.go",
	    "n", "");
	is_case(0, "n", "", "github.com/nats-io/nats.go");
	one_case("com.example", "com.example.CalcTest", "n", "");
	is_case(0, "n", "", "com.example.CalcTest");
	one_case("add", "add one", "add one", "");
	is_case(0, "add one", "", "add");
	one_case("pytest", "calc_test.TestX", "n", "");
	is_case(0, "n", "calc_test.py", ".");
	one_case("pytest", "tests..test_x", "n", "");
	is_case(0, "n", "", "tests..test_x");
}

static void
id_of(const char *suite, const char *class_name, const char *name,
    const char *file, char ret[static ATTEMPT_TEST_SIZE])
{
	one_case(suite, class_name, name, file);
	junit_case_id(&report.cases[0], ret);
}

/* Every part counts, none runs into the next; but where a file is known, the
 * suite tells nothing about the case. */
static void
test_ids(void **state)
{
	static const char *const cases[][4] = { { "s", "c", "n", "f.c" },
		{ "s", "c", "n", "g.c" }, { "s", "d", "n", "f.c" },
		{ "s", "c", "m", "f.c" }, { "s", "c", "N", "f.c" },
		{ "s", "cn", "x", "" }, { "s", "c", "nx", "" },
		{ "s", "", "n", "" }, { "t", "", "n", "" },
		{ "s", "c", "\u4f60\u597d", "f.c" } };
	char ids[10][ATTEMPT_TEST_SIZE], id[ATTEMPT_TEST_SIZE];

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		id_of(
		    cases[i][0], cases[i][1], cases[i][2], cases[i][3], ids[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
	id_of("other", "c", "n", "f.c", id);
	assert_string_equal(id, ids[0]);
	/* A contract: another hash would import all tests once more. */
	assert_string_equal(ids[0], "f-n-bbb5f60ecc");
	id_of("s", "c", "___", "", id);
	assert_int_equal(strlen(id), strlen("c-") + HASH_DIGITS);
	id_of("s", "a/very/long/way/down/to/where/at/last/there/is/a/file",
	    "a name of more than forty-eight letters, which is cut there", "",
	    id);
	id[strlen(id) - HASH_DIGITS] = '\0';
	assert_string_equal(id,
	    "where-at-last-there-is-a-file-"
	    "a-name-of-more-than-forty-eight-letters-which-i-");
}

/* Bounded, and clean at the bound; DEL, C1 and NEL aren't text. */
static void
test_detail(void **state)
{
	static char text[3 * JUNIT_DETAIL_SIZE];
	struct buf b;

	(void)state;
	assert_int_equal(
	    read_text("<testsuite><testcase name='n'><error message='a&#127;"
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
	assert_int_equal(read_text(text), 0);
	assert_true(strlen(report.cases[0].detail) < JUNIT_DETAIL_SIZE);
	assert_true(strlen(report.cases[0].detail) > JUNIT_DETAIL_SIZE - 16);
	assert_non_null(strstr(report.cases[0].detail, "\u4f60\n[cut]"));
}

static void
refused(const char *text, size_t line, const char *error)
{
	assert_int_equal(read_text(text), -1);
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

	(void)state;
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

	(void)state;
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

static const char *
filled(const char *template)
{
	static char command[JUNIT_VERIFY_SIZE];
	char error[256];
	struct buf b;

	if (!junit_verify_check(template, error, sizeof(error)))
		fail_msg("%s: %s", template, error);
	buf_init(&b, command, sizeof(command));
	junit_verify_fill(&b, template, &report.cases[0]);
	assert_false(b.cut);
	return command;
}

static void
test_fill(void **state)
{
	(void)state;
	read_file("vitest.xml", 3, 5);
	assert_string_equal(filled("npx vitest run {file} -t {name}"),
	    "npx vitest run 'src/math/add.test.ts' -t "
	    "'add > adds '\\''a'\\'' (and b)'");
	assert_string_equal(filled("t {pattern}"),
	    "t 'add( > | )adds '\\''a'\\'' \\(and b\\)$'");
	assert_string_equal(filled("-E 'file('{file}')'"),
	    "-E 'file(''src/math/add.test.ts'')'");
}

/* Of what is put in sh makes nothing but a word, wherever it may be put. */
static void
test_sh(void **state)
{
	static const char *const templates[] = { "printf %s {name}",
		"printf %s ''{name}\"\"", "x=\"a \\\" b\"; printf %s {name}",
		"x=$(printf %s {name}); printf %s \"$x\"",
		"cd ${HOME}; printf %s {name}",
		"printf '%s' {name} # it's all" };
	char out[256];
	FILE *p;

	(void)state;
	one_case("s", "c", "$(echo a) `echo b` &quot;&#39;\\&#10;; exit 1", "");
	for (size_t i = 0; i < sizeof(templates) / sizeof(*templates); i++) {
		size_t n;

		p = popen(filled(templates[i]), "r");
		assert_non_null(p);
		n = fread(out, 1, sizeof(out) - 1, p);
		out[n] = '\0';
		assert_int_equal(pclose(p), 0);
		assert_string_equal(out, "$(echo a) `echo b` \"'\\\n; exit 1");
	}
}

static void
wrong(const char *template, const char *part)
{
	char error[256] = "";

	if (junit_verify_check(template, error, sizeof(error)) ||
	    strstr(error, part) == NULL)
		fail_msg("%s: %s", template, error);
}

static void
test_templates(void **state)
{
	char error[256];

	(void)state;
	wrong("t {nme}", "no {nme}, did you mean {name};");
	wrong("t {nothing_near}", "there are {file}, {name}");
	wrong("t '{name}'", "in quotes");
	wrong("t \"{name}\"", "in quotes");
	wrong("t \"\\\"{name}\"", "in quotes");
	wrong("t '\\'{name}'", "never end");
	wrong("t \\{name}", "backslash");
	wrong("t ${name}", "after a '$'");
	wrong("t `x {name}`", "behind a backquote");
	wrong("cat <<E\n{name}\nE", "behind a <<");
	wrong("x # {name}", "behind a #");
	wrong("x # it's\n {name}", "in quotes");
	wrong("x \\\n# {name}", "behind a #");
	wrong("t $((1 + {name}))", "behind a '$'");
	wrong("t \"$(t \"{name}\")\"", "behind a '$'");
	wrong("t \"${x:-\"{name}\"}\"", "behind a '$'");
	wrong("t $'it' {name}", "behind a '$'");
	/* What isn't ours: sh's, and what stands in quotes. */
	assert_true(junit_verify_check(
	    "awk '{print}' ${home} {} {A} { ls; }", error, sizeof(error)));
}

static void
test_lacks(void **state)
{
	const struct junit_case *c;

	(void)state;
	read_file("ctest.xml", 2, 4);
	c = &report.cases[0];
	assert_string_equal(junit_verify_lacks("t {name} {file}", c), "{file}");
	assert_null(junit_verify_lacks("t {name} {class} {suite}", c));
	one_case("s", "", "a.b", "/elsewhere/x.c");
	c = &report.cases[0];
	assert_string_equal(junit_verify_lacks("t {file}", c), "{file}");
	assert_string_equal(junit_verify_lacks("t {class}", c), "{class}");
	assert_true(junit_verify_misleads("vitest -t {name}", c));
	assert_false(junit_verify_misleads("vitest -t {pattern}", c));
	assert_false(junit_verify_misleads("pytest -k {name}", c));
}

static void
add_tests(struct spread *s, const char *directory, size_t n, size_t loop)
{
	while (n-- > 0)
		assert_true(spread_add(s, directory, loop) < s->n);
}

/* The largest first, to whom has least; and what has a home keeps it. */
static void
test_spread(void **state)
{
	struct spread s = { 0 };
	int64_t loads[3] = { 1, 0, 0 };

	(void)state;
	add_tests(&s, "small", 2, SPREAD_NOWHERE);
	add_tests(&s, "large", 9, SPREAD_NOWHERE);
	add_tests(&s, "home", 4, 2);
	add_tests(&s, "middle", 5, SPREAD_NOWHERE);
	add_tests(&s, "small", 1, SPREAD_NOWHERE);
	assert_int_equal(spread_settle(&s, loads, 3), 0);
	assert_int_equal(s.groups[1].loop, 1);
	assert_int_equal(s.groups[2].loop, 2);
	assert_int_equal(s.groups[3].loop, 0);
	assert_int_equal(s.groups[0].loop, 2);
	assert_int_equal(loads[0], 6);
	assert_int_equal(loads[1], 9);
	assert_int_equal(loads[2], 7);
	spread_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_vitest, finish),
		cmocka_unit_test_teardown(test_jest, finish),
		cmocka_unit_test_teardown(test_pytest, finish),
		cmocka_unit_test_teardown(test_gotestsum, finish),
		cmocka_unit_test_teardown(test_nextest, finish),
		cmocka_unit_test_teardown(test_ctest, finish),
		cmocka_unit_test_teardown(test_files, finish),
		cmocka_unit_test_teardown(test_ids, finish),
		cmocka_unit_test_teardown(test_detail, finish),
		cmocka_unit_test_teardown(test_refused, finish),
		cmocka_unit_test_teardown(test_too_large, finish),
		cmocka_unit_test_teardown(test_fill, finish),
		cmocka_unit_test_teardown(test_sh, finish),
		cmocka_unit_test_teardown(test_templates, finish),
		cmocka_unit_test_teardown(test_lacks, finish),
		cmocka_unit_test_teardown(test_spread, finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
