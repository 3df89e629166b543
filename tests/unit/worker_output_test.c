/* What is understood of workers' output, line by line. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/output.h"
#include "base/io.h"
#include "preset_fixture.h"

/* A transcript that is written here, line by line. */
struct reading {
	struct conf *conf;
	struct output o;
	int fd;
	int writer;
	int64_t now_ms;
};

static void
begin(struct reading *r, const char *preset)
{
	(void)unlinkat(here.dir, "transcript", 0);
	r->conf = preset != NULL ? load_preset_named(preset)
				 : load_worker("[ \"true\" ]");
	r->writer = open_transcript(O_WRONLY | O_APPEND);
	r->fd = open_transcript(O_RDONLY);
	r->now_ms = 0;
	assert_int_equal(
	    output_begin(&r->o, r->fd, 0, r->conf->loops[0].preset), 0);
}

static void
end(struct reading *r)
{
	output_end(&r->o);
	io_close(&r->fd);
	io_close(&r->writer);
	conf_free(r->conf);
}

static void
say(struct reading *r, const char *text)
{
	assert_int_equal(io_write_all(r->writer, text, strlen(text)), 0);
	assert_int_equal(output_read(&r->o, ++r->now_ms), 0);
}

/* A line of JSON, with ' in place of ". */
static void
say_typed(struct reading *r, const char *json)
{
	char line[256];
	size_t n = strlen(json);

	assert_true(n < sizeof(line) - 1);
	for (size_t i = 0; i < n; i++)
		line[i] = json[i] == '\'' ? '"' : json[i];
	line[n] = '\n';
	line[n + 1] = '\0';
	say(r, line);
}

static void
test_lines_come_in_pieces(void **state)
{
	static const char line[] = "{\"type\":\"system\",\"subtype\":\"init\","
				   "\"session_id\":\"s-1\"}\n";
	struct reading r;

	begin(&r, "claude");
	for (size_t i = 0; i + 1 < sizeof(line); i++) {
		char piece[] = { line[i], '\0' };

		assert_string_equal(r.o.session_id, "");
		say(&r, piece);
	}
	assert_string_equal(r.o.session_id, "s-1");
	/* The last line may have no end. */
	say(&r, "{\"type\":\"result\",\"is_error\":false}");
	assert_false(r.o.ended);
	assert_int_equal(output_finish(&r.o, 77), 0);
	assert_true(r.o.ended);
	assert_int_equal(r.o.ended_ms, 77);
	end(&r);
}

static void
test_too_long_a_line_is_skipped(void **state)
{
	struct reading r;
	char *big = malloc(OUTPUT_LINE_MAX + 2);

	assert_non_null(big);
	(void)memset(big, 'x', OUTPUT_LINE_MAX + 1);
	big[OUTPUT_LINE_MAX + 1] = '\0';
	begin(&r, "claude");
	assert_int_equal(io_write_all(r.writer, "Invalid API key", 15), 0);
	assert_int_equal(io_write_all(r.writer, big, OUTPUT_LINE_MAX + 1), 0);
	/* Bounded work: it isn't all read in one call. */
	assert_int_equal(output_read(&r.o, 1), 1);
	while (output_read(&r.o, 1) > 0)
		;
	say(&r, "\n");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	say(&r, "Invalid API key\nInvalid API key, really\n");
	assert_int_equal(r.o.verdict, PRESET_AUTH);
	assert_string_equal(r.o.error, "Invalid API key, really");
	free(big);
	end(&r);
}

