package easemob

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

func reply(status int, body string) calls.Reply {
	return calls.Reply{Status: status, Header: http.Header{}, Body: []byte(body)}
}

// TestEachRefusalHasItsKind has every row that the documentation has for our calls.
func TestEachRefusalHasItsKind(t *testing.T) {
	for _, c := range []struct {
		status      int
		name, words string
		want        im.Kind
	}{
		// Tokens of users.
		{400, "illegal_argument", "username [X] is not legal", im.Invalid},
		{400, "illegal_argument", "USERNAME_TOO_LONG", im.Invalid},
		{400, "invalid_grant", "user not activated", im.Conflict},
		{400, "invalid_grant", "invalid password", im.Invalid},
		{400, "invalid_grant", "client_id does not match", im.Unauthorized},
		{400, "invalid_grant", "client_secret does not match", im.Unauthorized},
		{401, "unauthorized", "Unable to authenticate (OAuth)", im.Unauthorized},
		{401, "auth_bad_access_token", "Unable to authenticate due to corrupt access token", im.Unauthorized},
		{404, "invalid_grant", "user not found", im.UnknownUser},
		{404, "entity_not_found", "User null not found", im.UnknownUser},
		{404, "organization_application_not_found", "Could not find application for O/A from URI: O/A/users", im.Unauthorized},
		{409, "concurrent_operation_error", "concurrency create app user failed", im.Conflict},
		{429, "resource_limited", "You have exceeded the limit of the community edition,Please upgrade to the enterprise edition", im.Quota},
		// Users.
		{400, "illegal_argument", "password or pin must provided", im.Invalid},
		{400, "illegal_argument", "NICKNAME_TOO_LONG", im.Invalid},
		{400, "illegal_argument", "Request body array size[61] had almost reached or been greater than the upper range value[60]", im.Invalid},
		{400, "illegal_argument", "Entity user requires a property named username", im.Invalid},
		{400, "illegal_argument", "newpassword is required", im.Invalid},
		{400, "duplicate_unique_property_exists", "Application x Entity user requires that property named username be unique, value of u exists", im.Conflict},
		{400, "duplicate_unique_property_exists", "the same user u has a different password", im.Conflict},
		{400, "management", "User with id null does not exist in app x", im.UnknownUser},
		{401, "unauthorized", "token is illegal.", im.Unauthorized},
		{401, "unauthorized", "Open registration doesn't allow, so register user need token,", im.Unauthorized},
		{401, "unauthorized", "registration is not open, please contact the app admin", im.Unauthorized},
		{404, "service_resource_not_found", "Service resource not found", im.UnknownUser},
		// Contacts and blocks.
		{403, "exceed_limit", "user contact number exceed limit", im.Quota},
		{403, "forbidden_op", "the block list service is unopened", im.Quota},
		// Metadata.
		{403, "FORBIDDEN", "", im.Quota},
		{409, "CONFLICT", "", im.Conflict},
		{415, "UNSUPPORTED_MEDIA_TYPE", "", im.Invalid},
		{500, "INTERNAL_SERVER_ERROR", "", im.Unavailable},
		// All calls.
		{400, "json_parse", "", im.Invalid},
		{400, "invalid_parameter", "", im.Invalid},
		{400, "invalid_request_body", "", im.Invalid},
		{400, "required_property_not_found", "", im.Invalid},
		{401, "unauthorized", "Unable to authenticate due to expired access token", im.Unauthorized},
		{401, "auth_bad_access_token", "Unable to authenticate", im.Unauthorized},
		{403, "forbidden_op", "users [X] are not members of this group!", im.Invalid},
		{403, "group_error", "", im.Invalid},
		{403, "group_name_violation", "", im.Invalid},
		{404, "resource_not_found", "username X doesn't exist!", im.UnknownUser},
		{404, "resource_not_found", "grpID 1 does not exist!", im.Invalid},
		{404, "storage_object_not_found", "", im.Invalid},
		{405, "method_not_allowed", "Method Not Allowed", im.Invalid},
		{413, "request_entity_too_large", "Request Entity Too Large", im.Invalid},
		{415, "web_application", "Unsupported Media Type", im.Invalid},
		{429, "reach_limit", "This request has reached api limit", im.Throttled},
		{500, "no_full_text_index", "", im.Invalid},
		{500, "unsupported_service_operation", "", im.Invalid},
		{500, "web_application", "javax.ws.rs.WebApplicationException", im.Invalid},
		// Names of tomorrow.
		{400, "new", "", im.Invalid}, {401, "new", "", im.Unauthorized}, {403, "new", "", im.Invalid}, {404, "new", "", im.Invalid},
		{408, "new", "", im.Unknown}, {429, "new", "", im.Throttled}, {500, "new", "", im.Unknown}, {502, "new", "", im.Unknown},
		{503, "new", "", im.Unavailable}, {504, "new", "", im.Unknown},
		// A failure that calls itself a success.
		{200, "unauthorized", "", im.Unknown},
	} {
		body := fmt.Sprintf(`{"error":%q,"exception":"x","timestamp":1,"duration":0,"error_description":%q}`, c.name, c.words)
		_, got := judge(opUser, reply(c.status, body), calls.Cleaner(secret))
		if got.Err == nil || got.Err.Kind != c.want || got.Err.HTTPStatus != c.status {
			t.Errorf("%s %q with status %d = %+v, want kind %q", c.name, c.words, c.status, got.Err, c.want)
		}
	}
}

