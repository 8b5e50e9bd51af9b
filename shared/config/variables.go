package config

import "wechatfn/shared/wechat"

// Variable describes one environment variable. The documentation, the SAM template
// and the CDK stack are made from it.
type Variable struct {
	Name    string
	Default string // as it would be written; empty means none
	Example string
	Help    string
	Secret  bool // holds a secret: its value is never written into a template or a log
}

// EnvFunctionName is set by Lambda, never by anybody else.
const EnvFunctionName = "AWS_LAMBDA_FUNCTION_NAME"

// The names of all other variables that Load reads. The manifest, the SAM template and
// the CDK stack take them from here.
const (
	EnvAppID          = "WECHAT_APP_ID"
	EnvAppSecret      = "WECHAT_APP_SECRET"
	EnvApps           = "WECHAT_APPS"
	EnvAppSecrets     = "WECHAT_APP_SECRETS"
	EnvSecretsARN     = "WECHAT_SECRETS_ARN"
	EnvTokenMode      = "WECHAT_TOKEN_MODE"
	EnvTickets        = "WECHAT_TICKETS"
	EnvAPIBase        = "WECHAT_API_BASE"
	EnvProxyURL       = "WECHAT_PROXY_URL"
	EnvOrigins        = "ALLOWED_ORIGINS"
	EnvSignatureCache = "SIGNATURE_CACHE"
	EnvTableName      = "TABLE_NAME"
	EnvLogLevel       = "LOG_LEVEL"
	EnvOpenBase       = "WECHAT_OPEN_BASE"
	EnvPublicURL      = "PUBLIC_URL"
	EnvSessionTTL     = "SESSION_TTL"
	EnvSessionIdle    = "SESSION_IDLE_TIMEOUT"
	EnvSessionDevices = "SESSION_DEVICES"
	EnvMiniSessionTTL = "MINIPROGRAM_SESSION_TTL"
	EnvMiniDataAge    = "MINIPROGRAM_DATA_AGE"
	EnvToken          = "WECHAT_TOKEN"
	EnvAESKey         = "WECHAT_ENCODING_AES_KEY"
	EnvTokenPrevious  = "WECHAT_TOKEN_PREVIOUS"
	EnvAESKeyPrevious = "WECHAT_ENCODING_AES_KEY_PREVIOUS"
	EnvPushSecrets    = "WECHAT_PUSH_SECRETS"
	EnvPushSecretsARN = "WECHAT_PUSH_SECRETS_ARN"
	EnvPushWindow     = "WECHAT_PUSH_WINDOW"
	EnvDomainProofs   = "WECHAT_DOMAIN_PROOFS"
	EnvEventBus       = "EVENT_BUS_NAME"
	EnvReplyFunction  = "REPLY_FUNCTION"
)

// defaultOf returns the default of a variable as it would be written, and "" for a
// variable that has none. The loader takes it from here, and so do the documentation,
// the SAM template and the CDK stack. It is apart from Variables so that functions do
// not link the texts.
func defaultOf(name string) string {
	switch name {
	case EnvTokenMode:
		return ModeStable
	case EnvTickets:
		return string(wechat.JSAPI)
	case EnvAPIBase:
		return wechat.DefaultBaseURL
	case EnvSignatureCache:
		return CacheNone
	case EnvPushWindow:
		return "10m"
	case EnvOpenBase:
		return wechat.DefaultOpenURL
	case EnvSessionTTL:
		return "720h"
	case EnvSessionIdle:
		return "168h"
	case EnvSessionDevices:
		return "10"
	case EnvMiniSessionTTL:
		return "72h"
	case EnvMiniDataAge:
		return "10m"
	case EnvLogLevel:
		return "info"
	}
	return ""
}