/* One who has flooded his output had nothing to say in it. */
static void
test_of_a_flood_the_end_is_read(void **state)
{
	static const char head[] = "Invalid API key\nx";
	static const char first[] = "Invalid API key\n";
	static const char last[] =
	    "\n{\"type\":\"system\",\"subtype\":\"init\","
	    "\"session_id\":\"s-1\"}\n";
	struct reading r;
	off_t size = (off_t)strlen(head) + OUTPUT_LEFT_MAX;

	(void)state;
	begin(&r, "claude");
	assert_int_equal(io_write_all(r.writer, head, strlen(head)), 0);
	assert_int_equal(io_write_all(r.writer, first, strlen(first)), 0);
	assert_int_equal(ftruncate(r.writer, size - (off_t)strlen(last)), 0);
	assert_int_equal(io_write_all(r.writer, last, strlen(last)), 0);
	assert_int_equal(output_finish(&r.o, 77), 0);
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	assert_string_equal(r.o.session_id, "s-1");
	end(&r);
}

static void
test_only_what_is_typed_is_believed(void **state)
{
	struct reading r;

	begin(&r, "claude");
	say(&r, "# 2026-01-07T02:14:00.123Z Please run /login\n");
	say_typed(&r, "{'type':'user','message':'Invalid API key'}");
	say_typed(&r, "{'type':'result','is_error':Please run /login");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	say_typed(&r,
	    "{'type':'result','is_error':false,'result':'Claude AI usage limit "
	    "reached|1767225600'}");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	assert_int_equal(r.o.reset_wall_ms, -1);
	assert_int_equal(output_classify(&r.o, false, 0), PRESET_NOTHING);
	/* And whatever it says, exit 1 is no good. */
	assert_int_equal(output_classify(&r.o, false, 1), PRESET_FAILED);
	say_typed(&r,
	    "{'type':'result','is_error':true,'result':'Claude AI usage limit "
	    "reached|1767225600'}");
	assert_int_equal(r.o.verdict, PRESET_RATE_LIMITED);
	assert_int_equal(r.o.reset_wall_ms, INT64_C(1767225600000));
	/* It was over, before the run was. */
	say_typed(&r, "{'type':'result','is_error':false}");
	assert_int_equal(r.o.verdict, PRESET_NOTHING);
	assert_int_equal(r.o.reset_wall_ms, -1);
	assert_string_equal(r.o.error, "");
	end(&r);
}

#define CLAUDE "{'type':'result','is_error':true,"
#define CODEX  "{'type':'turn.failed','error':{'message':'"
#define GEMINI "{'type':'result','status':'error','error':{'message':'"
#define OPEN   "{'type':'error','error':{'name':'APIError','data':{"

