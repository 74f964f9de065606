package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxDays keeps Nd within what a time.Duration can hold (292 years).
const maxDays = 100000

// parseDuration reads Go's notation (1h30m, 20s) and whole days (30d).
func parseDuration(s string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(s, "d"); ok {
		if days, err := strconv.ParseUint(n, 10, 32); err == nil {
			if days > maxDays {
				return 0, fmt.Errorf("more than %d days", maxDays)
			}
			return time.Duration(days) * 24 * time.Hour, nil
		}
	}
	return time.ParseDuration(s)
}

// decodeFile sets field from a value of the file. It is strict: 20 is not "20",
// because what YAML makes of an unquoted secret such as 0012 or 1e5 is not what
// its owner wrote. It returns what is wrong, or "".
func decodeFile(field reflect.Value, value any) string {
	switch field.Interface().(type) {
	case time.Duration:
		if n, ok := value.(int); ok && n == 0 {
			field.SetInt(0)
			return ""
		}
		s, ok := value.(string)
		if !ok {
			return "must be a duration with its unit, such as 20s, 10m, 720h or 30d"
		}
		return decodeText(field, s)
	case []string:
		items, ok := value.([]any)
		if !ok {
			return "must be a list, in [brackets]"
		}
		out := make([]string, len(items))
		for i, x := range items {
			if out[i], ok = x.(string); !ok {
				return fmt.Sprintf("must be a list of texts; put element %d in quotes", i+1)
			}
		}
		field.Set(reflect.ValueOf(out))
		return ""
	case bool:
		b, ok := value.(bool)
		if !ok {
			return "must be true or false"
		}
		field.SetBool(b)
		return ""
	case int:
		n, ok := value.(int)
		if !ok {
			return "must be a whole number, without quotes"
		}
		field.SetInt(int64(n))
		return ""
	}
	s, ok := value.(string)
	if !ok {
		return "must be text; put it in quotes"
	}
	return decodeText(field, s)
}

// decodeText sets field from a variable or a variable's file. It returns what
// is wrong, or "".
func decodeText(field reflect.Value, s string) string {
	switch field.Interface().(type) {
	case time.Duration:
		d, err := parseDuration(s)
		if err != nil {
			return "must be a duration with its unit, such as 20s, 10m, 720h or 30d"
		}
		field.SetInt(int64(d))
	case []string:
		items := strings.Split(s, ",")
		for i, x := range items {
			if items[i] = strings.TrimSpace(x); items[i] == "" {
				return "must be a list, its elements separated by single commas"
			}
		}
		field.Set(reflect.ValueOf(items))
	case bool:
		switch s {
		case "true":
			field.SetBool(true)
		case "false":
			field.SetBool(false)
		default:
			return "must be true or false"
		}
	case int:
		n, err := strconv.Atoi(s)
		if err != nil {
			return "must be a whole number"
		}
		field.SetInt(int64(n))
	case Secret:
		field.Set(reflect.ValueOf(NewSecret(s)))
	default:
		field.SetString(s)
	}
	return ""
}
