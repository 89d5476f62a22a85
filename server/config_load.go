package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// settingField is one setting as the struct declares it.
type settingField struct {
	name       string // the variable
	field      string // the struct's field
	fallback   string
	production string // "", "required" or "refused"
}

// remarks is what there is to say about a setting in one line.
func (f settingField) remarks() []string {
	var remarks []string
	if f.fallback != "" {
		remarks = append(remarks, "default "+f.fallback)
	}
	if f.production != "" {
		remarks = append(remarks, f.production+" in production")
	}
	return remarks
}

func settingFields() []settingField {
	var fields []settingField
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name := f.Tag.Get("env"); name != "" {
			fields = append(fields, settingField{
				name: name, field: f.Name, fallback: f.Tag.Get("envDefault"), production: f.Tag.Get("production"),
			})
		}
	}
	return fields
}

// setting is a setting's value, fit to print.
type setting struct{ name, value string }

func (c Config) settings() []setting {
	value := reflect.ValueOf(c)
	var settings []setting
	for _, f := range settingFields() {
		v := value.FieldByName(f.field)
		text := fmt.Sprint(v.Interface())
		if v.Kind() == reflect.Slice {
			text = strings.Trim(text, "[]")
		}
		settings = append(settings, setting{f.name, text})
	}
	return settings
}

// problem is one mistake in the settings.
type problem struct{ setting, reason string }

// configError is every mistake at once, so that nobody has to find them one start at a time.
type configError []problem

func (e configError) Error() string {
	var text strings.Builder
	if len(e) == 1 {
		text.WriteString("one setting is wrong:")
	} else {
		fmt.Fprintf(&text, "%d settings are wrong:", len(e))
	}
	for _, p := range e {
		fmt.Fprintf(&text, "\n  %-22s %s", p.setting, p.reason)
	}
	text.WriteString("\ndocs/configuration.md explains each.")
	return text.String()
}

// loadConfig reads and checks the settings. An empty variable counts as one that is not set.
func loadConfig(environ []string) (Config, error) {
	c := Config{explicit: map[string]bool{}}
	known := map[string]bool{}
	for _, f := range settingFields() {
		known[f.name] = true
	}
	values := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case known[name] && value != "":
			values[name], c.explicit[name] = strings.TrimSpace(value), true
		case !known[name] && strings.HasPrefix(name, "SOUK_"):
			c.unknown = append(c.unknown, name)
		}
	}
	slices.Sort(c.unknown)
	problems := parseProblems(env.ParseWithOptions(&c, env.Options{Environment: values}))
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	for i, origin := range c.AllowedOrigins { // a browser sends an origin without a slash
		c.AllowedOrigins[i] = strings.TrimRight(strings.TrimSpace(origin), "/")
	}
	problems = append(problems, c.problems(problems)...)
	if len(problems) > 0 {
		return c, configError(problems)
	}
	return c, nil
}

// parseProblems names the variables in the library's errors, which name the fields.
func parseProblems(err error) []problem {
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []problem{{"environment", err.Error()}}
	}
	var problems []problem
	for _, one := range all.Errors {
		var parse env.ParseError
		if !errors.As(one, &parse) {
			problems = append(problems, problem{"environment", one.Error()})
			continue
		}
		name := parse.Name
		for _, f := range settingFields() {
			if f.field == parse.Name {
				name = f.name
			}
		}
		problems = append(problems, problem{name, "cannot be read: " + parse.Err.Error()})
	}
	return problems
}
