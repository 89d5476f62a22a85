package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

const (
	appID       = "970CA35de60c44645bbae8a215061b33"
	certificate = "5CFd2fd1755d40ecb72977518be15d3b"
)

func TestVideoSettings(t *testing.T) {
	t.Parallel()
	agora := []string{"SOUK_VIDEO=agora", "AGORA_APP_ID=" + appID, "AGORA_APP_CERTIFICATE=" + certificate}
	livekit := []string{"SOUK_VIDEO=livekit", "LIVEKIT_URL=wss://livekit.example", "LIVEKIT_API_KEY=APIabc", "LIVEKIT_API_SECRET=verysecret"}
	for name, c := range map[string]struct {
		environ, blamed []string
		signer          string
	}{
		"none":                           {nil, nil, "<nil>"},
		"none by name":                   {[]string{"SOUK_VIDEO=none"}, nil, "<nil>"},
		"agora":                          {agora, nil, "Agora's project " + appID},
		"agora without a certificate":    {agora[:2], []string{"AGORA_APP_CERTIFICATE"}, ""},
		"agora with nothing":             {agora[:1], []string{"AGORA_APP_CERTIFICATE", "AGORA_APP_ID"}, ""},
		"agora with a longer id":         {append(agora[:2:2], "AGORA_APP_CERTIFICATE="+certificate+"00"), []string{"AGORA_APP_CERTIFICATE"}, ""},
		"agora with an id that is no id": {[]string{agora[0], "AGORA_APP_ID=g" + appID[1:], agora[2]}, []string{"AGORA_APP_ID"}, ""},
		"livekit":                        {livekit, nil, "LiveKit at wss://livekit.example"},
		"livekit without a secret":       {livekit[:3], []string{"LIVEKIT_API_SECRET"}, ""},
		"livekit with agora's settings":  {append(agora[1:], livekit[0]), []string{"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL"}, ""},
		"livekit by http":                {append(livekit[2:], livekit[0], "LIVEKIT_URL=http://x"), []string{"LIVEKIT_URL"}, ""},
		"livekit with a password":        {append(livekit[2:], livekit[0], "LIVEKIT_URL=wss://a:b@x"), []string{"LIVEKIT_URL"}, ""},
		"who":                            {[]string{"SOUK_VIDEO=AGORA"}, []string{"SOUK_VIDEO"}, ""},
	} {
		if got := blamed(t, c.environ); !slices.Equal(got, c.blamed) {
			t.Errorf("%s: blamed %q, want %q", name, got, c.blamed)
		}
		config, err := loadConfig(c.environ)
		if err != nil {
			for _, secret := range []string{certificate, "verysecret"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: a secret is in %q", name, err)
				}
			}
			continue
		}
		signer, err := videoSigner(config)
		if err != nil || fmt.Sprint(signer) != c.signer {
			t.Errorf("%s: signs with %v, %v; want %s", name, signer, err, c.signer)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "settings", config, "signer", signer)
		text := log.String() + fmt.Sprintf("%v %+v %#v", config, signer, config.AgoraAppCertificate)
		if strings.Contains(text, certificate) || strings.Contains(text, "verysecret") {
			t.Errorf("%s: a secret is in the log: %s", name, text)
		}
	}
}

func TestVideoWarnings(t *testing.T) {
	t.Parallel()
	c, err := loadConfig([]string{"AGORA_APP_ID=" + appID})
	if w := c.warnings(); err != nil || len(w) != 1 || !strings.HasPrefix(w[0], "AGORA_APP_ID") {
		t.Errorf("%q, %v", w, err)
	}
	c, err = loadConfig(append(inProduction(), "SOUK_VIDEO=livekit", "LIVEKIT_URL=ws://x", "LIVEKIT_API_KEY=k", "LIVEKIT_API_SECRET=s"))
	if w := c.warnings(); err != nil || len(w) != 1 || !strings.HasPrefix(w[0], "LIVEKIT_URL") {
		t.Errorf("%q, %v", w, err)
	}
}
