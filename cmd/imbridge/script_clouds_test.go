package main

import (
	"errors"
	"maps"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"imbridge/tokens/im/sandbox"
)

// A script with the line "clouds" runs once for each of these, played by the
// sandbox. It may say:
//
//	$CLOUD_NAME   the cloud's name, and $APP_KEY its app's in the sandbox
//	$SECRET_KEY   the variable of the secret, $BASE_URL_KEY that of the address
//	$MINTED       what /control/calls says after one process has minted once
//	$MINTED_TWICE the same of two processes that have minted once each
//	$ENDED        the state of a token that was revoked
//	$REFUSE_NAMES the body of a fault that refuses the next change of a name
//	$REFUSE_LOOKS that of one that refuses to tell about people, $TOO_MANY and
//	$LOCKED       of ones that refuse everything: for too many calls, for good
//	reach NAME    makes the next processes use the sandbox that runs as NAME, by
//	              settings as for a real cloud; without a name takes that back
var scriptClouds = map[string]map[string]string{
	"rongcloud": {
		"MINTED":       `"/user/getToken\.json": 1$`,
		"ENDED":        "expired",
		"MINTED_TWICE": `"/user/getToken\.json": 2$`,
		"APP_KEY":      sandbox.DefaultAppKey, "SECRET_KEY": "IMBRIDGE_IM_RONGCLOUD_APP_SECRET", "BASE_URL_KEY": "IMBRIDGE_IM_RONGCLOUD_BASE_URL",
		"TOO_MANY":     `{"mode":"code","code":1008}`,
		"LOCKED":       `{"mode":"code","code":1006}`,
		"REFUSE_LOOKS": `{"path":"/user/info.json","mode":"code","code":1004}`,
		"REFUSE_NAMES": `{"path":"/user/refresh.json","mode":"code","code":1002,"times":1}`,
	},
	"easemob": {
		// One call for the app token.
		"MINTED":       `"POST /token": 2,?$`,
		"ENDED":        "revoked",
		"MINTED_TWICE": `"POST /token": 4,?$`,
		"APP_KEY":      sandbox.DefaultEasemobAppKey, "SECRET_KEY": "IMBRIDGE_IM_EASEMOB_CLIENT_SECRET", "BASE_URL_KEY": "IMBRIDGE_IM_EASEMOB_BASE_URL",
		"TOO_MANY":     `{"mode":"code","error":"reach_limit"}`,
		"LOCKED":       `{"mode":"code","error":"unauthorized"}`,
		"REFUSE_LOOKS": `{"path":"GET /users","mode":"code","error":"unauthorized"}`,
		"REFUSE_NAMES": `{"path":"PUT /metadata/user/{u}","mode":"code","code":400,"times":1}`,
	},
}

var asksForClouds = regexp.MustCompile(`(?m)^clouds$`)

// reaching are the settings that lead to a sandbox as to a real cloud. The address
// comes from the process.
var reaching = map[string]map[string]string{
	"rongcloud": {
		"IMBRIDGE_IM_RONGCLOUD_APP_KEY": "imbridgesandbox", "IMBRIDGE_IM_RONGCLOUD_APP_SECRET_FILE": "data/sandbox.secret",
		"IMBRIDGE_IM_RONGCLOUD_BASE_URL": "",
	},
	"easemob": {
		"IMBRIDGE_IM_EASEMOB_APP_KEY": "imbridge#sandbox", "IMBRIDGE_IM_EASEMOB_CLIENT_ID": sandboxClientID,
		"IMBRIDGE_IM_EASEMOB_CLIENT_SECRET_FILE": "data/sandbox.secret", "IMBRIDGE_IM_EASEMOB_BASE_URL": "",
	},
}

// onCloud is what a script's surroundings have more of for a cloud.
func onCloud(cloud string) map[string]string {
	vars := map[string]string{"CLOUD_NAME": cloud, "IMBRIDGE_SANDBOX_CLOUD": cloud, "IMBRIDGE_IM_EASEMOB_TIMEOUT": "30s"}
	maps.Copy(vars, scriptClouds[cloud])
	return vars
}

func (s *script) clouds(_ *testscript.TestScript, neg bool, args []string) error {
	return usage(neg, len(args) == 0, "clouds")
}

func (s *script) reach(ts *testscript.TestScript, neg bool, args []string) error {
	if err := usage(neg, len(args) < 2, "reach [NAME]"); err != nil {
		return err
	}
	cloud, address := ts.Getenv("CLOUD_NAME"), ""
	if len(args) == 1 {
		if address = ts.Getenv(strings.ToUpper(args[0]) + "_SANDBOX"); address == "" {
			return errors.New("no sandbox runs as " + args[0])
		}
		ts.Setenv("IMBRIDGE_IM_CLOUD", cloud)
	} else {
		ts.Setenv("IMBRIDGE_IM_CLOUD", "sandbox")
	}
	for name, value := range reaching[cloud] {
		switch {
		case strings.HasSuffix(name, "_BASE_URL"):
			value = address
		case address == "":
			value = ""
		}
		ts.Setenv(name, value)
	}
	return nil
}
