package stack

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/manifest"
)

// statements are those of a role's only policy.
func statements(t *testing.T, role resource) []map[string]any {
	t.Helper()
	if role.Properties["ManagedPolicyArns"] != nil {
		t.Errorf("managed policies: %s", show(role.Properties["ManagedPolicyArns"]))
	}
	policies := role.Properties["Policies"].([]any)
	if len(policies) != 1 {
		t.Errorf("%d policies", len(policies))
	}
	var out []map[string]any
	for _, s := range at(policies[0], "PolicyDocument", "Statement").([]any) {
		out = append(out, s.(map[string]any))
	}
	return out
}

// list makes a list of IAM's "one or several".
func list(value any) (out []string) {
	if text, ok := value.(string); ok {
		return []string{text}
	}
	values, _ := value.([]any)
	for _, v := range values {
		out = append(out, v.(string))
	}
	return out
}

// TestTableRightsAreTheGrants: each function may use the actions of its grants, on the
// kinds of its grants, and only in requests that name keys.
func TestTableRightsAreTheGrants(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for _, f := range manifest.Functions() {
			want, got := map[string]bool{}, map[string]bool{}
			for _, g := range f.Grants {
				for _, action := range g.Access.Actions() {
					want["dynamodb:"+action+" "+g.Kind+"#*"] = true
				}
			}
			for _, s := range statements(t, m.role(t, f.Name)) {
				if s["Sid"] == "Stream" || s["Sid"] == "Streams" || !strings.HasPrefix(list(s["Action"])[0], "dynamodb:") {
					continue
				}
				if at(s, "Condition", "Null", "dynamodb:LeadingKeys") != "false" || m.Resources[at(s, "Resource", "Fn::GetAtt", 0).(string)].Type != "AWS::DynamoDB::Table" {
					t.Errorf("%s: %s", f.Name, show(s))
				}
				for _, action := range list(s["Action"]) {
					for _, kind := range list(at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys")) {
						got[action+" "+kind] = true
					}
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s may %q, granted is %q", f.Name, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
		}
	})
}

// TestNoRightsBeyondTheManifestAndTheStage. The rights for a network are the same in
// every egress, so that a stage can leave its network.
func TestNoRightsBeyondTheManifestAndTheStage(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for _, f := range manifest.Functions() {
			_, r := m.function(t, f.Name)
			want := map[string]bool{"Logs": true, "Secret": f.Secret != "", "Bus": f.Bus != "", "Stream": f.Stream != nil, "Streams": f.Stream != nil, "Failures": f.Every > 0,
				"Network": f.CallsWeChat, "NetworkNotByCode": f.CallsWeChat, "Traces": r.Properties["TracingConfig"] != nil,
				"Invoke": f.Invokes != "" && at(r.Properties, "Environment", "Variables", f.Invokes) != nil}
			maps.DeleteFunc(want, func(_ string, wanted bool) bool { return !wanted })
			got := map[string]bool{}
			for _, s := range statements(t, m.role(t, f.Name)) {
				sid := s["Sid"].(string)
				if !strings.HasPrefix(sid, "Items") {
					got[sid] = true
				}
				if everywhere := show(s["Resource"]) == `"*"`; everywhere != slices.Contains([]string{"Network", "NetworkNotByCode", "Traces"}, sid) || (s["Effect"] == "Deny") != (sid == "NetworkNotByCode") {
					t.Errorf("%s: %s", f.Name, show(s))
				}
				for _, action := range list(s["Action"]) {
					if strings.Contains(action, "*") || action == "dynamodb:Scan" || action == "dynamodb:Query" {
						t.Errorf("%s: %s", f.Name, action)
					}
				}
				if sid == "Secret" && at(s, "Resource", "Ref") != at(r.Properties, "Environment", "Variables", f.Secret, "Ref") {
					t.Errorf("%s may read another secret than that of its variable", f.Name)
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s has %v, want %v", f.Name, got, want)
			}
		}
	})
}

// TestCDKAddsNoPolicyRoleOrFunction: the only roles are those of the functions and of
// the schedule.
func TestCDKAddsNoPolicyRoleOrFunction(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		if n := len(m.all("AWS::IAM::Policy")) + len(m.all("AWS::IAM::ManagedPolicy")); n != 0 {
			t.Errorf("%d policies beside the roles", n)
		}
		if n := len(m.all("AWS::IAM::Role")); n != len(manifest.Functions())+1 {
			t.Errorf("%d roles", n)
		}
		if n := len(m.all("AWS::Lambda::Function")); n != len(manifest.Functions()) {
			t.Errorf("%d functions", n)
		}
	})
}

// Other APIs than the stack's own: see TestAuthorizerServesTheNamedAPIOnly.
func TestOnlyAPIsMayInvokeFunctions(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for id, p := range m.all("AWS::Lambda::Permission") {
			if p.Properties["Principal"] != "apigateway.amazonaws.com" || p.Properties["SourceArn"] == nil {
				t.Errorf("%s: %s", id, show(p.Properties))
			}
		}
	})
}

// role is that of a function.
func (m *template) role(t *testing.T, function string) resource {
	t.Helper()
	_, r := m.function(t, function)
	return m.Resources[at(r.Properties, "Role", "Fn::GetAtt", 0).(string)]
}

// TestOnlyCallersOfWeChatAreInTheNetwork, where a stage has one.
func TestOnlyCallersOfWeChatAreInTheNetwork(t *testing.T) {
	for _, c := range []struct {
		variant string
		nat     bool
	}{{"dev", false}, {"proxy", false}, {"full", false}, {"china-none", false}, {"prod", true}, {"china", true}} {
		t.Run(c.variant, func(t *testing.T) {
			m := synth(t, c.variant)
			for _, f := range manifest.Functions() {
				_, r := m.function(t, f.Name)
				if inside := r.Properties["VpcConfig"] != nil; inside != (c.nat && f.CallsWeChat) {
					t.Errorf("%s is in the network: %v", f.Name, inside)
				}
			}
			if !c.nat {
				return // TestResourcesOfEachStage finds a network
			}
			group := m.one(t, "AWS::EC2::SecurityGroup").Properties
			if egress := group["SecurityGroupEgress"].([]any); len(egress) != 1 || at(egress[0], "FromPort") != 443.0 || at(egress[0], "ToPort") != 443.0 || group["SecurityGroupIngress"] != nil {
				t.Error(show(group))
			}
		})
	}
}

func TestElasticIP(t *testing.T) {
	t.Run("made, and retained", func(t *testing.T) {
		eip := synth(t, "prod").one(t, "AWS::EC2::EIP")
		if eip.DeletionPolicy != "RetainExceptOnCreate" || eip.Properties["Tags"] != nil {
			t.Error(show(eip))
		}
	})
	t.Run("given", func(t *testing.T) {
		m := synth(t, "china")
		if n := len(m.all("AWS::EC2::EIP")); n != 0 {
			t.Errorf("%d addresses are made", n)
		}
		if got := m.one(t, "AWS::EC2::NatGateway").Properties["AllocationId"]; got != "eipalloc-0123456789abcdef0" {
			t.Error(got)
		}
	})
}
