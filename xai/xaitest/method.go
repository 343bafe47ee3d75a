package xaitest

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/saliency"
)

// Finding is a promise that a method does not keep, or one that it could make and does not.
type Finding struct {
	Check string // "batch", "complete"
	Err   error
}

// Run checks a method of attribution; every finding is an error of a subtest that is named
// after the check.
func Run(t *testing.T, m saliency.Method) {
	t.Helper()
	traits, described := traitsOf(m)
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if c.axiom && !described {
				t.Skip("the method does not implement saliency.Described")
			}
			if err := c.run(t.Context(), m, traits); err != nil {
				t.Error(err)
			}
		})
	}
}

// Findings checks a method and returns what is wrong with it, in the order of the checks.
func Findings(ctx context.Context, m saliency.Method) []Finding {
	traits, described := traitsOf(m)
	var list []Finding
	for _, c := range checks {
		if c.axiom && !described {
			continue
		}
		if err := c.run(ctx, m, traits); err != nil {
			list = append(list, Finding{c.name, err})
		}
	}
	return list
}

func traitsOf(m saliency.Method) (saliency.Traits, bool) {
	d, ok := m.(saliency.Described)
	if !ok {
		return saliency.Traits{}, false
	}
	return d.Traits(), true
}

// check is one question to a method. Those about axioms compare with what it promises.
type check struct {
	name  string
	axiom bool
	run   func(ctx context.Context, m saliency.Method, t saliency.Traits) error
}

// checks are all of them, the contract of saliency.Method first.
var checks = []check{
	{"batch", false, batch},
	{"colours", false, coloured},
	{"bytes", false, sameBytes},
	{"pure", false, pure},
	{"cancelled", false, cancelled},
	{"failing model", false, failing},
	{"shapes", false, shapes},
	{"sign", false, sign},
	{"memory", false, memory},
	{"seed", true, seeds},
	{"meaning", true, meaning},
	{"complete", true, complete},
	{"dummy", true, dummy},
	{"symmetric", true, symmetric},
	{"additive", true, additive},
	{"invariant", true, invariant},
}

// promised compares what was seen with what was promised. worst is the largest error over
// the models of the suite on which the method could be tried, in units where tolerance is what
// counts as none.
func promised(axiom string, promise bool, tried int, worst, tolerance float64, where string) error {
	switch {
	case tried == 0: // a method for models of another kind
		return nil
	case promise && !(worst <= tolerance):
		return fmt.Errorf("the method promises to be %s, but the error is %.3g%s", axiom, worst, where)
	case !promise && worst <= tolerance:
		return fmt.Errorf("the method was %s on every model (largest error %.3g) and does not promise it", axiom, worst)
	}
	return nil
}

// withField returns a copy of the struct m with a field set, and false if it has no such
// field.
func withField(m saliency.Method, field string, value any) (saliency.Method, bool) {
	v := reflect.ValueOf(m)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || !v.FieldByName(field).IsValid() {
		return m, false
	}
	changed := reflect.New(v.Type()).Elem()
	changed.Set(v)
	at, to := changed.FieldByName(field), reflect.ValueOf(value)
	if at.Type() != to.Type() || !at.CanSet() {
		return m, false
	}
	at.Set(to)
	if out, ok := changed.Interface().(saliency.Method); ok {
		return out, true
	}
	out, ok := changed.Addr().Interface().(saliency.Method)
	return out, ok
}

// title is a method's type, for messages.
func title(m saliency.Method) string { return strings.TrimPrefix(fmt.Sprintf("%T", m), "*") }
