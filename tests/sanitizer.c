/*
 * Linked into the programs of a sanitizer build only: what a sanitizer finds
 * goes to a file of its own, because supervisors close their standard error.
 * A run of the tests fails when there is one. REPORTS is its folder.
 */

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "log_path=" REPORTS "asan:detect_stack_use_after_return=1:"
	       "strict_string_checks=1:check_initialization_order=1:"
	       "handle_segv=1:allocator_may_return_null=1";
}

const char *
__ubsan_default_options(void)
{
	return "log_path=" REPORTS "ubsan:print_stacktrace=1";
}
