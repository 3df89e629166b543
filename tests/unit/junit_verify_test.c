/* Commands that verify one case, made of a template. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/junit_verify.h"
#include "junit_fixture.h"

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
	read_file("vitest.xml", 3, 5);
	assert_string_equal(filled("t {file} {name}"),
	    "t 'src/math/add.test.ts' 'add > adds '\\''a'\\'' (and b)'");
	assert_string_equal(filled("t {pattern}"),
	    "t 'add( > | )adds '\\''a'\\'' \\(and b\\)$'");
	assert_string_equal(filled("-E 'file('{file}')'"),
	    "-E 'file(''src/math/add.test.ts'')'");
}

/* What one would write for each runner is right. */
static void
test_options(void **state)
{
	read_file("vitest.xml", 3, 5);
	assert_string_equal(filled("npx vitest run {file} -t {name}"),
	    "npx vitest run 'src/math/add.test.ts' -t "
	    "'add( > | )adds '\\''a'\\'' \\(and b\\)$'");
	one_case("s", "c", "a (b) > c", "x.js");
	assert_string_equal(filled("{file} --testNamePattern={name} {name}"),
	    "'x.js' --testNamePattern='a \\(b\\)( > | )c$' 'a (b) > c'");
	assert_string_equal(filled("-t  {name}"), "-t  'a \\(b\\)( > | )c$'");
	one_case("s", "example.com/calc", "TestAdd/1+1", "");
	assert_string_equal(filled("go test {class} -run {name}"),
	    "go test 'example.com/calc' -run '^TestAdd/1\\+1$'");
	one_case("s", "parser.c", "parser.c", "");
	assert_string_equal(
	    filled("ctest -R {name}"), "ctest -R '^parser\\.c$'");
	one_case("s", "t.test_x", "test_many[1-2]", "");
	assert_string_equal(
	    filled("pytest -k {name}"), "pytest -k 'test_many[1-2]'");
	/* No such option, or not right before it. */
	assert_string_equal(filled("x-t {name}"), "x-t 'test_many[1-2]'");
	assert_string_equal(filled("-t{name}"), "-t'test_many[1-2]'");
	assert_string_equal(filled("-t x {name}"), "-t x 'test_many[1-2]'");
	assert_string_equal(filled("={name}"), "='test_many[1-2]'");
	assert_string_equal(filled("{name}"), "'test_many[1-2]'");
	assert_string_equal(filled(" {name}"), " 'test_many[1-2]'");
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

	read_file("ctest.xml", 2, 4);
	c = &report.cases[0];
	assert_string_equal(junit_verify_lacks("t {name} {file}", c), "{file}");
	assert_null(junit_verify_lacks("t {name} {class} {suite}", c));
	one_case("s", "", "a.b", "/elsewhere/x.c");
	c = &report.cases[0];
	assert_string_equal(junit_verify_lacks("t {file}", c), "{file}");
	assert_string_equal(junit_verify_lacks("t {class}", c), "{class}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fill),
		TEST(test_options),
		TEST(test_sh),
		TEST(test_templates),
		TEST(test_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
