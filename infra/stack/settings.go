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

// Settings are those of one stage. The key in cdk.json, or of -c, is the JSON name. A
// setting that fills a variable of the functions (see variables) is explained, has its
// choices and its default in config.Variables.
type Settings struct {
	Account          string              `json:"account"`         // the AWS account; if empty, that of the credentials
	Region           string              `json:"region"`          // if empty, that of the command line
	Production       *bool               `json:"production"`      // retains the data when the stack is deleted, refuses plain http; if unset, every stage but dev
	Apps             []App               `json:"apps"`            // WeChat accounts; the first one is the default of ?app=
	AllowedOrigins   []string            `json:"allowedOrigins"`  // of pages that are signed for, log users in, and call from a browser
	Domain           *Domain             `json:"domain"`          // a domain name for the API
	KeepAPIURL       bool                `json:"keepApiUrl"`      // serve the gateway's own address beside the domain
	Egress           string              `json:"egress"`          // none, proxy or nat
	ProxyURL         string              `json:"proxyUrl"`        // without user and password
	ProxySecretARN   string              `json:"proxySecretArn"`  // of a secret that holds the whole URL of the proxy
	EIPAllocationID  string              `json:"eipAllocationId"` // for nat: an existing address
	Architecture     string              `json:"architecture"`    // arm64 or x86_64
	AlarmEmail       string              `json:"alarmEmail"`      // receives the alarms
	LogLevel         string              `json:"logLevel"`
	LogRetentionDays int                 `json:"logRetentionDays"` // of all log groups
	Tracing          bool                `json:"tracing"`          // X-Ray
	Reserved         map[string]int      `json:"reservedConcurrency"`
	Throttles        map[string]Throttle `json:"throttles"`      // by function, instead of the manifest's
	AuthorizerAPIs   []string            `json:"authorizerApis"` // IDs of HTTP APIs whose authorizer is the oauth function
	Tickets          []string            `json:"tickets"`
	TokenMode        string              `json:"tokenMode"`
	APIBase          string              `json:"apiBase"`
	SignatureCache   string              `json:"signatureCache"`
	SessionTTL       string              `json:"sessionTtl"`
	SessionIdle      string              `json:"sessionIdleTimeout"`
	SessionDevices   *int                `json:"sessionDevices"`
	MiniSessionTTL   string              `json:"miniProgramSessionTtl"`
	MiniDataAge      string              `json:"miniProgramDataAge"`
	PushWindow       string              `json:"pushWindow"`
	DomainProofs     []string            `json:"domainProofs"`
	ReplyFunction    string              `json:"replyFunction"`

	Stage string `json:"-"`
	Build string `json:"-"` // the folder with the built functions
}

// App is a WeChat account, see account.Account.
type App struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	AppID   string   `json:"appId"`
	Tickets []string `json:"tickets,omitempty"`
}

// Domain is a domain name for the API and its certificate, which must be in the
// region of the stack.
type Domain struct {
	Name           string `json:"name"`
	CertificateARN string `json:"certificateArn"`
}

// Throttle is for each route of a function, see manifest.Throttle.
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

// Load reads the settings of a stage from CDK's context: from the stage's entry below
// "stages", and then from the context itself (-c key=value), which overrides the entry.
// build is the folder with the built functions. The error joins one sentence for each
// thing that is wrong.
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

// IsProduction reports whether the data of the stage must not be lost.
func (s *Settings) IsProduction() bool {
	if s.Production != nil {
		return *s.Production
	}
	return s.Stage != development
}

// Belongs refuses credentials of another AWS account than the stage's. account is that
// of the credentials. It is empty where there are none: synthesizing needs none. The
// stack itself names no account, see New.
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

// foreign reports whether a key is CDK's own: all but two contain a colon, a slash or an @.
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

// set decodes a JSON value into the field. It refuses members that the field's type
// does not have.
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

// quoted quotes a value that was refused. Accounts and texts are not quoted: they may
// hold a secret by mistake.
func quoted(t reflect.Type, value []byte) string {
	if t == reflect.TypeFor[[]App]() || t.Kind() == reflect.String {
		return ""
	}
	return fmt.Sprintf("%.80s ", value)
}

// detail names the member of an object or list that is wrong, where the decoder knows it.
func detail(err error) string {
	if wrong := (*json.UnmarshalTypeError)(nil); !errors.As(err, &wrong) {
		return " (" + strings.TrimPrefix(err.Error(), "json: ") + ")"
	} else if wrong.Field != "" {
		return fmt.Sprintf(" (%s is a %s)", wrong.Field, wrong.Value)
	}
	return ""
}

// given converts the text of -c to a value for the field.
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

// shape describes the values of a type.
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
