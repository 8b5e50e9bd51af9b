package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"

	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/manifest"
	"wechatfn/shared/refresher"
)

// function is a function under test, with a proxy of its own before the table.
type function struct {
	driver
	fx       *fixture
	manifest manifest.Function
	table    *tableProxy
	output   *secretScanner // all that it returns and logs
	internal *secretScanner // the part of that which WeChat's users do not get: logs, errors, refusals
}

// start starts a function. When the test ends, all that it has returned and logged is
// searched for secrets.
func (fx *fixture) start(name string) *function {
	fx.Helper()
	return fx.startMany(name, 1)
}

// startMany starts a function that may run in several processes.
func (fx *fixture) startMany(name string, processes int) *function {
	fx.Helper()
	m, ok := manifest.Lookup(name)
	if !ok {
		fx.Fatalf("no function %s in the manifest", name)
	}
	f := &function{
		fx: fx, manifest: m, table: serveTable(fx, fx.engine.Endpoint, m),
		output: &secretScanner{canaries: fx.canaries}, internal: &secretScanner{canaries: fx.private},
	}
	f.driver = fx.launch(fx, m, f.table.URL, processes)
	fx.Cleanup(func() {
		f.Close()
		f.output.add(f.Logs()...)
		f.output.scan(fx, name)
		f.internal.add(f.Logs()...)
		f.internal.scan(fx, name)
	})
	return f
}

// RoundTrip implements http.RoundTripper, for clients such as WeChat. It records the
// answer.
func (f *function) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := f.driver.RoundTrip(r)
	if err != nil {
		f.record(err.Error(), false)
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	f.record(fmt.Sprint(response.StatusCode, response.Header)+string(body), response.StatusCode < http.StatusBadRequest)
	return response, nil
}

// record takes an answer for the search for secrets. forUser says that the answer may
// hold what is private to the user.
func (f *function) record(text string, forUser bool) {
	f.output.add(text)
	if !forUser {
		f.internal.add(text)
	}
}

// answer is an HTTP answer of a function.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request and reads the answer.
func (f *function) send(r *http.Request) (answer, error) {
	response, err := f.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, body}, err
}

// get sends the request that a browser makes on our page.
func (f *function) get(target string) answer {
	f.fx.Helper()
	r := httptest.NewRequestWithContext(f.fx.Context(), http.MethodGet, target, nil)
	r.Header.Set("Origin", origin)
	a, err := f.send(r)
	if err != nil {
		f.fx.Fatal(err)
	}
	return a
}

// serve sends an event of API Gateway, such as a recorded one: as it is if the function
// takes events, else as the request that it was made of.
func (f *function) serve(event []byte) answer {
	f.fx.Helper()
	if _, ok := f.driver.(invoker); ok {
		payload, err := f.invoke(event)
		if err != nil {
			f.fx.Fatal(err)
		}
		return f.decode(payload)
	}
	r, err := lambdatest.Request(event)
	if err != nil {
		f.fx.Fatal(err)
	}
	a, err := f.send(r.WithContext(f.fx.Context()))
	if err != nil {
		f.fx.Fatal(err)
	}
	return a
}

// decode reads the answer in the response of an invocation.
func (f *function) decode(payload []byte) answer {
	f.fx.Helper()
	response, err := lambdatest.Response(payload)
	if err != nil {
		f.fx.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.fx.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// invoke sends an event to a function that takes events, and records its answer.
func (f *function) invoke(event []byte) ([]byte, error) {
	return f.invokeContext(f.fx.Context(), event)
}

func (f *function) invokeContext(ctx context.Context, event []byte) ([]byte, error) {
	answer, err := f.invoker().Invoke(ctx, event)
	forUser := bytes.HasPrefix(answer, []byte(`{"statusCode":2`)) || bytes.HasPrefix(answer, []byte(`{"statusCode":3`)) || bytes.HasPrefix(answer, []byte(`{"isAuthorized":true`))
	f.record(string(answer), forUser)
	if err != nil {
		f.record(err.Error(), false)
	}
	return answer, err
}

// operate sends an operator's event. The answer may hold what is private to a user.
func (f *function) operate(event string) ([]byte, error) {
	answer, err := f.invoker().Invoke(f.fx.Context(), []byte(event))
	f.record(string(answer), true)
	return answer, err
}

func (f *function) invoker() invoker {
	in, ok := f.driver.(invoker)
	if !ok {
		panic("this driver takes requests only: use runtimeAPI")
	}
	return in
}

// report invokes the refresher, which must succeed.
func (f *function) report(event []byte) refresher.Report {
	f.fx.Helper()
	answer, err := f.invoke(event)
	if err != nil {
		f.fx.Fatal(err)
	}
	var report refresher.Report
	if err := json.Unmarshal(answer, &report); err != nil {
		f.fx.Fatalf("%s: %v", answer, err)
	}
	return report
}

// tick invokes the refresher as the schedule does.
func (f *function) tick() refresher.Report {
	f.fx.Helper()
	return f.report(recorded(f.fx, "refresher"))
}

// processes returns how many processes were started. A function behind an HTTP server
// has one.
func (f *function) processes() int {
	if started, ok := f.driver.(*lambdatest.Function); ok {
		return len(started.ColdStarts())
	}
	return 1
}

// wantProcesses checks how many processes were started until now.
func (f *function) wantProcesses(want int) {
	f.fx.Helper()
	if n := f.processes(); n != want {
		f.fx.Errorf("%d processes were started, want %d", n, want)
	}
}

// wantCalls checks what the function called of the table since it was last checked.
func (f *function) wantCalls(want calls) {
	f.fx.Helper()
	if got := f.table.take(); !maps.Equal(got, want) {
		f.fx.Errorf("calls of the table: %v, want %v", got, want)
	}
}
