package stack

// The functions' metrics, see shared/metrics.
const (
	namespace = "wechatfn"
	dimension = "FunctionName"

	tokenSecondsLeft  = "TokenSecondsLeft"
	ticketSecondsLeft = "TicketSecondsLeft"
	refreshed         = "Refreshed"
	refreshFailed     = "RefreshFailed"
	whitelistRefused  = "WhitelistRefused"
	signed            = "Signed"
	notSigned         = "NotSigned"
	pushed            = "Pushed"
	pushRefused       = "PushRefused"
	loggedIn          = "LoggedIn"
)
