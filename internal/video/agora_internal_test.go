package video

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"time"
)

// What Agora's own libraries make of these is in their tests (AgoraIO/Tools, DynamicKey/AgoraDynamicKey): the same app id,
// certificate, channel, uid, time, lifetime and salt in each language.
const (
	vectorAppID       = "970CA35de60c44645bbae8a215061b33"
	vectorCertificate = "5CFd2fd1755d40ecb72977518be15d3b"
	vectorChannel     = "7d72365eb983485397e3e3f9d460bdda"
	vectorUID         = 2882341273
	vectorIssued      = 1111111
	vectorLifetime    = 600
	vectorSalt        = 1

	vectorJoinGo       = "007eJxSYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxoAAAAD//8JqJOM="
	vectorJoinPython   = "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCaiTj"
	vectorEmpty        = "007eJxSYEiJ9+zw7Gb1viNuGtMfy3JriuZNp+1h1iLu/rOePHlS91WBwdLcwNnR2DQl1cwg2cTEzMQ0KSkx1SLRyNDUwMwwydjY/YsAQwQTAwMjAwgAAgAA//+rZxiv"
	vectorPublishPlus  = "007eJxTYOAQsrQ5s3TfH+1tvy8zZZ46EpCc0V43JXdGd2jS8porKo4KDJbmBs6OxqYpqWYGySYmZiamSUmJqRaJRoamBmaGScbG7l8EGCKYGBgYGRgYmBgYGVgYGMF8JjDJDCZZwKQCg3mKuZGxmWlqkqWFsYmFqbGleapxqnGaZYqJmUFSSkoiF4ORhYWRsYmhkbkxyCyISZwMJanFJfGlxalFACKnKng="
	vectorPublishAlien = "test_user" // of the service RTM, which the last vector has as well
)

func vectorSigner(t *testing.T) *agora {
	t.Helper()
	signer, err := NewAgora(vectorAppID, vectorCertificate)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := signer.(*agora)
	a.salt = func() uint32 { return vectorSalt }
	return a
}

func vectorGrant(role Role) Grant {
	return Grant{Channel: vectorChannel, UID: vectorUID, Role: role, IssuedAt: time.Unix(vectorIssued, 0), Lifetime: vectorLifetime * time.Second}
}

// unpacked is a token without its compression, which differs between libraries.
func unpacked(t *testing.T, token string) []byte {
	t.Helper()
	encoded, ok := strings.CutPrefix(token, "007")
	if !ok {
		t.Fatalf("another version: %s", token)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zlib.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// A token for watching is, byte for byte, what Agora's libraries make.
func TestAgoraAudienceIsAgorasOwn(t *testing.T) {
	t.Parallel()
	got, err := vectorSigner(t).Sign(vectorGrant(Audience))
	if err != nil {
		t.Fatal(err)
	}
	for _, vector := range []string{vectorJoinGo, vectorJoinPython} {
		if !bytes.Equal(unpacked(t, got.Token), unpacked(t, vector)) {
			t.Errorf("got  %x\nwant %x", unpacked(t, got.Token), unpacked(t, vector))
		}
	}
	if got.Provider != Agora || *got.AppID != vectorAppID || got.URL != nil || got.UID != "2882341273" || got.Channel != vectorChannel ||
		got.Role != Audience || got.ExpiresAt.Unix() != vectorIssued+vectorLifetime {
		t.Errorf("%+v", got)
	}
}

func TestAgoraTokenOfNothing(t *testing.T) {
	t.Parallel()
	got, err := vectorSigner(t).build(vectorIssued, vectorLifetime, vectorSalt)
	if err != nil || !bytes.Equal(unpacked(t, got), unpacked(t, vectorEmpty)) {
		t.Errorf("%s, %v", got, err)
	}
}

// The vector with all privileges has the service RTM beside RTC: RTC is ours, byte for byte, and all of it together has the
// signature that we make.
func TestAgoraHostIsAgorasOwn(t *testing.T) {
	t.Parallel()
	a := vectorSigner(t)
	want := unpacked(t, vectorPublishPlus)
	head := 2 + 32 + 2 + 32 + 3*4 + 2
	rtc := rtcService(vectorGrant(Host), vectorLifetime)
	rtm := []byte{2, 0, 1, 0, 1, 0}
	rtm = appendText(binary.LittleEndian.AppendUint32(rtm, vectorLifetime), vectorPublishAlien)
	if got := want[head : head+len(rtc)]; !bytes.Equal(got, rtc) {
		t.Errorf("RTC is %x, want %x", rtc, got)
	}
	got, err := a.build(vectorIssued, vectorLifetime, vectorSalt, rtc, rtm)
	if err != nil || !bytes.Equal(unpacked(t, got), want) {
		t.Errorf("got  %x\nwant %x, %v", unpacked(t, got), want, err)
	}
}

func TestAgoraSaltsEachToken(t *testing.T) {
	t.Parallel()
	signer, err := NewAgora(vectorAppID, vectorCertificate)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 20 {
		got, err := signer.Sign(vectorGrant(Host))
		if err != nil {
			t.Fatal(err)
		}
		content := unpacked(t, got.Token)
		salt := binary.LittleEndian.Uint32(content[2+32+2+32+8:])
		if salt < 1 || salt >= agoraSaltBelow {
			t.Errorf("a salt of %d", salt)
		}
		seen[got.Token] = true
	}
	if len(seen) < 15 {
		t.Errorf("%d different tokens of 20", len(seen))
	}
	grant := vectorGrant(Host)
	grant.Lifetime = 24*time.Hour + time.Second
	if got, err := signer.Sign(grant); err == nil {
		t.Errorf("lives for more than a day: %+v", got)
	}
}

func TestAgoraIDs(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "abc", "Z" + vectorAppID[1:], vectorAppID + "00", vectorAppID[2:], strings.Repeat("é", 16)} {
		if _, err := NewAgora(wrong, vectorCertificate); err == nil {
			t.Errorf("%q is taken for an app id", wrong)
		}
		if _, err := NewAgora(vectorAppID, wrong); err == nil || (wrong != "" && strings.Contains(err.Error(), wrong)) {
			t.Errorf("%q as a certificate: %v", wrong, err)
		}
	}
}
