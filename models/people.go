package models

import (
	"context"
	"fmt"
	"strings"
)

// People lists up to limit others whom a person may write to: those whose
// username begins with query, in any case, the exact one first. It never looks at
// e-mail addresses and phone numbers: those are not for others to try out.
func (s *Store) People(ctx context.Context, userID, query string, limit int) ([]User, error) {
	key := strings.ToLower(query)
	if _, mapped, err := normalUsername(query); err == nil {
		key = mapped
	}
	prefix := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(key) + "%"
	var rows []userRow
	// Keys are in order, and a name stands before all that begin with it.
	err := s.db.WithContext(ctx).Where("username_key LIKE ? ESCAPE '!' AND status = ? AND id <> ?", prefix, StatusActive, userID).
		Order("username_key").Limit(limit).Find(&rows).Error
	return people(rows), s.wrapPeople(err)
}

// PeopleByIMID lists those of some ids at the cloud who are still there, banned or
// not: what they wrote before has a name.
func (s *Store) PeopleByIMID(ctx context.Context, imIDs []string) ([]User, error) {
	var rows []userRow
	err := s.db.WithContext(ctx).Where("im_id IN ? AND status <> ?", imIDs, StatusDeleted).Order("id").Find(&rows).Error
	return people(rows), s.wrapPeople(err)
}

// UserByUsername finds the one person of a username, however it is written.
// ErrNotFound also for what can be no username.
func (s *Store) UserByUsername(ctx context.Context, username string) (User, error) {
	_, key, err := normalUsername(username)
	if err != nil {
		return User{}, ErrNotFound
	}
	var row userRow
	if err := s.db.WithContext(ctx).Where("username_key = ? AND status <> ?", key, StatusDeleted).Take(&row).Error; err != nil {
		return User{}, s.wrapPeople(err)
	}
	return row.user(), nil
}

func people(rows []userRow) []User {
	list := make([]User, len(rows))
	for i, r := range rows {
		list[i] = r.user()
	}
	return list
}

func (s *Store) wrapPeople(err error) error {
	if err != nil {
		return fmt.Errorf("people: %w", s.translate(err))
	}
	return nil
}

// UsernamesOf are the usernames of people by id, without those who have none.
func (s *Store) UsernamesOf(ctx context.Context, ids []string) (map[string]string, error) {
	var rows []userRow
	if len(ids) > 0 {
		if err := s.db.WithContext(ctx).Select("id", "username").Where("id IN ?", ids).Find(&rows).Error; err != nil {
			return nil, s.wrapPeople(err)
		}
	}
	names := make(map[string]string, len(rows))
	for _, r := range rows {
		if r.Username != "" {
			names[r.ID] = r.Username
		}
	}
	return names, nil
}
