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
type fixture struct {
	testing.TB
	sim      *wechatsim.Sim
	wechat   *wechatServer
	engine   dynamotest.Engine
	manager  *secretsManager
	secrets  *managedSecret // the AppSecrets
	canaries *canaries
	settings map[string]string // by variable; a function is given those the manifest lists for it
	timeout  time.Duration     // of functions started from now on; 0 is the manifest's
	pushFixture
	loginFixture
}

func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	fx := &fixture{TB: tb, engine: dynamotest.Start(tb), canaries: new(canaries)}
	fx.canaries.plant(appSecret, secondSecret, websiteSecret, miniSecret)
	var err error
	fx.sim, err = wechatsim.New(wechatsim.Config{Seed: tb.Name(), Apps: []wechatsim.App{
		{ID: appID, Secret: appSecret, OpenPlatform: "example"},
		{ID: secondID, Secret: secondSecret},
		{ID: websiteID, Secret: websiteSecret, Kind: wechatsim.Website, OpenPlatform: "example"},
		{ID: miniID, Secret: miniSecret, Kind: wechatsim.MiniProgram, OpenPlatform: "example"},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	fx.wechat = serveWeChat(tb, fx.sim, fx.canaries)
	fx.manager = serveSecrets(tb)
	fx.secrets = fx.manager.add("WECHAT_SECRETS_ARN", secretARN, map[string]string{"default": appSecret, "second": secondSecret})
	fx.settings = map[string]string{
		"TABLE_NAME":         fx.engine.Table,
		"WECHAT_APP_ID":      appID,
		"ALLOWED_ORIGINS":    origin,
		"WECHAT_SECRETS_ARN": secretARN,
		"WECHAT_API_BASE":    fx.wechat.URL,
		"LOG_LEVEL":          "debug",
	}
	fx.addPushes()
	return fx
}

// twoAccounts configures a second official account beside the first.
func (fx *fixture) twoAccounts() {
	delete(fx.settings, "WECHAT_APP_ID")
	fx.settings["WECHAT_APPS"] = `[{"name":"default","kind":"official_account","appId":"` + appID +
		`"},{"name":"second","kind":"official_account","appId":"` + secondID + `"}]`
}

// function is one function under test, with a view of the table of its own.
type function struct {
	*lambdatest.Function
	fx       *fixture
	table    *tableProxy
	output   *secretScanner // all that it says
	internal *secretScanner // what of that does not go to WeChat's users: logs, errors, refusals
}

// start makes a function. Its environment is what the manifest lists for it, as
// far as the world has a value, and where AWS's services are: a variable that
// the manifest forgets does not reach it.
func (fx *fixture) start(name string) *function {
	fx.Helper()
	return fx.startMany(name, 1)
}

func (fx *fixture) startMany(name string, processes int) *function {
	fx.Helper()
	m, ok := manifest.Lookup(name)
	if !ok {
		fx.Fatalf("no function %s in the manifest", name)
	}
	f := &function{fx: fx, table: serveTable(fx, fx.engine.Endpoint, m), output: &secretScanner{canaries: fx.canaries}, internal: &secretScanner{canaries: fx.private}}
	f.Function = lambdatest.Start(fx, lambdatest.Config{
		Binary:      lambdatest.Build(fx, "../functions/"+name),
		Name:        name,
		Env:         append(fx.environment(m), fx.endpoints(m, f.table.URL)...),
		Timeout:     cmp.Or(fx.timeout, m.Timeout),
		MemoryMB:    m.MemoryMB,
		Concurrency: processes,
	})
	fx.Cleanup(func() {
		f.Close()
		f.output.add(f.Logs()...)
		f.output.scan(fx, name)
		f.internal.add(f.Logs()...)
		f.internal.scan(fx, name)
	})
	return f
}

// endpoints tells a function where AWS's services are. Its name in the path
// tells the services who calls.
func (fx *fixture) endpoints(m manifest.Function, table string) []string {
	return []string{
		"AWS_ENDPOINT_URL_DYNAMODB=" + table,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + fx.manager.URL + "/" + m.Name,
		"AWS_ENDPOINT_URL_EVENTBRIDGE=" + fx.bus.URL + "/" + m.Name,
		"AWS_ENDPOINT_URL_LAMBDA=" + fx.replies.URL + "/" + m.Name,
	}
}

func (fx *fixture) environment(m manifest.Function) (env []string) {
	for _, name := range m.Env {
		if value, ok := fx.settings[name]; ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// invoke hands the function an event and keeps its answer for the search.
func (f *function) invoke(event []byte) ([]byte, error) {
	return f.invokeContext(f.fx.Context(), event)
}

func (f *function) invokeContext(ctx context.Context, event []byte) ([]byte, error) {
	answer, err := f.Invoke(ctx, event)
	f.output.add(string(answer))
	if !bytes.HasPrefix(answer, []byte(`{"statusCode":2`)) && !bytes.HasPrefix(answer, []byte(`{"statusCode":3`)) && !bytes.HasPrefix(answer, []byte(`{"isAuthorized":true`)) {
		f.internal.add(string(answer))
	}
	if err != nil {
		f.output.add(err.Error())
		f.internal.add(err.Error())
	}
	return answer, err
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

// answer is an HTTP answer of a function.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (f *function) serve(event []byte) answer {
	f.fx.Helper()
	payload, err := f.invoke(event)
	if err != nil {
		f.fx.Fatal(err)
	}
	return f.decode(payload)
}

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

// get serves the request that a browser on our page makes.
func (f *function) get(target string) answer {
	f.fx.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Origin", origin)
	event, err := lambdatest.APIGatewayEvent(r)
	if err != nil {
		f.fx.Fatal(err)
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
func (fx *fixture) streamEvent(eventName string) []byte {
	fx.Helper()
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(recorded(fx, "refresher-refresh-request"), &event); err != nil {
		fx.Fatal(err)
	}
	sample := bytes.ReplaceAll(event.Records[0], []byte("INSERT"), []byte(eventName))
	event.Records = nil
	for _, key := range fx.keys("refresh_request") {
		event.Records = append(event.Records, bytes.ReplaceAll(sample, []byte("refresh_request#"+appID), []byte(key)))
	}
	text, err := json.Marshal(event)
	if err != nil {
		fx.Fatal(err)
	}
	return text
}

// keys lists the table's keys of one kind, of all for "".
func (fx *fixture) keys(kind string) (keys []string) {
	fx.Helper()
	out, err := fx.engine.Client.Scan(fx.Context(), &dynamodb.ScanInput{TableName: &fx.engine.Table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		fx.Fatal(err)
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
func (fx *fixture) record(change func(*credential.Record)) (r credential.Record) {
	fx.Helper()
	s, err := dynamo.New(dynamo.Config{Client: fx.engine.Client, Table: fx.engine.Table})
	if err != nil {
		fx.Fatal(err)
	}
	item, err := s.Get(fx.Context(), "token#"+appID)
	if err != nil {
		fx.Fatal(err)
	}
	if err := json.Unmarshal(item.Value, &r); err != nil {
		fx.Fatal(err)
	}
	if change == nil {
		return r
	}
	change(&r)
	if item.Value, err = json.Marshal(r); err != nil {
		fx.Fatal(err)
	}
	if _, err := s.Replace(fx.Context(), item); err != nil {
		fx.Fatal(err)
	}
	return r
}

// ticket is WeChat's own idea of the account's current ticket.
func (fx *fixture) ticket(appID, typ string) string {
	fx.Helper()
	value, _ := fx.sim.CurrentTicket(appID, typ)
	if value == "" {
		fx.Fatalf("WeChat holds no %s ticket of %s", typ, appID)
	}
	return value
}

// wantCalls checks what the function did in the table since it was last asked.
func (f *function) wantCalls(want calls) {
	f.fx.Helper()
	if got := f.table.take(); !maps.Equal(got, want) {
		f.fx.Errorf("calls of the table: %v, want %v", got, want)
	}
}

// wantWeChat checks how often WeChat was asked for a token and a ticket since
// it was last checked.
func (fx *fixture) wantTokenCalls(tokens, tickets int) {
	fx.Helper()
	t := fx.sim.Calls(wechatsim.PathStableToken) + fx.sim.Calls(wechatsim.PathToken)
	if j := fx.sim.Calls(wechatsim.PathTicket); t != tokens || j != tickets {
		fx.Errorf("WeChat was asked for %d tokens and %d tickets, want %d and %d", t, j, tokens, tickets)
	}
	fx.sim.ResetCounts()
}
