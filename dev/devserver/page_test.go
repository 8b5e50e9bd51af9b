package devserver

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/local"
	"wechatfn/dev/trigger"
)

// act makes a request of the page's that changes something.
func act(t *testing.T, base, path, body string) string {
	t.Helper()
	answer, err := http.Post(base+"_dev/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", path, answer.StatusCode, text)
	}
	return string(text)
}

func stateLine(t *testing.T, base string) (s struct{ Tone, Line, Ahead string }) {
	t.Helper()
	if _, _, body := fetch(t, base+"_dev/state?lang=en"); json.Unmarshal([]byte(body), &s) != nil {
		t.Fatal(body)
	}
	return s
}

// The page's samples are those of `wechatfn trigger`.
func TestDevSendsSamples(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", nil)
	live := watch(t, base)
	for sample, want := range map[string]string{"text": "accepts this", "event": "subscribe, secure mode", "duplicate": "3 of 3", "tampered": "all 16 were refused"} {
		if report := act(t, base, "push", `{"sample":"`+sample+`"}`); !strings.Contains(report, want) || strings.Contains(report, "failed") {
			t.Errorf("%s: %s", sample, report)
		}
		if got := live.next(); got.App != "default" { // and once each, or the next one is wrong
			t.Errorf("%+v", got)
		}
	}
}

// When the clock was moved, everything goes by it: signatures, pushes, and what is
// stored, which a restart finds as it was.
func TestDevClockOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dev.db")
	base, out, stop := startDev(t, path, nil)
	act(t, base, "clock", `{"minutes":130}`)
	act(t, base, "push", `{"sample":"text"}`)
	s := signPage(t, base, base)
	if body := preVerify(t, base, s, base); !strings.Contains(body, `"config:ok"`) || time.Until(time.Unix(s.Timestamp, 0)) < 2*time.Hour {
		t.Errorf("%+v %s", s, body)
	}
	if n := strings.Count(out.String(), "default access token   alive until"); n != 2 {
		t.Errorf("%d tokens in two hours:\n%s", n, out)
	}
	stop()
	base, out, _ = startDev(t, path, nil)
	if state := stateLine(t, base); state.Tone != "good" || state.Ahead != "(2h10m0s ahead of this machine)" {
		t.Errorf("%+v", state)
	}
	if body := preVerify(t, base, s, s.URL); !strings.Contains(body, `"config:ok"`) {
		t.Errorf("WeChat forgot its ticket: %s", body)
	}
	if !strings.Contains(out.String(), "clock        2h10m0s ahead") {
		t.Errorf("the terminal does not say so:\n%s", out)
	}
	if strings.Contains(out.String(), "2h0m0s left") {
		t.Errorf("the restart renewed what was alive:\n%s", out)
	}
	if said, err := sendPush(t, base, nil); err == nil || !strings.Contains(said, "give --ahead") {
		t.Errorf("a push of the machine's time: %v\n%s", err, said)
	}
	if said, err := sendPush(t, base, func(c *trigger.Options) { c.Ahead = 130 * time.Minute }); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestDevRefusesAMemoryItCannotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dev.db")
	if err := local.WriteFile(path+".demo.json", []byte("{")); err != nil {
		t.Fatal(err)
	}
	_, err := New(t.Context(), Config{Addr: "127.0.0.1:0", Store: path, Out: io.Discard, Getenv: noEnv})
	if err == nil || !strings.Contains(err.Error(), "delete "+path+".demo.json") {
		t.Errorf("%v", err)
	}
}

// On the network, a phone finds a code in the terminal and on the page, and WeChat's
// pages are where it reaches them.
func TestDevOnAPhone(t *testing.T) {
	s, out, stop := startServer(t, Config{Addr: "0.0.0.0:0", Store: ":memory:", Getenv: noEnv})
	addr := s.listener.Addr().(*net.TCPAddr)
	phone := phoneURL(addr)
	if phone == "" {
		phone = "none: this machine has no network" // and then there is no code
	}
	_, _, body := fetch(t, pageURL(addr))
	onNetwork := phoneURL(addr) != ""
	if strings.Contains(out.String(), "on a phone   "+phone) != onNetwork || strings.Contains(body, `class="qr"`) != onNetwork || strings.Contains(body, phone) != onNetwork {
		t.Errorf("phone %s:\n%s", phone, out)
	}
	if onNetwork && s.config.OpenBase+"/" != phone {
		t.Errorf("WeChat's pages are at %s", s.config.OpenBase)
	}
	stop()
}

func TestPhoneURL(t *testing.T) {
	for ip, want := range map[string]string{"127.0.0.1": "", "::1": "", "192.0.2.7": "http://192.0.2.7:8080/"} {
		if got := phoneURL(&net.TCPAddr{IP: net.ParseIP(ip), Port: 8080}); got != want {
			t.Errorf("%s: %q", ip, got)
		}
	}
}
