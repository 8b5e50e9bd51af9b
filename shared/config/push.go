package config

// PushSecrets is what verifies and decrypts the pushes of one account. The
// previous ones are accepted beside the current ones, so that a rotation loses no
// message.
type PushSecrets struct {
	Token  Secret // "Token" in WeChat's console; never zero
	AESKey Secret // "EncodingAESKey", 43 characters; zero: pushes come in plain text

	PreviousToken, PreviousAESKey Secret // may be zero
}
