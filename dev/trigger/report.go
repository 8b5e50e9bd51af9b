package trigger

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"wechatfn/dev/local"
	"wechatfn/dev/wechatsim/push"
)

// line prints a name and a text.
func (t *trigger) line(name, format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf("%-9s ", name)+fmt.Sprintf(format, args...), " \n")
	fmt.Fprintln(t.out, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 10)))
}

// report prints the result of a delivery.
func (t *trigger) report(d push.Delivery) {
	t.line("sent", "%d bytes", d.Sent)
	t.answer(d)
	says := map[push.Verdict]string{
		push.Accepted: "accepts this",
		push.Repeat:   "would repeat the push, and finally show the user a notice",
		push.Refused:  "shows the user a notice",
	}
	t.line("wechat", "%s: %s", says[d.Verdict], d.Reason)
	if d.Reply != nil {
		how := "plain"
		if d.Reply.Encrypted {
			how = "encrypted"
		}
		t.line("reply", "%s, %s\n%s", d.Reply.Type, how, local.Printable(d.Reply.Plain))
	}
	t.hint(d)
}

// answer prints the HTTP answer. It does not print a body that the verdict quotes.
func (t *trigger) answer(d push.Delivery) {
	took := d.Took.Round(time.Millisecond)
	if d.Status == 0 {
		t.line("answer", "none after %v", took)
		return
	}
	t.line("answer", "%d %s after %v%s", d.Status, http.StatusText(d.Status), took, prefixed(", ", d.ContentType))
	if p, ok := problemOf(d.Body); ok {
		t.line("problem", "%s%s", p.Code, prefixed(": ", p.Detail))
		if p.Hint.En != "" {
			t.line("hint", "%s", p.Hint.En)
		}
	} else if d.Status != http.StatusOK && d.Body != "" {
		t.line("body", "%s", truncate(local.Printable(d.Body), 300))
	}
}

// hint prints the likely reason of a refusal.
func (t *trigger) hint(d push.Delivery) {
	_, aesKey, _, simulated := t.account()
	if d.Status < 400 || d.Status > 499 {
		return
	}
	switch {
	case d.Status == http.StatusNotFound:
		t.line("hint", "the path of a server URL is /verify, or /verify/NAME")
	case aesKey != "" && t.Encrypt != nil && !*t.Encrypt:
		t.line("hint", "a server that has an AES key refuses pushes that are not encrypted: remove --no-encrypt")
	case aesKey == "" && t.Type != "check" && d.Status == http.StatusForbidden:
		t.line("hint", "no AES key is known here, so the push was plain text; a server that has a key refuses that: set --aes-key")
	case simulated && d.Status == http.StatusForbidden:
		t.line("hint", "this was signed for the simulated account: set WECHAT_TOKEN, WECHAT_ENCODING_AES_KEY and WECHAT_APP_ID for one of yours; if the page of make dev has moved the clock, set --ahead as the page shows it")
	}
}

// problem has the fields of an RFC 9457 body that are printed.
type problem struct {
	Code, Detail string
	Hint         struct{ En string }
}

func problemOf(body string) (p problem, ok bool) {
	return p, json.Unmarshal([]byte(body), &p) == nil && p.Code != ""
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + local.Printable(text)
}

func truncate(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + " ..."
	}
	return text
}