func TestAPageThatIsNotTheCloudsIsNeverFinal(t *testing.T) {
	for status, want := range map[int]im.Kind{
		200: im.Unknown, 302: im.Unknown, 400: im.Unknown, 401: im.Unknown, 403: im.Unknown, 404: im.Unknown,
		429: im.Throttled, 500: im.Unknown, 502: im.Unknown, 503: im.Unavailable,
	} {
		for _, body := range []string{"", "<html>sign in</html>", `{"error":`, `[]`, `null`, `{}`, `{"code":200}`, `{"timestamp":"soon"}`, `{"action":1}`, `{"entities":{}}`, `{"access_token":17}`} {
			_, got := judge(opUser, reply(status, body), calls.Cleaner(secret))
			if got.Err == nil || got.Err.Kind != want {
				t.Errorf("status %d with body %q = %v, want kind %q", status, body, got.Err, want)
			}
		}
	}
}

func TestWhatIsWorthASecondAttempt(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		again  bool
	}{
		{500, "", true}, {502, "<html>", true}, {503, `{"error":"new"}`, true}, {500, `{"error":"INTERNAL_SERVER_ERROR"}`, true},
		{500, `{"error":"web_application"}`, false}, {429, `{"error":"reach_limit"}`, false}, {400, `{"error":"invalid_grant"}`, false}, {200, "", false},
	} {
		if _, got := judge(opUser, reply(c.status, c.body), calls.Cleaner(secret)); got.Again != c.again {
			t.Errorf("status %d with body %q: again = %v, want %v", c.status, c.body, got.Again, c.again)
		}
	}
}

func TestThrottledTellsWhenToComeBack(t *testing.T) {
	_, got := judge(opUser, reply(429, `{"error":"reach_limit"}`), calls.Cleaner(secret))
	if got.Err.RetryAfter != time.Second {
		t.Errorf("RetryAfter = %v, want 1s, because limits count in seconds", got.Err.RetryAfter)
	}
}

// A cloud that echoes what it was sent must not put it into our logs.
func TestNoSecretAndNoTokenReachesAnError(t *testing.T) {
	echo := func(_ int, r *http.Request) (int, string) {
		return 400, fmt.Sprintf(`{"error":"illegal_argument","error_description":"%s with %s"}`, secret, r.Header.Get("Authorization"))
	}
	f := &fake{answers: map[string]func(int, *http.Request) (int, string){
		"GET /users/u1": echo,
		"app token":     always(200, `{"access_token":"short-app","expires_in":1000}`),
	}}
	c := newTestClient(t, f)
	_, err := c.user(t.Context(), "u1")
	e := wantKind(t, err, im.Invalid)
	for _, planted := range []string{secret, "short-app"} {
		if text := fmt.Sprintf("%v %+v %#v", e, e, e.Err); strings.Contains(text, planted) {
			t.Errorf("the error shows %q: %s", planted, text)
		}
	}
	idle := newTestClient(t, f) // printing looks into what a call may still be changing
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, idle) + fmt.Sprintf(verb, idle.app) + fmt.Sprintf(verb, Config{ClientSecret: secret, AgoraCertificate: secret}); strings.Contains(text, secret) {
			t.Errorf("%s of the client or its Config shows the secret", verb)
		}
	}
}