/* What is meant by the words of their errors. */
static const struct {
	const char *preset;
	const char *line; /* with ' in place of " */
	enum preset_verdict verdict;
} errors[] = {
	{ "claude", CLAUDE "'api_error_status':529,'result':'?'}",
	    PRESET_UNAVAILABLE },
	{ "claude", CLAUDE "'api_error_status':400,'result':'?'}",
	    PRESET_FAILED },
	{ "claude", CLAUDE "'result':'API Error: Connection error.'}",
	    PRESET_UNAVAILABLE },
	{ "claude", CLAUDE "'result':'API Error: 500 {...}','session':'s'}",
	    PRESET_UNAVAILABLE },
	{ "claude", CLAUDE "'errors':['API Error: 502 Bad Gateway']}",
	    PRESET_UNAVAILABLE },
	{ "claude",
	    CLAUDE "'result':'You\\u0027ve hit your org\\u0027s "
		   "monthly spend limit'}",
	    PRESET_RATE_LIMITED },
	{ "claude", CLAUDE "'result':'Credit balance is too low'}",
	    PRESET_RATE_LIMITED },
	{ "claude", CLAUDE "'result':'API Error: 400 {...}'}", PRESET_FAILED },
	{ "claude", CLAUDE "'result':'The server said API Error: 500'}",
	    PRESET_FAILED },
	{ "claude",
	    "{'type':'result','is_error':false,'result':'API Error: "
	    "Connection error.'}",
	    PRESET_NOTHING },
	{ "claude", "API Error: Connection error.", PRESET_NOTHING },
	{ "codex", CODEX "stream disconnected before completion: ?'}}",
	    PRESET_UNAVAILABLE },
	{ "codex",
	    CODEX "stream disconnected before completion: Incomplete "
		  "response returned, reason: content_filter'}}",
	    PRESET_FAILED },
	{ "codex",
	    CODEX "stream disconnected before completion: idle timeout "
		  "waiting for SSE'}}",
	    PRESET_UNAVAILABLE },
	{ "codex", CODEX "Connection failed: error sending request'}}",
	    PRESET_UNAVAILABLE },
	{ "codex", CODEX "exceeded retry limit, last status: 503 ...'}}",
	    PRESET_UNAVAILABLE },
	{ "codex",
	    CODEX "exceeded retry limit, last status: 429 Too Many "
		  "Requests'}}",
	    PRESET_RATE_LIMITED },
	{ "codex",
	    CODEX "Quota exceeded. Check your plan and billing "
		  "details.'}}",
	    PRESET_RATE_LIMITED },
	{ "codex", CODEX "unexpected status 400 Bad Request: 500'}}",
	    PRESET_FAILED },
	{ "codex", "{'type':'error','message':'unexpected status 503 ...'}",
	    PRESET_NOTHING },
	{ "gemini", GEMINI "exception TypeError: fetch failed'}}",
	    PRESET_UNAVAILABLE },
	{ "gemini",
	    GEMINI "[API Error: Quota exceeded (Status: "
		   "RESOURCE_EXHAUSTED)]'}}",
	    PRESET_RATE_LIMITED },
	{ "gemini",
	    GEMINI "[API Error: API key not valid. Please pass a valid "
		   "API key. (Status: INVALID_ARGUMENT)]'}}",
	    PRESET_AUTH },
	{ "gemini", GEMINI "make: connect: ECONNREFUSED'}}", PRESET_FAILED },
	{ "aider", "litellm.ServiceUnavailableError: ...", PRESET_UNAVAILABLE },
	{ "aider", "litellm.Timeout: ...", PRESET_UNAVAILABLE },
	{ "aider", "> litellm.Timeout: ...", PRESET_NOTHING },
	{ "opencode", OPEN "'message':'?','statusCode':502}}}",
	    PRESET_UNAVAILABLE },
	{ "opencode", OPEN "'message':'Cannot connect to API: ?'}}}",
	    PRESET_UNAVAILABLE },
	{ "opencode",
	    OPEN "'message':'?','statusCode':404,'isRetryable':true}}}",
	    PRESET_FAILED },
	{ "cursor", "ConnectError: [unavailable] PING timed out",
	    PRESET_UNAVAILABLE },
	{ "cursor", CLAUDE "'result':'Error: RetriableError: [internal] ?'}",
	    PRESET_UNAVAILABLE },
	{ "cursor", "Error: ConnectError: [unauthenticated] Error",
	    PRESET_AUTH },
	{ "cursor", "it said ConnectError: [unavailable]", PRESET_NOTHING },
};

static void
test_errors(void **state)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct reading r;

		print_message("# %s: %s\n", errors[i].preset, errors[i].line);
		begin(&r, errors[i].preset);
		say_typed(&r, errors[i].line);
		assert_int_equal(r.o.verdict, errors[i].verdict);
		end(&r);
	}
}

/* Whatever the test is, this program won't run it here. */
static void
test_gemini_exits(void **state)
{
	struct reading r;

	begin(&r, "gemini");
	assert_int_equal(output_classify(&r.o, false, 41), PRESET_AUTH);
	assert_int_equal(output_classify(&r.o, false, 42), PRESET_FAILED);
	assert_int_equal(output_classify(&r.o, false, 52), PRESET_UNAVAILABLE);
	assert_int_equal(output_classify(&r.o, false, 55), PRESET_AUTH);
	assert_int_equal(output_classify(&r.o, true, 55), PRESET_NOTHING);
	say(&r,
	    "Gemini CLI is not running in a trusted directory. To proceed, "
	    "either use `--skip-trust`, ...\n");
	assert_int_equal(r.o.verdict, PRESET_AUTH);
	assert_non_null(strstr(r.o.error, "trusted directory"));
	end(&r);
}

