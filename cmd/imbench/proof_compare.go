package main

import (
	"context"
	"slices"
	"strings"
)

// A cloudState is what the sandbox holds.
type cloudState struct {
	Users []struct {
		UserID        string  `json:"user_id"`
		Name          string  `json:"name"`
		DeactivatedAt *string `json:"deactivated_at"`
	} `json:"users"`
	Tokens []struct {
		UserID string `json:"user_id"`
		State  string `json:"state"`
	} `json:"tokens"`
	Bans []struct {
		UserID string `json:"user_id"`
	} `json:"bans"`
}

// tokensOf counts each user's tokens, and those that connect.
func (c cloudState) tokensOf() (all, valid map[string]int) {
	all, valid = map[string]int{}, map[string]int{}
	for _, t := range c.Tokens {
		if all[t.UserID]++; t.State == "valid" {
			valid[t.UserID]++
		}
	}
	return all, valid
}

func (s *stage) cloudState(ctx context.Context) (c cloudState, err error) {
	return c, s.control(ctx, "/control/state?limit=10000000", nil, &c)
}

// A dbUser is somebody in the database, with their token.
type dbUser struct {
	id, imID, key, status, state string
	username, nickname           string
	epoch, generation            int
	stored                       bool // a token
}

// name is what others see.
func (u dbUser) name() string {
	if strings.TrimSpace(u.nickname) != "" {
		return u.nickname
	}
	return u.username
}

// firstEpoch is that of somebody whose tokens were never ended.
const firstEpoch = 1

// isOut: no token of theirs is good.
func (u dbUser) isOut() bool {
	return u.status != "active" || u.epoch > firstEpoch && !u.stored
}

func (s *stage) users(ctx context.Context) ([]dbUser, error) {
	rows, err := s.db.db.QueryContext(ctx, `SELECT u.id, u.im_id, COALESCE(u.username_key, ''), u.status, u.im_state, u.username, u.nickname, u.token_epoch,
		COALESCE(t.generation, 0), t.token_sealed IS NOT NULL FROM users u LEFT JOIN im_tokens t ON t.user_id = u.id`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []dbUser
	for rows.Next() {
		var u dbUser
		if err := rows.Scan(&u.id, &u.imID, &u.key, &u.status, &u.state, &u.username, &u.nickname, &u.epoch, &u.generation, &u.stored); err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// compare holds what clients were answered against the database, and the
// database against the cloud. The row must be at rest.
func (s *stage) compare(ctx context.Context, l *ledger, f *finding) error {
	users, err := s.users(ctx)
	if err != nil {
		return err
	}
	cloud, err := s.cloudState(ctx)
	if err != nil {
		return err
	}
	l.compare(users, f)
	compareSides(users, cloud, f)
	return nil
}

// compare looks whether what clients were answered is so.
func (l *ledger) compare(users []dbUser, f *finding) {
	byID, byKey := map[string]dbUser{}, map[string]int{}
	for _, u := range users {
		if byID[u.id] = u; u.key != "" {
			byKey[u.key]++
		}
	}
	for _, p := range l.people {
		u, there := byID[p.id]
		if p.answered && !p.gone && (!there || u.status == "deleted") {
			f.count(1, 0, 0)
			f.wrong("%s was told that they are registered, and is not there", p.name)
		}
		if there && u.status != "deleted" && len(p.nicknames) > 0 && !slices.Contains(p.nicknames, u.nickname) {
			f.count(1, 0, 0)
			f.wrong("%s was told that their nickname is %s, and it is %q", p.name, p.nicknames[0], u.nickname)
		}
		if len(p.ids) > 1 && !p.gone || byKey[p.name] > 1 {
			f.count(0, 0, 1)
			f.wrong("%s was registered %d times", p.name, max(len(p.ids), byKey[p.name]))
		}
	}
}

// compareSides looks whether both sides know the same people, by the same name,
// and both let them in or keep them out.
func compareSides(users []dbUser, cloud cloudState, f *finding) {
	orphan := func(format string, args ...any) {
		f.count(0, 1, 0)
		f.wrong(format, args...)
	}
	ours := map[string]dbUser{}
	for _, u := range users {
		ours[u.imID] = u
	}
	theirs, banned := map[string]string{}, map[string]bool{}
	for _, u := range cloud.Users {
		theirs[u.UserID] = u.Name
		switch known, there := ours[u.UserID]; {
		case !there:
			orphan("the cloud knows %s, whom nobody here is", u.UserID)
		case known.status == "deleted" && u.DeactivatedAt == nil:
			orphan("%s is deleted here and lives at the cloud", u.UserID)
		case known.status != "deleted" && u.DeactivatedAt != nil:
			orphan("%s lives here and is deactivated at the cloud", u.UserID)
		}
	}
	for _, b := range cloud.Bans {
		banned[b.UserID] = true
	}
	_, valid := cloud.tokensOf()
	for _, u := range users {
		name, known := theirs[u.imID]
		if u.status == "active" && !known {
			orphan("%s is registered here and unknown at the cloud (%s)", u.id, u.state)
		} else if known && u.status != "deleted" && banned[u.imID] != (u.status == "banned") {
			orphan("%s is %s here, and banned at the cloud: %t", u.id, u.status, banned[u.imID])
		}
		if known && u.status != "deleted" && name != u.name() {
			orphan("%s is called %q here and %q at the cloud", u.id, u.name(), name)
		}
		if u.isOut() && valid[u.imID] > 0 {
			orphan("%s (%s) is out here, and the cloud takes %d tokens of theirs", u.id, u.status, valid[u.imID])
		}
	}
}

// mintedOnce looks, where no mint was broken off, whether the cloud was asked for
// more tokens than were stored.
func (s *stage) mintedOnce(ctx context.Context, f *finding) error {
	users, err := s.users(ctx)
	if err != nil {
		return err
	}
	cloud, err := s.cloudState(ctx)
	if err != nil {
		return err
	}
	f.figure("tokens made", countMints(users, cloud, f))
	return nil
}

func countMints(users []dbUser, cloud cloudState, f *finding) (mints int) {
	all, _ := cloud.tokensOf()
	for _, u := range users {
		mints += all[u.imID]
		// The end of tokens moves the generation, too.
		if u.epoch == firstEpoch && all[u.imID] > u.generation {
			f.count(0, 0, 1)
			f.wrong("the cloud has made %d tokens for %s, and %d were stored", all[u.imID], u.id, u.generation)
		}
	}
	return mints
}
