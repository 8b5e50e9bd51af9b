// Package stack builds the CloudFormation stack of one stage: everything that
// shared/manifest lists, with the settings of cdk.json.
package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Settings are those of one stage. A key of cdk.json, or of -c, is the JSON name.
type Settings struct {
	Account          string              `json:"account"`          // the AWS account; whatever the credentials are of, if empty
	Region           string              `json:"region"`           // the command line's own, if empty
	Production       *bool               `json:"production"`       // keeps data when the stack goes, refuses plain http; if unset, every stage but dev
	Apps             []App               `json:"apps"`             // WeChat accounts; the first one is the default of ?app=
	AllowedOrigins   []string            `json:"allowedOrigins"`   // of pages that are signed for, log users in, and call from a browser
	Domain           *Domain             `json:"domain"`           // a name of your own for the API
	KeepAPIURL       bool                `json:"keepApiUrl"`       // beside a domain, serve the gateway's own address too
	Egress           string              `json:"egress"`           // none, proxy or nat
	ProxyURL         string              `json:"proxyUrl"`         // without user and password
	ProxySecretARN   string              `json:"proxySecretArn"`   // of a secret that holds the whole URL of the proxy
	EIPAllocationID  string              `json:"eipAllocationId"`  // for nat: an address that is yours already
	Architecture     string              `json:"architecture"`     // arm64 or x86_64
	AlarmEmail       string              `json:"alarmEmail"`       // gets the alarms
	LogLevel         string              `json:"logLevel"`         // debug, info, warn or error
	LogRetentionDays int                 `json:"logRetentionDays"` // of all log groups
	Tracing          bool                `json:"tracing"`          // X-Ray
	Reserved         map[string]int      `json:"reservedConcurrency"`
	Throttles        map[string]Throttle `json:"throttles"`             // by function, instead of the manifest's
	AuthorizerAPIs   []string            `json:"authorizerApis"`        // IDs of HTTP APIs whose authorizer is the oauth function
	Tickets          []string            `json:"tickets"`               // jsapi, wx_card
	TokenMode        string              `json:"tokenMode"`             // stable or classic
	APIBase          string              `json:"apiBase"`               // WeChat's API
	SignatureCache   string              `json:"signatureCache"`        // none or table
	SessionLife      string              `json:"sessionTtl"`            // such as 720h
	SessionIdle      string              `json:"sessionIdleTimeout"`    // such as 168h
	SessionDevices   *int                `json:"sessionDevices"`        // of a user
	MiniSessionLife  string              `json:"miniProgramSessionTtl"` // such as 72h
	MiniDataAge      string              `json:"miniProgramDataAge"`    // such as 10m
	PushWindow       string              `json:"pushWindow"`            // such as 10m
	DomainProofs     []string            `json:"domainProofs"`          // CODE of MP_verify_CODE.txt, or CODE=CONTENT
	ReplyFunction    string              `json:"replyFunction"`         // name or ARN of a Lambda function of yours

	Stage string `json:"-"`
	Build string `json:"-"` // the folder that make build has filled
}

// App is a WeChat account, see account.Account.
type App struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	AppID   string   `json:"appId"`
	Tickets []string `json:"tickets,omitempty"`
}

// Domain is a name for the API, and the certificate that proves it, which must be
// of the stack's own region.
type Domain struct {
	Name           string `json:"name"`
	CertificateARN string `json:"certificateArn"`
}

// Throttle is that of each route of a function, see manifest.Throttle.
type Throttle struct {
	Rate  int `json:"rate"`
	Burst int `json:"burst"`
}

// The ways out to WeChat.
const (
	EgressNone  = "none"
	EgressProxy = "proxy"
	EgressNAT   = "nat"
)

// The architectures, as Lambda calls them.
const (
	ARM64 = "arm64"
	X8664 = "x86_64"
)

const development = "dev"

// Load reads the settings of a stage from CDK's context: the stage's entry below
// "stages", over which a key of the context itself (-c key=value) wins. build is
// the folder of the functions. The error joins one sentence for each thing that
// is wrong.
func Load(context map[string]any, build string) (*Settings, error) {
	stage, entry, err := stageOf(context)
	if err != nil {
		return nil, err
	}
	s := &Settings{Egress: EgressNone, Architecture: ARM64, LogRetentionDays: 30, Stage: stage, Build: build}
	if stage == development {
		s.LogRetentionDays = 7
	}
	problems := s.read(entry, context)
	if len(problems) == 0 {
		problems = s.check()
	}
	return s, errors.Join(problems...)
}

// Live reports whether losing the data of the stage would hurt.
func (s *Settings) Live() bool {
	if s.Production != nil {
		return *s.Production
	}
	return s.Stage != development
}