static void
say_usage(struct reading *r, const char *message, int input, int output)
{
	char json[256];

	(void)snprintf(json, sizeof(json),
	    "{'type':'assistant','message':{'id':'%s','usage':"
	    "{'input_tokens':%d,'output_tokens':%d}}}",
	    message, input, output);
	say_typed(r, json);
}

static void
test_a_message_is_counted_once(void **state)
{
	struct reading r;

	begin(&r, "claude");
	say_usage(&r, "m", 10, 1);
	assert_int_equal(r.o.usage.tokens, 11);
	say_usage(&r, "n", 100, 0);
	say_usage(&r, "m", 10, 5);
	assert_int_equal(r.o.usage.tokens, 115);
	/* 0 is something that is known. */
	assert_int_equal(r.o.usage.cost, -1);
	say_typed(&r, "{'type':'result','is_error':false,'total_cost_usd':0}");
	assert_int_equal(r.o.usage.cost, 0);
	assert_int_equal(r.o.usage.tokens, 115);
	end(&r);
}

static void
test_the_end_may_be_taken_back(void **state)
{
	struct reading r;

	begin(&r, "claude");
	say_typed(&r, "{'type':'result','is_error':false}");
	say(&r, "some noise\n");
	assert_true(r.o.ended);
	assert_int_equal(r.o.ended_ms, 1);
	say_typed(&r, "{'type':'system','subtype':'init','session_id':'s'}");
	assert_false(r.o.ended);
	say_typed(&r, "{'type':'result','is_error':false}");
	assert_int_equal(r.o.ended_ms, 4);
	end(&r);
}

static void
test_waiting_is_noticed(void **state)
{
	struct reading r;

	begin(&r, "opencode");
	say(&r, "INFO service=permission message=asking\n");
	assert_int_equal(r.o.verdict, PRESET_WAITING);
	end(&r);
	begin(&r, "aider");
	say(&r, "Add a.c to the chat? (Y)es/(N)o/(D)on't ask again [Yes]: \n");
	assert_int_equal(r.o.verdict, PRESET_WAITING);
	end(&r);
}

/* Newer installations of cursor tell them, at the end. */
static void
test_tokens_of_cursor(void **state)
{
	struct reading r;

	begin(&r, "cursor");
	say_typed(&r, "{'type':'result','is_error':false}");
	assert_int_equal(r.o.usage.tokens, -1);
	say_typed(&r,
	    "{'type':'result','is_error':false,'usage':{'inputTokens':10,"
	    "'outputTokens':5,'cacheReadTokens':100,'cacheWriteTokens':1}}");
	assert_int_equal(r.o.usage.tokens, 116);
	assert_true(r.o.answered);
	end(&r);
}

static void
test_of_a_plain_command_nothing_is_known(void **state)
{
	struct reading r;

	begin(&r, NULL);
	say_typed(&r, "{'type':'result','is_error':true,'total_cost_usd':1}");
	assert_int_equal(output_finish(&r.o, 1), 0);
	assert_int_equal(r.o.usage.cost, -1);
	assert_int_equal(r.o.usage.tokens, -1);
	assert_int_equal(output_classify(&r.o, false, 1), PRESET_NOTHING);
	end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_come_in_pieces),
		cmocka_unit_test(test_too_long_a_line_is_skipped),
		cmocka_unit_test(test_of_a_flood_the_end_is_read),
		cmocka_unit_test(test_only_what_is_typed_is_believed),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_gemini_exits),
		cmocka_unit_test(test_a_message_is_counted_once),
		cmocka_unit_test(test_the_end_may_be_taken_back),
		cmocka_unit_test(test_waiting_is_noticed),
		cmocka_unit_test(test_tokens_of_cursor),
		cmocka_unit_test(test_of_a_plain_command_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, preset_setup, preset_teardown);
}
