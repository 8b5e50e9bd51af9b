package stack

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/manifest"
)

// TestRoutesAreThoseOfTheManifest: its routes, the preflights of those that pages call,
// and no other.
func TestRoutesAreThoseOfTheManifest(t *testing.T) {
	want := map[string]string{}
	for _, f := range manifest.Functions() {
		for _, r := range f.Routes {
			path := strings.Replace(r.Path, "/MP_verify_{code}.txt", "/{filename}", 1)
			want[r.Method+" "+path] = f.Name
			if slices.Contains(f.Env, "ALLOWED_ORIGINS") {
				want["OPTIONS "+path] = f.Name
			}
		}
	}
	each(t, func(t *testing.T, m *template) {
		got := map[string]string{}
		for _, r := range m.all("AWS::ApiGatewayV2::Route") {
			integration := m.Resources[at(r.Properties, "Target", "Fn::Join", 1, 1, "Ref").(string)]
			function := m.Resources[at(integration.Properties, "IntegrationUri", "Fn::GetAtt", 0).(string)]
			name := function.Properties["FunctionName"].(string)
			got[r.Properties["RouteKey"].(string)] = name[strings.LastIndex(name, "-")+1:]
			if integration.Properties["PayloadFormatVersion"] != "2.0" {
				t.Errorf("%s: %v", name, integration.Properties)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
		stage := m.one(t, "AWS::ApiGatewayV2::Stage")
		for route := range want {
			if rate, _ := at(stage.Properties, "RouteSettings", route, "ThrottlingRateLimit").(float64); rate < 1 {
				t.Errorf("%s is not throttled", route)
			}
		}
		if n := len(stage.DependsOn.([]any)); n < len(want) {
			t.Errorf("the stage waits for %d routes of %d", n, len(want))
		}
	})
}

func (m *template) rate(t *testing.T, route string) float64 {
	t.Helper()
	limit, _ := at(m.one(t, "AWS::ApiGatewayV2::Stage").Properties, "RouteSettings", route, "ThrottlingRateLimit").(float64)
	return limit
}

func TestThrottles(t *testing.T) {
	for _, c := range []struct {
		variant, route string
		want           float64
	}{
		{"prod", "GET /signature", 500}, {"prod", "GET /signature/health", 50}, {"prod", "OPTIONS /signature", 50}, {"prod", "GET /{filename}", 50},
		{"prod", "POST /verify/{app}", 200}, {"prod", "POST /oauth/token", 50}, {"prod", "OPTIONS /oauth/token", 50},
		{"full", "GET /signature", 2000}, {"full", "GET /signature/health", 2000}, {"full", "OPTIONS /signature", 2000}, {"full", "GET /verify", 200},
	} {
		t.Run(c.variant+" "+c.route, func(t *testing.T) {
			if got := synth(t, c.variant).rate(t, c.route); got != c.want {
				t.Errorf("throttled to %v, want %v", got, c.want)
			}
		})
	}
}

// The sum of all throttles bounds what an attacker can cause. docs/cost.md names it.
func TestDocumentedSumOfThrottles(t *testing.T) {
	m, sum := synth(t, "prod"), 0.0
	all := at(m.one(t, "AWS::ApiGatewayV2::Stage").Properties, "RouteSettings").(map[string]any)
	for route := range all {
		sum += m.rate(t, route)
	}
	page, err := os.ReadFile("../../docs/cost.md")
	if want := fmt.Sprintf("All %d routes together let %.0f requests a second through", len(all), sum); err != nil || !strings.Contains(strings.ReplaceAll(string(page), ",", ""), want) {
		t.Errorf("docs/cost.md does not say: %s (%v)", want, err)
	}
}

// The query holds codes, states and signatures.
func TestAccessLogHasNoQuery(t *testing.T) {
	format := at(synth(t, "prod").one(t, "AWS::ApiGatewayV2::Stage").Properties, "AccessLogSettings", "Format").(string)
	for _, name := range []string{"query", "header", "cookie", "authorizer", "identity.user "} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(strings.ToLower(format), name) {
				t.Errorf("the access log holds it: %s", format)
			}
		})
	}
	if !strings.Contains(format, "$context.routeKey") || !strings.Contains(format, "$context.status") {
		t.Error(format)
	}
}
