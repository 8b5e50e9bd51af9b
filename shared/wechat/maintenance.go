package wechat

import (
	"context"
	"net/url"
)

const (
	opClearQuota  = "clear_quota"
	opCallbackIPs = "getcallbackip"
	opDomainIPs   = "get_api_domain_ip"
)

// ClearQuota sets the account's daily call counts back to zero: ten times a month, shared with the
// console. It authenticates with the secret (/cgi-bin/clear_quota/v2), so that it works when the
// quota for tokens is what ran out. It is never tried a second time, as each call uses up a reset.
// https://developers.weixin.qq.com/doc/offiaccount/openApi/clear_quota.html
func (c *Client) ClearQuota(ctx context.Context, appID, secret string) error {
	body := struct {
		AppID  string `json:"appid"`
		Secret string `json:"appsecret"`
	}{appID, secret}
	return c.do(ctx, call{op: opClearQuota, path: "/cgi-bin/clear_quota/v2", body: body, secrets: []string{secret}}, nil)
}

// CallbackIPs lists where WeChat's pushes come from: addresses, or CIDR blocks. For firewalls, to
// be read daily; it authenticates nothing.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_the_WeChat_server_IP_address.html
func (c *Client) CallbackIPs(ctx context.Context, accessToken string) ([]string, error) {
	return c.ips(ctx, opCallbackIPs, accessToken)
}

// APIDomainIPs lists the addresses behind api.weixin.qq.com, for firewalls.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_the_WeChat_server_IP_address.html
func (c *Client) APIDomainIPs(ctx context.Context, accessToken string) ([]string, error) {
	return c.ips(ctx, opDomainIPs, accessToken)
}

func (c *Client) ips(ctx context.Context, op, accessToken string) ([]string, error) {
	r := call{
		op: op, path: "/cgi-bin/" + op, repeat: true,
		query: url.Values{"access_token": {accessToken}}, secrets: []string{accessToken},
	}
	var a struct {
		List []string `json:"ip_list"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return nil, err
	}
	if len(a.List) == 0 {
		return nil, &Error{Op: op, Status: 200, Message: "unexpected answer: no addresses"}
	}
	return a.List, nil
}
