package e2e_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"wechatfn/shared/manifest"
)

// canaries are values that may not appear in any log or answer.
type canaries struct {
	mu  sync.Mutex
	all map[string]bool
}

func (c *canaries) plant(values ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]bool{}
	}
	for _, value := range values {
		c.all[value] = true
		c.all[url.QueryEscape(value)] = true
	}
}

func (c *canaries) foundIn(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for value := range c.all {
		if strings.Contains(text, value) {
			return true
		}
	}
	return false
}

// secretScanner collects the texts of a function, and searches them for canaries when the
// test ends and all canaries are known.
type secretScanner struct {
	canaries *canaries
	mu       sync.Mutex
	texts    []string
}

func (n *secretScanner) add(texts ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.texts = append(n.texts, texts...)
}

func (n *secretScanner) scan(tb testing.TB, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, text := range n.texts {
		if n.canaries.foundIn(text) {
			tb.Errorf("%s told a secret: %s", name, text)
		}
	}
}

// wechatServer serves a simulated WeChat on loopback, and plants the secrets in its
// answers as canaries.
type wechatServer struct {
	*httptest.Server
	asked chan string // gets the path of a request, if a test waits for it
}

func serveWeChat(tb testing.TB, sim http.Handler, planted *canaries) *wechatServer {
	s := &wechatServer{asked: make(chan string, 1)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.asked <- r.URL.Path:
		default:
		}
		recorder := httptest.NewRecorder()
		sim.ServeHTTP(recorder, r)
		var secret struct {
			AccessToken  string `json:"access_token"`
			RefreshToken string `json:"refresh_token"`
			Ticket       string `json:"ticket"`
			SessionKey   string `json:"session_key"`
		}
		if json.Unmarshal(recorder.Body.Bytes(), &secret) == nil {
			for _, value := range []string{secret.AccessToken, secret.RefreshToken, secret.Ticket, secret.SessionKey} {
				if value != "" {
					planted.plant(value)
				}
			}
		}
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	}))
	tb.Cleanup(s.Close)
	return s
}

const (
	secretARN     = "arn:aws:secretsmanager:us-east-1:123456789012:secret:wechatfn-AbCdEf"
	pushSecretARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:wechatfn-push-GhIjKl"
)

// secretsManager simulates the part of AWS Secrets Manager that reading a secret needs. As
// IAM does, it lets each function read the secret that the manifest grants, and no other:
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
type secretsManager struct {
	*httptest.Server
	tb testing.TB

	mu      sync.Mutex
	secrets map[string]*managedSecret // by the variable that names it
}

// managedSecret is one secret; its manager's mutex guards it.
type managedSecret struct {
	manager *secretsManager
	arn     string
	value   any // nil: there is no such secret
	reads   int
	hangs   bool
}

func serveSecrets(tb testing.TB) *secretsManager {
	s := &secretsManager{tb: tb, secrets: map[string]*managedSecret{}}
	s.Server = httptest.NewServer(s)
	tb.Cleanup(s.Close)
	return s
}

func (s *secretsManager) add(variable, arn string, value any) *managedSecret {
	s.secrets[variable] = &managedSecret{manager: s, arn: arn, value: value}
	return s.secrets[variable]
}

// caller returns the function that this address was made for, see fixture.endpoints.
func caller(r *http.Request) manifest.Function {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	m, _ := manifest.Lookup(name)
	return m
}

func (s *secretsManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var input struct{ SecretId string }
	err := json.NewDecoder(r.Body).Decode(&input)
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := s.secrets[caller(r).Secret]
	if target := r.Header.Get("X-Amz-Target"); err != nil || target != "secretsmanager.GetSecretValue" || secret == nil || input.SecretId != secret.arn {
		s.tb.Errorf("Secrets Manager was asked by %q for %s of %q, %v", caller(r).Name, target, input.SecretId, err)
		refuse(w, http.StatusBadRequest, "AccessDeniedException")
		return
	}
	secret.reads++
	if secret.hangs {
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return
	}
	if secret.value == nil {
		refuse(w, http.StatusBadRequest, "ResourceNotFoundException")
		return
	}
	text, _ := json.Marshal(secret.value)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(map[string]any{"ARN": secret.arn, "Name": "wechatfn", "VersionId": "v1", "SecretString": string(text)})
}

// refuse answers with an error in the format of AWS's services.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"__type":"`+code+`","Message":"refused by the test"}`)
}

// put stores other secrets, as JSON; nil removes the secret.
func (s *managedSecret) put(value any) {
	s.manager.mu.Lock()
	defer s.manager.mu.Unlock()
	s.value = value
}

// hang stops to answer reads from now on.
func (s *managedSecret) hang() {
	s.manager.mu.Lock()
	defer s.manager.mu.Unlock()
	s.hangs = true
}

// drain returns how often the secret was read since the last drain.
func (s *managedSecret) drain() int {
	s.manager.mu.Lock()
	defer s.manager.mu.Unlock()
	reads := s.reads
	s.reads = 0
	return reads
}

// wantReads checks how often the secret was read since it was last checked.
func (s *managedSecret) wantReads(want int) {
	s.manager.tb.Helper()
	if got := s.drain(); got != want {
		s.manager.tb.Errorf("the secret was read %d times, want %d", got, want)
	}
}

// forwardProxy is an HTTP proxy, as in WECHAT_PROXY_URL. Only the proxy can reach the hosts
// that the requests are for.
type forwardProxy struct {
	*httptest.Server
	mu    sync.Mutex
	hosts map[string]int
}

const proxyUser, proxyPassword = "egress", "pr0xy-passw0rd-c4nary"

func serveProxy(tb testing.TB, to string) *forwardProxy {
	target, err := url.Parse(to)
	if err != nil {
		tb.Fatal(err)
	}
	p := &forwardProxy{hosts: map[string]int{}}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		basic := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if user, password, _ := basic.BasicAuth(); user != proxyUser || password != proxyPassword {
			tb.Errorf("the proxy was called as %q", user)
		}
		p.count(r.URL.Host)
		forward.ServeHTTP(w, r)
	}))
	tb.Cleanup(p.Close)
	return p
}

func (p *forwardProxy) count(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hosts[host]++
}

func (p *forwardProxy) seen() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.hosts)
}

// address returns the proxy's URL with user and password.
func (p *forwardProxy) address() string {
	return strings.Replace(p.URL, "://", "://"+proxyUser+":"+proxyPassword+"@", 1)
}
