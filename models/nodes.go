package models

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Nodes tells which servers a process's connections lead to: it holds count of
// them at a time, at most what the pool has, and returns each server once, as
// a text to compare and to show. SQLite has none. Elsewhere it must be one: what is claimed on one
// connection is read on another, and another node of a cluster may not have it yet.
func (s *Store) Nodes(ctx context.Context, count int) ([]string, error) {
	if s.Driver == "sqlite" {
		return nil, nil
	}
	var held []*sql.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	var nodes []string
	seen := map[string]bool{}
	for range min(count, s.sql.Stats().MaxOpenConnections) {
		c, err := s.sql.Conn(ctx)
		if err != nil {
			return nil, fmt.Errorf("nodes: %w", s.translate(err))
		}
		held = append(held, c)
		node, err := nodeOf(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("nodes: %w", s.translate(err))
		}
		if !seen[node] {
			seen[node] = true
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

// nodeOf names a server. MariaDB has no server_uuid, and its server_id may be the
// same on all nodes of a cluster, so that its port and data folder are compared too.
func nodeOf(ctx context.Context, c *sql.Conn) (string, error) {
	rows, err := c.QueryContext(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('hostname', 'port', 'server_id', 'server_uuid', 'datadir')")
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var parts []string
	host := ""
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return "", err
		}
		if name == "hostname" {
			host = value
			continue
		}
		parts = append(parts, name+"="+value)
	}
	return host + " (" + strings.Join(parts, " ") + ")", rows.Err()
}
