package store

// The kinds of items. A key begins with its kind and a '#'. IAM grants each
// function its kinds alone (see package manifest), and log lines name the kind
// without the identifiers that follow.
const (
	KindToken          = "token"           // token#APPID: what the refresher knows of an account
	KindTicket         = "ticket"          // ticket#APPID#TYPE: a ticket for the signature function
	KindRefreshRequest = "refresh_request" // refresh_request#APPID: asks the refresher to run
	KindSignature      = "signature"       // signature#APPID#HASH: the cached signature of a page
	KindState          = "state"           // state#HASH: a login that has begun
	KindCode           = "code"            // code#HASH: a one-time login code
	KindSession        = "session"         // session#HASH: a login session
	KindUser           = "user"            // user#APPID#OPENID: a user and the list of their sessions
	KindUnion          = "union"           // union#UNIONID: the users that are the same person
	KindPush           = "push"            // push#HASH: a push that was received, so that it is delivered once
)

const separator = '#'

// Key returns the key kind#part#part... No part may contain a '#'.
func Key(kind string, parts ...string) string {
	key := make([]byte, 0, 128) // long enough for most keys, so that they need one allocation
	key = append(key, kind...)
	for _, part := range parts {
		key = append(key, separator)
		key = append(key, part...)
	}
	return string(key)
}

// Prefix returns the part that all keys of a kind begin with: kind#.
func Prefix(kind string) string { return kind + string(separator) }

// Attributes of the table in DynamoDB that its definition names.
const (
	TableKey = "pk"         // the partition key
	TableTTL = "expires_at" // Unix seconds, after which DynamoDB deletes the item
)
