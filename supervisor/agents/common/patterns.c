#include <jansson.h>

#include "agents/common/patterns.h"

void
patterns_read(struct texts *patterns, const char *text)
{
	json_t *json = json_loads(text, 0, NULL), *item;
	size_t i;

	json_array_foreach(json, i, item)
	{
		if (json_is_string(item))
			(void)texts_add(patterns, json_string_value(item));
	}
	json_decref(json);
}
