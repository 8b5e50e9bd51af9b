package stack

import (
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"wechatfn/shared/account"
	"wechatfn/shared/manifest"
)

// placeholderAppID is in cdk.json until somebody writes the AppID of an account there.
const placeholderAppID = "wx0000000000000000"

// placeholder reports whether cdk.json still has the placeholder.
func (s *Settings) placeholder() bool {
	return slices.ContainsFunc(s.Apps, func(a App) bool { return a.AppID == placeholderAppID })
}

// has reports whether there is an account of such a kind.
func (s *Settings) has(kind func(string) bool) bool {
	return slices.ContainsFunc(s.Apps, func(a App) bool { return kind(a.Kind) })
}

// signs reports whether there are pages to sign: those of official accounts.
func (s *Settings) signs() bool {
	return s.has(func(kind string) bool { return kind == string(account.OfficialAccount) })
}

// pages reports whether there are web pages that call the API.
func (s *Settings) pages() bool {
	return s.has(func(kind string) bool { return kind != string(account.MiniProgram) })
}

// china reports whether the stage is in the partition aws-cn.
func (s *Settings) china() bool { return strings.HasPrefix(s.Region, "cn-") }

// checks collects what is wrong.
type checks struct {
	*Settings
	problems []error
}

func (s *Settings) check() []error {
	c := &checks{Settings: s, problems: s.checkVariables()}
	c.accounts()
	c.encrypted()
	c.domain()
	c.egress()
	c.perFunction()
	c.others()
	c.length()
	c.built()
	return c.problems
}

// refuse adds a problem: the key, what is wrong, and what to do.
func (c *checks) refuse(key, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: "+format, append([]any{key}, args...)...))
}

// matches refuses a value that is set and does not match, unless the functions' own
// configuration has refused it already.
func (c *checks) matches(key, value string, shape *regexp.Regexp, fix string) {
	refused := slices.ContainsFunc(c.problems, func(err error) bool { return strings.HasPrefix(err.Error(), key+": ") })
	if value != "" && !refused && !shape.MatchString(value) {
		c.refuse(key, "%q %s", value, fix)
	}
}

// here refuses an ARN of another region than the stack's, if both are known.
func (c *checks) here(key, arn, fix string) {
	parts := strings.Split(arn, ":")
	if len(parts) > 4 && c.Region != "" && parts[3] != c.Region {
		c.refuse(key, "is of %s, and the stack of %s; %s", parts[3], c.Region, fix)
	}
}

// oneOf refuses a value that is not one of the choices.
func (c *checks) oneOf(key, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		c.refuse(key, "%q is not one of %s", value, strings.Join(choices, ", "))
	}
}

func (c *checks) accounts() {
	if len(c.Apps) == 0 {
		c.refuse("apps", `lists no account; add one, such as {"name": "default", "kind": "official_account", "appId": "wx..."}`)
	} else if !c.has(func(kind string) bool { return kind != string(account.Website) }) {
		c.refuse("apps", "lists websites alone, which only log users in: there is no token to renew and no message to receive; add an official_account or a mini_program")
	}
}

// encrypted refuses plain http in a production stage.
func (c *checks) encrypted() {
	if !c.IsProduction() {
		return
	}
	for _, origin := range c.AllowedOrigins {
		if strings.HasPrefix(strings.ToLower(origin), "http:") {
			c.refuse("allowedOrigins", "%q is not encrypted, so others on the network could act as that page; write https, or try it in the stage dev", origin)
		}
	}
	if strings.HasPrefix(strings.ToLower(c.APIBase), "http:") {
		c.refuse("apiBase", "%q is not encrypted, and AppSecrets are sent there; write https", c.APIBase)
	}
}

