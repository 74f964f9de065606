// Package config owns the settings: their names, meanings, defaults and
// limits, and the reading of them from a file, from IMBRIDGE_* variables and
// from the files that IMBRIDGE_*_FILE variables name.
//
// The struct [Config] is the only list. A setting is a field: its key tag is
// its name, its comment is its manual, its min, max, oneof and form tags are
// its limits. Keys, variables, imbridge.example.yaml and complaints are all
// derived from it.
//
// [Load] reads everything or explains everything: it answers with all that is
// wrong at once, as [*Problems]. A secret, or a value of which nobody can say
// whether it is one (that of an unknown key, of a broken file), is never part
// of a complaint.
//
// The package opens no database, no socket and no cloud, writes no file and
// keeps no state. Command imbridge calls Load once at the start and hands the
// parts on; no other package reads the environment.
package config
