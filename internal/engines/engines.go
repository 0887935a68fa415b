// Package engines holds RDS's rules for databases: the engines, their versions, and the names of the master user and of
// the database in the instance. The settings file and the component use the same rules, so that neither refuses what the
// other accepts.
package engines

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Engine is a database engine that branchenv supports.
type Engine struct {
	Name    string // postgres or mysql
	Port    int    // the default port
	Example string // of versions, for messages
	// version matches the engine's versions. Its first group is the version in the name of a parameter group family.
	version  *regexp.Regexp
	username int      // most characters of a user's name
	reserved []string // names that RDS refuses
	prefix   string   // of users that the engine keeps for itself; "" for none
}

// all are the supported engines. RDS for PostgreSQL counts major.minor from version 10 on, RDS for MySQL
// major.minor.patch; the last part may be left out. Sources: API reference of RDS, CreateDBInstance; release notes of
// RDS for PostgreSQL and for MySQL. For a user of postgres the API documents 16 characters, as for all engines, and
// takes 63.
var all = []Engine{
	{
		Name: "postgres", Port: 5432, Example: "16 or 16.4", username: 63, prefix: "pg_",
		version: regexp.MustCompile(`^([1-9][0-9])(\.[0-9]{1,2})?$`),
		// RDS refuses both for the user and for the database, though PostgreSQL itself takes them.
		reserved: []string{"admin", "postgres", "public"},
	},
	{
		Name: "mysql", Port: 3306, Example: "8.4 or 8.4.3", username: 16,
		version:  regexp.MustCompile(`^([89]\.[0-9])(\.[0-9]{1,2})?$`),
		reserved: []string{"mysql", "sys", "information_schema", "performance_schema", "innodb", "rdsrepladmin", "rds_superuser_role"},
	},
}

// Of returns the engine of that name. It reports false for an engine that branchenv does not support.
func Of(name string) (Engine, bool) {
	i := slices.IndexFunc(all, func(e Engine) bool { return e.Name == name })
	if i < 0 {
		return Engine{}, false
	}
	return all[i], true
}

// Family returns the version in the name of a parameter group's family: 16 for 16.4, 8.4 for 8.4.3. It returns "" if the
// engine has no such version.
func (e Engine) Family(version string) string {
	if m := e.version.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	return ""
}

// CheckVersion returns why the engine has no such version, or "" if it has it.
func (e Engine) CheckVersion(version string) string {
	if e.Family(version) == "" {
		return fmt.Sprintf("%s has no version %q", e.Name, version)
	}
	return ""
}

// word matches the names whose characters every engine accepts.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// CheckUsername returns why the engine refuses a name for the master user, or "" if it accepts it.
func (e Engine) CheckUsername(name string) string {
	switch lower := strings.ToLower(name); {
	case len(name) > e.username:
		return fmt.Sprintf("a user of %s has at most %d characters, not %d", e.Name, e.username, len(name))
	case !word.MatchString(name):
		return fmt.Sprintf("user %q is not letters, digits and underscores, a letter first", name)
	case e.prefix != "" && strings.HasPrefix(lower, e.prefix):
		return fmt.Sprintf("%s keeps users that begin with %s for itself", e.Name, e.prefix)
	case lower == "postgres": // the usual name, which RDS accepts
	case e.isReserved(lower):
		return fmt.Sprintf("user %q is a reserved word of RDS for %s", name, e.Name)
	}
	return ""
}

// CheckDatabase returns why the engine refuses a name for a database, or "" if it accepts it. PostgreSQL already has a
// database postgres.
func (e Engine) CheckDatabase(name string) string {
	switch {
	case !word.MatchString(name) || len(name) > 63:
		return fmt.Sprintf("database %q is not 1 to 63 letters, digits and underscores, a letter first", name)
	case e.isReserved(strings.ToLower(name)):
		return fmt.Sprintf("database %q is a reserved word of RDS for %s", name, e.Name)
	}
	return ""
}

func (e Engine) isReserved(lower string) bool {
	return slices.Contains(e.reserved, lower) || strings.HasPrefix(lower, "rdsadmin") || slices.Contains(reservedWords, lower)
}

// reservedWords are the words that SQL reserves in PostgreSQL or in MySQL, and the databases that both create themselves.
// RDS refuses more words than it documents. So both lists apply to both engines: a wrong refusal costs only another name.
// Sources: PostgreSQL 17, appendix C, "reserved"; MySQL 8.4 reference manual, "Keywords and Reserved Words".
var reservedWords = strings.Fields(`
accessible add all alter analyse analyze and any array as asc asensitive asymmetric authorization before between bigint
binary blob both by call cascade case cast change char character check collate collation column concurrently condition
constraint continue convert create cross cube cume_dist current_catalog current_date current_role current_schema
current_time current_timestamp current_user cursor database databases day_hour day_microsecond day_minute day_second
dec decimal declare default deferrable delayed delete dense_rank desc describe deterministic distinct distinctrow div
do double drop dual each else elseif empty enclosed end escaped except exists exit explain false fetch first_value
float float4 float8 for force foreign freeze from full fulltext function generated get grant group grouping groups
having high_priority hour_microsecond hour_minute hour_second if ignore ilike in index infile initially inner inout
insensitive insert int int1 int2 int3 int4 int8 integer intersect interval into io_after_gtids io_before_gtids is
isnull iterate join json_table key keys kill lag last_value lateral lead leading leave left like limit linear lines
load localtime localtimestamp lock long longblob longtext loop low_priority manual match maxvalue mediumblob mediumint
mediumtext middleint minute_microsecond minute_second mod modifies natural no_write_to_binlog not notnull nth_value
ntile null numeric of offset on only optimize optimizer_costs option optionally or order out outer outfile over
overlaps parallel partition percent_rank placing precision primary procedure purge qualify range rank read reads
read_write real recursive references regexp release rename repeat replace require resignal restrict return returning
revoke right rlike row row_number rows schema schemas second_microsecond select sensitive separator session_user set
show signal similar smallint some spatial specific sql sql_big_result sql_calc_found_rows sql_small_result
sqlexception sqlstate sqlwarning ssl starting stored straight_join symmetric system system_user table tables
tablesample template0 template1 terminated then tinyblob tinyint tinytext to trailing trigger true undo union unique
unlock unsigned update usage use user using utc_date utc_time utc_timestamp values varbinary varchar varcharacter
variadic varying verbose virtual when where while window with write xor year_month zerofill`)
