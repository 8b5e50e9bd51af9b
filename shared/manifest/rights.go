package manifest

import (
	"slices"
	"strings"

	"wechatfn/shared/config"
	"wechatfn/shared/store"
)

// Access is a set of DynamoDB actions.
type Access int

// What a function can be granted. Who may write may read too: after a write of unknown
// outcome the store reads the item back.
const (
	Read      Access = 1 << iota // GetItem
	write                        // PutItem, for Create and Replace
	ReadWrite = write | Read
)

// Grant gives access to the items of a kind (store.Kind...).
type Grant struct {
	Kind   string
	Access Access
}

// Statement is an IAM policy statement: it allows some actions on one resource.
type Statement struct {
	ID       string   // letters and digits, unique in a function
	Actions  []string // with the prefix of the service: dynamodb:GetItem
	Resource string   // variable that names the resource
	// Keys are patterns (ticket#*). Each key of a request must match one of them,
	// and the request must name a key. Empty for what is not the table.
	Keys []string
	// Optional: the variable may be unset. Then there is nothing to allow.
	Optional bool
}

// Statements lists what the function may do: one statement for all kinds of items
// with the same access, and one each for its secret, its bus and the function that
// it invokes. What a deployment adds for itself (logs, a network) is not in here.
func (f Function) Statements() []Statement {
	var statements []Statement
	for _, g := range f.Grants {
		id := "Items" + strings.Join(g.Access.Actions(), "")
		i := slices.IndexFunc(statements, func(s Statement) bool { return s.ID == id })
		if i < 0 {
			i = len(statements)
			statements = append(statements, Statement{ID: id, Actions: prefixed(g.Access.Actions()), Resource: config.EnvTableName})
		}
		statements[i].Keys = append(statements[i].Keys, store.Prefix(g.Kind)+"*")
	}
	if f.Secret != "" {
		statements = append(statements, Statement{ID: "Secret", Actions: []string{"secretsmanager:GetSecretValue"}, Resource: f.Secret})
	}
	if f.Bus != "" {
		statements = append(statements, Statement{ID: "Bus", Actions: []string{"events:PutEvents"}, Resource: f.Bus})
	}
	if f.Invokes != "" {
		statements = append(statements, Statement{ID: "Invoke", Actions: []string{"lambda:InvokeFunction"}, Resource: f.Invokes, Optional: true})
	}
	return statements
}

// String lists the DynamoDB actions.
func (a Access) String() string { return strings.Join(a.Actions(), ", ") }

// Actions are the DynamoDB actions to allow, without their dynamodb: prefix.
func (a Access) Actions() []string {
	var actions []string
	for _, one := range []struct {
		access Access
		action string
	}{{Read, "GetItem"}, {write, "PutItem"}} {
		if a&one.access != 0 {
			actions = append(actions, one.action)
		}
	}
	return actions
}

func prefixed(actions []string) []string {
	out := make([]string, len(actions))
	for i, action := range actions {
		out[i] = "dynamodb:" + action
	}
	return out
}
