package push

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pushRequest is a delivery before it is sent, so that a repeat can be the same.
type request struct {
	timestamp, nonce string
	url, contentType string
	body             []byte
}

func (r *request) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", r.contentType)
	return req, nil
}

// Request is a delivery of m that is not sent. Altered or not, Send sends it.
func (p *Sender) Request(ctx context.Context, m Message) (*http.Request, error) {
	r, err := p.draft(m)
	if err != nil {
		return nil, err
	}
	return r.request(ctx)
}

// RequestRaw is Request for a message that was written elsewhere, and need be none: plain is
// encrypted and signed as it is. In compatible mode Encrypt goes in before its last tag or brace.
func (p *Sender) RequestRaw(ctx context.Context, plain []byte, to, from string) (*http.Request, error) {
	r, err := p.draftRaw(plain, to, from)
	if err != nil {
		return nil, err
	}
	return r.request(ctx)
}

func (p *Sender) draft(m Message) (*request, error) {
	plain, err := p.Write(m)
	if err != nil {
		return nil, err
	}
	return p.draftRaw(plain, m.Text("ToUserName"), m.Text("FromUserName"))
}

// Write is the plain message in the Sender's format.
func (p *Sender) Write(m Message) ([]byte, error) {
	if p.cfg.JSON {
		return m.JSON()
	}
	return m.xml(p.cfg.XMLLines)
}

func (p *Sender) draftRaw(plain []byte, to, from string) (*request, error) {
	r, err := p.stamp()
	if err != nil {
		return nil, err
	}
	r.body, r.contentType = plain, p.cfg.ContentType
	q := []string{
		"signature", sign(p.cfg.Token, r.timestamp, r.nonce),
		"timestamp", r.timestamp, "nonce", r.nonce, "openid", from,
	}
	if p.cfg.Mode != Plain {
		encrypted, err := p.encrypt(plain)
		if err != nil {
			return nil, err
		}
		q = append(q, "encrypt_type", "aes", "msg_signature", sign(p.cfg.Token, r.timestamp, r.nonce, encrypted))
		if r.body, err = p.envelope(plain, to, encrypted); err != nil {
			return nil, err
		}
	}
	r.url = p.url(q)
	return r, nil
}

// stamp starts a request with a timestamp and a nonce of its own: a decimal number, as WeChat's are.
func (p *Sender) stamp() (*request, error) {
	b, err := p.random(4)
	if err != nil {
		return nil, err
	}
	return &request{
		timestamp: strconv.FormatInt(p.cfg.Now().Unix(), 10),
		nonce:     strconv.FormatUint(uint64(binary.BigEndian.Uint32(b)), 10),
	}, nil
}

// encrypt puts 16 random bytes in front, which in all of WeChat's samples are hex digits.
func (p *Sender) encrypt(plain []byte) (string, error) {
	b, err := p.random(randomSize / 2)
	if err != nil {
		return "", err
	}
	return seal(p.key, []byte(hex.EncodeToString(b)), plain, p.cfg.AppID)
}

func (p *Sender) random(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(p.cfg.Rand, b)
	return b, err
}

// echoString is a decimal number of 63 bits.
func echoString(b []byte) string {
	return strconv.FormatUint(binary.BigEndian.Uint64(b)>>1, 10)
}

// envelope is the body of an encrypted push.
func (p *Sender) envelope(plain []byte, to, encrypted string) ([]byte, error) {
	if p.cfg.Mode == Compatible {
		return p.splice(plain, encrypted)
	}
	m := Message{{"ToUserName", to}, {"Encrypt", encrypted}}
	if p.cfg.JSON {
		return m.JSON()
	}
	return m.XML()
}

// splice adds Encrypt to a message as its last field.
func (p *Sender) splice(plain []byte, encrypted string) ([]byte, error) {
	end, field := "</xml>", Message{{"Encrypt", encrypted}}
	extra, err := field.xmlFields(p.cfg.XMLLines)
	if p.cfg.JSON {
		end = "}"
		extra, err = json.Marshal(encrypted)
		extra = append([]byte(`,"Encrypt":`), extra...)
	}
	at := bytes.LastIndex(plain, []byte(end))
	if at < 0 || err != nil {
		return nil, errors.Join(err, errors.New("push: the message has no end to put Encrypt before"))
	}
	return bytes.Join([][]byte{plain[:at], plain[at:]}, extra), nil
}

// url appends names and values, in WeChat's order, to the server URL.
func (p *Sender) url(namesAndValues []string) string {
	var q []string
	if p.target.RawQuery != "" {
		q = append(q, p.target.RawQuery)
	}
	for i := 0; i < len(namesAndValues); i += 2 {
		q = append(q, namesAndValues[i]+"="+url.QueryEscape(namesAndValues[i+1]))
	}
	u := *p.target
	u.RawQuery, u.Fragment = strings.Join(q, "&"), ""
	return u.String()
}
