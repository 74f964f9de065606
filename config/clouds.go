package config

import (
	"reflect"
	"time"
)

// cloudSettings are the settings of one cloud: a field of IM, its name the key.
type cloudSettings interface {
	// defaults sets what holds when nothing is set.
	defaults()
	// check complains about what im.cloud, being this one, needs and does not have.
	check(rule rule)
	// baseURL is where the server API is, in place of the cloud's own hosts.
	baseURL() string
}

// A namedCloud is a cloud's settings with what im.cloud calls it.
type namedCloud struct {
	name string
	cloudSettings
}

// clouds are the settings of all clouds, in the order of the struct.
func (im *IM) clouds() (all []namedCloud) {
	v := reflect.ValueOf(im).Elem()
	for i := range v.NumField() {
		if own, ok := v.Field(i).Addr().Interface().(cloudSettings); ok {
			all = append(all, namedCloud{v.Type().Field(i).Tag.Get("key"), own})
		}
	}
	return all
}

// ConsoleLifetime is what the cloud's console grants a token; zero is for ever, or
// that it has no say in it, as at Easemob.
func (c Config) ConsoleLifetime() time.Duration {
	for _, cloud := range c.IM.clouds() {
		if own, limits := cloud.cloudSettings.(interface{ Console() time.Duration }); limits && cloud.name == c.Client() {
			return own.Console()
		}
	}
	return 0
}
