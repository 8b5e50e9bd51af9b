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

// line prints one thing and what is to be said of it.
func (t *trigger) line(name, format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf("%-9s ", name)+fmt.Sprintf(format, args...), " \n")
	fmt.Fprintln(t.out, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 10)))
}

// report prints what came of a delivery.
func (t *trigger) report(d push.Delivery) {
	t.line("sent", "%d bytes", d.Sent)
	t.answer(d)
	says := map[push.Verdict]string{
		push.Accepted: "accepts this",
		push.Repeat:   "would repeat the push, and in the end show the user a notice",
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

// answer prints the HTTP answer. A body that the verdict quotes is not shown twice.
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
		t.line("body", "%s", shorten(local.Printable(d.Body), 300))
	}
}

// hint tells what a refusal is likely to come from.
func (t *trigger) hint(d push.Delivery) {
	_, aesKey, _, simulated := t.account()
	if d.Status < 400 || d.Status > 499 {
		return
	}
	switch {
	case d.Status == http.StatusNotFound:
		t.line("hint", "the path of a server URL is /verify, or /verify/NAME")
	case aesKey != "" && t.Encrypt != nil && !*t.Encrypt:
		t.line("hint", "a server that has an AES key refuses what is not encrypted: leave --no-encrypt away")
	case aesKey == "" && t.Type != "check" && d.Status == http.StatusForbidden:
		t.line("hint", "no AES key is known here, so this went in plain text; a server that has one refuses that: give --aes-key")
	case simulated && d.Status == http.StatusForbidden:
		t.line("hint", "this was signed for the simulated account: set WECHAT_TOKEN, WECHAT_ENCODING_AES_KEY and WECHAT_APP_ID for one of yours; and if the page of make dev has moved its clock, give --ahead, as the page shows it")
	}
}

// problem is what is read of an RFC 9457 body.
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

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + " ..."
	}
	return text
}
