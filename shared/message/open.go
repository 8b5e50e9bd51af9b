package message

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/web"
)

// query is what WeChat appends to the URL. encrypt_type is not read: whether pushes
// must be encrypted is configured, a request cannot decide it.
type query struct {
	signature, msgSignature, timestamp, nonce, echostr, app string
}

// maxNonce bounds what a reply has to repeat; WeChat's have about ten digits.
const maxNonce = 128

// verified checks the signature of the URL.
func (q *query) verified(ring *Keyring) error {
	_, err := ring.verify(q.signature, q.timestamp, q.nonce)
	return err
}

// fresh limits for how long somebody who has seen a push can send it again. The store
// holds the item of a push for longer than that.
func (q *query) fresh(now time.Time, window time.Duration) error {
	seconds, err := strconv.ParseInt(q.timestamp, 10, 64)
	most := int64(window.Seconds())
	if err != nil || len(q.nonce) > maxNonce || seconds < now.Unix()-most || seconds > now.Unix()+most {
		return refusedStale
	}
	return nil
}

// push is a verified push.
type push struct {
	*Message
	xml  bool
	seal *seal // nil: it came in plain text, and the reply goes so
}

// open verifies, decrypts and reads a push. Errors: a refusal, a malformed.
func (ring *Keyring) open(account account.Account, q *query, body []byte) (*push, error) {
	if !ring.Encrypted() {
		return ring.openPlain(account, q, body)
	}
	return ring.openSealed(account, q, body)
}

func (ring *Keyring) openPlain(account account.Account, q *query, body []byte) (*push, error) {
	if err := q.verified(ring); err != nil {
		return nil, err
	}
	t, isXML, err := parse(body)
	if err != nil {
		return nil, genuine(err)
	}
	if t.get("MsgType") == "" && t.get("Encrypt") != "" {
		return nil, refusedNoKey
	}
	m, err := t.message(account)
	return &push{Message: m, xml: isXML}, err
}

// openSealed trusts only what was encrypted. It does not read the plain fields that
// compatible mode sends beside it.
func (ring *Keyring) openSealed(account account.Account, q *query, body []byte) (*push, error) {
	if q.msgSignature == "" {
		return nil, refusedPlain
	}
	envelope, _, err := parse(body)
	if err != nil {
		return nil, err
	}
	encrypted := envelope.get("Encrypt")
	token, err := ring.verify(q.msgSignature, q.timestamp, q.nonce, encrypted)
	if err != nil {
		return nil, err
	}
	text, key, err := ring.decrypt(encrypted)
	if err != nil {
		return nil, err
	}
	t, isXML, err := parse(text)
	if err != nil {
		return nil, genuine(err)
	}
	m, err := t.message(account)
	if err == nil && q.hasSwappedStamps(m.CreateTime) {
		return nil, refusedStale
	}
	return &push{m, isXML, &seal{token, key, account.AppID, q.nonce}}, err
}

// errGenuine: the push is WeChat's, whatever else is wrong with it.
var errGenuine = errors.New("message: a genuine push")

func genuine(err error) error { return fmt.Errorf("%w: %w", errGenuine, err) }

// hasSwappedStamps reports whether timestamp and nonce have changed places. The
// signature does not show it, since it sorts its parts: a nonce may look like a time in
// the future, and at that time an old push would be fresh again. CreateTime in the
// message says when it was made.
func (q *query) hasSwappedStamps(made int64) bool {
	const farApart = 24 * 60 * 60
	timestamp, _ := strconv.ParseInt(q.timestamp, 10, 64)
	nonce, err := strconv.ParseInt(q.nonce, 10, 64)
	return err == nil && made > 0 && distance(timestamp, made) > farApart && distance(nonce, made) < farApart
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// seal encrypts the reply to a push, with the secrets that the push was made with.
type seal struct {
	token string
	key   *aesKey
	appID string
	nonce string // of the request; the reply repeats it
}

// envelope is what an encrypted reply looks like.
type envelope struct {
	Encrypt      string
	MsgSignature string
	TimeStamp    int64
	Nonce        string
}

// encrypt encrypts and signs the text of a reply. random are randomSize bytes.
func (s *seal) encrypt(text string, random []byte, now int64) envelope {
	encrypted := s.key.encrypt(random, text, s.appID)
	return envelope{encrypted, Sign(s.token, strconv.FormatInt(now, 10), s.nonce, encrypted), now, s.nonce}
}

func (e envelope) json() (string, error) {
	text, err := json.Marshal(e)
	return string(text), err
}

func (e envelope) xml() string {
	var w xmlWriter
	w.element("xml", func() {
		w.text("Encrypt", e.Encrypt)
		w.text("MsgSignature", e.MsgSignature)
		w.number("TimeStamp", e.TimeStamp)
		w.text("Nonce", e.Nonce)
	})
	return w.String()
}

// readQuery is the query of a request, each parameter once.
func readQuery(q *web.Query) *query {
	return &query{q.Get("signature"), q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), q.Get("echostr"), q.Get("app")}
}
