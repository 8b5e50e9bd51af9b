package push

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Reply is a passive reply that WeChat would show to the user.
// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Passive_user_reply_message.html
type Reply struct {
	Type      string // its MsgType
	Plain     string // XML or JSON, decrypted
	Encrypted bool
}

// readReply judges the body of an answer with status 200. An error is why WeChat refuses it.
func (p *Sender) readReply(body string, s *Series) (*Reply, string, error) {
	switch body {
	case "":
		return nil, "empty, so no reply", nil
	case "success":
		return nil, "success, so no reply", nil
	}
	root, err := p.parse(body)
	if err != nil {
		return nil, "", err
	}
	reply := &Reply{Plain: body}
	envelope, err := root.one("Encrypt")
	if err != nil {
		return nil, "", err
	}
	switch {
	case envelope != nil:
		if root, err = p.openReply(root, s.nonces, reply); err != nil {
			return nil, "", err
		}
	case p.cfg.Mode == Secure:
		return nil, "", errors.New("the reply to an encrypted push is not encrypted")
	}
	if reply.Type, err = checkReply(root, s.message); err != nil {
		return nil, "", err
	}
	return reply, "a reply of type " + reply.Type, nil
}

// parse takes the format of the push and no other.
func (p *Sender) parse(body string) (*node, error) {
	want, other := "<", "{"
	if p.cfg.JSON {
		want, other = other, want
	}
	format := map[string]string{"<": "XML", "{": "JSON"}
	switch {
	case strings.HasPrefix(body, "\ufeff"):
		return nil, errors.New("the answer starts with a byte order mark")
	case strings.HasPrefix(strings.TrimSpace(body), other):
		return nil, fmt.Errorf("the answer to a push in %s is in %s", format[want], format[other])
	case !strings.HasPrefix(body, want):
		return nil, fmt.Errorf("the answer is neither empty nor success nor %s: %s", format[want], excerpt(body))
	}
	read := parseXML
	if p.cfg.JSON {
		read = parseJSON
	}
	root, err := read(body)
	if err != nil {
		return nil, fmt.Errorf("the answer cannot be read: %w", err)
	}
	return root, nil
}

// openReply verifies and decrypts an encrypted reply. nonces are those it may bear.
func (p *Sender) openReply(root *node, nonces []string, reply *Reply) (*node, error) {
	if p.cfg.Mode == Plain {
		return nil, errors.New("the reply to a plain push is encrypted")
	}
	plain, err := p.open(root, nonces)
	if err != nil {
		return nil, fmt.Errorf("the encrypted reply: %w", err)
	}
	reply.Encrypted, reply.Plain = true, plain
	if root, err = p.parse(plain); err != nil {
		return nil, fmt.Errorf("within the encrypted reply: %w", err)
	}
	return root, nil
}

func (p *Sender) open(root *node, nonces []string) (string, error) {
	var texts [4]string
	for i, name := range []string{"Encrypt", "MsgSignature", "TimeStamp", "Nonce"} {
		var err error
		if texts[i], err = root.filled(name); err != nil {
			return "", err
		}
	}
	encrypted, signature, timestamp, nonce := texts[0], texts[1], texts[2], texts[3]
	if err := number(root, "TimeStamp", p.cfg.JSON); err != nil {
		return "", err
	}
	if sign(p.cfg.Token, timestamp, nonce, encrypted) != signature {
		return "", errors.New("MsgSignature does not fit Encrypt, TimeStamp, Nonce and the Token")
	}
	if !p.cfg.AnyReplyNonce && !slices.Contains(nonces, nonce) {
		return "", errors.New("the Nonce is not that of the push")
	}
	plain, err := unseal(p.key, encrypted, p.cfg.AppID)
	return string(plain), err
}

// number checks a field that must be a whole number.
func number(n *node, name string, inJSON bool) error {
	text, err := n.filled(name)
	if err != nil {
		return err
	}
	f, err := n.one(name)
	if err == nil {
		_, err = strconv.ParseUint(text, 10, 63)
	}
	if err != nil || inJSON && !f.number {
		return fmt.Errorf("%s is not a number", name)
	}
	return nil
}

// checkReply checks a plain reply and returns its type.
func checkReply(root *node, m Message) (string, error) {
	for _, swapped := range [][2]string{{"ToUserName", "FromUserName"}, {"FromUserName", "ToUserName"}} {
		field, of := swapped[0], swapped[1]
		got, err := root.filled(field)
		if err != nil {
			return "", fmt.Errorf("the reply: %w", err)
		}
		if want := m.Text(of); got != want {
			return "", fmt.Errorf("the reply: %s is %q, but %s of the push was %q", field, got, of, want)
		}
	}
	if err := number(root, "CreateTime", false); err != nil {
		return "", fmt.Errorf("the reply: %w", err)
	}
	typ, err := root.filled("MsgType")
	if err == nil {
		err = checkType(root, typ)
	}
	if err != nil {
		return "", fmt.Errorf("the reply: %w", err)
	}
	return typ, nil
}

// within are the fields that a type needs, inside the element that goes with it.
func within(typ string) (element string, needed []string) {
	switch typ {
	case "image":
		return "Image", []string{"MediaId"}
	case "voice":
		return "Voice", []string{"MediaId"}
	case "video":
		return "Video", []string{"MediaId"}
	case "music":
		return "Music", []string{"ThumbMediaId"}
	}
	return "", nil
}

func checkType(root *node, typ string) error {
	switch typ {
	case "text":
		_, err := root.filled("Content")
		return err
	case "news":
		return checkNews(root)
	case "transfer_customer_service":
		return nil // TransInfo, the one to transfer to, is a choice
	}
	name, needed := within(typ)
	if name == "" {
		return fmt.Errorf("MsgType %q is none that can be a reply", typ)
	}
	element, err := root.one(name)
	if err != nil {
		return err
	}
	if element == nil {
		return fmt.Errorf("%s is missing", name)
	}
	for _, field := range needed {
		if _, err := element.filled(field); err != nil {
			return fmt.Errorf("in %s, %w", name, err)
		}
	}
	return nil
}

func checkNews(root *node) error {
	count, err := root.filled("ArticleCount")
	if err != nil {
		return err
	}
	items := root.all("Articles") // a list, in JSON
	if len(items) == 1 && (len(items[0].fields) == 0 || len(items[0].all("item")) > 0) {
		items = items[0].all("item")
	}
	if len(items) == 0 {
		return errors.New("there is no item in Articles")
	}
	if count != fmt.Sprint(len(items)) {
		return fmt.Errorf("ArticleCount is %s, but there are %d items", count, len(items))
	}
	for i, item := range items {
		if err := checkArticle(item); err != nil {
			return fmt.Errorf("in item %d, %w", i+1, err)
		}
	}
	return nil
}

// checkArticle wants the four fields that WeChat's page calls necessary. All but the title may be
// empty.
func checkArticle(item *node) error {
	if _, err := item.filled("Title"); err != nil {
		return err
	}
	for _, name := range []string{"Description", "PicUrl", "Url"} {
		if f, err := item.one(name); err != nil || f == nil {
			return fmt.Errorf("%s is missing or stands twice", name)
		}
	}
	return nil
}
