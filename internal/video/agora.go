package video

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Agora's AccessToken2, version 007:
//
//	"007" base64(zlib(signature, content))
//	content   = app id, issued at, lifetime, salt, number of services, services
//	service   = type, {privilege: lifetime}, channel, uid
//	signature = HMAC-SHA256(key, content)
//	key       = HMAC-SHA256(salt, HMAC-SHA256(issued at, certificate))
//
// Numbers are little-endian, of 16 or 32 bits, texts and maps have their length before them in 16 bits. Times are seconds,
// lifetimes count from the time of issue.
const (
	agoraVersion    = "007"
	agoraServiceRTC = 1
	agoraLongest    = 24 * time.Hour // a token's life, by Agora's rule
	agoraSaltBelow  = 100_000_000
)

// The privileges of Agora's service RTC.
const (
	agoraJoinChannel  uint16 = 1
	agoraPublishAudio uint16 = 2
	agoraPublishVideo uint16 = 3
	agoraPublishData  uint16 = 4
)

// agora signs for one project at Agora.
type agora struct {
	appID, certificate string
	salt               func() uint32
}

var errAgoraID = errors.New("is not 32 hexadecimal digits")

// CheckAgoraID says whether a text can be an app id or a certificate of Agora's. The error does not quote it.
func CheckAgoraID(text string) error {
	if raw, err := hex.DecodeString(text); err != nil || len(raw) != 16 {
		return errAgoraID
	}
	return nil
}

// NewAgora makes a Signer for a project at Agora, from its app id and its primary certificate.
func NewAgora(appID, certificate string) (Signer, error) {
	if err := errors.Join(CheckAgoraID(appID), CheckAgoraID(certificate)); err != nil {
		return nil, fmt.Errorf("the app id or the certificate of Agora %w", errAgoraID)
	}
	return &agora{appID: appID, certificate: certificate, salt: randomSalt}, nil
}

// String keeps the certificate out of whatever prints the signer.
func (a *agora) String() string { return "Agora's project " + a.appID }

// Sign makes an AccessToken2 with the service RTC: who watches may join, the host may publish as well.
func (a *agora) Sign(g Grant) (Token, error) {
	if g.Lifetime > agoraLongest {
		return Token{}, fmt.Errorf("a token of Agora's lives for %s at most", agoraLongest)
	}
	issued, lifetime := uint32(g.IssuedAt.Unix()), uint32(g.Lifetime/time.Second)
	signed, err := a.build(issued, lifetime, a.salt(), rtcService(g, lifetime))
	return Token{
		Provider: Agora, AppID: &a.appID, Channel: g.Channel, UID: g.uid(), Token: signed, Role: g.Role,
		ExpiresAt: time.Unix(int64(issued)+int64(lifetime), 0).UTC(),
	}, err
}

// rtcService is the service RTC of a grant, packed. Each privilege lives as long as the token.
func rtcService(g Grant, lifetime uint32) []byte {
	privileges := []uint16{agoraJoinChannel}
	if g.Role == Host {
		privileges = append(privileges, agoraPublishAudio, agoraPublishVideo, agoraPublishData)
	}
	b := binary.LittleEndian.AppendUint16(nil, agoraServiceRTC)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(privileges)))
	for _, privilege := range privileges { // in ascending order, as the provider's own libraries write them
		b = binary.LittleEndian.AppendUint16(b, privilege)
		b = binary.LittleEndian.AppendUint32(b, lifetime)
	}
	return appendText(appendText(b, g.Channel), g.uid())
}

// build signs and packs a token of some services, which are packed already.
func (a *agora) build(issued, lifetime, salt uint32, services ...[]byte) (string, error) {
	content := appendText(nil, a.appID)
	content = binary.LittleEndian.AppendUint32(content, issued)
	content = binary.LittleEndian.AppendUint32(content, lifetime)
	content = binary.LittleEndian.AppendUint32(content, salt)
	content = binary.LittleEndian.AppendUint16(content, uint16(len(services)))
	content = append(content, bytes.Join(services, nil)...)

	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, err := w.Write(append(appendText(nil, string(a.signature(issued, salt, content))), content...))
	if err = cmp.Or(err, w.Close()); err != nil {
		return "", fmt.Errorf("pack a token: %w", err)
	}
	return agoraVersion + base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// signature is over all of the content, by a key that the certificate makes for this token alone.
func (a *agora) signature(issued, salt uint32, content []byte) []byte {
	key := mac(binary.LittleEndian.AppendUint32(nil, issued), []byte(a.certificate))
	key = mac(binary.LittleEndian.AppendUint32(nil, salt), key)
	return mac(key, content)
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// appendText packs a text: its length, then itself.
func appendText(b []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(text))), text...)
}

// randomSalt makes each token's key its own. It lies between 1 and 99,999,999.
func randomSalt() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the process instead
	return 1 + binary.LittleEndian.Uint32(b[:])%(agoraSaltBelow-1)
}
