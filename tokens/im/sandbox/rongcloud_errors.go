package sandbox

import (
	"encoding/json"
	"net/http"
)

// rongStatus is the HTTP status of each error code, from the error code table
// of RongCloud's documentation. Codes whose status is not documented anywhere
// have 400, which rongError assumes for every code that is missing here.
var rongStatus = map[int]int{
	200:  http.StatusOK,
	400:  http.StatusBadRequest,
	404:  http.StatusNotFound,
	405:  http.StatusMethodNotAllowed,
	1000: http.StatusInternalServerError,
	1001: http.StatusUnauthorized,
	1002: http.StatusBadRequest,
	1003: http.StatusBadRequest,
	1004: http.StatusUnauthorized,
	1005: http.StatusBadRequest,
	1006: http.StatusUnauthorized,
	1007: http.StatusUnauthorized,
	1008: http.StatusTooManyRequests,
	1009: 430, // RongCloud's own: service not enabled
	1010: 430,
	1011: 430,
	1015: http.StatusOK,
	1016: http.StatusForbidden,
	1050: http.StatusGatewayTimeout,
	1501: http.StatusBadRequest,
	1502: http.StatusBadRequest,
	1508: http.StatusBadRequest,
	2007: http.StatusForbidden,
}

// A rongError is RongCloud's answer to a call that it refuses.
type rongError struct {
	code    int
	status  int // 0: the one of the code
	message string
}

func rongRefusal(code int, message string) *rongError {
	return &rongError{code: code, message: message}
}

func (e *rongError) answer() answer {
	status := e.status
	if status == 0 {
		status = rongStatus[e.code]
	}
	if status == 0 {
		status = http.StatusBadRequest
	}
	body, _ := json.Marshal(struct { // two plain fields cannot fail
		Code         int    `json:"code"`
		ErrorMessage string `json:"errorMessage"`
	}{e.code, e.message})
	return jsonAnswer(status, body)
}

// rongUnknownUser is code 400 of the newer documentation.
func rongUnknownUser(id string) *rongError {
	return rongRefusal(400, "userId "+id+" does not exist")
}
