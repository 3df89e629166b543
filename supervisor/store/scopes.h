/*
 * Where the files of tests lie, table test_scopes: for each of a test's
 * patterns the file or the folder that all it names is in or below, so that
 * those which a change concerns are found without a look at all there are.
 * Triggers keep it true; here is their SQL.
 */
#ifndef LOOPKEEPER_STORE_SCOPES_H
#define LOOPKEEPER_STORE_SCOPES_H

/* "" for the top. */
#define SCOPES_TABLE                                                \
	"test_scopes (prefix TEXT NOT NULL, test_id TEXT NOT NULL," \
	" PRIMARY KEY (prefix, test_id)) WITHOUT ROWID"
#define SCOPES_INDEX "test_scopes_test ON test_scopes (test_id)"

/* The folder that the path is in: all behind its last slash goes. */
#define SCOPES_ABOVE(path) \
	"rtrim(rtrim(" path ", replace(" path ", '/', '')), '/')"

/* Fills it for the tests t of which this is true. What is no JSON names no
 * files. */
#define SCOPES_ADD(which)                                                    \
	"INSERT OR IGNORE INTO test_scopes (prefix, test_id)"                \
	" SELECT CASE WHEN length(head) = length(pattern)"                   \
	" THEN rtrim(pattern, '/') ELSE " SCOPES_ABOVE(                      \
	    "head") " END, id"                                               \
		    " FROM (SELECT id, pattern, substr(pattern, 1, "         \
		    "length(pattern)"                                        \
		    " - length(ltrim(pattern, "                              \
		    "replace(replace(replace(pattern,"                       \
		    " '*', ''), '?', ''), '[', '')))) AS head FROM (SELECT " \
		    "t.id,"                                                  \
		    " CAST(f.value AS TEXT) AS pattern FROM tests t, "       \
		    "json_each(CASE WHEN"                                    \
		    " json_valid(t.files) THEN t.files ELSE '[]' END) f "    \
		    "WHERE " which "))"

#define SCOPES_DROP(id) "DELETE FROM test_scopes WHERE test_id = " id "; "

#define SCOPES_ADDED                                                      \
	"scopes_added AFTER INSERT ON tests BEGIN " SCOPES_DROP("NEW.id") \
	    SCOPES_ADD("t.id = NEW.id") "; END"
#define SCOPES_CHANGED                                             \
	"scopes_changed AFTER UPDATE OF id, files ON tests"        \
	" WHEN OLD.files IS NOT NEW.files OR OLD.id IS NOT NEW.id" \
	" BEGIN " SCOPES_DROP("OLD.id") SCOPES_ADD("t.id = NEW.id") "; END"
#define SCOPES_DELETED                                             \
	"scopes_deleted AFTER DELETE ON tests BEGIN " SCOPES_DROP( \
	    "OLD.id") "END"

#endif
