package message

import (
	"errors"
	"time"

	"wechatfn/shared/problem"
)

var (
	errSignature  = problem.SignatureInvalid.New("the signature is not the one that this account's token makes of timestamp and nonce")
	errStale      = problem.TimestampStale.New("the timestamp is too far from now")
	errEchostr    = problem.EchostrInvalid.New("echostr must have 1 to 256 letters, digits and -_=+/")
	errUnknownApp = problem.PushAppUnknown.New("there is no account of that name that takes pushes")
	errNoProof    = problem.ProofNotFound.New("no such proof is configured")
)

// refused is one answer for every push that is not WeChat's: which check it
// failed is for the log.
func refused(cause error) *problem.Problem {
	return &problem.Problem{
		Type:   &problem.PushRefused,
		Detail: "this is not a push of WeChat's to this account, or it is too old",
		Cause:  cause,
	}
}

func badPush(cause malformed) *problem.Problem {
	return &problem.Problem{
		Type:   &problem.PushMalformed,
		Detail: "the body cannot be read: " + string(cause),
		Cause:  cause,
	}
}

func noSecrets(cause error) *problem.Problem {
	return &problem.Problem{
		Type:       &problem.PushSecretsUnavailable,
		Detail:     "the token and AES key of the account could not be read",
		RetryAfter: 2 * time.Second,
		Cause:      cause,
	}
}

// pushInProgress and deliveryFailed are 5xx, so that WeChat sends the push again.
func pushInProgress() *problem.Problem {
	return &problem.Problem{
		Type:       &problem.PushInProgress,
		Detail:     "another delivery of the same push is still in progress",
		RetryAfter: time.Second,
		Cause:      errInProgress,
	}
}

func deliveryFailed(cause error) *problem.Problem {
	return &problem.Problem{
		Type:   &problem.DeliveryFailed,
		Detail: "the message could not be delivered; it will be accepted when it is sent again",
		Cause:  cause,
	}
}

// problemOf turns what open returns into the answer.
func problemOf(err error) error {
	if no, ok := errors.AsType[refusal](err); ok {
		return refused(no)
	}
	if bad, ok := errors.AsType[malformed](err); ok {
		return badPush(bad)
	}
	return err
}