// Variables lists every variable in the order of the documentation.
func Variables() []Variable {
	variables := []Variable{
		{Name: EnvAppID, Example: "wx520c15f417810387", Help: "AppID of the one official account. Its account name is `default`. With several accounts use `WECHAT_APPS`."},
		{Name: EnvAppSecret, Secret: true, Help: "AppSecret of that account, to run functions locally. In the cloud it comes from Secrets Manager."},
		{Name: EnvApps, Example: `[{"name":"shop","kind":"official_account","appId":"wx520c15f417810387"}]`, Help: "Several accounts, as a JSON list. `kind` is `official_account`, `website` or `mini_program`; `tickets` overrides `WECHAT_TICKETS`. The first one is the default of `?app=`."},
		{Name: EnvAppSecrets, Secret: true, Example: `{"shop":"..."}`, Help: "AppSecrets of several accounts, to run functions locally: a JSON object, account name to AppSecret."},
		{Name: EnvSecretsARN, Example: "arn:aws:secretsmanager:...", Help: "Secrets Manager secret that holds the same JSON object, read only by the refresher and the oauth function, cached for 300 s at most and read again when WeChat refuses the AppSecret."},
		{Name: EnvTokenMode, Help: "`stable` uses WeChat's stable_token, `classic` the older token call, which any other system of yours that calls it will invalidate."},
		{Name: EnvTickets, Help: "Tickets that the refresher keeps valid for official accounts, a comma list of `jsapi` and `wx_card`. `wx_card` is needed for card signatures only."},
		{Name: EnvAPIBase, Help: "Where WeChat's API is. `https://hk.api.weixin.qq.com` may be nearer. Locally it can be a simulator."},
		{Name: EnvProxyURL, Secret: true, Example: "http://user:password@proxy.example.com:3128", Help: "Forward proxy for calls to WeChat, the cheap way to a fixed address. The AWS SDK does not use it."},
		{Name: EnvOrigins, Example: "https://www.example.com,https://m.example.com", Help: "Origins of the pages that may be signed for and that may call from a browser (CORS)."},
		{Name: EnvSignatureCache, Help: "`none` makes a new signature each time; `table` stores one per URL in the table until its ticket expires."},
		{Name: EnvToken, Secret: true, Help: "Token of the server URL of the account of `WECHAT_APP_ID`, to run functions locally, as WeChat's console shows it. Pushes that are not signed with it are refused. In the cloud it comes from Secrets Manager."},
		{Name: EnvAESKey, Secret: true, Help: "EncodingAESKey of that account, 43 characters, to run functions locally. With it pushes must come encrypted (safe mode), without it in plain text."},
		{Name: EnvTokenPrevious, Secret: true, Help: "The token before a rotation, accepted beside the current one until this is removed."},
		{Name: EnvAESKeyPrevious, Secret: true, Help: "The EncodingAESKey before a rotation, accepted beside the current one until this is removed."},
		{Name: EnvPushSecrets, Secret: true, Example: `{"shop":{"token":"...","encodingAESKey":"..."}}`, Help: "The same for any number of accounts, to run functions locally: a JSON object, account name (or AppID) to `token`, `encodingAESKey`, `previousToken` and `previousEncodingAESKey`, of which only `token` is required."},
		{Name: EnvPushSecretsARN, Example: "arn:aws:secretsmanager:...", Help: "Secrets Manager secret that holds the same JSON object (the name of one account is `default`), cached for 300 s at most and read again when a push does not verify, at most once in 5 s. It is another secret than that of `WECHAT_SECRETS_ARN`, so that the verify function never reads an AppSecret."},
		{Name: EnvPushWindow, Help: "How far a push's timestamp may be from now, from `1m` to `24h`. An older push is refused as a replay."},
		{Name: EnvDomainProofs, Example: "AbCdEf0123456789", Help: "Codes of WeChat's domain proofs, a comma list: `CODE` serves CODE as `/MP_verify_CODE.txt`, as the file that WeChat's console gives holds it; `CODE=CONTENT` serves CONTENT."},
		{Name: EnvEventBus, Example: "wechatfn", Help: "Name or ARN of the EventBridge bus that takes the messages."},
		{Name: EnvReplyFunction, Example: "wechat-replies", Help: "Name or ARN of a Lambda function that answers messages: it gets the message and returns the reply. Without one nothing is replied."},
		{Name: EnvTableName, Example: "wechatfn", Help: "Name of the DynamoDB table."},
		{Name: EnvOpenBase, Help: "Where WeChat's login pages are. Locally it can be a simulator."},
		{Name: EnvPublicURL, Example: "https://api.example.com", Help: "Our own address, for logins; WeChat must know its host (网页授权域名). Without it, the host of the request is used, which API Gateway has checked."},
		{Name: EnvSessionTTL, Help: "How long after a login its session ends, whatever happens."},
		{Name: EnvSessionIdle, Help: "How long after its last use a session ends."},
		{Name: EnvSessionDevices, Help: "Sessions that a user may have in an app; one more ends the oldest, and before that any that a newer login on the same device has replaced."},
		{Name: EnvMiniSessionTTL, Help: "How long after a mini-program's login its session ends, used or not."},
		{Name: EnvMiniDataAge, Help: "How far the time in a mini-program's encrypted data may be from now, from `1m` to `24h`."},
		{Name: EnvLogLevel, Help: "`debug`, `info`, `warn` or `error`. `warn` leaves out the line of each request, and with it the counts of signatures, pushes and logins in CloudWatch."},
	}
	for i, v := range variables {
		variables[i].Default = defaultOf(v.Name)
	}
	return variables
}
