package devserver

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/trigger"
	"wechatfn/shared/web/logtest"
)

// sendPush sends to the server at base as `wechatfn trigger` does.
func sendPush(t *testing.T, base string, change func(*trigger.Options)) (string, error) {
	t.Helper()
	out := new(logtest.Buffer)
	o := trigger.Options{Type: "text", URL: base + "verify", Repeat: 1, From: "openid", To: "gh_1"}
	if change != nil {
		change(&o)
	}
	err := trigger.Run(t.Context(), o, out, noEnv)
	return out.String(), err
}

// messages reads the messages that the page shows.
type messages struct {
	*bufio.Scanner
	t *testing.T
}

func watch(t *testing.T, base string) messages {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, base+"_dev/messages", nil)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("Content-Type %s", kind)
	}
	return messages{bufio.NewScanner(answer.Body), t}
}

func (m messages) next() (r received) {
	m.t.Helper()
	for m.Scan() {
		if data, ok := strings.CutPrefix(m.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &r); err != nil {
				m.t.Fatal(err)
			}
			return r
		}
	}
	m.t.Fatalf("the stream ended: %v", m.Err())
	return r
}

// Three deliveries of one message get three accepted answers and one entry on the page.
func TestDevShowsAMessageOnce(t *testing.T) {
	base, out, _ := startDev(t, ":memory:", nil)
	live := watch(t, base)
	said, err := sendPush(t, base, func(c *trigger.Options) { encrypt := true; c.Encrypt, c.Repeat, c.Content = &encrypt, 3, "你好" })
	if err != nil || strings.Count(said, "accepts this") != 3 {
		t.Fatalf("%v\n%s", err, said)
	}
	if _, err := sendPush(t, base, func(c *trigger.Options) { c.Type = "subscribe" }); err != nil {
		t.Fatal(err)
	}
	for _, m := range []messages{live, watch(t, base)} { // on an open page, and on a page that is opened later
		first, second := m.next(), m.next()
		if first.Type != "text" || first.From != "openid" || first.App != "default" || !strings.Contains(string(first.Message), `"Content":"你好"`) || second.Type != "subscribe" || second.ID <= first.ID {
			t.Errorf("%+v\n%+v", first, second)
		}
	}
	if !strings.Contains(out.String(), "default text from openid\n") {
		t.Errorf("the message is not in the terminal:\n%s", out)
	}
}

func TestDevRefusesTamperedPushes(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", nil)
	said, err := sendPush(t, base, func(c *trigger.Options) { c.Tamper = true })
	if err != nil || strings.Count(said, "403") < 5 {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err := sendPush(t, base, func(c *trigger.Options) { c.Type = "check" }); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	no := false
	if said, err := sendPush(t, base, func(c *trigger.Options) { c.Encrypt = &no }); err == nil || !strings.Contains(said, "403") {
		t.Errorf("plain text was accepted: %v\n%s", err, said)
	}
}

// program is a local program behind --forward.
type program struct {
	mu     sync.Mutex
	got    []string
	status int
	answer string
}

func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, r.Header.Get("X-Wechatfn-App")+" "+string(body))
	w.WriteHeader(p.status)
	_, _ = io.WriteString(w, p.answer)
}

func TestDevForwardsMessages(t *testing.T) {
	local := &program{status: 200, answer: `{"MsgType":"text","Content":"收到"}`}
	server := httptest.NewServer(local)
	t.Cleanup(server.Close)
	base, out, _ := start(t, Config{Store: ":memory:", Forward: server.URL}, nil)

	said, err := sendPush(t, base, func(c *trigger.Options) { c.Repeat = 3 })
	if err != nil || !strings.Contains(said, "收到") || len(local.got) != 1 || !strings.HasPrefix(local.got[0], `default {"ToUserName":"gh_1","FromUserName":"openid"`) {
		t.Errorf("%v %q\n%s", err, local.got, said)
	}
	local.answer = "ok"
	if said, err := sendPush(t, base, nil); err != nil {
		t.Errorf("an answer that is no reply: %v\n%s", err, said)
	}
	local.status = 500
	if said, err := sendPush(t, base, nil); err == nil || !strings.Contains(said, "500") || !strings.Contains(out.String(), "not delivered: "+server.URL+" answered 500") {
		t.Errorf("%v\n%s\n%s", err, said, out)
	}
	live := watch(t, base)
	if first, second := live.next(), live.next(); first.Reply != `{"MsgType":"text","Content":"收到"}` || second.Reply != "" {
		t.Errorf("%+v\n%+v", first, second)
	}
}

func TestDevForwardIsChecked(t *testing.T) {
	for _, c := range []struct{ name, url string }{{"no scheme", "localhost:9000"}, {"ftp", "ftp://a/"}, {"no host", "http://"}, {"broken", "::"}} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(t.Context(), Config{Addr: "127.0.0.1:0", Store: ":memory:", Forward: c.url, Out: io.Discard, Getenv: noEnv})
			if err == nil || !strings.Contains(err.Error(), "--forward") {
				t.Error(err)
			}
		})
	}
}

// The server ends at once although a page is open.
func TestDevEndsWithAnOpenPage(t *testing.T) {
	base, _, stop := startDev(t, ":memory:", nil)
	live := watch(t, base)
	began := time.Now()
	stop()
	for live.Scan() {
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The stream of a page that does not read is closed. Its next stream has the rest.
func TestInboxClosesTheStreamOfASlowPage(t *testing.T) {
	b := newInbox(io.Discard, nil, time.Now)
	_, watcher := b.watch(0)
	for range maxLag + 1 {
		b.add(received{At: time.Now()})
	}
	var last received
	n := 0
	for r := range watcher {
		last, n = r, n+1
	}
	past, _ := b.watch(last.ID)
	if n != maxLag || len(past) != 1 || past[0].ID <= last.ID {
		t.Errorf("%d messages, then %d", n, len(past))
	}
	for range 2 * maxMessages {
		b.add(received{At: time.Now()})
	}
	if past, _ := b.watch(0); len(past) != maxMessages {
		t.Errorf("%d messages are listed", len(past))
	}
}
