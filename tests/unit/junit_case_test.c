/* What is made of a case: its file, its directory, and the id of its test. */
#include <string.h>

#include "junit_fixture.h"

static void
test_files(void **state)
{
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
	assert_int_equal(strlen(id), strlen("c-") + JUNIT_HASH_DIGITS);
	id_of("s", "a/very/long/way/down/to/where/at/last/there/is/a/file",
	    "a name of more than forty-eight letters, which is cut there", "",
	    id);
	id[strlen(id) - JUNIT_HASH_DIGITS] = '\0';
	assert_string_equal(id,
	    "where-at-last-there-is-a-file-"
	    "a-name-of-more-than-forty-eight-letters-which-i-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_files),
		TEST(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
