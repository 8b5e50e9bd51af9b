// Package problem is the one catalogue of the problems that wechatfn answers with.
// A problem is a document of RFC 9457. Its type has a code, a status, a title and a
// hint, and each of them is defined here and nowhere else.
//
// A feature takes a [Type] from the catalogue and adds what it knows of the request:
//
//	return problem.URLMissing.New("the parameter url is missing or empty")
//
// or, with more to say,
//
//	return problem.TicketUnavailable.New("...").Because(err).RetryIn(after)
//
// Package web writes it as the answer. docs/problems.md is made from the catalogue, and
// docs/openapi.yaml is checked against it.
//
// To add a problem, add its Type to the file of its topic, and a line to the entries
// below it. Then run make generate.
//
// The package is linked into Lambda functions, so it uses the standard library alone.
package problem

import (
	"fmt"
	"strings"
	"time"
)

// Code names a type of problem, such as "url_missing". It is stable and in snake_case:
// clients switch on it.
type Code string

// Hint says what to do about a problem, in English and in Chinese.
type Hint struct {
	En string `json:"en,omitempty"`
	Zh string `json:"zh,omitempty"`
}

// Type is a problem type in the sense of RFC 9457. Only this package can define one: a
// Type that is made elsewhere counts as [Internal], so no answer has a code that is not
// in the catalogue. The Types are never changed. They are variables of a struct, and not
// pointers, so that the linker leaves out of a function those that it does not use.
//
// A code has a second Type where another caller has to do something else about it. The
// second Type has the code and the title of the first, a hint of its own, and in one case
// a status of its own.
type Type struct {
	of     *Type // the first Type of the code; nil in the first Type itself
	code   Code
	status int
	title  string
	hint   Hint
}

// first returns the Type that defines the code.
func (t *Type) first() *Type {
	switch {
	case t == nil || t.of == nil && t.code == "":
		return &Internal
	case t.of != nil:
		return t.of
	}
	return t
}

// Code returns the code.
func (t *Type) Code() Code { return t.first().code }

// Title says what kind of problem it is, in English.
func (t *Type) Title() string { return t.first().title }

// Status returns the HTTP status, 400 to 599.
func (t *Type) Status() int {
	if t != nil && t.status != 0 {
		return t.status
	}
	return t.first().status
}

// Hint returns the hint. It is empty where a developer can do nothing. Where it contains
// {}, [Problem.HintArg] goes there.
func (t *Type) Hint() Hint {
	if t == nil {
		return Internal.hint
	}
	return t.hint
}

// New returns a problem of this type. detail says what was wrong with this request; it
// goes to the client.
func (t *Type) New(detail string) *Problem { return &Problem{Type: t, Detail: detail} }

// Problem is the answer to a request that failed, and an error. A handler returns it, and
// web.Handle answers with it. A Problem that requests share must not be changed.
type Problem struct {
	// Type is from the catalogue; nil means Internal.
	Type *Type
	// Detail says what was wrong with this request. It goes to the client.
	Detail string
	// HintArg replaces {} in the hint.
	HintArg string
	// RetryAfter is sent as whole seconds, rounded up; zero sends none.
	RetryAfter time.Duration
	// Cause is logged, never sent. It may be nil.
	Cause error
}

// Because returns a copy of p with a cause.
func (p *Problem) Because(cause error) *Problem {
	with := *p
	with.Cause = cause
	return &with
}

// RetryIn returns a copy of p with a Retry-After. Call it, and Because, where a problem is
// returned, not where a package variable is declared: the linker can leave out a variable
// only if no code runs to set it.
func (p *Problem) RetryIn(after time.Duration) *Problem {
	with := *p
	with.RetryAfter = after
	return &with
}

// Code returns the code of the type.
func (p *Problem) Code() Code { return p.Type.Code() }

// Status returns the HTTP status of the type.
func (p *Problem) Status() int { return p.Type.Status() }

// Title returns the title of the type.
func (p *Problem) Title() string { return p.Type.Title() }

// Hint returns the hint of the type, with HintArg filled in.
func (p *Problem) Hint() Hint {
	hint := p.Type.Hint()
	if p.HintArg != "" {
		hint.En = strings.ReplaceAll(hint.En, "{}", p.HintArg)
		hint.Zh = strings.ReplaceAll(hint.Zh, "{}", p.HintArg)
	}
	return hint
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("problem: %d %s", p.Status(), p.Code())
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	if p.Cause != nil {
		text += ": " + p.Cause.Error()
	}
	return text
}

// Unwrap returns the cause, so that errors.Is looks through a Problem.
func (p *Problem) Unwrap() error { return p.Cause }
