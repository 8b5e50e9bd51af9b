package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
)

const (
	redacted   = "[redacted]"
	maxMessage = 512
)

// redactor cuts what was sent out of texts that others wrote: errmsgs echo their input, and
// net/http quotes broken answers.
type redactor struct{ replacer *strings.Replacer }

func newRedactor(secrets []string) redactor {
	var pairs []string
	for _, s := range secrets {
		for _, form := range spellings(s) {
			if form != "" {
				pairs = append(pairs, form, redacted)
			}
		}
	}
	return redactor{strings.NewReplacer(pairs...)}
}

// spellings are the ways a secret may be echoed: as it is, as in the query, as in the JSON body,
// and as net/http quotes it.
func spellings(s string) []string {
	inJSON, _ := json.Marshal(s) // a string always marshals
	return []string{
		s, url.QueryEscape(s), url.PathEscape(s),
		strings.Trim(string(inJSON), `"`), strings.Trim(strconv.Quote(s), `"`),
	}
}

// text makes a foreign message fit for a log line: no secrets, one line, valid UTF-8, bounded.
func (r redactor) text(s string) string {
	s = strings.ToValidUTF8(r.replacer.Replace(s), "\uFFFD")
	s = strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f {
			return ' '
		}
		return c
	}, s)
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "..."
	}
	return s
}

// err leaves a context's error recognisable and turns anything else into its text. The original
// is not wrapped: *url.Error prints the whole URL, which carries secret or token.
func (r redactor) err(err error) error {
	for _, verdict := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, verdict) {
			return verdict
		}
	}
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return errors.New(r.text(unquoted(err.Error())))
}

// unquoted drops the answer that net/http puts into its complaint about a malformed one: that may
// be a body that lost its header, with a new token in it.
func unquoted(s string) string {
	before, _, broken := strings.Cut(s, "malformed")
	if !broken {
		return s
	}
	return before + "malformed HTTP answer"
}
