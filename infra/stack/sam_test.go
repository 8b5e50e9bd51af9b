package stack

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/oasdiff/yaml3"

	"wechatfn/shared/manifest"
)

// rendered is what a deployment makes of a function of the manifest, as text to
// compare.
type rendered struct {
	routes     []string // key, rate, burst
	statements []string // ID, actions, patterns of keys, all conditions
	schedule   string
	filter     string
}

// ofManifest is what both deployments must render.
func ofManifest(f manifest.Function) (r rendered) {
	for _, route := range f.Gateway() {
		r.routes = append(r.routes, fmt.Sprint(route.Key, " ", route.Throttle.Rate, " ", route.Throttle.Burst))
	}
	for _, s := range f.Statements() {
		condition := "null"
		if len(s.Keys) > 0 {
			condition = show(map[string]any{"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": s.Keys}, "Null": map[string]any{"dynamodb:LeadingKeys": "false"}})
		}
		r.statements = append(r.statements, fmt.Sprint(s.ID, " ", s.Actions, " ", condition))
	}
	r.schedule, r.filter = f.Schedule(), f.StreamFilter()
	return r.sorted()
}

func (r rendered) sorted() rendered {
	slices.Sort(r.routes)
	slices.Sort(r.statements)
	return r
}

// addStatement takes a statement that allows something and that the manifest may
// have made: the others are those that CDK needs for itself, see TestNoRightsBeyondTheManifestAndTheStage.
func (r *rendered) addStatement(s map[string]any) {
	id, _ := s["Sid"].(string)
	if !strings.HasPrefix(id, "Items") && !slices.Contains([]string{"Secret", "Bus", "Invoke"}, id) {
		return
	}
	condition := "null"
	if s["Condition"] != nil {
		like, null := at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys"), at(s, "Condition", "Null", "dynamodb:LeadingKeys")
		condition = show(map[string]any{"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": list(like)}, "Null": map[string]any{"dynamodb:LeadingKeys": null}})
	}
	r.statements = append(r.statements, fmt.Sprint(id, " ", list(s["Action"]), " ", condition))
}

// ofCDK reads a synthesized template. The variant must set the function that
// answers messages, and no throttles of its own.
func ofCDK(t *testing.T, m *template, f manifest.Function) (r rendered) {
	t.Helper()
	id, _ := m.function(t, f.Name)
	settings := at(m.one(t, "AWS::ApiGatewayV2::Stage").Properties, "RouteSettings")
	for _, route := range m.all("AWS::ApiGatewayV2::Route") {
		integration := m.Resources[at(route.Properties, "Target", "Fn::Join", 1, 1, "Ref").(string)]
		if at(integration.Properties, "IntegrationUri", "Fn::GetAtt", 0) == id {
			key := route.Properties["RouteKey"].(string)
			r.routes = append(r.routes, fmt.Sprint(key, " ", at(settings, key, "ThrottlingRateLimit"), " ", at(settings, key, "ThrottlingBurstLimit")))
		}
	}
	for _, s := range statements(t, m.role(t, f.Name)) {
		r.addStatement(s)
	}
	for _, schedule := range m.all("AWS::Scheduler::Schedule") {
		if at(schedule.Properties, "Target", "Arn", "Fn::GetAtt", 0) == id {
			r.schedule = schedule.Properties["ScheduleExpression"].(string)
		}
	}
	for _, stream := range m.all("AWS::Lambda::EventSourceMapping") {
		if at(stream.Properties, "FunctionName", "Ref") == id {
			r.filter = at(stream.Properties, "FilterCriteria", "Filters", 0, "Pattern").(string)
		}
	}
	return r.sorted()
}

// ofSAM reads template.yaml.
func ofSAM(t *testing.T, sam any, f manifest.Function) (r rendered) {
	t.Helper()
	properties := at(sam, "Resources", f.Name, "Properties")
	events, _ := at(properties, "Events").(map[string]any)
	for id, event := range events {
		properties := at(event, "Properties")
		switch at(event, "Type") {
		case "HttpApi":
			key := fmt.Sprint(at(properties, "Method"), " ", at(properties, "Path"))
			r.routes = append(r.routes, fmt.Sprint(key, " ", at(properties, "RouteSettings", "ThrottlingRateLimit"), " ", at(properties, "RouteSettings", "ThrottlingBurstLimit")))
		case "ScheduleV2":
			r.schedule = at(properties, "ScheduleExpression").(string)
		case "DynamoDB":
			r.filter = at(properties, "FilterCriteria", "Filters", 0, "Pattern").(string)
		default:
			t.Errorf("%s is of an unknown type", id)
		}
	}
	each := func(any) {}
	each = func(value any) { // policies are lists in lists, because of !If
		switch value := value.(type) {
		case map[string]any:
			if value["Sid"] != nil {
				r.addStatement(value)
			}
			each(value["Statement"])
		case []any:
			for _, one := range value {
				each(one)
			}
		}
	}
	each(at(properties, "Policies"))
	return r.sorted()
}

// readSAM reads template.yaml. Tags such as !Ref are dropped.
func readSAM(t *testing.T) any {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return plain(document.Content[0])
}

func plain(node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		values := map[string]any{}
		for i := 0; i < len(node.Content); i += 2 {
			values[node.Content[i].Value] = plain(node.Content[i+1])
		}
		return values
	case yaml.SequenceNode:
		values := []any{}
		for _, one := range node.Content {
			values = append(values, plain(one))
		}
		return values
	}
	return node.Value
}

// TestCDKAndSAMRenderTheManifest: the same routes, throttles, statements and triggers.
func TestCDKAndSAMRenderTheManifest(t *testing.T) {
	cdk, sam := synth(t, "china-none"), readSAM(t)
	for _, f := range manifest.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			want := ofManifest(f)
			for _, got := range []struct {
				name string
				rendered
			}{{"CDK", ofCDK(t, cdk, f)}, {"SAM", ofSAM(t, sam, f)}} {
				if !slices.Equal(got.routes, want.routes) {
					t.Errorf("%s: routes\n got %q\nwant %q", got.name, got.routes, want.routes)
				}
				if !slices.Equal(got.statements, want.statements) {
					t.Errorf("%s: statements\n got %q\nwant %q", got.name, got.statements, want.statements)
				}
				if got.schedule != want.schedule || got.filter != want.filter {
					t.Errorf("%s: schedule %q, filter %q\nwant %q, %q", got.name, got.schedule, got.filter, want.schedule, want.filter)
				}
			}
		})
	}
}

// TestCDKAndSAMThrottleTheRestAlike: what is no route of the manifest.
func TestCDKAndSAMThrottleTheRestAlike(t *testing.T) {
	low := manifest.LowThrottle()
	want := map[string]string{"ThrottlingRateLimit": fmt.Sprint(low.Rate), "ThrottlingBurstLimit": fmt.Sprint(low.Burst)}
	for _, c := range []struct {
		name     string
		settings any
	}{
		{"CDK", at(synth(t, "prod").one(t, "AWS::ApiGatewayV2::Stage").Properties, "DefaultRouteSettings")},
		{"SAM", at(readSAM(t), "Resources", "api", "Properties", "DefaultRouteSettings")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]string{}
			for name := range want {
				got[name] = fmt.Sprint(at(c.settings, name))
			}
			if !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
