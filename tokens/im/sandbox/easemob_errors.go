package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// easeHTTPStatus is the HTTP status that belongs to an error's name, from the
// documentation's tables. Where a name comes with several, it is the one that
// a fault of this name gets.
var easeHTTPStatus = map[string]int{
	"json_parse":                         http.StatusBadRequest,
	"illegal_argument":                   http.StatusBadRequest,
	"invalid_parameter":                  http.StatusBadRequest,
	"invalid_grant":                      http.StatusBadRequest,
	"required_property_not_found":        http.StatusBadRequest,
	"duplicate_unique_property_exists":   http.StatusBadRequest,
	"invalid_request_body":               http.StatusBadRequest,
	"unauthorized":                       http.StatusUnauthorized,
	"auth_bad_access_token":              http.StatusUnauthorized,
	"forbidden_op":                       http.StatusForbidden,
	"exceed_limit":                       http.StatusForbidden,
	"group_error":                        http.StatusForbidden,
	"group_name_violation":               http.StatusForbidden,
	"FORBIDDEN":                          http.StatusForbidden,
	"service_resource_not_found":         http.StatusNotFound,
	"resource_not_found":                 http.StatusNotFound,
	"entity_not_found":                   http.StatusNotFound,
	"organization_application_not_found": http.StatusNotFound,
	"storage_object_not_found":           http.StatusNotFound,
	"method_not_allowed":                 http.StatusMethodNotAllowed,
	"concurrent_operation_error":         http.StatusConflict,
	"CONFLICT":                           http.StatusConflict,
	"request_entity_too_large":           http.StatusRequestEntityTooLarge,
	"UNSUPPORTED_MEDIA_TYPE":             http.StatusUnsupportedMediaType,
	"unsupported_media_type":             http.StatusUnsupportedMediaType,
	"reach_limit":                        http.StatusTooManyRequests,
	"resource_limited":                   http.StatusTooManyRequests,
	"web_application":                    http.StatusInternalServerError,
	"no_full_text_index":                 http.StatusInternalServerError,
	"unsupported_service_operation":      http.StatusInternalServerError,
	"INTERNAL_SERVER_ERROR":              http.StatusInternalServerError,
	"message_send_error":                 http.StatusBadRequest,
}

// easeErrorNames is the name that a fault of a bare HTTP status gets.
var easeErrorNames = map[int]string{
	http.StatusBadRequest:            "illegal_argument",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden_op",
	http.StatusNotFound:              "service_resource_not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusConflict:              "concurrent_operation_error",
	http.StatusRequestEntityTooLarge: "request_entity_too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
	http.StatusTooManyRequests:       "reach_limit",
}

// easeExceptions are the values of the field exception where one is documented.
var easeExceptions = map[string]string{
	"forbidden_op":       "EasemobForbiddenOpException",
	"message_send_error": "MessageSendException",
	"web_application":    "javax.ws.rs.WebApplicationException",
}

// An easeError is Easemob's answer to a call that it refuses.
type easeError struct {
	name        string
	status      int // 0: the one of the name
	description string
	code        int // of messages only; 0: none
}

func easeRefusal(name, description string) *easeError {
	return &easeError{name: name, description: description}
}

// with is the same with another status than the name's.
func (e *easeError) with(status int) *easeError {
	e.status = status
	return e
}

func (e *easeError) answer(now time.Time) answer {
	status := e.status
	if status == 0 {
		status = easeHTTPStatus[e.name]
	}
	if status == 0 {
		status = http.StatusInternalServerError
	}
	exception := easeExceptions[e.name]
	if exception == "" {
		exception = e.name
	}
	body, _ := json.Marshal(struct { // plain fields cannot fail
		Error       string `json:"error"`
		Exception   string `json:"exception"`
		Code        int    `json:"error_code,omitempty"`
		Timestamp   int64  `json:"timestamp"`
		Duration    int64  `json:"duration"`
		Description string `json:"error_description"`
	}{e.name, exception, e.code, now.UnixMilli(), 0, e.description})
	return jsonAnswer(status, body)
}

// Refusals that several endpoints share.

func easeNotFound() *easeError {
	return easeRefusal("service_resource_not_found", "Service resource not found")
}

func easeBadToken() *easeError {
	return easeRefusal("unauthorized", "Unable to authenticate (OAuth)")
}

func easeCorrupt() *easeError {
	return easeRefusal("auth_bad_access_token", "Unable to authenticate due to corrupt access token")
}

func easeNoApp(org, app string, parts []string) *easeError {
	return easeRefusal("organization_application_not_found",
		"Could not find application for "+org+"/"+app+" from URI: "+org+"/"+app+"/"+strings.Join(parts, "/"))
}

func easeEditionLimit() *easeError {
	return easeRefusal("resource_limited", "You have exceeded the limit of the community edition,Please upgrade to the enterprise edition")
}
