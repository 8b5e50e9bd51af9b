package e2e_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	yaml "github.com/oasdiff/yaml3"

	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store/dynamo/dynamotest"
)

// samTemplate is the part of template.yaml that the tests read.
type samTemplate struct {
	Parameters map[string]struct {
		Default string `yaml:"Default"`
		NoEcho  bool   `yaml:"NoEcho"`
	} `yaml:"Parameters"`
	Resources map[string]struct {
		Type       string `yaml:"Type"`
		Properties struct {
			CodeURI     string `yaml:"CodeUri"`
			Timeout     int    `yaml:"Timeout"`
			MemorySize  int    `yaml:"MemorySize"`
			Environment struct {
				Variables map[string]yaml.Node `yaml:"Variables"`
			} `yaml:"Environment"`
			Events map[string]struct {
				Type       string `yaml:"Type"`
				Properties struct {
					Method         string `yaml:"Method"`
					Path           string `yaml:"Path"`
					FilterCriteria struct {
						Filters []struct {
							Pattern string `yaml:"Pattern"`
						} `yaml:"Filters"`
					} `yaml:"FilterCriteria"`
				} `yaml:"Properties"`
			} `yaml:"Events"`
		} `yaml:"Properties"`
	} `yaml:"Resources"`
}

func readTemplate(tb testing.TB) (template samTemplate) {
	tb.Helper()
	if err := yaml.Unmarshal(read(tb, "../template.yaml"), &template); err != nil {
		tb.Fatal(err)
	}
	return template
}

// The routes of template.yaml are those of the manifest, each with its function, and the
// preflights of the routes that pages call.
func TestRoutesOfTheTemplate(t *testing.T) {
	want, got := map[string]string{}, map[string]string{}
	for _, f := range manifest.Functions() {
		for _, r := range f.Routes {
			path := strings.Replace(r.Path, "MP_verify_{code}.txt", "{filename}", 1)
			want[r.Method+" "+path] = f.Name
			if slices.Contains(f.Env, "ALLOWED_ORIGINS") {
				want["OPTIONS "+path] = f.Name
			}
		}
	}
	for name, resource := range readTemplate(t).Resources {
		for _, event := range resource.Properties.Events {
			if event.Type == "HttpApi" {
				got[event.Properties.Method+" "+event.Properties.Path] = name
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("routes %v,\nwant %v", got, want)
	}
}

// TestTemplateHasTheDefaultsOfTheVariables: a function gets the same value from the
// template as from its own configuration.
func TestTemplateHasTheDefaultsOfTheVariables(t *testing.T) {
	template := readTemplate(t)
	for _, v := range config.Variables() {
		t.Run(v.Name, func(t *testing.T) {
			for name, resource := range template.Resources {
				node := resource.Properties.Environment.Variables[v.Name]
				if parameter, ok := template.Parameters[node.Value]; ok && node.Tag == "!Ref" && parameter.Default != v.Default {
					t.Errorf("%s: %q is the default of the parameter, %q of the variable", name, parameter.Default, v.Default)
				}
			}
		})
	}
}

// The variables for secrets are for sam local, and are empty. The one that is a parameter is
// hidden.
func TestTemplateHoldsNoSecret(t *testing.T) {
	template := readTemplate(t)
	found := 0
	for name, resource := range template.Resources {
		for variable, node := range resource.Properties.Environment.Variables {
			i := slices.IndexFunc(config.Variables(), func(v config.Variable) bool { return v.Name == variable })
			if i < 0 || !config.Variables()[i].Secret {
				continue
			}
			found++
			hidden := node.Tag == "!Ref" && template.Parameters[node.Value].NoEcho && template.Parameters[node.Value].Default == ""
			if !hidden && (node.Tag != "!!str" || node.Value != "") {
				t.Errorf("%s of %s is %s %q", variable, name, node.Tag, node.Value)
			}
		}
	}
	if found != 9 { // two AppSecrets and a proxy each for oauth and refresher, three for verify
		t.Errorf("%d secret variables", found)
	}
}

// The stream's filter passes refresh requests and nothing else.
func TestStreamFilterOfTheTemplate(t *testing.T) {
	filters := readTemplate(t).Resources["refresher"].Properties.Events["Stream"].Properties.FilterCriteria.Filters
	if want := `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"refresh_request#"}]}}},"eventName":["INSERT","MODIFY"]}`; len(filters) != 1 || filters[0].Pattern != want {
		t.Errorf("filters %+v", filters)
	}
}

// samLocal does what sam local does, without sam and its container.
type samLocal struct {
	testing.TB
	template  samTemplate
	overrides map[string]string // env.json, with the addresses of this test
	simulated chan string       // lines of wechatfn simulate
}

func newSAMLocal(tb testing.TB) *samLocal {
	tb.Helper()
	s := &samLocal{TB: tb, template: readTemplate(tb), simulated: make(chan string, 100)}
	var file struct{ Parameters map[string]string }
	if err := json.Unmarshal(read(tb, "../env.json.example"), &file); err != nil {
		tb.Fatal(err)
	}
	s.overrides = file.Parameters
	engine := s.engine()
	simulator := s.simulate(engine)
	hosts := strings.NewReplacer("http://host.docker.internal:8000", engine, "http://host.docker.internal:9911", simulator, "http://127.0.0.1:9911", simulator)
	for name, value := range s.overrides {
		s.overrides[name] = hosts.Replace(value)
	}
	return s
}

// engine returns the URL of a DynamoDB engine that accepts the credentials "local" only.
func (s *samLocal) engine() string {
	s.Helper()
	target, err := url.Parse(dynamotest.Start(s).Endpoint)
	if err != nil {
		s.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=local/") || r.Header.Get("X-Amz-Security-Token") != "" {
			s.Errorf("the engine was called with the credentials %s", r.Header.Get("Authorization"))
		}
		proxy.ServeHTTP(w, r)
	}))
	s.Cleanup(server.Close)
	return server.URL
}

