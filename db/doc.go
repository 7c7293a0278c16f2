// Package db opens the database, brings its tables to this version's form, runs transactions and writes in bulk. It knows
// no noun, and keeps one SQL text good for SQLite and PostgreSQL: $1 placeholders, TEXT, BIGINT, BOOLEAN and BYTEA.
package db
