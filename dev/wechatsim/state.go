package wechatsim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// maxPast is how many tokens, and how many tickets of a type, an account holds. That is enough to
// tell an expired value from an unknown one.
const maxPast = 64

// state is what Snapshot saves. It holds no AppSecret and no faults.
type state struct {
	Revision uint64              `json:"revision"` // increases with each change that must be saved
	Errors   uint64              `json:"errors"`   // makes request ids differ; need not be saved alone
	Apps     map[string]*account `json:"apps"`
}

type account struct {
	Issued    uint64                 `json:"issued"` // makes credentials differ
	Classic   []token                `json:"classic,omitempty"`
	Stable    []token                `json:"stable,omitempty"`
	LastForce time.Time              `json:"lastForce"`
	Tickets   map[string][]ticket    `json:"tickets"`
	Used      map[string]usage       `json:"used"`
	Allowed   map[Group][]netip.Addr `json:"allowed"` // a group that is missing is open to all
	Codes     []loginCode            `json:"codes,omitempty"`
	Grants    []grant                `json:"grants,omitempty"`
	Mini      miniState              `json:"mini,omitzero"`
}

func newState() state { return state{Apps: map[string]*account{}} }

func newAccount() *account {
	return &account{Tickets: map[string][]ticket{}, Used: map[string]usage{}, Allowed: map[Group][]netip.Addr{}}
}

// Snapshot is the state as JSON: tokens, tickets, quota counts, whitelists, login codes, user tokens
// and session keys, all unencrypted. It has no AppSecret.
func (s *Sim) Snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Marshal(s.state)
}

// Restore loads a Snapshot. It skips accounts that are not in Config; accounts that are not in the
// snapshot start empty. After an error the state is unchanged.
func (s *Sim) Restore(snapshot []byte) error {
	var saved state
	d := json.NewDecoder(bytes.NewReader(snapshot))
	d.DisallowUnknownFields()
	if err := d.Decode(&saved); err != nil {
		return fmt.Errorf("wechatsim: restore: %w", err)
	}
	if saved.Apps == nil {
		return errors.New("wechatsim: restore: not a snapshot")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	apps := map[string]*account{}
	for id := range s.apps {
		apps[id] = newAccount()
		if a := saved.Apps[id]; a != nil && a.Tickets != nil && a.Used != nil && a.Allowed != nil {
			apps[id] = a
		}
	}
	saved.Apps = apps
	s.state = saved
	return nil
}

// change runs f on an account with the lock held, and then calls OnChange.
func (s *Sim) change(appID string, f func(*account, time.Time)) error {
	s.mu.Lock()
	a := s.state.Apps[appID]
	if a == nil {
		s.mu.Unlock()
		return fmt.Errorf("wechatsim: no app %q", appID)
	}
	f(a, s.now())
	s.state.Revision++
	s.mu.Unlock()
	s.onChange()
	return nil
}

// derive makes 64 bytes that look random and depend on the seed alone.
func (s *Sim) derive(kind, appID string, n uint64) []byte {
	m := hmac.New(sha512.New, []byte(s.seed))
	fmt.Fprintf(m, "%s\x00%s\x00", kind, appID)
	_ = binary.Write(m, binary.BigEndian, n) // a hash takes anything
	return m.Sum(nil)
}

// credential makes a value of the given length in WeChat's alphabet.
func (s *Sim) credential(kind, appID string, a *account, length int) string {
	var raw []byte
	for len(raw) < length {
		a.Issued++
		raw = append(raw, s.derive(kind, appID, a.Issued)...)
	}
	return base64.RawURLEncoding.EncodeToString(raw)[:length]
}

// appendRecent appends v, and drops the oldest elements beyond maxPast.
func appendRecent[T any](past []T, v T) []T {
	past = append(past, v)
	return slices.Clone(past[max(0, len(past)-maxPast):])
}