// Belongs refuses credentials of another AWS account than the stage's. Account is that
// of the credentials, empty where there are none: synthesizing needs none. The stack
// itself is of no account, see New.
func (s *Settings) Belongs(account string) error {
	if s.Account == "" || account == "" || account == s.Account {
		return nil
	}
	return fmt.Errorf("account: %q is not that of your credentials, which are of %s; choose others, for example with AWS_PROFILE, or another stage", s.Account, account)
}

// stageOf finds the entry of the stage that -c stage names.
func stageOf(context map[string]any) (string, map[string]any, error) {
	stages, ok := context["stages"].(map[string]any)
	if !ok || len(stages) == 0 {
		return "", nil, errors.New(`stages: cdk.json has none; its context needs "stages": {"dev": {...}, "prod": {...}}`)
	}
	names := strings.Join(slices.Sorted(maps.Keys(stages)), ", ")
	stage, _ := context["stage"].(string)
	if stage == "" {
		return "", nil, fmt.Errorf("stage: is not set; choose one of those in cdk.json (%s) with -c stage=NAME", names)
	}
	entry, ok := stages[stage].(map[string]any)
	if !ok {
		return "", nil, fmt.Errorf("stage: %q is none of those in cdk.json; choose one of %s, or add it there", stage, names)
	}
	if len(stage) > 16 || strings.Trim(stage, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return "", nil, fmt.Errorf("stage: %q becomes a part of names; use 1 to 16 of a-z and 0-9", stage)
	}
	return stage, entry, nil
}

// read sets the fields from the stage's entry, and then from the context.
func (s *Settings) read(entry, context map[string]any) (problems []error) {
	fields := s.fields()
	for _, key := range slices.Sorted(maps.Keys(entry)) {
		field, ok := fields[key]
		if !ok {
			problems = append(problems, unknown("stages."+s.Stage+"."+key, fields))
		} else if err := set(field, entry[key]); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(context)) {
		field, ok := fields[key]
		switch {
		case ok:
			if err := set(field, given(field, context[key])); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", key, err))
			}
		case key != "stage" && key != "stages" && !foreign(key):
			problems = append(problems, unknown(key, fields))
		}
	}
	return problems
}

// foreign: CDK's own keys have a colon, a slash or an @ in them, but for two.
func foreign(key string) bool {
	return strings.ContainsAny(key, ":/@") || key == "cli-telemetry" || key == "acknowledged-issue-numbers"
}

// fields are the settings by key.
func (s *Settings) fields() map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("json"); key != "-" {
			fields[key] = v.Field(i)
		}
	}
	return fields
}

// set decodes value, of JSON's types, into the field, and refuses what the field's
// type does not know.
func set(field reflect.Value, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	field.SetZero() // lists and objects are replaced as a whole
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(field.Addr().Interface()); err != nil {
		return fmt.Errorf("%sis not %s%s", quoted(field.Type(), text), shape(field.Type()), detail(err))
	}
	return nil
}

// quoted is a value that was refused, before what is wrong with it. Accounts and texts
// are not quoted: somebody may have put a secret there.
func quoted(t reflect.Type, value []byte) string {
	if t == reflect.TypeFor[[]App]() || t.Kind() == reflect.String {
		return ""
	}
	return fmt.Sprintf("%.80s ", value)
}

// detail says which member of an object or list is wrong, where the decoder knows.
func detail(err error) string {
	if wrong := (*json.UnmarshalTypeError)(nil); !errors.As(err, &wrong) {
		return " (" + strings.TrimPrefix(err.Error(), "json: ") + ")"
	} else if wrong.Field != "" {
		return fmt.Sprintf(" (%s is a %s)", wrong.Field, wrong.Value)
	}
	return ""
}

// given makes of the text that -c gives a value for the field.
func given(field reflect.Value, value any) any {
	text, ok := value.(string)
	if !ok || field.Type() == reflect.TypeFor[string]() {
		return value
	}
	var decoded any
	if json.Unmarshal([]byte(text), &decoded) == nil {
		return decoded
	}
	if field.Type() == reflect.TypeFor[[]string]() {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	}
	return text
}

// shape says what a value should look like.
func shape(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[[]string]():
		return `a list of texts such as ["a", "b"]`
	case reflect.TypeFor[[]App]():
		return `a list such as [{"name": "shop", "kind": "official_account", "appId": "wx..."}]`
	case reflect.TypeFor[*Domain]():
		return `an object such as {"name": "api.example.com", "certificateArn": "arn:..."}`
	case reflect.TypeFor[map[string]Throttle]():
		return `an object such as {"signature": {"rate": 500, "burst": 1000}}`
	case reflect.TypeFor[map[string]int]():
		return `an object such as {"signature": 100}`
	case reflect.TypeFor[string]():
		return "a text in quotes"
	case reflect.TypeFor[int](), reflect.TypeFor[*int]():
		return "a whole number"
	}
	return "true or false"
}

func unknown(key string, fields map[string]reflect.Value) error {
	return fmt.Errorf("%s: is no setting; there are %s", key, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
}

// number is empty for a number that is not set.
func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