var (
	hostName       = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	certificateARN = regexp.MustCompile(`^arn:aws(-cn)?:acm:([a-z0-9-]+):[0-9]{12}:certificate/[0-9a-f-]+$`)
	secretARN      = regexp.MustCompile(`^arn:aws(-cn)?:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$`)
	allocationID   = regexp.MustCompile(`^eipalloc-([0-9a-f]{8}|[0-9a-f]{17})$`)
	apiID          = regexp.MustCompile(`^[a-z0-9]{10}$`)
	functionName   = regexp.MustCompile(`^(arn:aws(-cn)?:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?$`)
	accountID      = regexp.MustCompile(`^[0-9]{12}$`)
	regionName     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

func (c *checks) domain() {
	if c.Domain == nil {
		if c.KeepAPIURL {
			c.refuse("keepApiUrl", "is true, and there is no domain; take it out")
		}
		return
	}
	if !hostName.MatchString(c.Domain.Name) {
		c.refuse("domain", "name %q is not a host name in lower case; write one such as api.example.com", c.Domain.Name)
	}
	match := certificateARN.FindStringSubmatch(c.Domain.CertificateARN)
	switch {
	case match == nil:
		c.refuse("domain", "certificateArn %q is not the ARN of a certificate in ACM, such as arn:aws:acm:REGION:ACCOUNT:certificate/ID", c.Domain.CertificateARN)
	case c.Region != "" && match[2] != c.Region:
		c.refuse("domain", "certificateArn is of %s, and the API of %s; take a certificate of the API's region", match[2], c.Region)
	}
}

func (c *checks) egress() {
	c.oneOf("egress", c.Egress, EgressNone, EgressProxy, EgressNAT)
	c.matches("proxySecretArn", c.ProxySecretARN, secretARN, "is not the ARN of a secret in Secrets Manager; create one whose text is the proxy's URL")
	c.matches("eipAllocationId", c.EIPAllocationID, allocationID, "is not the ID of an Elastic IP, such as eipalloc-0123456789abcdef0")
	c.here("proxySecretArn", c.ProxySecretARN, "CloudFormation reads secrets of its own region; store it there")
	if u, err := url.Parse(c.ProxyURL); err == nil && u.User != nil {
		c.refuse("proxyUrl", "holds a user or a password, which everybody could read in the template; put the whole URL into a secret of Secrets Manager, and that secret's ARN into proxySecretArn")
	}
	proxy := c.ProxyURL != "" || c.ProxySecretARN != ""
	switch {
	case c.Egress == EgressProxy && !proxy:
		c.refuse("egress", "is proxy, and no proxy is named; set proxyUrl, or proxySecretArn where the proxy wants a password")
	case c.Egress != EgressProxy && proxy:
		c.refuse("egress", "is %q, and a proxy is named; write proxy, or take proxyUrl and proxySecretArn out", c.Egress)
	case c.ProxyURL != "" && c.ProxySecretARN != "":
		c.refuse("proxyUrl", "is set and so is proxySecretArn; remove one of them")
	}
	if c.EIPAllocationID != "" && c.Egress != EgressNAT {
		c.refuse("eipAllocationId", "is set, and egress is %q; write nat, or take it out", c.Egress)
	}
}

// mostReserved: an account usually has 1000, and Lambda requires that 100 stay unreserved.
const mostReserved = 900

func (c *checks) perFunction() {
	for _, name := range slices.Sorted(maps.Keys(c.Reserved)) {
		c.function("reservedConcurrency", name)
		if n := c.Reserved[name]; n < 1 || n > mostReserved {
			c.refuse("reservedConcurrency", "%s: %d is not from 1 to %d; with 0 the function would never run", name, n, mostReserved)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Throttles)) {
		c.function("throttles", name)
		if t := c.Throttles[name]; t.Rate < 1 || t.Burst < t.Rate || t.Burst > 10000 {
			c.refuse("throttles", "%s: rate %d, burst %d; give a rate from 1 (requests a second), and a burst from the rate to 10000", name, t.Rate, t.Burst)
		}
	}
}

func (c *checks) function(key, name string) {
	if _, ok := manifest.Lookup(name); ok {
		return
	}
	var names []string
	for _, f := range manifest.Functions() {
		names = append(names, f.Name)
	}
	c.refuse(key, "%q is no function; there are %s", name, strings.Join(names, ", "))
}

// retentions are the numbers of days that CloudWatch Logs accepts.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (c *checks) others() {
	c.matches("account", c.Account, accountID, "is not the ID of an AWS account, such as \"123456789012\", in quotes")
	c.matches("region", c.Region, regionName, "is not a region, such as ap-east-1")
	c.matches("replyFunction", c.ReplyFunction, functionName, "is neither the name nor the whole ARN of a function")
	c.here("replyFunction", c.ReplyFunction, "Lambda does not call across regions; deploy it there")
	c.oneOf("architecture", c.Architecture, ARM64, X8664)
	if c.Tracing && c.china() {
		c.refuse("tracing", "is true, and Lambda sends no traces to X-Ray in %s; take it out", c.Region)
	}
	if !slices.Contains(retentions, c.LogRetentionDays) {
		c.refuse("logRetentionDays", "%d is not one that CloudWatch knows: %s", c.LogRetentionDays, strings.Trim(fmt.Sprint(retentions), "[]"))
	}
	if address, err := mail.ParseAddress(c.AlarmEmail); c.AlarmEmail != "" && (err != nil || address.Address != c.AlarmEmail) {
		c.refuse("alarmEmail", "%q is not an address such as ops@example.com", c.AlarmEmail)
	}
	for i, id := range c.AuthorizerAPIs {
		if !apiID.MatchString(id) {
			c.refuse("authorizerApis", "%q is not the ID of an HTTP API, such as a1b2c3d4e5", id)
		} else if slices.Contains(c.AuthorizerAPIs[:i], id) {
			c.refuse("authorizerApis", "%q is listed twice; remove one of them", id)
		}
	}
}

// mostVariables is how many bytes the settings may fill: Lambda allows a function 4096,
// and what the stack itself fills in needs less than the rest.
const mostVariables = 3500

// length refuses settings that Lambda would refuse for their length.
func (c *checks) length() {
	for _, f := range c.included() {
		n := 0
		for _, v := range c.variables() {
			if v.value != "" && slices.Contains(f.Env, v.name) {
				n += len(v.name) + len(v.value)
			}
		}
		if n > mostVariables {
			c.refuse("apps", "with the other settings they make %d bytes of variables for %s, and Lambda has room for %d; list fewer accounts and allowedOrigins, or share them out to two stages", n, f.Name, mostVariables)
			return
		}
	}
}

// built checks that the functions are built.
func (c *checks) built() {
	for _, f := range manifest.Functions() {
		bootstrap := filepath.Join(c.folder(f.Name), "bootstrap")
		if info, err := os.Stat(bootstrap); err != nil || !info.Mode().IsRegular() {
			c.refuse(bootstrap, "is missing; run make build")
		}
	}
}

// folder is where a function is built.
func (s *Settings) folder(function string) string {
	if s.Architecture == X8664 {
		return filepath.Join(s.Build, "amd64", function)
	}
	return filepath.Join(s.Build, function)
}
