package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"wechatfn/shared/manifest"
	"wechatfn/shared/store"
)

// calls counts calls of the table by action and kind of key: "GetItem ticket",
// and "PutItem refresh_request refused" where a condition did not hold.
type calls map[string]int

// engineProxy stands between one function and the DynamoDB engine. Like IAM it
// lets through only what the manifest grants, and it counts.
type tableProxy struct {
	*httptest.Server
	function manifest.Function
	endpoint string
	tb       testing.TB

	mu       sync.Mutex
	calls    calls
	used     map[string]bool // what was ever called, as "GetItem ticket"
	dropped  string          // calls whose answers are lost
	hangFrom *string         // from the first call on that begins so ...
	hung     bool            // ... nothing is answered
	hanging  chan struct{}   // told when a call hangs
}

func serveTable(tb testing.TB, endpoint string, function manifest.Function) *tableProxy {
	p := &tableProxy{hanging: make(chan struct{}, 1), function: function, endpoint: endpoint, tb: tb, calls: calls{}, used: map[string]bool{}}
	p.Server = httptest.NewServer(p)
	tb.Cleanup(p.Close)
	return p
}

// take returns the calls since it was last called.
func (p *tableProxy) take() calls {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.calls
	p.calls = calls{}
	return taken
}

// lose breaks the connection after such calls were carried out.
func (p *tableProxy) dropAnswers(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = call
}

// hang leaves everything without an answer, from the first call on that begins
// so.
func (p *tableProxy) hang(prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangFrom = &prefix
}

// recover answers again.
func (p *tableProxy) recover() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangFrom, p.hung = nil, false
}

func (p *tableProxy) hangs(call string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hung = p.hung || (p.hangFrom != nil && strings.HasPrefix(call, *p.hangFrom))
	if p.hung {
		select {
		case p.hanging <- struct{}{}:
		default:
		}
	}
	return p.hung
}

func (p *tableProxy) everUsed() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.used)
}

func (p *tableProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function has ended
	}
	call := callOf(r, body)
	if !p.granted(call) {
		p.tb.Errorf("%s called %s, which the manifest does not grant", p.function.Name, call)
		http.Error(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not granted"}`, http.StatusBadRequest)
		return
	}
	if p.hangs(call) {
		<-r.Context().Done()
		return
	}
	status, header, answer := p.forward(r, body)
	if p.count(call, status) {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// callOf reads a call off the wire: "GetItem ticket".
func callOf(r *http.Request, body []byte) string {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	type key struct {
		PK struct{ S string } `json:"pk"`
	}
	var input struct{ Key, Item key }
	_ = json.Unmarshal(body, &input) // nothing is granted to what is not read
	return action + " " + store.Kind(input.Key.PK.S+input.Item.PK.S)
}

func (p *tableProxy) granted(call string) bool { return grants(p.function)[call] }

// grants lists what the manifest lets a function call.
func grants(f manifest.Function) map[string]bool {
	all := map[string]bool{}
	for _, grant := range f.Grants {
		for _, action := range grant.Access.Actions() {
			all[action+" "+grant.Kind] = true
		}
	}
	return all
}

func (p *tableProxy) forward(r *http.Request, body []byte) (status int, header http.Header, answer []byte) {
	out, err := http.NewRequestWithContext(r.Context(), r.Method, p.endpoint+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out.Header = r.Header.Clone() // Accept-Encoding too: nothing is unpacked on the way
	response, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return response.StatusCode, response.Header, answer
}

// note counts a call, and reports whether its answer is to be lost.
func (p *tableProxy) count(call string, status int) (lose bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[call] = true
	if status != http.StatusOK {
		p.calls[call+" refused"]++
	} else {
		p.calls[call]++
	}
	return call == p.dropped
}
