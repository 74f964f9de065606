package main

import (
	"github.com/rogpeppe/go-internal/testscript"

	"imbridge/tokens/im/easemob"
)

// The command of scripts for derived passwords:
//
//	derive PASSWORD ID VAR   the password at Easemob, as a client derives it

func (s *script) derive(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) == 3, "derive PASSWORD ID VAR"); err != nil {
		return err
	}
	derived, err := easemob.DerivePassword(args[0], args[1])
	ts.Setenv(args[2], derived)
	return err
}
