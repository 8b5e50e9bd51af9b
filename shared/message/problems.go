package message

import (
	"errors"

	"wechatfn/shared/problem"
)

var (
	errSignature  = problem.SignatureInvalid.New("the signature is not the one that this account's token makes of timestamp and nonce")
	errStale      = problem.TimestampStale.New("the timestamp is too far from now")
	errEchostr    = problem.EchostrInvalid.New("echostr must have 1 to 256 letters, digits and -_=+/")
	errUnknownApp = problem.PushAppUnknown.New("there is no account of that name that takes pushes")
	errNoProof    = problem.ProofNotFound.New("no such proof is configured")
	errNoSecrets  = problem.PushSecretsUnavailable.New("the token and AES key of the account could not be read")

	// errRefused is one answer for every push that is not WeChat's: which check failed is
	// for the log.
	errRefused = problem.PushRefused.New("this is not a push of WeChat's to this account, or it is too old")

	// These two are 5xx, so that WeChat sends the push again.
	errPushInProgress = problem.PushInProgress.New("another delivery of the same push is still in progress")
	errNotDelivered   = problem.DeliveryFailed.New("the message could not be delivered; it will be accepted when it is sent again")
)

// problemOf turns what open returns into the answer.
func problemOf(err error) error {
	if no, ok := errors.AsType[refusal](err); ok {
		return errRefused.Because(no)
	}
	if bad, ok := errors.AsType[malformed](err); ok {
		return problem.PushMalformed.New("the body cannot be read: " + string(bad)).Because(bad)
	}
	return err
}