// simulate runs `wechatfn simulate`, which creates the table, and returns its URL.
func (s *samLocal) simulate(engine string) string {
	s.Helper()
	program := exec.CommandContext(s.Context(), lambdatest.Build(s, "../cmd/wechatfn"), "simulate",
		"--addr", "127.0.0.1:0", "--env", "../env.json.example", "--engine", engine)
	program.Stderr = os.Stderr
	out, err := program.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := program.Start(); err != nil {
		s.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	if !scanner.Scan() {
		s.Fatal("wechatfn simulate printed nothing")
	}
	_, rest, _ := strings.Cut(scanner.Text(), " at ")
	address, _, _ := strings.Cut(rest, ",")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for scanner.Scan() {
			s.simulated <- scanner.Text()
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	s.Cleanup(func() { // the context has ended, and killed the program
		<-done
		_ = program.Wait()
	})
	return address
}

// environment returns what sam local gives a function: the variables of the template, with
// the defaults of parameters that they refer to, or with the values of env.json. A
// variable that the template does not declare is left out.
func (s *samLocal) environment(name string) (env []string) {
	for variable, node := range s.template.Resources[name].Properties.Environment.Variables {
		value := node.Value
		if parameter, ok := s.template.Parameters[value]; ok && node.Tag == "!Ref" {
			value = parameter.Default
		}
		if override, ok := s.overrides[variable]; ok {
			value = override
		}
		env = append(env, variable+"="+value)
	}
	// The developer's own credentials, which sam local passes on.
	return append(env, "AWS_ACCESS_KEY_ID=AKIADEVELOPERSOWN", "AWS_SECRET_ACCESS_KEY=developers-own", "AWS_SESSION_TOKEN=developers-own")
}

func (s *samLocal) start(name string) *lambdatest.Function {
	s.Helper()
	properties := s.template.Resources[name].Properties
	if properties.CodeURI != "functions/"+name {
		s.Fatalf("the code of %s is at %q", name, properties.CodeURI)
	}
	m, _ := manifest.Lookup(name)
	return lambdatest.Start(s, lambdatest.Config{
		Binary: lambdatest.Build(s, "../functions/"+name), Name: name, Env: s.environment(name), Timeout: m.Timeout, MemoryMB: properties.MemorySize,
	})
}

// TestSAMLocal invokes the functions with every recorded event, with the environment of
// template.yaml and env.json.example, a DynamoDB engine and `wechatfn simulate`. A
// developer does the same, with sam local's containers.
func TestSAMLocal(t *testing.T) {
	s := newSAMLocal(t)
	started := map[string]*lambdatest.Function{}
	for _, m := range manifest.Functions() {
		started[m.Name] = s.start(m.Name)
	}
	invoke := func(name string, event []byte) string {
		t.Helper()
		answer, err := started[name].Invoke(t.Context(), event)
		if err != nil {
			return "error: " + err.Error()
		}
		return string(answer)
	}
	if report := invoke("refresher", recorded(t, "refresher")); strings.Count(report, `"secondsLeft":7`) != 4 { // 7200, or 7199
		t.Errorf("report %s", report)
	}
	want := map[string]string{
		"signature": `{"statusCode":200,`, "signature-card": `{"statusCode":200,`,
		"oauth": `{"statusCode":302,`, "oauth-session": `{"statusCode":401,`, "oauth-authorizer": `{"isAuthorized":false`,
		"oauth-mini-login": `{"statusCode":400,`, "oauth-mini-decrypt": `{"statusCode":401,`, "oauth-mini-phone": `{"statusCode":401,`,
		"oauth-mini-session": `{"statusCode":401,`, "oauth-user": "error: ",
		"verify": `{"statusCode":403,`, "verify-base64": `{"statusCode":403,`, "verify-check": `{"statusCode":403,`,
		"refresher": `{"accounts":[`, "refresher-refresh-request": `{"accounts":[`, "refresher-status": `{"accounts":[`, "refresher-force": `{"accounts":[`,
	}
	files, err := filepath.Glob("../events/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d events, %v", len(files), err)
	}
	for _, file := range files {
		event := strings.TrimSuffix(filepath.Base(file), ".json")
		function, _, _ := strings.Cut(event, "-")
		t.Run(event, func(t *testing.T) {
			if answer := invoke(function, recorded(t, event)); !strings.HasPrefix(answer, cmp.Or(want[event], "nothing")) {
				t.Errorf("answer %s", answer)
			}
		})
	}
	if answer := invoke("verify", signedNow(t, "verify")); !strings.HasPrefix(answer, `{"statusCode":200,`) {
		t.Errorf("a push that is signed now: %s", answer)
	}
	select {
	case line := <-s.simulated:
		if !strings.Contains(line, "on the bus: text {") {
			t.Errorf("wechatfn simulate printed %s", line)
		}
	case <-time.After(10 * time.Second):
		t.Error("wechatfn simulate printed no event")
	}
}

// Each function has a recorded event, for sam local invoke NAME -e events/NAME.json. The
// template declares each variable of env.json.
func TestEachFunctionHasARecordedEvent(t *testing.T) {
	template := readTemplate(t)
	declared := map[string]bool{}
	for _, m := range manifest.Functions() {
		recorded(t, m.Name)
		for name := range template.Resources[m.Name].Properties.Environment.Variables {
			declared[name] = true
		}
	}
	var file struct{ Parameters map[string]string }
	if err := json.Unmarshal(read(t, "../env.json.example"), &file); err != nil {
		t.Fatal(err)
	}
	for name := range file.Parameters {
		if !declared[name] {
			t.Errorf("env.json.example sets %s, which no function of the template declares", name)
		}
	}
}
