package models

import (
	"context"
	"errors"
	"strings"
)

// FieldErrors are all that is wrong with an input: one for a field, never none.
type FieldErrors []*FieldError

func (e FieldErrors) Error() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find the first of them.
func (e FieldErrors) Unwrap() []error {
	list := make([]error, len(e))
	for i, f := range e {
		list[i] = f
	}
	return list
}

// wrongs gathers what checks of single fields say.
type wrongs struct{ found FieldErrors }

func (w *wrongs) add(err error) {
	var f *FieldError
	if errors.As(err, &f) {
		w.found = append(w.found, f)
	}
}

// err is nil where nothing was wrong.
func (w *wrongs) err() error {
	if len(w.found) == 0 {
		return nil
	}
	return w.found
}

// CheckNewUser tells all that CreateUser would find wrong with the fields, as
// FieldErrors, without asking the database.
func CheckNewUser(in NewUser) error {
	var w wrongs
	_, _, err := normalUsername(in.Username)
	w.add(err)
	w.add(checkPassword("password", in.Password, in.Username, in.Email, in.Nickname))
	w.profile(ProfileChange{Nickname: &in.Nickname, Email: &in.Email, Phone: &in.Phone, AvatarURL: &in.AvatarURL})
	return w.err()
}

// CheckProfile tells all that ChangeProfile would find wrong with the fields, as
// FieldErrors, without asking the database.
func CheckProfile(c ProfileChange) error {
	var w wrongs
	w.profile(c)
	return w.err()
}

func (w *wrongs) profile(c ProfileChange) {
	if c.Nickname != nil {
		w.add(checkNickname(*c.Nickname))
	}
	var contact userRow
	if c.Email != nil {
		w.add(contact.setContact(*c.Email, ""))
	}
	if c.Phone != nil {
		w.add(contact.setContact("", *c.Phone))
	}
	if c.AvatarURL != nil {
		w.add(checkAvatarURL(*c.AvatarURL))
	}
}

// CheckNewPassword tells what ChangePassword would find wrong with the new one of
// this person, as a FieldError for new_password.
func CheckNewPassword(u User, next string) error {
	return checkPassword("new_password", next, u.Username, u.Email, u.Nickname)
}

// taken is the function of its name for a person, with all fields whose values
// others have: a database names the first of them alone. Others may have come or
// gone meanwhile, which is why that one always counts.
func (s *Store) taken(ctx context.Context, err error, row userRow) error {
	err = taken(err, userFields)
	var first *TakenError
	if !errors.As(err, &first) {
		return err
	}
	var others []userRow
	if s.db.WithContext(ctx).Where("(username_key = ? OR email_key = ? OR phone = ?) AND id <> ?", row.UsernameKey, row.EmailKey, row.Phone, row.ID).
		Limit(3).Find(&others).Error != nil {
		return err
	}
	same := func(a, b *string) bool { return a != nil && b != nil && *a == *b }
	for _, field := range []struct {
		name string
		of   func(userRow) *string
	}{
		{"username", func(r userRow) *string { return r.UsernameKey }},
		{"email", func(r userRow) *string { return r.EmailKey }},
		{"phone", func(r userRow) *string { return r.Phone }},
	} {
		for _, o := range others {
			if field.name != first.Field && same(field.of(row), field.of(o)) {
				first.Also = append(first.Also, field.name)
				break
			}
		}
	}
	return err
}
