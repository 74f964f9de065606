// Package modelstest opens stores for tests: a fresh, migrated and unlocked
// database on each engine, under a clock that only the test moves.
//
// IMBRIDGE_TEST_ENGINES names the engines ("sqlite,mariadb,mysql"; unset means
// sqlite), IMBRIDGE_TEST_MARIADB_DSN and IMBRIDGE_TEST_MYSQL_DSN the servers
// ("user:pass@tcp(127.0.0.1:3306)/"). Each store has a database of its own, made
// for it and dropped with it. An engine that is named and not there fails the
// test; nothing is ever skipped.
//
// Tests of models, tokens, handlers and cmd call it. It never runs in a binary.
package modelstest
