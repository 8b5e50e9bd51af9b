// Package e2e_test runs the functions as they are deployed: the compiled binaries on a
// Lambda runtime, with a DynamoDB engine and a simulated WeChat. A proxy before the engine
// counts calls, and grants them as IAM does. The tests of routes also run over HTTP.
package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/dynamo/dynamotest"
)

const (
	// appID is in the recorded events.
	appID     = "wx520c15f417810387"
	appSecret = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

	secondID     = "wx9d1f00c2a4b6e835"
	secondSecret = "f9e8d7c6b5a493827160504030201000"

	origin  = "https://www.example.com"
	pageURL = origin + "/act/2026/?id=42&from=timeline&name=%E5%BC%A0%E4%B8%89" // of events/signature.json
)

// fixture is what is around the functions: a simulated WeChat, a DynamoDB engine, and
// simulated AWS services.
type fixture struct {
	testing.TB
	launch   launcher
	sim      *wechatsim.Sim
	wechat   *wechatServer
	engine   dynamotest.Engine
	manager  *secretsManager
	secrets  *managedSecret // the AppSecrets
	canaries *canaries
	settings map[string]string // by variable; a function gets those that the manifest lists for it
	timeout  time.Duration     // of functions that are started from now on; 0 is the manifest's
	pushFixture
	loginFixture
}

// newFixture makes a fixture with one official account. launch starts its functions.
func newFixture(tb testing.TB, launch launcher) *fixture {
	tb.Helper()
	fx := &fixture{TB: tb, launch: launch, engine: dynamotest.Start(tb), canaries: new(canaries)}
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
	fx.secrets = fx.manager.add(config.EnvSecretsARN, secretARN, map[string]string{"default": appSecret, "second": secondSecret})
	fx.settings = map[string]string{
		config.EnvTableName:  fx.engine.Table,
		config.EnvAppID:      appID,
		config.EnvOrigins:    origin,
		config.EnvSecretsARN: secretARN,
		config.EnvAPIBase:    fx.wechat.URL,
		config.EnvLogLevel:   "debug",
	}
	fx.addPushes()
	return fx
}

// twoAccounts configures a second official account beside the first.
func (fx *fixture) twoAccounts() {
	delete(fx.settings, config.EnvAppID)
	fx.settings[config.EnvApps] = `[{"name":"default","kind":"official_account","appId":"` + appID +
		`"},{"name":"second","kind":"official_account","appId":"` + secondID + `"}]`
}

// endpoints tells a function where AWS's services are. The path has the function's name,
// so that the services know which function calls them.
func (fx *fixture) endpoints(m manifest.Function, table string) []string {
	return []string{
		"AWS_ENDPOINT_URL_DYNAMODB=" + table,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + fx.manager.URL + "/" + m.Name,
		"AWS_ENDPOINT_URL_EVENTBRIDGE=" + fx.bus.URL + "/" + m.Name,
		"AWS_ENDPOINT_URL_LAMBDA=" + fx.replies.URL + "/" + m.Name,
	}
}

// environment returns the variables that the manifest lists for a function and that the
// fixture has a value for. A variable that is missing in the manifest does not reach the
// function.
func (fx *fixture) environment(m manifest.Function) (env []string) {
	for _, name := range m.Env {
		if value, ok := fx.settings[name]; ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// recorded reads a file of events/.
func recorded(tb testing.TB, name string) []byte {
	tb.Helper()
	event, err := os.ReadFile("../events/" + name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	return event
}

// streamEvent returns the event of the table's stream for the refresh requests in the
// table.
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

// keys lists the keys of one kind in the table, or all keys if the kind is "".
func (fx *fixture) keys(kind string) (keys []string) {
	fx.Helper()
	out, err := fx.engine.Client.Scan(fx.Context(), &dynamodb.ScanInput{TableName: &fx.engine.Table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		fx.Fatal(err)
	}
	for _, item := range out.Items {
		key := item[store.TableKey].(*types.AttributeValueMemberS).Value
		if kind == "" || store.Kind(key) == kind {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// record reads the refresher's record of the account and, with change, writes it again.
// Tests use it to let time pass.
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

// ticket returns the account's current ticket as WeChat has it.
func (fx *fixture) ticket(appID, typ string) string {
	fx.Helper()
	value, _ := fx.sim.CurrentTicket(appID, typ)
	if value == "" {
		fx.Fatalf("WeChat holds no %s ticket of %s", typ, appID)
	}
	return value
}

// wantTokenCalls checks how often WeChat was asked for a token and a ticket since this was
// last checked.
func (fx *fixture) wantTokenCalls(tokens, tickets int) {
	fx.Helper()
	t := fx.sim.Calls(wechatsim.PathStableToken) + fx.sim.Calls(wechatsim.PathToken)
	if j := fx.sim.Calls(wechatsim.PathTicket); t != tokens || j != tickets {
		fx.Errorf("WeChat was asked for %d tokens and %d tickets, want %d and %d", t, j, tokens, tickets)
	}
	fx.sim.ResetCounts()
}
