// Package functions_test runs the functions as they are deployed: the compiled
// binaries under a Lambda runtime, on a real DynamoDB engine behind a proxy that
// counts and grants like IAM, and a WeChat that is simulated.
package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wechatfn/dev/wechatsim"
	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/credential"
	"wechatfn/shared/manifest"
	"wechatfn/shared/refresher"
	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/dynamo/dynamotest"
)

const (
	// appID is the one of the recorded events.
	appID     = "wx520c15f417810387"
	appSecret = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

	secondID     = "wx9d1f00c2a4b6e835"
	secondSecret = "f9e8d7c6b5a493827160504030201000"

	origin  = "https://www.example.com"
	pageURL = origin + "/act/2026/?id=42&from=timeline&name=%E5%BC%A0%E4%B8%89" // of events/signature.json
)

// world is everything around the functions.
type world struct {
	testing.TB
	sim      *wechatsim.Sim
	wechat   *wechatServer
	engine   dynamotest.Engine
	manager  *secretsManager
	secrets  *managedSecret // the AppSecrets
	canaries *canaries
	settings map[string]string // by variable; a function is given those the manifest lists for it
	timeout  time.Duration     // of functions started from now on; 0 is the manifest's
	pushWorld
	loginWorld
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{TB: tb, engine: dynamotest.Start(tb), canaries: new(canaries)}
	w.canaries.plant(appSecret, secondSecret, websiteSecret, miniSecret)
	var err error
	w.sim, err = wechatsim.New(wechatsim.Config{Seed: tb.Name(), Apps: []wechatsim.App{
		{ID: appID, Secret: appSecret, OpenPlatform: "example"},
		{ID: secondID, Secret: secondSecret},
		{ID: websiteID, Secret: websiteSecret, Kind: wechatsim.Website, OpenPlatform: "example"},
		{ID: miniID, Secret: miniSecret, Kind: wechatsim.MiniProgram, OpenPlatform: "example"},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	w.wechat = serveWeChat(tb, w.sim, w.canaries)
	w.manager = serveSecrets(tb)
	w.secrets = w.manager.add("WECHAT_SECRETS_ARN", secretARN, map[string]string{"default": appSecret, "second": secondSecret})
	w.settings = map[string]string{
		"TABLE_NAME":         w.engine.Table,
		"WECHAT_APP_ID":      appID,
		"ALLOWED_ORIGINS":    origin,
		"WECHAT_SECRETS_ARN": secretARN,
		"WECHAT_API_BASE":    w.wechat.URL,
		"LOG_LEVEL":          "debug",
	}
	w.addPushes()
	return w
}

// twoAccounts configures a second official account beside the first.
func (w *world) twoAccounts() {
	delete(w.settings, "WECHAT_APP_ID")
	w.settings["WECHAT_APPS"] = `[{"name":"default","kind":"official_account","appId":"` + appID +
		`"},{"name":"second","kind":"official_account","appId":"` + secondID + `"}]`
}

// function is one function under test, with a view of the table of its own.
type function struct {
	*lambdatest.Function
	w     *world
	table *engineProxy
	said  *canaryNet // all that it says
	noted *canaryNet // what of that does not go to WeChat's users: logs, errors, refusals
}

// start makes a function. Its environment is what the manifest lists for it, as
// far as the world has a value, and where AWS's services are: a variable that
// the manifest forgets does not reach it.
func (w *world) start(name string) *function {
	w.Helper()
	return w.startMany(name, 1)
}

func (w *world) startMany(name string, processes int) *function {
	w.Helper()
	m, ok := manifest.Lookup(name)
	if !ok {
		w.Fatalf("no function %s in the manifest", name)
	}
	f := &function{w: w, table: serveEngine(w, w.engine.Endpoint, m), said: &canaryNet{canaries: w.canaries}, noted: &canaryNet{canaries: w.private}}
	f.Function = lambdatest.Start(w, lambdatest.Config{
		Binary:      lambdatest.Build(w, "../functions/"+name),
		Name:        name,
		Env:         append(w.environment(m), w.endpoints(m, f.table.URL)...),
		Timeout:     cmp.Or(w.timeout, m.Timeout),
		MemoryMB:    m.MemoryMB,
		Concurrency: processes,
	})
	w.Cleanup(func() {
		f.Close()
		f.said.add(f.Logs()...)
		f.said.search(w, name)
		f.noted.add(f.Logs()...)
		f.noted.search(w, name)
	})
	return f
}

// endpoints tells a function where AWS's services are. Its name in the path
// tells the services who calls.
func (w *world) endpoints(m manifest.Function, table string) []string {
	return []string{
		"AWS_ENDPOINT_URL_DYNAMODB=" + table,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + w.manager.URL + "/" + m.Name,
		"AWS_ENDPOINT_URL_EVENTBRIDGE=" + w.bus.URL + "/" + m.Name,
		"AWS_ENDPOINT_URL_LAMBDA=" + w.replies.URL + "/" + m.Name,
	}
}

func (w *world) environment(m manifest.Function) (env []string) {
	for _, name := range m.Env {
		if value, ok := w.settings[name]; ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// invoke hands the function an event and keeps its answer for the search.
func (f *function) invoke(event []byte) ([]byte, error) {
	return f.invokeContext(f.w.Context(), event)
}

func (f *function) invokeContext(ctx context.Context, event []byte) ([]byte, error) {
	answer, err := f.Invoke(ctx, event)
	f.said.add(string(answer))
	if !bytes.HasPrefix(answer, []byte(`{"statusCode":2`)) && !bytes.HasPrefix(answer, []byte(`{"statusCode":3`)) && !bytes.HasPrefix(answer, []byte(`{"isAuthorized":true`)) {
		f.noted.add(string(answer))
	}
	if err != nil {
		f.said.add(err.Error())
		f.noted.add(err.Error())
	}
	return answer, err
}

// report invokes the refresher, which must succeed.
func (f *function) report(event []byte) refresher.Report {
	f.w.Helper()
	answer, err := f.invoke(event)
	if err != nil {
		f.w.Fatal(err)
	}
	var report refresher.Report
	if err := json.Unmarshal(answer, &report); err != nil {
		f.w.Fatalf("%s: %v", answer, err)
	}
	return report
}

// tick invokes the refresher as the schedule does.
func (f *function) tick() refresher.Report {
	f.w.Helper()
	return f.report(recorded(f.w, "refresher"))
}

// answer is an HTTP answer of a function.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (f *function) serve(event []byte) answer {
	f.w.Helper()
	payload, err := f.invoke(event)
	if err != nil {
		f.w.Fatal(err)
	}
	return f.decode(payload)
}

func (f *function) decode(payload []byte) answer {
	f.w.Helper()
	response, err := lambdatest.Response(payload)
	if err != nil {
		f.w.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.w.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// get serves the request that a browser on our page makes.
func (f *function) get(target string) answer {
	f.w.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Origin", origin)
	event, err := lambdatest.APIGatewayEvent(r)
	if err != nil {
		f.w.Fatal(err)
	}
	return f.serve(event)
}

// recorded is a file of events/.
func recorded(tb testing.TB, name string) []byte {
	tb.Helper()
	event, err := os.ReadFile("../events/" + name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	return event
}

// streamEvent is what the table's stream hands over for the kicks that stand in
// it.
func (w *world) streamEvent(eventName string) []byte {
	w.Helper()
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(recorded(w, "refresher-refresh-request"), &event); err != nil {
		w.Fatal(err)
	}
	sample := bytes.ReplaceAll(event.Records[0], []byte("INSERT"), []byte(eventName))
	event.Records = nil
	for _, key := range w.keys("refresh_request") {
		event.Records = append(event.Records, bytes.ReplaceAll(sample, []byte("refresh_request#"+appID), []byte(key)))
	}
	text, err := json.Marshal(event)
	if err != nil {
		w.Fatal(err)
	}
	return text
}

// keys lists the table's keys of one kind, of all for "".
func (w *world) keys(kind string) (keys []string) {
	w.Helper()
	out, err := w.engine.Client.Scan(w.Context(), &dynamodb.ScanInput{TableName: &w.engine.Table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		w.Fatal(err)
	}
	for _, item := range out.Items {
		key := item[manifest.TableKey].(*types.AttributeValueMemberS).Value
		if kind == "" || store.Kind(key) == kind {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// record reads and, with a change, rewrites what the refresher knows of the
// account: that is how time passes here, without anybody sleeping.
func (w *world) record(change func(*credential.Record)) (r credential.Record) {
	w.Helper()
	s, err := dynamo.New(dynamo.Config{Client: w.engine.Client, Table: w.engine.Table})
	if err != nil {
		w.Fatal(err)
	}
	item, err := s.Get(w.Context(), "token#"+appID)
	if err != nil {
		w.Fatal(err)
	}
	if err := json.Unmarshal(item.Value, &r); err != nil {
		w.Fatal(err)
	}
	if change == nil {
		return r
	}
	change(&r)
	if item.Value, err = json.Marshal(r); err != nil {
		w.Fatal(err)
	}
	if _, err := s.Replace(w.Context(), item); err != nil {
		w.Fatal(err)
	}
	return r
}

// ticket is WeChat's own idea of the account's current ticket.
func (w *world) ticket(appID, typ string) string {
	w.Helper()
	value, _ := w.sim.CurrentTicket(appID, typ)
	if value == "" {
		w.Fatalf("WeChat holds no %s ticket of %s", typ, appID)
	}
	return value
}

// wantCalls checks what the function did in the table since it was last asked.
func (f *function) wantCalls(want calls) {
	f.w.Helper()
	if got := f.table.take(); !maps.Equal(got, want) {
		f.w.Errorf("calls of the table: %v, want %v", got, want)
	}
}

// wantWeChat checks how often WeChat was asked for a token and a ticket since
// it was last checked.
func (w *world) wantWeChat(tokens, tickets int) {
	w.Helper()
	t := w.sim.Calls(wechatsim.PathStableToken) + w.sim.Calls(wechatsim.PathToken)
	if j := w.sim.Calls(wechatsim.PathTicket); t != tokens || j != tickets {
		w.Errorf("WeChat was asked for %d tokens and %d tickets, want %d and %d", t, j, tokens, tickets)
	}
	w.sim.ResetCounts()
}
