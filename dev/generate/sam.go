package generate

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store"
)

//go:embed template.yaml.tmpl
var samSource string

var samTemplate = template.Must(template.New("template.yaml").Funcs(template.FuncMap{
	"logical": logical, "secret": secretID, "quote": quoteYAML, "list": listYAML, "arn": samARN,
	"variables": samVariables, "local": samLocal,
}).Parse(samSource))

// samYAML is template.yaml.
func samYAML() []byte {
	var parameters []config.Variable
	var secrets, invokes []string
	for _, f := range manifest.Functions() {
		for _, name := range f.Env {
			v := variable(name)
			if resource(f, name) == "" && !slices.ContainsFunc(parameters, func(p config.Variable) bool { return p.Name == name }) {
				parameters = append(parameters, v)
			}
		}
		if f.Secret != "" && !slices.Contains(secrets, f.Secret) {
			secrets = append(secrets, f.Secret)
		}
		if f.Invokes != "" {
			invokes = append(invokes, f.Invokes)
		}
	}
	var b bytes.Buffer
	if err := samTemplate.Execute(&b, map[string]any{
		"Parameters": parameters, "Invokes": invokes, "Secrets": secrets, "Functions": manifest.Functions(),
		"Key": store.TableKey, "TTL": store.TableTTL, "LowThrottle": manifest.LowThrottle(),
		"MaxEventAge": manifest.MaxEventAge.Seconds(), "ScheduleRetries": manifest.ScheduleRetries,
		"InvocationRetries": manifest.InvocationRetries, "StreamRetries": manifest.StreamRetries, "StreamBatch": manifest.StreamBatch,
	}); err != nil {
		panic(err) // the template is a constant
	}
	return b.Bytes()
}

func variable(name string) config.Variable {
	all := config.Variables()
	return all[slices.IndexFunc(all, func(v config.Variable) bool { return v.Name == name })]
}

// resource is the value of a variable that names a resource of the template; ""
// where a parameter gives it.
func resource(f manifest.Function, name string) string {
	switch name {
	case config.EnvTableName:
		return "!Ref table"
	case f.Secret:
		return "!Ref " + secretID(name)
	case f.Bus:
		return "!Ref bus"
	}
	return ""
}

// samValue is a variable and what the template sets it to.
type samValue struct{ Name, Value string }

func samVariables(f manifest.Function) (values []samValue) {
	for _, name := range f.Env {
		value := resource(f, name)
		if value == "" {
			value = "!Ref " + logical(name)
		}
		values = append(values, samValue{name, value})
	}
	return values
}

// samLocal lists the variables that a function can have under sam local: the addresses of
// services, and secrets in place of Secrets Manager's.
func samLocal(f manifest.Function) []string {
	names := []string{"AWS_ENDPOINT_URL_DYNAMODB"}
	if f.Bus != "" {
		names = append(names, "AWS_ENDPOINT_URL_EVENTBRIDGE")
	}
	if f.Invokes != "" {
		names = append(names, "AWS_ENDPOINT_URL_LAMBDA")
	}
	return append(names, map[string][]string{
		config.EnvSecretsARN:     {config.EnvAppSecret, config.EnvAppSecrets},
		config.EnvPushSecretsARN: {config.EnvToken, config.EnvAESKey, config.EnvPushSecrets},
	}[f.Secret]...)
}

// samARN is the ARN of what a statement's variable names. That of a function is made
// from its name, so it must be one of this account and region.
func samARN(f manifest.Function, s manifest.Statement) string {
	switch s.Resource {
	case config.EnvTableName:
		return "!GetAtt table.Arn"
	case f.Bus:
		return "!GetAtt bus.Arn"
	case f.Invokes:
		return "!Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${" + logical(s.Resource) + "}"
	}
	return resource(f, s.Resource) // a secret's value is its ARN
}

var word = regexp.MustCompile(`[A-Za-z0-9]+`)

// logical is the parameter of a variable: WECHAT_APP_ID is WechatAppId.
func logical(variable string) string { return pascal(strings.ToLower(variable)) }

func pascal(text string) string {
	return strings.Join(word.FindAllString(word.ReplaceAllStringFunc(text, func(w string) string { return strings.ToUpper(w[:1]) + w[1:] }), -1), "")
}

// secretID is the resource of the secret that a variable names:
// WECHAT_PUSH_SECRETS_ARN is wechatPushSecrets.
func secretID(variable string) string {
	return "w" + strings.TrimSuffix(logical(variable), "Arn")[1:]
}

// quoteYAML quotes a text. A JSON string is a YAML string.
func quoteYAML(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text)
	return strings.TrimSpace(b.String())
}

// listYAML writes a list of texts, quoted, between brackets.
func listYAML(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quoteYAML(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
