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
// and "PutItem refresh_request refused" if the condition was false.
type calls map[string]int

// tableProxy is between one function and the DynamoDB engine. As IAM does, it refuses the
// calls that the manifest does not grant. It counts calls, and can fail.
type tableProxy struct {
	*httptest.Server
	function manifest.Function
	endpoint string
	tb       testing.TB

	mu       sync.Mutex
	calls    calls
	used     map[string]bool // all calls since the start: "GetItem ticket"
	dropped  string          // calls that are done and not answered
	hangFrom *string         // the beginning of the first call that hangs, with all calls after it
	hung     bool            // that call has come
	hanging  chan struct{}   // gets a value when a call hangs
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

// dropAnswers breaks the connection after such calls were done.
func (p *tableProxy) dropAnswers(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = call
}

// hang stops to answer with the first call that begins with prefix.
func (p *tableProxy) hang(prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangFrom = &prefix
}

// recover starts to answer again.
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

// callOf reads the action and the kind of key of a request: "GetItem ticket".
func callOf(r *http.Request, body []byte) string {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	type key struct {
		PK struct{ S string } `json:"pk"`
	}
	var input struct{ Key, Item key }
	_ = json.Unmarshal(body, &input) // a call without a kind is not granted
	return action + " " + store.Kind(input.Key.PK.S+input.Item.PK.S)
}

func (p *tableProxy) granted(call string) bool { return grants(p.function)[call] }

// grants lists the calls that the manifest grants a function.
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
	out.Header = r.Header.Clone() // with Accept-Encoding, so that the body is passed on as it is
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

// count counts a call, and reports whether its answer must be dropped.
func (p *tableProxy) count(call string, status int) (drop bool) {
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
